//! A commit made ready in its asker's thread: encoded once, hashed once, limits checked, large
//! bodies already on the disk. The writer only has to look and copy.

use std::collections::BTreeSet;

use super::append::{AppendError, Commit, Expected};
use super::blobs::INLINE_MAX;
use super::bytes::len32;
use super::looking::Looked;
use super::record::{Content, Hash, Kept, Record};
use crate::events::envelope::Cause;
use crate::events::ids::StreamId;
use crate::events::kind::{Fact, KINDS};

/// Events that one commit may have.
pub(super) const EVENTS_MAX: usize = 4096;

/// A fact as it will be stored.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) kind: u16,
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
}

impl Body {
    /// Whether it gets a file of its own.
    pub(super) const fn is_large(&self) -> bool {
        self.bytes.len() > INLINE_MAX
    }

    /// What stands in the frame for it.
    pub(super) fn kept(&self) -> Kept<'_> {
        if self.is_large() {
            Kept::Blob
        } else {
            Kept::Inline(&self.bytes)
        }
    }

    pub(super) fn len(&self) -> u32 {
        len32(self.bytes.len())
    }
}

/// One stream's part of a commit.
#[derive(Debug)]
pub(super) struct ReadyPart {
    pub(super) stream: StreamId,
    pub(super) expected: Expected,
    pub(super) bodies: Vec<Body>,
}

/// A commit that only waits for its turn.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) cause: Cause,
    pub(super) parts: Vec<ReadyPart>,
    /// Equal for the same streams, kinds and bodies.
    pub(super) content: Hash,
    /// How many events.
    pub(super) events: u16,
    /// Bytes of its records.
    pub(super) bytes: usize,
    /// What past epochs know of it, once somebody has looked.
    pub(super) looked: Option<Looked>,
}

/// Encodes a commit and checks its limits.
pub(super) fn prepare(commit: Commit) -> Result<Ready, AppendError> {
    let actor = commit.cause.actor.as_str().len();
    let mut content = Content::default();
    let mut streams = BTreeSet::new();
    let mut parts = Vec::with_capacity(commit.parts.len());
    let (mut events, mut bytes) = (0_usize, 0_usize);
    for part in commit.parts {
        if part.facts.is_empty() {
            return Err(invalid(format!("stream {} gets no event", part.stream)));
        }
        if !streams.insert(part.stream.clone()) {
            return Err(invalid(format!("stream {} occurs twice", part.stream)));
        }
        let stream = part.stream.as_str();
        let mut bodies = Vec::with_capacity(part.facts.len());
        for fact in &part.facts {
            if let Fact::Unknown { kind, .. } = fact
                && KINDS.iter().any(|(known, _)| known == kind)
            {
                return Err(invalid(format!(
                    "kind {kind} is known, and raw bytes are not it"
                )));
            }
            let encoded = fact.encode()?;
            let hash = *blake3::hash(&encoded).as_bytes();
            content.add(stream, fact.kind(), &hash);
            let body = Body {
                kind: fact.kind(),
                bytes: encoded,
                hash,
            };
            let inline = if body.is_large() { 0 } else { body.bytes.len() };
            bytes = bytes.saturating_add(Record::size(actor, stream.len(), inline));
            bodies.push(body);
        }
        events = events.saturating_add(bodies.len());
        parts.push(ReadyPart {
            stream: part.stream,
            expected: part.expected,
            bodies,
        });
    }
    match u16::try_from(events) {
        Ok(0) => Err(invalid("it has no event".to_owned())),
        Ok(events) if usize::from(events) <= EVENTS_MAX => Ok(Ready {
            cause: commit.cause,
            parts,
            content: content.hash(),
            events,
            bytes,
            looked: None,
        }),
        Ok(_) | Err(_) => Err(invalid(format!(
            "it has {events} events; {EVENTS_MAX} is the limit"
        ))),
    }
}

fn invalid(reason: String) -> AppendError {
    AppendError::Invalid { reason }
}

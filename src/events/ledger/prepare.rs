//! A commit made ready in its asker's thread: encoded once, hashed once, limits checked, large
//! bodies already on the disk. The writer only has to look and copy.

use std::collections::HashSet;
use std::ops::Range;

use super::append::{AppendError, Commit, Expected, Part};
use super::blobs::INLINE_MAX;
use super::bytes::len32;
use super::looking::Looked;
use super::record::{Content, Hash, Kept, Record};
use crate::events::envelope::Cause;
use crate::events::ids::StreamId;
use crate::events::kind::{Fact, KINDS};

/// Events that one commit may have.
pub(super) const EVENTS_MAX: usize = 4096;

/// Most bodies have no more bytes.
const USUAL_BODY: usize = 384;

/// A fact as it will be stored.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) kind: u16,
    pub(super) hash: Hash,
    /// Where its bytes are among those of its commit.
    range: Range<usize>,
}

impl Body {
    /// Whether it gets a file of its own.
    pub(super) fn is_large(&self) -> bool {
        self.range.len() > INLINE_MAX
    }

    pub(super) fn len(&self) -> u32 {
        len32(self.range.len())
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
    /// The bytes of all bodies.
    encoded: Vec<u8>,
    /// How many events.
    pub(super) events: u16,
    /// Bytes of its records.
    pub(super) bytes: usize,
    /// What past epochs know of it, once somebody has looked.
    pub(super) looked: Option<Looked>,
}

impl Ready {
    /// The bytes of one of its bodies.
    pub(super) fn body(&self, body: &Body) -> &[u8] {
        self.encoded.get(body.range.clone()).unwrap_or_default()
    }

    /// What stands in the frame for one of its bodies.
    pub(super) fn kept(&self, body: &Body) -> Kept<'_> {
        if body.is_large() {
            Kept::Blob
        } else {
            Kept::Inline(self.body(body))
        }
    }

    /// Equal for the same streams, kinds and bodies. Only a repeated command is asked for it.
    pub(super) fn content(&self) -> Hash {
        let mut content = Content::default();
        for part in &self.parts {
            for body in &part.bodies {
                content.add(part.stream.as_str(), body.kind, &body.hash);
            }
        }
        content.hash()
    }
}

/// Encodes a commit and checks its limits.
pub(super) fn prepare(commit: Commit) -> Result<Ready, AppendError> {
    let actor = commit.cause.actor.as_str().len();
    check_streams(&commit.parts)?;
    let facts: usize = commit.parts.iter().map(|part| part.facts.len()).sum();
    let mut encoded = Vec::with_capacity(facts.min(EVENTS_MAX).saturating_mul(USUAL_BODY));
    let mut parts = Vec::with_capacity(commit.parts.len());
    let (mut events, mut bytes) = (0_usize, 0_usize);
    for part in commit.parts {
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
            let begin = encoded.len();
            fact.encode_behind(&mut encoded)?;
            let range = begin..encoded.len();
            let body = Body {
                kind: fact.kind(),
                hash: *blake3::hash(encoded.get(range.clone()).unwrap_or_default()).as_bytes(),
                range,
            };
            let inline = if body.is_large() { 0 } else { body.range.len() };
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
            encoded,
            events,
            bytes,
            looked: None,
        }),
        Ok(_) | Err(_) => Err(invalid(format!(
            "it has {events} events; {EVENTS_MAX} is the limit"
        ))),
    }
}

fn check_streams(parts: &[Part]) -> Result<(), AppendError> {
    let mut streams = HashSet::new();
    for part in parts {
        if part.facts.is_empty() {
            return Err(invalid(format!("stream {} gets no event", part.stream)));
        }
        if !streams.insert(part.stream.as_str()) {
            return Err(invalid(format!("stream {} occurs twice", part.stream)));
        }
    }
    Ok(())
}

fn invalid(reason: String) -> AppendError {
    AppendError::Invalid { reason }
}

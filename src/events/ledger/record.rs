//! One event's bytes in the ledger, and the chain that binds it to all before it.
//!
//! The encoding is the ledger's own and frozen; `docs/ledger-format.md` is its description and
//! `tests/golden` holds its bytes.

use std::ops::Range;

use uuid::Uuid;

use super::bytes::{Reader, len32, put_short_text};
use crate::events::codec::DecodeError;
use crate::events::envelope::{Cause, Event};
use crate::events::ids::{AgentId, CommandId, CorrelationId, EventId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// A blake3 hash.
pub(super) type Hash = [u8; 32];

/// The header encoding this binary writes.
const HEADER_VERSION: u8 = 1;
/// Flag: the sixteen bytes of the causation mean something.
const HAS_CAUSATION: u16 = 1;

/// A header has at most 633 bytes; before and behind it there is a hash.
const HASHED_MAX: usize = 704;

const KEPT_INLINE: u8 = 0;
const KEPT_AS_BLOB: u8 = 1;

/// An event as it is stored, borrowing its texts and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) position: u64,
    /// Microseconds since 1970.
    pub(super) recorded_at: u64,
    /// Microseconds since 1970, as the clock said.
    pub(super) clock: u64,
    pub(super) id: Uuid,
    pub(super) version: u64,
    /// Position of the stream's event before; 0 for none.
    pub(super) previous: u64,
    pub(super) kind: u16,
    /// Which event of its commit, from 0.
    pub(super) place: u16,
    /// How many events the commit has.
    pub(super) of: u16,
    /// The key the body is encrypted with; 0 for none (reserved).
    pub(super) key: u32,
    pub(super) correlation: Uuid,
    pub(super) causation: Option<Uuid>,
    pub(super) command: Uuid,
    pub(super) actor: &'a str,
    pub(super) stream: &'a str,
    pub(super) body_len: u32,
    pub(super) payload_hash: Hash,
    pub(super) kept: Kept<'a>,
}

/// Where an event's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    /// Right here.
    Inline(&'a [u8]),
    /// In a file named after its hash.
    Blob,
}

/// Bytes that are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's bytes cannot be understood")]
pub(super) struct Malformed;

/// An event whose fields are there but do not make sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("{0}")]
    Name(#[from] crate::events::ids::NotAName),
    #[error("the body of kind {kind}: {source}")]
    Body { kind: u16, source: DecodeError },
}

impl<'a> Record<'a> {
    /// The header: everything of the event but its body. Frozen.
    pub(super) fn put_header(&self, out: &mut Vec<u8>) {
        let flags = if self.causation.is_some() {
            HAS_CAUSATION
        } else {
            0
        };
        out.push(HEADER_VERSION);
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&self.kind.to_le_bytes());
        out.extend_from_slice(&self.place.to_le_bytes());
        out.extend_from_slice(&self.of.to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
        out.extend_from_slice(&self.recorded_at.to_le_bytes());
        out.extend_from_slice(&self.clock.to_le_bytes());
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.previous.to_le_bytes());
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(self.correlation.as_bytes());
        out.extend_from_slice(self.causation.unwrap_or_default().as_bytes());
        out.extend_from_slice(self.command.as_bytes());
        out.extend_from_slice(&self.key.to_le_bytes());
        out.extend_from_slice(&self.body_len.to_le_bytes());
        put_short_text(out, self.actor);
        put_short_text(out, self.stream);
    }

    /// Appends the whole record and returns the chain hash after it.
    pub(super) fn put(&self, out: &mut Vec<u8>, chain: &Hash) -> Hash {
        let header = self.put_plain(out);
        chained(
            chain,
            out.get(header).unwrap_or_default(),
            &self.payload_hash,
        )
    }

    /// Appends the whole record and returns where its header stands.
    pub(super) fn put_plain(&self, out: &mut Vec<u8>) -> Range<usize> {
        let length_at = out.len();
        out.extend_from_slice(&[0, 0]);
        let header_at = out.len();
        self.put_header(out);
        let header_end = out.len();
        let header_len = u16::try_from(header_end.saturating_sub(header_at)).unwrap_or(u16::MAX);
        if let Some(length) = out.get_mut(length_at..header_at) {
            length.copy_from_slice(&header_len.to_le_bytes());
        }
        out.extend_from_slice(&self.payload_hash);
        match self.kept {
            Kept::Inline(body) => {
                out.push(KEPT_INLINE);
                out.extend_from_slice(body);
            }
            Kept::Blob => out.push(KEPT_AS_BLOB),
        }
        header_at..header_end
    }

    /// The next record and the bytes of its header.
    pub(super) fn read(from: &mut Reader<'a>) -> Result<(Self, &'a [u8]), Malformed> {
        let mut rest = *from;
        let read = Self::parse(&mut rest).ok_or(Malformed)?;
        *from = rest;
        Ok(read)
    }

    fn parse(from: &mut Reader<'a>) -> Option<(Self, &'a [u8])> {
        let header_len = usize::from(from.u16()?);
        let header = from.take(header_len)?;
        let mut at = Reader(header);
        if at.u8()? != HEADER_VERSION {
            return None;
        }
        let flags = at.u16()?;
        let mut record = Self {
            kind: at.u16()?,
            place: at.u16()?,
            of: at.u16()?,
            position: at.u64()?,
            recorded_at: at.u64()?,
            clock: at.u64()?,
            version: at.u64()?,
            previous: at.u64()?,
            id: at.uuid()?,
            correlation: at.uuid()?,
            causation: at
                .uuid()
                .map(|id| (flags & HAS_CAUSATION != 0).then_some(id))?,
            command: at.uuid()?,
            key: at.u32()?,
            body_len: at.u32()?,
            actor: at.short_text()?,
            stream: at.short_text()?,
            payload_hash: from.array()?,
            kept: Kept::Blob,
        };
        if flags & !HAS_CAUSATION != 0 || !at.0.is_empty() {
            return None;
        }
        record.kept = match from.u8()? {
            KEPT_INLINE => Kept::Inline(from.take(usize::try_from(record.body_len).ok()?)?),
            KEPT_AS_BLOB => Kept::Blob,
            _ => return None,
        };
        Some((record, header))
    }

    /// The event, given the bytes of its body.
    pub(super) fn event(&self, body: &[u8]) -> Result<Event, Unreadable> {
        let fact = Fact::decode(self.kind, body).map_err(|source| Unreadable::Body {
            kind: self.kind,
            source,
        })?;
        Ok(Event {
            position: Position(self.position),
            recorded_at: Timestamp::from_micros(self.recorded_at),
            clock: Timestamp::from_micros(self.clock),
            id: EventId(self.id),
            stream: StreamId::try_from(self.stream.to_owned())?,
            version: self.version,
            previous: (self.previous != 0).then_some(Position(self.previous)),
            cause: Cause {
                actor: AgentId::try_from(self.actor.to_owned())?,
                correlation: CorrelationId(self.correlation),
                causation: self.causation.map(EventId),
                command: CommandId(self.command),
            },
            fact,
        })
    }

    /// How many bytes a record takes with names and an inline body of these lengths.
    pub(super) const fn size(actor: usize, stream: usize, inline_body: usize) -> usize {
        2 + 121 + (1 + actor) + (1 + stream) + 32 + 1 + inline_body
    }
}

/// The chain hash after an event: blake3 of the hash before it, its header and its payload hash.
/// The body itself is not in it, so that it can be redacted and the chain still holds.
pub(super) fn chained(before: &Hash, header: &[u8], payload_hash: &Hash) -> Hash {
    // Headers with the longest names fit. In one piece it takes two thirds of the time that it
    // takes in three.
    let mut whole = [0; HASHED_MAX];
    let end = before.len().saturating_add(header.len());
    let length = end.saturating_add(payload_hash.len());
    if let Some(pieces) = whole.get_mut(..length)
        && let Some((first, rest)) = pieces.split_at_mut_checked(before.len())
        && let Some((second, third)) = rest.split_at_mut_checked(header.len())
    {
        first.copy_from_slice(before);
        second.copy_from_slice(header);
        third.copy_from_slice(payload_hash);
        return *blake3::hash(pieces).as_bytes();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(header);
    hasher.update(payload_hash);
    *hasher.finalize().as_bytes()
}

/// What makes two commits the same content: stream, kind and body of every event, in order.
#[derive(Debug, Default)]
pub(super) struct Content(blake3::Hasher);

impl Content {
    /// One more event.
    pub(super) fn add(&mut self, stream: &str, kind: u16, payload_hash: &Hash) {
        self.0.update(&len32(stream.len()).to_le_bytes());
        self.0.update(stream.as_bytes());
        self.0.update(&kind.to_le_bytes());
        self.0.update(payload_hash);
    }

    /// The content's hash.
    pub(super) fn hash(&self) -> Hash {
        *self.0.finalize().as_bytes()
    }
}

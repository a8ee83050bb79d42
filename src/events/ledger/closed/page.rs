//! A page: the events between two fixed positions, packed.
//!
//! What every event says anew goes into columns; what can be made again is left out: the
//! payload hash of a body that stands here, and the time in an event id. What comes out is the
//! record byte for byte as it stood in the journal, so that the chain verifies.

use uuid::Uuid;

use super::super::bytes::{Reader, len64, put_short_text, size};
use super::super::record::{Hash, Kept, Malformed, Record};
use super::columns::{Columns, put_varint, split, unzigzag, varint, zigzag};
use super::zipped::{Zipper, unzip};

/// Events of a page: the page of position `p` has number `(p - 1) / EVENTS`.
pub(in crate::events::ledger) const EVENTS: u64 = 128;
/// No page is larger when unpacked: 128 events with the longest names and inline bodies take a
/// third of it.
pub(super) const RAW_MAX: usize = 2 * 1024 * 1024;

const CAUSATION: u8 = 1;
/// The event id is a `UUIDv7` of the millisecond the event was recorded in.
const TIMELY: u8 = 2;
const HASH: u8 = 4;
const BLOB: u8 = 8;
const FLAGS: u8 = CAUSATION | TIMELY | HASH | BLOB;

// The columns of the first section.
const FLAG: usize = 0;
const KIND: usize = 1;
const PLACE: usize = 2;
const TIME: usize = 3;
const CLOCK: usize = 4;
const VERSION: usize = 5;
const PREVIOUS: usize = 6;
const KEY: usize = 7;
const LENGTH: usize = 8;
const NAMES: usize = 9;
const BODIES: usize = 10;
const COLUMNS: usize = 11;

/// The number of the page that holds a position.
pub(in crate::events::ledger) const fn number(position: u64) -> u64 {
    position.saturating_sub(1) / EVENTS
}

/// Milliseconds since 1970 in a `UUIDv7`.
pub(in crate::events::ledger) fn millis(id: Uuid) -> Option<u64> {
    let is_v7 = id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122;
    let first = Reader(id.as_bytes()).array().map(u64::from_be_bytes)?;
    is_v7.then_some(first >> 16)
}

/// Whether an event's id tells when it was recorded.
pub(in crate::events::ledger) fn is_timely(id: Uuid, recorded_at: u64) -> bool {
    millis(id) == Some(recorded_at / 1000)
}

/// A page being filled.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) first: u64,
    pub(super) count: u64,
    before: Hash,
    after: Hash,
    recorded_at: u64,
    raw: usize,
    columns: Columns<COLUMNS>,
    ids: Vec<u8>,
}

/// An event that a page cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::events::ledger) enum Unfit {
    #[error("it does not follow the event before")]
    Position,
    #[error("its stream's event before is itself")]
    Previous,
    #[error("its page would be too large")]
    Large,
}

impl Draft {
    /// An empty page whose first event will have this position, after this chain hash.
    pub(super) fn new(first: u64, before: Hash) -> Self {
        Self {
            first,
            count: 0,
            before,
            after: before,
            recorded_at: 0,
            raw: 0,
            columns: Columns::new(),
            ids: Vec::new(),
        }
    }

    /// Whether the next event belongs to another page.
    pub(super) fn is_full(&self) -> bool {
        number(self.first.saturating_add(self.count)) != number(self.first)
    }

    /// One more event; `after` is the chain hash behind it.
    pub(super) fn push(&mut self, record: &Record<'_>, after: Hash) -> Result<(), Unfit> {
        if record.position != self.first.saturating_add(self.count) || self.is_full() {
            return Err(Unfit::Position);
        }
        if record.previous == record.position {
            return Err(Unfit::Previous);
        }
        let inline = match record.kept {
            Kept::Inline(body) => body.len(),
            Kept::Blob => 0,
        };
        let more = Record::size(record.actor.len(), record.stream.len(), inline);
        if self.raw.saturating_add(more) > RAW_MAX / 2 {
            return Err(Unfit::Large);
        }
        self.raw = self.raw.saturating_add(more);
        self.put(record);
        self.recorded_at = record.recorded_at;
        self.after = after;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn put(&mut self, record: &Record<'_>) {
        let timely = is_timely(record.id, record.recorded_at);
        let mut flags = if timely { TIMELY } else { 0 };
        let id = record.id.as_bytes().as_slice();
        self.ids
            .extend_from_slice(id.get(if timely { 6 } else { 0 }..).unwrap_or_default());
        self.ids.extend_from_slice(record.correlation.as_bytes());
        if let Some(causation) = record.causation {
            flags |= CAUSATION;
            self.ids.extend_from_slice(causation.as_bytes());
        }
        self.ids.extend_from_slice(record.command.as_bytes());
        let made_again = match record.kept {
            Kept::Inline(body) => {
                self.columns.at(BODIES).extend_from_slice(body);
                *blake3::hash(body).as_bytes() == record.payload_hash
            }
            Kept::Blob => {
                flags |= BLOB;
                false
            }
        };
        if !made_again {
            flags |= HASH;
            self.ids.extend_from_slice(&record.payload_hash);
        }
        self.columns.at(FLAG).push(flags);
        let elapsed = record.recorded_at.wrapping_sub(self.recorded_at);
        let behind = record.clock.wrapping_sub(record.recorded_at);
        let back = match record.previous {
            0 => 0,
            previous => record.position.wrapping_sub(previous),
        };
        put_varint(self.columns.at(KIND), u64::from(record.kind));
        put_varint(self.columns.at(PLACE), u64::from(record.place));
        put_varint(self.columns.at(PLACE), u64::from(record.of));
        put_varint(self.columns.at(TIME), elapsed);
        put_varint(self.columns.at(CLOCK), zigzag(behind));
        put_varint(self.columns.at(VERSION), record.version);
        put_varint(self.columns.at(PREVIOUS), back);
        put_varint(self.columns.at(KEY), u64::from(record.key));
        put_varint(self.columns.at(LENGTH), u64::from(record.body_len));
        put_short_text(self.columns.at(NAMES), record.actor);
        put_short_text(self.columns.at(NAMES), record.stream);
    }

    /// The packed page.
    pub(super) fn seal(&self, zipper: &mut Zipper) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.before);
        out.extend_from_slice(&self.after);
        zipper.put(&mut out, &self.columns.joined())?;
        zipper.put(&mut out, &self.ids)?;
        Ok(out)
    }
}

/// A page, unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::events::ledger) struct Page {
    /// Position of its first event.
    pub(in crate::events::ledger) first: u64,
    /// Chain hash before its first event.
    pub(in crate::events::ledger) before: Hash,
    /// Chain hash after its last event.
    pub(in crate::events::ledger) after: Hash,
    /// Records as in a frame, but that a hash which can be made again is zeros.
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Page {
    /// The page of packed bytes; none when they are none.
    pub(super) fn read(packed: &[u8]) -> Option<Self> {
        let mut at = Reader(packed);
        let (first, count) = (at.u64()?, at.u64()?);
        let (before, after) = (at.array()?, at.array()?);
        let numbers = unzip(&mut at, RAW_MAX)?;
        let ids = unzip(&mut at, RAW_MAX)?;
        let whole = first > 0 && (1..=EVENTS).contains(&count) && at.0.is_empty();
        whole.then_some(())?;
        let mut page = Self {
            first,
            before,
            after,
            // Enough for all: headers and hashes have a length of their own, the rest is here.
            bytes: Vec::with_capacity(
                size(count)
                    .saturating_mul(Record::size(0, 0, 0))
                    .saturating_add(numbers.len()),
            ),
            starts: Vec::with_capacity(size(count)),
        };
        let mut columns = split::<COLUMNS>(&numbers)?;
        let mut ids = Reader(&ids);
        let mut recorded_at = 0;
        for position in (first..).take(size(count)) {
            let record = record(&mut columns, &mut ids, position, recorded_at)?;
            recorded_at = record.recorded_at;
            page.starts.push(u32::try_from(page.bytes.len()).ok()?);
            record.put_plain(&mut page.bytes);
        }
        let done = ids.0.is_empty() && columns.iter().all(|column| column.0.is_empty());
        done.then_some(page)
    }

    /// Position of its last event.
    pub(in crate::events::ledger) fn last(&self) -> u64 {
        let more = len64(self.starts.len()).saturating_sub(1);
        self.first.saturating_add(more)
    }

    /// The record at a position and the bytes of its header.
    pub(in crate::events::ledger) fn record(&self, position: u64) -> Option<(Record<'_>, &[u8])> {
        let place = size(position.checked_sub(self.first)?);
        let start = size(u64::from(*self.starts.get(place)?));
        let (mut record, header) = Record::read(&mut Reader(self.bytes.get(start..)?)).ok()?;
        hashed(&mut record);
        Some((record, header))
    }

    /// Its records in order, with their headers' bytes.
    pub(in crate::events::ledger) fn records(
        &self,
    ) -> impl Iterator<Item = Result<(Record<'_>, &[u8]), Malformed>> {
        self.unhashed().map(|read| {
            read.map(|(mut record, header)| {
                hashed(&mut record);
                (record, header)
            })
        })
    }

    /// Its records in order. The payload hash of a body that stands here is zeros: making it
    /// again takes longer than all the rest, and who only wants the events needs none.
    pub(in crate::events::ledger) fn unhashed(
        &self,
    ) -> impl Iterator<Item = Result<(Record<'_>, &[u8]), Malformed>> {
        let mut rest = Reader(&self.bytes);
        self.starts.iter().map(move |_| Record::read(&mut rest))
    }

    /// Bytes in memory.
    pub(super) fn weight(&self) -> usize {
        self.bytes
            .capacity()
            .saturating_add(self.starts.capacity().saturating_mul(4))
            .saturating_add(size_of::<Self>())
    }
}

fn hashed(record: &mut Record<'_>) {
    if let Kept::Inline(body) = record.kept
        && record.payload_hash == Hash::default()
    {
        record.payload_hash = *blake3::hash(body).as_bytes();
    }
}

fn record<'a>(
    columns: &mut [Reader<'a>; COLUMNS],
    ids: &mut Reader<'a>,
    position: u64,
    before: u64,
) -> Option<Record<'a>> {
    let [
        flag,
        kind,
        place,
        time,
        clock,
        version,
        previous,
        key,
        length,
        names,
        bodies,
    ] = columns;
    let flags = flag.u8()?;
    (flags & !FLAGS == 0).then_some(())?;
    let recorded_at = before.wrapping_add(varint(time)?);
    let id = if flags & TIMELY == 0 {
        ids.uuid()?
    } else {
        timely(recorded_at, ids.array()?)
    };
    let correlation = ids.uuid()?;
    let causation = if flags & CAUSATION == 0 {
        None
    } else {
        Some(ids.uuid()?)
    };
    let command = ids.uuid()?;
    let body_len = u32::try_from(varint(length)?).ok()?;
    Some(Record {
        position,
        recorded_at,
        clock: recorded_at.wrapping_add(unzigzag(varint(clock)?)),
        id,
        version: varint(version)?,
        previous: match varint(previous)? {
            0 => 0,
            back => position.wrapping_sub(back),
        },
        kind: u16::try_from(varint(kind)?).ok()?,
        place: u16::try_from(varint(place)?).ok()?,
        of: u16::try_from(varint(place)?).ok()?,
        key: u32::try_from(varint(key)?).ok()?,
        correlation,
        causation,
        command,
        actor: names.short_text()?,
        stream: names.short_text()?,
        body_len,
        payload_hash: if flags & HASH == 0 {
            Hash::default()
        } else {
            ids.array()?
        },
        kept: if flags & BLOB == 0 {
            Kept::Inline(bodies.take(size(u64::from(body_len)))?)
        } else {
            Kept::Blob
        },
    })
}

fn timely(recorded_at: u64, random: [u8; 10]) -> Uuid {
    let [_, _, time @ ..] = (recorded_at / 1000).to_be_bytes();
    let mut bytes = [0; 16];
    let (start, end) = bytes.split_at_mut(6);
    start.copy_from_slice(&time);
    end.copy_from_slice(&random);
    Uuid::from_bytes(bytes)
}

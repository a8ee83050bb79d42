//! Records in columns: what every event says anew stands beside its like, what can be made again is
//! left out. Pages of closed epochs and the parcels that leave a ledger are packed like this.

use uuid::Uuid;

use super::super::bytes::{Reader, put_short_text, size};
use super::super::record::{Hash, Kept, Record};
use super::columns::{Columns, put_varint, split, unzigzag, varint, zigzag};

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

/// Whether the payload hash is that of the body that stands in the record.
pub(in crate::events::ledger) fn made_again(record: &Record<'_>) -> bool {
    match record.kept {
        Kept::Inline(body) => *blake3::hash(body).as_bytes() == record.payload_hash,
        Kept::Blob => false,
    }
}

/// Records being packed.
#[derive(Debug)]
pub(in crate::events::ledger) struct Packing {
    recorded_at: u64,
    columns: Columns<COLUMNS>,
    ids: Vec<u8>,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            recorded_at: 0,
            columns: Columns::new(),
            ids: Vec::new(),
        }
    }
}

impl Packing {
    /// The columns in one piece.
    pub(in crate::events::ledger) fn numbers(&self) -> Vec<u8> {
        self.columns.joined()
    }

    /// What does not get smaller: ids and hashes.
    pub(in crate::events::ledger) fn ids(&self) -> &[u8] {
        &self.ids
    }

    /// One more record. `made_again` says that its payload hash is the hash of the body that
    /// stands there, and need not be kept.
    pub(in crate::events::ledger) fn put(&mut self, record: &Record<'_>, made_again: bool) {
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
        match record.kept {
            Kept::Inline(body) => self.columns.at(BODIES).extend_from_slice(body),
            Kept::Blob => flags |= BLOB,
        }
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
        self.recorded_at = record.recorded_at;
    }
}

/// Packed records being read again, in order.
#[derive(Debug)]
pub(in crate::events::ledger) struct Unpacking<'a> {
    columns: [Reader<'a>; COLUMNS],
    ids: Reader<'a>,
    recorded_at: u64,
}

impl<'a> Unpacking<'a> {
    /// Of both pieces; none when the first is not one.
    pub(in crate::events::ledger) fn of(numbers: &'a [u8], ids: &'a [u8]) -> Option<Self> {
        Some(Self {
            columns: split::<COLUMNS>(numbers)?,
            ids: Reader(ids),
            recorded_at: 0,
        })
    }

    /// The next record, which has this position. A payload hash that was left out is zeros.
    pub(in crate::events::ledger) fn next(&mut self, position: u64) -> Option<Record<'a>> {
        let before = self.recorded_at;
        let record = record(&mut self.columns, &mut self.ids, position, before)?;
        self.recorded_at = record.recorded_at;
        Some(record)
    }

    /// Whether nothing is left over.
    pub(in crate::events::ledger) fn is_done(&self) -> bool {
        self.ids.0.is_empty() && self.columns.iter().all(|column| column.0.is_empty())
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

//! A page: the events between two fixed positions, packed.
//!
//! What every event says anew goes into columns; what can be made again is left out: the
//! payload hash of a body that stands here, and the time in an event id. What comes out is the
//! record byte for byte as it stood in the journal, so that the chain verifies.

use super::super::bytes::{Reader, len64, size};
use super::super::record::{Hash, Kept, Malformed, Record};
use super::packing::{Packing, Unpacking, made_again};
use super::zipped::{Zipper, unzip};

/// Events of a page: the page of position `p` has number `(p - 1) / EVENTS`.
pub(in crate::events::ledger) const EVENTS: u64 = 128;
/// No page is larger when unpacked: 128 events with the longest names and inline bodies take a
/// third of it.
pub(super) const RAW_MAX: usize = 2 * 1024 * 1024;

/// The number of the page that holds a position.
pub(in crate::events::ledger) const fn number(position: u64) -> u64 {
    position.saturating_sub(1) / EVENTS
}

/// A page being filled.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) first: u64,
    pub(super) count: u64,
    before: Hash,
    after: Hash,
    raw: usize,
    packing: Packing,
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
            raw: 0,
            packing: Packing::default(),
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
        self.packing.put(record, made_again(record));
        self.after = after;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// The packed page.
    pub(super) fn seal(&self, zipper: &mut Zipper) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.before);
        out.extend_from_slice(&self.after);
        zipper.put(&mut out, &self.packing.numbers())?;
        zipper.put(&mut out, self.packing.ids())?;
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

/// A packed page's sections, unpacked, and what it says of itself.
#[derive(Debug)]
struct Sections {
    outline: Outline,
    count: u64,
    numbers: Vec<u8>,
    ids: Vec<u8>,
}

/// What a packed page says of itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::events::ledger) struct Outline {
    /// Position of its first event.
    pub(in crate::events::ledger) first: u64,
    /// Position of its last event.
    pub(in crate::events::ledger) last: u64,
    /// Chain hash before its first event.
    pub(in crate::events::ledger) before: Hash,
    /// Chain hash after its last event.
    pub(in crate::events::ledger) after: Hash,
}

impl Sections {
    fn of(packed: &[u8]) -> Option<Self> {
        let mut at = Reader(packed);
        let (first, count) = (at.u64()?, at.u64()?);
        let (before, after) = (at.array()?, at.array()?);
        let numbers = unzip(&mut at, RAW_MAX)?;
        let ids = unzip(&mut at, RAW_MAX)?;
        let whole = first > 0 && (1..=EVENTS).contains(&count) && at.0.is_empty();
        whole.then_some(Self {
            outline: Outline {
                first,
                last: first.saturating_add(count).saturating_sub(1),
                before,
                after,
            },
            count,
            numbers,
            ids,
        })
    }

    /// Shows its records in order; a payload hash that can be made again is zeros. None when the
    /// sections hold anything else.
    fn each(&self, mut show: impl FnMut(&Record<'_>) -> Option<()>) -> Option<()> {
        let mut records = Unpacking::of(&self.numbers, &self.ids)?;
        for position in (self.outline.first..).take(size(self.count)) {
            show(&records.next(position)?)?;
        }
        records.is_done().then_some(())
    }
}

/// Shows the records of a packed page in order, without keeping any; a payload hash that can be made
/// again is zeros. None when the bytes are no page.
pub(in crate::events::ledger) fn show(
    packed: &[u8],
    mut each: impl FnMut(&Record<'_>),
) -> Option<Outline> {
    let sections = Sections::of(packed)?;
    sections.each(|record| {
        each(record);
        Some(())
    })?;
    Some(sections.outline)
}

impl Page {
    /// The page of packed bytes; none when they are none.
    pub(super) fn read(packed: &[u8]) -> Option<Self> {
        let sections = Sections::of(packed)?;
        let count = size(sections.count);
        let Outline {
            first,
            before,
            after,
            ..
        } = sections.outline;
        let mut page = Self {
            first,
            before,
            after,
            // Enough for all: headers and hashes have a length of their own, the rest is here.
            bytes: Vec::with_capacity(
                count
                    .saturating_mul(Record::size(0, 0, 0))
                    .saturating_add(sections.numbers.len()),
            ),
            starts: Vec::with_capacity(count),
        };
        sections.each(|record| {
            page.starts.push(u32::try_from(page.bytes.len()).ok()?);
            record.put_plain(&mut page.bytes);
            Some(())
        })?;
        Some(page)
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

/// Makes the payload hash again where it was left out.
pub(in crate::events::ledger) fn hashed(record: &mut Record<'_>) {
    if let Kept::Inline(body) = record.kept
        && record.payload_hash == Hash::default()
    {
        record.payload_hash = *blake3::hash(body).as_bytes();
    }
}

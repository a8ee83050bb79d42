//! Parcels: events in order, packed, as they leave one ledger and enter another. What comes out of a
//! parcel is every record byte for byte as it stood in the journal, proven by the chain.

use std::ops::ControlFlow;

use uuid::Uuid;

use super::blobs;
use super::bytes::{Reader, len64, size};
use super::closed::packing::{Packing, Unpacking};
use super::closed::page::{self, hashed};
use super::closed::zipped::{Zipper, unzip};
use super::epochs::Of;
use super::handle::{Ledger, ReadError};
use super::reading::corrupt;
use super::record::{Hash, Kept, Record, chained};
use crate::events::ids::{EventId, Position};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// No parcel has more events.
pub const EVENTS_MAX: u64 = 4096;
/// No section of a parcel is larger when unpacked: that many events with the longest names and
/// inline bodies take two thirds of it.
const RAW_MAX: usize = 32 * 1024 * 1024;
/// No body is larger when unpacked.
const BODY_MAX: usize = crate::events::codec::BODY_MAX;

/// A body that is kept as a file of its own, not in its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LargeBody {
    /// Its blake3 hash, which is its name.
    pub hash: [u8; 32],
    /// Its length in bytes.
    pub length: u32,
}

/// Some events, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Position of its first event.
    pub first: u64,
    /// Position of its last event.
    pub last: u64,
    /// Chain hash before its first event.
    pub before: [u8; 32],
    /// Chain hash after its last event.
    pub after: [u8; 32],
    /// When its first event was recorded.
    pub first_at: Timestamp,
    /// When its last event was recorded.
    pub last_at: Timestamp,
    /// Bytes of its records as they stood in the journal.
    pub raw: u64,
    /// The packed bytes; [`Unpacked::open`] reads them.
    pub bytes: Vec<u8>,
    /// The bodies its events have elsewhere, in the order of their events.
    pub large: Vec<LargeBody>,
}

/// Packs parcels, one after the other; kept for many, because its memory is worth keeping.
#[derive(Debug)]
pub struct Packer {
    zipper: Zipper,
    record: Vec<u8>,
}

/// A parcel being filled.
struct Filling<'p> {
    packing: Packing,
    record: &'p mut Vec<u8>,
    chain: Hash,
    next: u64,
    times: Option<(u64, u64)>,
    raw: u64,
    large: Vec<LargeBody>,
    fault: Option<ReadError>,
}

impl Filling<'_> {
    fn add(&mut self, record: &Record<'_>) -> ControlFlow<()> {
        if record.position != self.next {
            self.fault = Some(corrupt(self.next, "another event stands in its place"));
            return ControlFlow::Break(());
        }
        let mut record = *record;
        let mut made_again = false;
        match record.kept {
            Kept::Inline(body) => {
                let hash = *blake3::hash(body).as_bytes();
                if record.payload_hash == Hash::default() {
                    record.payload_hash = hash;
                }
                made_again = record.payload_hash == hash;
            }
            Kept::Blob => self.large.push(LargeBody {
                hash: record.payload_hash,
                length: record.body_len,
            }),
        }
        self.packing.put(&record, made_again);
        self.record.clear();
        let header = record.put_plain(self.record);
        let header = self.record.get(header).unwrap_or_default();
        self.chain = chained(&self.chain, header, &record.payload_hash);
        self.raw = self.raw.saturating_add(len64(self.record.len()));
        let (first_at, _) = self.times.unwrap_or((record.recorded_at, 0));
        self.times = Some((first_at, record.recorded_at));
        self.next = self.next.saturating_add(1);
        ControlFlow::Continue(())
    }
}

impl Packer {
    /// A packer.
    pub fn new() -> Result<Self, ReadError> {
        let zipper = Zipper::new().map_err(|source| ReadError::Io {
            step: "making a packer",
            source,
        })?;
        Ok(Self {
            zipper,
            record: Vec::new(),
        })
    }

    /// Packs the events from `first` on, at most up to `last` and at most [`EVENTS_MAX`] of them, which
    /// follow the chain hash `before`. The parcel says how far it leads. Its chain must be the ledger's
    /// own at `last`: whoever packs the last parcel of a stretch compares it.
    ///
    /// A page of a closed epoch is a parcel as it stands, so it is taken as it is: its checksum was
    /// compared, and its chain was made again when it was closed. Of everything else the chain is made
    /// again here.
    pub fn pack(
        &mut self,
        ledger: &Ledger,
        (first, last): (Position, Position),
        before: [u8; 32],
    ) -> Result<Parcel, ReadError> {
        let mut limit = first.0.saturating_add(EVENTS_MAX).saturating_sub(1);
        if let Some(packed) = ledger.packed_page(first)? {
            let page = of_page(packed).ok_or_else(|| corrupt(first.0, "its page is none"))?;
            if page.first == first.0 && page.last <= last.0 {
                let follows = page.before == before;
                return follows
                    .then_some(page)
                    .ok_or_else(|| corrupt(first.0, "its page does not follow the one before"));
            }
            // The next one begins with a page.
            limit = limit.min(page.last);
        }
        let last = Position(last.0.min(limit));
        let mut filling = Filling {
            packing: Packing::default(),
            record: &mut self.record,
            chain: before,
            next: first.0,
            times: None,
            raw: 0,
            large: Vec::new(),
            fault: None,
        };
        ledger.scan(first, last, |stored| filling.add(stored.record()))?;
        if let Some(fault) = filling.fault {
            return Err(fault);
        }
        let Some((first_at, last_at)) = filling.times.filter(|_| filling.next > last.0) else {
            return Err(corrupt(filling.next, "it is not there"));
        };
        let packing = filling.packing;
        let (raw, large, after) = (filling.raw, filling.large, filling.chain);
        let count = last.0.saturating_sub(first.0).saturating_add(1);
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&first.0.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&before);
        bytes.extend_from_slice(&after);
        let mut put = |section: &[u8]| self.zipper.put(&mut bytes, section);
        put(&packing.numbers())
            .and_then(|()| put(packing.ids()))
            .map_err(|source| ReadError::Io {
                step: "packing events",
                source,
            })?;
        Ok(Parcel {
            first: first.0,
            last: last.0,
            before,
            after,
            first_at: Timestamp::from_micros(first_at),
            last_at: Timestamp::from_micros(last_at),
            raw,
            bytes,
            large,
        })
    }

    /// Packs a body that is kept as a file of its own: the hash of its section, then the section. The
    /// body's own hash would not see every bit that zstd does not need.
    pub fn pack_body(&mut self, body: &[u8]) -> Result<Vec<u8>, ReadError> {
        let mut section = Vec::new();
        self.zipper
            .put(&mut section, body)
            .map_err(|source| ReadError::Io {
                step: "packing a body",
                source,
            })?;
        let hash = blake3::hash(&section);
        Ok([hash.as_bytes().as_slice(), &section].concat())
    }
}

/// The parcel that a page of a closed epoch is; none when the bytes are no page.
fn of_page(packed: Vec<u8>) -> Option<Parcel> {
    let (mut raw, mut times, mut large) = (0_u64, None, Vec::new());
    let outline = page::show(&packed, |record| {
        let inline = match record.kept {
            Kept::Inline(body) => body.len(),
            Kept::Blob => {
                large.push(LargeBody {
                    hash: record.payload_hash,
                    length: record.body_len,
                });
                0
            }
        };
        let size = Record::size(record.actor.len(), record.stream.len(), inline);
        raw = raw.saturating_add(len64(size));
        let (first_at, _) = times.unwrap_or((record.recorded_at, 0));
        times = Some((first_at, record.recorded_at));
    })?;
    let (first_at, last_at) = times?;
    Some(Parcel {
        first: outline.first,
        last: outline.last,
        before: outline.before,
        after: outline.after,
        first_at: Timestamp::from_micros(first_at),
        last_at: Timestamp::from_micros(last_at),
        raw,
        bytes: packed,
        large,
    })
}

/// The body that was packed, and its hash; none when the bytes are none.
pub fn unpack_body(packed: &[u8]) -> Option<(Vec<u8>, [u8; 32])> {
    let mut at = Reader(packed);
    (at.array()? == *blake3::hash(at.0).as_bytes()).then_some(())?;
    let body = unzip(&mut at, BODY_MAX)?;
    let hash = *blake3::hash(&body).as_bytes();
    at.0.is_empty().then_some((body, hash))
}

/// A parcel, unpacked, its chain proven.
#[derive(Debug)]
pub struct Unpacked {
    /// Position of its first event.
    pub first: u64,
    /// Position of its last event.
    pub last: u64,
    /// Chain hash before its first event.
    pub before: [u8; 32],
    /// Chain hash after its last event.
    pub after: [u8; 32],
    /// Records as in a frame.
    bytes: Vec<u8>,
    /// The chain hash after each of them.
    chains: Vec<Hash>,
}

impl Unpacked {
    /// The events of packed bytes; none when they are none, or do not lead from the parcel's chain
    /// hash before to the one after.
    pub fn open(packed: &[u8]) -> Option<Self> {
        let mut at = Reader(packed);
        let (first, count) = (at.u64()?, at.u64()?);
        let (before, after) = (at.array()?, at.array()?);
        (first > 0 && (1..=EVENTS_MAX).contains(&count)).then_some(())?;
        let numbers = unzip(&mut at, RAW_MAX)?;
        let ids = unzip(&mut at, RAW_MAX)?;
        at.0.is_empty().then_some(())?;
        let mut records = Unpacking::of(&numbers, &ids)?;
        let headers = size(count).saturating_mul(Record::size(0, 0, 0));
        let mut bytes = Vec::with_capacity(numbers.len().saturating_add(headers));
        let mut chains = Vec::with_capacity(size(count));
        let mut chain = before;
        for position in (first..).take(size(count)) {
            let mut record = records.next(position)?;
            hashed(&mut record);
            chain = record.put(&mut bytes, &chain);
            chains.push(chain);
        }
        (records.is_done() && chain == after).then_some(Self {
            first,
            last: first.saturating_add(count).saturating_sub(1),
            before,
            after,
            bytes,
            chains,
        })
    }

    /// The chain hash after one of its events; also the one before them.
    pub fn chain_at(&self, position: u64) -> Option<[u8; 32]> {
        let count = position.saturating_add(1).checked_sub(self.first)?;
        match count.checked_sub(1) {
            None => Some(self.before),
            Some(place) => self.chains.get(size(place)).copied(),
        }
    }

    /// Its events in order.
    pub fn copies(&self) -> impl Iterator<Item = Copied<'_>> {
        let mut rest = Reader(&self.bytes);
        self.chains.iter().map_while(move |after| {
            // They were written by `open`, so they can be read.
            let from = rest.0;
            let (record, _) = Record::read(&mut rest).ok()?;
            let length = from.len().saturating_sub(rest.0.len());
            Some(Copied {
                record,
                bytes: from.get(..length)?,
                after,
            })
        })
    }
}

/// Where the bodies are that do not stand in their events: the hash and length of one is given.
pub type Bodies<'b> = dyn Fn(&LargeBody) -> Result<Vec<u8>, String> + 'b;

/// One event out of a parcel.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    record: Record<'a>,
    bytes: &'a [u8],
    after: &'a Hash,
}

impl<'a> Copied<'a> {
    pub(super) const fn record(&self) -> &Record<'a> {
        &self.record
    }

    /// The record as it stands in a frame.
    pub(super) const fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The chain hash behind it.
    pub(super) const fn after(&self) -> &Hash {
        self.after
    }

    /// Its place.
    pub const fn position(&self) -> Position {
        Position(self.record.position)
    }

    /// When it was recorded.
    pub const fn recorded_at(&self) -> Timestamp {
        Timestamp::from_micros(self.record.recorded_at)
    }

    /// Its id.
    pub const fn id(&self) -> EventId {
        EventId(self.record.id)
    }

    /// Its kind's number.
    pub const fn kind(&self) -> u16 {
        self.record.kind
    }

    /// The body it has elsewhere, if it does.
    pub const fn large(&self) -> Option<LargeBody> {
        match self.record.kept {
            Kept::Inline(_) => None,
            Kept::Blob => Some(LargeBody {
                hash: self.record.payload_hash,
                length: self.record.body_len,
            }),
        }
    }

    /// What happened. The error says why the body cannot be read.
    pub fn fact(&self, bodies: &Bodies<'_>) -> Result<Fact, String> {
        let decode = |body: &[u8]| {
            Fact::decode(self.record.kind, body)
                .map_err(|source| format!("the body of kind {}: {source}", self.record.kind))
        };
        match (self.record.kept, self.large()) {
            (Kept::Inline(body), _) => decode(body),
            (Kept::Blob, Some(large)) => decode(&bodies(&large)?),
            (Kept::Blob, None) => Err("its body is nowhere".to_owned()),
        }
    }
}

impl Ledger {
    /// The packed page that holds a position, if a closed epoch does.
    fn packed_page(&self, at: Position) -> Result<Option<Vec<u8>>, ReadError> {
        match self.shared().epochs().of(at.0) {
            Some(Of::Past(past)) => past.packed(at.0),
            Some(Of::Live(_)) | None => Ok(None),
        }
    }

    /// A body that is kept as a file of its own, compared with its hash and length.
    pub fn large_body(&self, body: &LargeBody) -> Result<Vec<u8>, ReadError> {
        let folder = self.shared().layout.blobs();
        blobs::read(&folder, &body.hash, body.length).map_err(|fault| corrupt(0, fault))
    }

    /// The timelines before this one, oldest first, each with the last position that is its own, and
    /// this one last with the greatest position there is.
    pub fn lineage(&self) -> Result<Vec<(Uuid, u64)>, ReadError> {
        let stream = crate::events::ids::StreamId::ledger();
        let mut lineage = Vec::new();
        for event in self.read_stream(&stream)? {
            if let Fact::LedgerRestored(restored) = event.fact {
                lineage.push((restored.parent, restored.fork));
            }
        }
        let (_, timeline) = self.identity();
        lineage.push((timeline, u64::MAX));
        Ok(lineage)
    }
}

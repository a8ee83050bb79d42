//! A segment: the events of a stretch of positions, as parcels behind a header that can be read alone.

use std::ops::Range;

use uuid::Uuid;

use super::digest::Digest;
use super::manifest::Piece;
use crate::events::ledger::parcel::{LargeBody, Parcel, Unpacked};
use crate::events::time::Timestamp;

/// A segment ends at the latest where `position % EVENTS == 0`, so that two backups cut alike.
pub const EVENTS: u64 = 16 * 1024;
/// No segment is longer.
pub const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Of a segment that nobody lists, so much is read to see whether its header fits.
pub const HEADER_MAX: u64 = 1024 * 1024;

const MAGIC: [u8; 8] = *b"SWsegm01";

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which ledger.
    pub ledger: Uuid,
    /// Position of its first event.
    pub first: u64,
    /// Position of its last event.
    pub last: u64,
    /// Chain hash before its first event.
    pub before: Digest,
    /// Chain hash after its last event.
    pub after: Digest,
    /// When its first event was recorded.
    pub first_at: Timestamp,
    /// When its last event was recorded.
    pub last_at: Timestamp,
    /// Bytes of its records in a journal.
    pub raw: u64,
    /// Bodies its events have elsewhere; each once, sorted.
    pub large: Vec<LargeBody>,
    /// Length and hash of each parcel.
    pub parcels: Vec<(u32, Digest)>,
}

/// A segment being filled.
#[derive(Debug)]
pub struct Draft {
    header: Header,
    parcels: Vec<u8>,
}

impl Draft {
    /// Begins with this parcel.
    pub fn of(ledger: Uuid, parcel: &Parcel) -> Self {
        let mut draft = Self {
            header: Header {
                ledger,
                first: parcel.first,
                last: parcel.last,
                before: Digest(parcel.before),
                after: Digest(parcel.after),
                first_at: parcel.first_at,
                last_at: parcel.last_at,
                raw: 0,
                large: Vec::new(),
                parcels: Vec::new(),
            },
            parcels: Vec::new(),
        };
        draft.push(parcel);
        draft
    }

    /// The next parcel.
    pub fn push(&mut self, parcel: &Parcel) {
        let header = &mut self.header;
        header.last = parcel.last;
        header.after = Digest(parcel.after);
        header.last_at = parcel.last_at;
        header.raw = header.raw.saturating_add(parcel.raw);
        header.large.extend_from_slice(&parcel.large);
        let length = u32::try_from(parcel.bytes.len()).unwrap_or(u32::MAX);
        header.parcels.push((length, Digest::of(&parcel.bytes)));
        self.parcels.extend_from_slice(&parcel.bytes);
    }

    /// The finished bytes, how a manifest lists them, and the bodies they need. `name_of` says how an
    /// object is called whose bytes have a hash.
    pub fn finish(
        mut self,
        name_of: &dyn Fn(Digest) -> Digest,
    ) -> (Vec<u8>, Piece, Vec<LargeBody>) {
        self.header.large.sort_unstable();
        self.header.large.dedup();
        let mut bytes = self.header.encode();
        bytes.append(&mut self.parcels);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let piece = self.header.listed(name_of(Digest::of(&bytes)), length);
        (bytes, piece, self.header.large)
    }
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(self.ledger.as_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.last.to_le_bytes());
        out.extend_from_slice(&self.before.0);
        out.extend_from_slice(&self.after.0);
        out.extend_from_slice(&self.first_at.micros().to_le_bytes());
        out.extend_from_slice(&self.last_at.micros().to_le_bytes());
        out.extend_from_slice(&self.raw.to_le_bytes());
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(&count(self.large.len()));
        out.extend_from_slice(&count(self.parcels.len()));
        for body in &self.large {
            out.extend_from_slice(&body.hash);
            out.extend_from_slice(&body.length.to_le_bytes());
        }
        for (length, hash) in &self.parcels {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&hash.0);
        }
        let hash = Digest::of(&out);
        out.extend_from_slice(&hash.0);
        out
    }

    /// The header at the beginning of a segment's bytes, and how long it is.
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut at = Fields(bytes);
        (at.array()? == MAGIC).then_some(())?;
        let mut header = Self {
            ledger: Uuid::from_bytes(at.array()?),
            first: at.u64()?,
            last: at.u64()?,
            before: Digest(at.array()?),
            after: Digest(at.array()?),
            first_at: Timestamp::from_micros(at.u64()?),
            last_at: Timestamp::from_micros(at.u64()?),
            raw: at.u64()?,
            large: Vec::new(),
            parcels: Vec::new(),
        };
        let (large, parcels) = (at.u32()?, at.u32()?);
        // Nothing is reserved that is not there: hostile counts run out of bytes first.
        for _ in 0..large {
            let (hash, length) = (at.array()?, at.u32()?);
            header.large.push(LargeBody { hash, length });
        }
        for _ in 0..parcels {
            let (length, hash) = (at.u32()?, Digest(at.array()?));
            header.parcels.push((length, hash));
        }
        let covered = bytes.len().checked_sub(at.0.len())?;
        let fits = Digest::of(bytes.get(..covered)?) == Digest(at.array()?);
        let length = bytes.len().checked_sub(at.0.len())?;
        fits.then_some((header, length))
    }

    /// The length of the whole segment, if it has `header` bytes of header.
    pub fn length(&self, header: usize) -> u64 {
        let parcels = self.parcels.iter().map(|(length, _)| u64::from(*length));
        parcels.fold(
            u64::try_from(header).unwrap_or(u64::MAX),
            u64::saturating_add,
        )
    }

    /// How a manifest lists it under this name.
    pub const fn listed(&self, object: Digest, bytes: u64) -> Piece {
        Piece {
            object,
            bytes,
            first: self.first,
            last: self.last,
            before: self.before,
            after: self.after,
            first_at: self.first_at,
            last_at: self.last_at,
            raw: self.raw,
        }
    }
}

/// A segment whose bytes are those its name says.
#[derive(Debug)]
pub struct Segment {
    /// What it says of itself.
    pub header: Header,
    bytes: Vec<u8>,
    start: usize,
}

impl Segment {
    /// The segment of the bytes, which must be those of the name. The error says in words what is
    /// wrong.
    pub fn open(
        name: Digest,
        bytes: Vec<u8>,
        name_of: &dyn Fn(Digest) -> Digest,
    ) -> Result<Self, String> {
        if name_of(Digest::of(&bytes)) != name {
            return Err(damage(&bytes));
        }
        let (header, start) = Header::read(&bytes).ok_or("it is no segment")?;
        Ok(Self {
            header,
            bytes,
            start,
        })
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Refuses one that is not what a manifest lists.
    pub fn check(&self, piece: &Piece) -> Result<(), String> {
        let bytes = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        if self.header.listed(piece.object, bytes) == *piece {
            Ok(())
        } else {
            Err("it is not what the manifest says".to_owned())
        }
    }

    /// Where the bytes of its parcels stand, in order; the last one that is given may lie beyond its end.
    pub fn places(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut at = self.start;
        self.header.parcels.iter().map(move |(length, _)| {
            let begin = at;
            at = at.saturating_add(usize::try_from(*length).unwrap_or(usize::MAX));
            begin..at
        })
    }

    /// The parcel that stands there, unpacked; none when it cannot be read.
    pub fn unpack(&self, place: Range<usize>) -> Option<Unpacked> {
        self.bytes.get(place).and_then(Unpacked::open)
    }

    /// Its parcels in order, unpacked, each proven to follow the one before. Ends after an error.
    pub fn parcels(&self) -> impl Iterator<Item = Result<Unpacked, String>> {
        let mut steps = Some(Steps::of(self));
        let mut places = self.places();
        std::iter::from_fn(move || {
            let mut now = steps.take()?;
            let next = match places.next() {
                Some(place) => now.take(self.unpack(place)).map(Some),
                None => now.end(self).map(|()| None),
            };
            if let Ok(Some(_)) = &next {
                steps = Some(now);
            }
            next.transpose()
        })
    }
}

/// How far a segment's parcels have led: each must follow the one before, and the last one end it.
#[derive(Debug)]
pub struct Steps {
    next: u64,
    chain: Digest,
}

impl Steps {
    /// Before the first parcel.
    pub const fn of(segment: &Segment) -> Self {
        Self {
            next: segment.header.first,
            chain: segment.header.before,
        }
    }

    /// The next parcel, if it is one and follows. The error says in words what is wrong.
    pub fn take(&mut self, unpacked: Option<Unpacked>) -> Result<Unpacked, String> {
        let follows = |it: &Unpacked| (it.first, Digest(it.before)) == (self.next, self.chain);
        let Some(unpacked) = unpacked.filter(follows) else {
            let next = self.next;
            return Err(format!("the events from position {next} on cannot be read"));
        };
        self.next = unpacked.last.saturating_add(1);
        self.chain = Digest(unpacked.after);
        Ok(unpacked)
    }

    /// After the last parcel.
    pub fn end(&self, segment: &Segment) -> Result<(), String> {
        let header = &segment.header;
        let end = segment.places().last().map_or(segment.start, |it| it.end);
        let whole = end == segment.bytes.len()
            && header.last.checked_add(1) == Some(self.next)
            && header.after == self.chain;
        whole
            .then_some(())
            .ok_or_else(|| "its parcels do not lead to its end".to_owned())
    }
}

/// What is wrong with bytes that do not have the hash their name says: the parcel, where it can be told.
fn damage(bytes: &[u8]) -> String {
    let Some((header, start)) = Header::read(bytes) else {
        return "its bytes do not have the hash that its name says".to_owned();
    };
    let mut at = start;
    for (number, (length, hash)) in header.parcels.iter().enumerate() {
        let end = at.saturating_add(usize::try_from(*length).unwrap_or(usize::MAX));
        match bytes.get(at..end) {
            Some(parcel) if Digest::of(parcel) == *hash => at = end,
            Some(_) => return format!("parcel {number} is damaged"),
            None => return format!("it is cut off in parcel {number}"),
        }
    }
    "its bytes do not have the hash that its name says".to_owned()
}

/// Bytes not yet read.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

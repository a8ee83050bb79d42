//! A frame: whole commits, written in one piece, the unit of the journal and of sled.

use super::bytes::{Reader, len32, len64, size};
use super::record::{Hash, Malformed, Record};

const MAGIC: [u8; 4] = *b"SWfr";
/// Bytes before the records.
pub(super) const PREFIX: usize = 104;
const CHECKSUM: usize = 32;
/// Frames begin at multiples of this.
pub(super) const ALIGN: u64 = 8;
/// A frame is closed before it grows over this, so that it fits one value of sled.
pub(super) const TARGET: usize = 6 * 1024;
/// No frame is larger. A longer length is damage, and is not allocated.
pub(super) const MAX: usize = 32 * 1024 * 1024;

/// A frame that was checked: its bytes are what was once written at this place of this journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// Where it stands in the journal, in bytes.
    pub(super) offset: u64,
    /// Position of its first event.
    pub(super) first: u64,
    /// The last position known to be durable when it was written.
    pub(super) synced: u64,
    /// How many events.
    pub(super) count: u32,
    /// Chain hash before its first event.
    pub(super) before: Hash,
    /// Chain hash after its last event.
    pub(super) after: Hash,
    records: &'a [u8],
    /// The whole frame.
    pub(super) bytes: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("no frame begins here")]
    NoMagic,
    #[error("its length makes no sense")]
    Length,
    #[error("it is cut off")]
    CutOff,
    #[error("its checksum does not fit")]
    Checksum,
    #[error("it belongs elsewhere in the file")]
    Misplaced,
    #[error("it is empty")]
    Empty,
}

/// The length a frame claims, from its first eight bytes.
pub(super) fn claimed_length(bytes: &[u8]) -> Result<usize, Fault> {
    let mut at = Reader(bytes);
    if at.array() != Some(MAGIC) {
        return Err(Fault::NoMagic);
    }
    let length = at.u32().ok_or(Fault::CutOff)?;
    let length = size(u64::from(length));
    if (PREFIX + CHECKSUM..=MAX).contains(&length) {
        Ok(length)
    } else {
        Err(Fault::Length)
    }
}

/// Where the frame after one at `offset` with `length` bytes begins.
pub(super) const fn next_offset(offset: u64, length: u64) -> u64 {
    match offset
        .saturating_add(length)
        .checked_next_multiple_of(ALIGN)
    {
        Some(next) => next,
        // Only damage claims such a place.
        None => u64::MAX,
    }
}

impl<'a> Frame<'a> {
    /// The frame at the beginning of `bytes`, which were read at `offset` of the journal (or in
    /// sled; then the offset is not known and not compared).
    pub(super) fn read(bytes: &'a [u8], offset: Option<u64>, key: &Hash) -> Result<Self, Fault> {
        let length = claimed_length(bytes)?;
        let bytes = bytes.get(..length).ok_or(Fault::CutOff)?;
        let (covered, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Fault::CutOff)?;
        if blake3::keyed_hash(key, covered) != *checksum {
            return Err(Fault::Checksum);
        }
        let frame = Self::fields(bytes, covered).ok_or(Fault::Length)?;
        if offset.is_some_and(|offset| offset != frame.offset) {
            return Err(Fault::Misplaced);
        }
        if frame.count == 0 || frame.first == 0 {
            return Err(Fault::Empty);
        }
        Ok(frame)
    }

    /// A frame whose checksum was compared before.
    pub(super) fn again(bytes: &'a [u8]) -> Result<Self, Fault> {
        let length = claimed_length(bytes)?;
        let bytes = bytes.get(..length).ok_or(Fault::CutOff)?;
        let (covered, _) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Fault::CutOff)?;
        Self::fields(bytes, covered).ok_or(Fault::Length)
    }

    fn fields(bytes: &'a [u8], covered: &'a [u8]) -> Option<Self> {
        let mut at = Reader(covered);
        at.take(8)?;
        let (offset, first, synced) = (at.u64()?, at.u64()?, at.u64()?);
        let (count, _reserved) = (at.u32()?, at.u32()?);
        let (before, after) = (at.array()?, at.array()?);
        Some(Self {
            offset,
            first,
            synced,
            count,
            before,
            after,
            records: at.0,
            bytes,
        })
    }

    /// Position of its last event.
    pub(super) fn last(&self) -> u64 {
        self.first
            .saturating_add(u64::from(self.count))
            .saturating_sub(1)
    }

    /// Where the next frame begins.
    pub(super) fn end(&self) -> u64 {
        next_offset(self.offset, len64(self.bytes.len()))
    }

    /// Its events in order; ends after the first that cannot be understood.
    pub(super) fn records(&self) -> Records<'a> {
        Records {
            rest: Reader(self.records),
            left: self.count,
        }
    }
}

/// The events of a frame with their headers' bytes.
#[derive(Debug)]
pub(super) struct Records<'a> {
    rest: Reader<'a>,
    left: u32,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Record<'a>, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return (!std::mem::take(&mut self.rest.0).is_empty()).then_some(Err(Malformed));
        }
        let read = Record::read(&mut self.rest);
        self.left = if read.is_ok() {
            self.left.saturating_sub(1)
        } else {
            0
        };
        if read.is_err() {
            self.rest.0 = &[];
        }
        Some(read)
    }
}

/// Frames being filled one after the other, as they will stand in the journal.
#[derive(Debug)]
pub(super) struct Draft {
    /// The frames that are sealed, then the one that is filled.
    bytes: Vec<u8>,
    /// Where in `bytes` the one that is filled begins.
    start: usize,
    first: u64,
    count: u32,
    before: Hash,
    after: Hash,
}

/// Where a frame will be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) offset: u64,
    /// Bytes of the frame.
    pub(super) length: u64,
}

impl Draft {
    /// An empty frame whose first event will have this position, after this chain hash.
    pub(super) fn new(first: u64, before: Hash) -> Self {
        Self::within(Vec::new(), first, before)
    }

    /// The same, its bytes in a buffer that was used before.
    pub(super) fn within(mut buffer: Vec<u8>, first: u64, before: Hash) -> Self {
        buffer.clear();
        buffer.resize(PREFIX, 0);
        Self {
            bytes: buffer,
            start: 0,
            first,
            count: 0,
            before,
            after: before,
        }
    }

    /// One more event.
    pub(super) fn push(&mut self, record: &Record<'_>) {
        self.after = record.put(&mut self.bytes, &self.after);
        self.count = self.count.saturating_add(1);
    }

    /// More events, as records that stand one behind the other; `after` is the chain hash behind the
    /// last, which whoever has them has proven.
    pub(super) fn extend(&mut self, records: &[u8], count: u32, after: Hash) {
        self.bytes.extend_from_slice(records);
        self.count = self.count.saturating_add(count);
        self.after = after;
    }

    /// The position of the first event of the frame that is filled.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// The chain hash after the last event.
    pub(super) const fn chain(&self) -> Hash {
        self.after
    }

    /// Whether there is no event in the frame yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether `more` bytes of records would still fit the target.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.bytes
            .len()
            .saturating_sub(self.start)
            .saturating_add(more)
            .saturating_add(CHECKSUM)
            <= TARGET
    }

    /// Finishes the frame for this place of the journal, and begins the next one behind it.
    pub(super) fn seal(&mut self, offset: u64, synced: u64, key: &Hash) -> Sealed {
        let length = self
            .bytes
            .len()
            .saturating_sub(self.start)
            .saturating_add(CHECKSUM);
        let mut prefix = Vec::with_capacity(PREFIX);
        prefix.extend_from_slice(&MAGIC);
        prefix.extend_from_slice(&len32(length).to_le_bytes());
        prefix.extend_from_slice(&offset.to_le_bytes());
        prefix.extend_from_slice(&self.first.to_le_bytes());
        prefix.extend_from_slice(&synced.to_le_bytes());
        prefix.extend_from_slice(&self.count.to_le_bytes());
        prefix.extend_from_slice(&[0; 4]);
        prefix.extend_from_slice(&self.before);
        prefix.extend_from_slice(&self.after);
        if let Some(reserved) = self.bytes.get_mut(self.start..)
            && let Some(reserved) = reserved.get_mut(..PREFIX)
        {
            reserved.copy_from_slice(&prefix);
        }
        let covered = self.bytes.get(self.start..).unwrap_or_default();
        let checksum = blake3::keyed_hash(key, covered);
        self.bytes.extend_from_slice(checksum.as_bytes());
        let next = self.first.saturating_add(u64::from(self.count));
        let sealed = Sealed {
            offset,
            length: len64(length),
        };
        self.start = self
            .start
            .saturating_add(size(sealed.end().saturating_sub(offset)));
        self.bytes.resize(self.start.saturating_add(PREFIX), 0);
        self.first = next;
        self.count = 0;
        self.before = self.after;
        sealed
    }

    /// The sealed frames.
    pub(super) fn sealed(&self) -> &[u8] {
        self.bytes.get(..self.start).unwrap_or_default()
    }

    /// Goes on without the sealed frames: they were written.
    pub(super) fn drop_sealed(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
    }

    /// The buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

impl Sealed {
    /// Where the next frame begins.
    pub(super) const fn end(&self) -> u64 {
        next_offset(self.offset, self.length)
    }
}

/// Finds the next whole frame at or after `from` in `bytes`, which were read at `base` of the
/// journal. Both are multiples of the alignment.
pub(super) fn search<'a>(bytes: &'a [u8], base: u64, from: u64, key: &Hash) -> Option<Frame<'a>> {
    let mut at = from;
    loop {
        let rest = bytes.get(size(at.saturating_sub(base))..)?;
        if rest.len() < PREFIX {
            return None;
        }
        if rest.starts_with(&MAGIC)
            && let Ok(frame) = Frame::read(rest, Some(at), key)
        {
            return Some(frame);
        }
        at = at.saturating_add(ALIGN);
    }
}

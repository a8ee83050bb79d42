//! What stands in a closed epoch's sled, and where: leaves (pages, and pieces of the footer), each
//! with a checksum, cut into marked parts.
//!
//! sled's files never change once the epoch is sealed, and sled keeps a value's bytes in one piece.
//! So every part is looked for once, in the file, and read from there for ever after, without
//! sled: it would take milliseconds to open and keep what it once read in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::super::bytes::{Reader, len32, len64, size};
use super::super::kept;
use super::super::record::Hash;

const MARK: usize = 8;
/// Mark, number of the leaf, number of the part.
const PREFIX: usize = MARK + 8 + 2;
/// Bytes of a leaf in one value of sled.
const PART: usize = kept::PART - PREFIX;
const CHECKSUM: usize = 32;
/// No leaf is larger: a page that does not get smaller, its head and checksum.
pub(super) const LEAF_MAX: usize = super::page::RAW_MAX * 2;

/// What a leaf is: its number in sled is the first position for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Page,
    Streams,
    Commands,
    Strangers,
}

/// A leaf of this kind; pages are numbered by their place in the epoch, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Leaf {
    pub(super) kind: Kind,
    pub(super) number: u32,
}

impl Leaf {
    /// The number that it has in sled.
    pub(super) fn key(self) -> u64 {
        let kind = match self.kind {
            Kind::Page => 0_u64,
            Kind::Streams => 1,
            Kind::Commands => 2,
            Kind::Strangers => 3,
        };
        (kind << 32) | u64::from(self.number)
    }
}

/// What the leaves' checksums and marks are keyed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    checksum: Hash,
    mark: [u8; MARK],
}

impl Keys {
    /// Those of the epoch with this heading, as encoded.
    pub(super) fn new(heading: &[u8]) -> Self {
        let mark = blake3::derive_key("switchboard 2026 closed epoch mark", heading);
        Self {
            checksum: blake3::derive_key("switchboard 2026 closed epoch leaf checksum", heading),
            mark: Reader(&mark).array().unwrap_or_default(),
        }
    }

    fn hash(&self, leaf: Leaf, content: &[u8]) -> Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.checksum);
        hasher.update(&leaf.key().to_le_bytes());
        hasher.update(content);
        *hasher.finalize().as_bytes()
    }

    /// The content with its checksum.
    pub(super) fn close(&self, leaf: Leaf, mut content: Vec<u8>) -> Vec<u8> {
        let checksum = self.hash(leaf, &content);
        content.extend_from_slice(&checksum);
        content
    }

    /// The content, if the checksum fits.
    pub(super) fn open<'a>(&self, leaf: Leaf, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
        (self.hash(leaf, content) == *checksum).then_some(content)
    }

    fn prefix(&self, key: u64, part: u16) -> [u8; PREFIX] {
        let mut prefix = [0; PREFIX];
        let (mark, rest) = prefix.split_at_mut(MARK);
        let (number, place) = rest.split_at_mut(8);
        mark.copy_from_slice(&self.mark);
        number.copy_from_slice(&key.to_be_bytes());
        place.copy_from_slice(&part.to_be_bytes());
        prefix
    }

    /// A closed leaf as sled's values.
    pub(super) fn parts(&self, leaf: Leaf, bytes: &[u8]) -> Vec<Vec<u8>> {
        // The largest leaf has far fewer parts than there are numbers.
        (0..=u16::MAX)
            .zip(bytes.chunks(PART))
            .map(|(number, part)| {
                let mut value = self.prefix(leaf.key(), number).to_vec();
                value.extend_from_slice(part);
                value
            })
            .collect()
    }

    /// Calls `found` with leaf, part and the place of the part's bytes for every mark in the
    /// file. What stands there is not looked at.
    pub(super) fn search(
        &self,
        file: &File,
        mut found: impl FnMut(u64, u16, u64),
    ) -> io::Result<()> {
        const WINDOW: usize = 1024 * 1024;
        let length = file.metadata()?.len();
        let [first, ..] = self.mark;
        let mut window = vec![0; WINDOW];
        let mut at = 0;
        while at < length {
            let want = size(length.saturating_sub(at)).min(WINDOW);
            let window = window.get_mut(..want).unwrap_or_default();
            file.read_exact_at(window, at)?;
            let mut from = 0;
            while let Some(next) = window
                .get(from..)
                .and_then(|rest| rest.iter().position(|byte| *byte == first))
            {
                let start = from.saturating_add(next);
                from = start.saturating_add(1);
                let mut reader = Reader(window.get(start..).unwrap_or_default());
                if reader.array() == Some(self.mark)
                    && let (Some(key), Some(part)) = (reader.array(), reader.array())
                {
                    let place = at
                        .saturating_add(len64(start))
                        .saturating_add(len64(PREFIX));
                    found(u64::from_be_bytes(key), u16::from_be_bytes(part), place);
                }
            }
            // A mark across two windows is seen whole in the next.
            let step = if want == WINDOW {
                WINDOW - PREFIX
            } else {
                want
            };
            at = at.saturating_add(len64(step));
        }
        Ok(())
    }
}

/// Where the leaves of one kind stand in sled's file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    lengths: Vec<u32>,
    /// Which of the offsets is a leaf's first.
    starts: Vec<u32>,
    offsets: Vec<u32>,
}

impl Places {
    /// One more leaf of this length, nowhere yet.
    pub(super) fn push(&mut self, length: usize) {
        self.lengths.push(len32(length));
        self.starts.push(len32(self.offsets.len()));
        let parts = length.div_ceil(PART);
        self.offsets
            .resize(self.offsets.len().saturating_add(parts), u32::MAX);
    }

    /// How many leaves.
    pub(super) fn count(&self) -> u32 {
        len32(self.lengths.len())
    }

    /// Says where a part stands.
    pub(super) fn place(&mut self, leaf: u32, part: u16, offset: u32) {
        let start = self.starts.get(size(u64::from(leaf))).copied();
        let at = start.map(|start| size(u64::from(start)).saturating_add(usize::from(part)));
        if let Some(known) = at.and_then(|at| self.offsets.get_mut(at)) {
            *known = offset;
        }
    }

    /// Whether every part was found.
    pub(super) fn is_whole(&self) -> bool {
        !self.offsets.contains(&u32::MAX)
    }

    /// The bytes that stand where the leaf should be.
    pub(super) fn read(&self, leaf: u32, file: &File) -> io::Result<Vec<u8>> {
        let Some((length, offsets)) = self.parts_of(leaf) else {
            return Err(io::Error::other("there is no such leaf"));
        };
        let mut bytes = vec![0; length];
        let near = |(_, near): &(u32, usize)| *near <= length.saturating_mul(2);
        let Some((from, near)) = self.stretch(leaf, leaf).filter(near) else {
            for (part, offset) in bytes.chunks_mut(PART).zip(offsets) {
                file.read_exact_at(part, u64::from(*offset))?;
            }
            return Ok(bytes);
        };
        // Parts stand one behind the other nearly always: one read, instead of one for each, after
        // the second of which the system would read far ahead.
        let mut near = vec![0; near];
        file.read_exact_at(&mut near, u64::from(from))?;
        for (part, offset) in bytes.chunks_mut(PART).zip(offsets) {
            let start = size(u64::from(offset.saturating_sub(from)));
            let stands = near.get(start..).and_then(|rest| rest.get(..part.len()));
            part.copy_from_slice(stands.ok_or_else(|| io::Error::other("a part lies elsewhere"))?);
        }
        Ok(bytes)
    }

    /// Length of a leaf, and where its parts stand.
    fn parts_of(&self, leaf: u32) -> Option<(usize, &[u32])> {
        let at = size(u64::from(leaf));
        let length = size(u64::from(*self.lengths.get(at)?));
        let start = size(u64::from(*self.starts.get(at)?));
        let end = start.checked_add(length.div_ceil(PART))?;
        Some((length, self.offsets.get(start..end)?))
    }

    /// The stretch of the file in which these leaves stand, from the first to the last one: where it
    /// begins, and how long it is. None when there are no such leaves.
    pub(super) fn stretch(&self, first: u32, last: u32) -> Option<(u32, usize)> {
        let mut stretch: Option<(u32, u64)> = None;
        for leaf in [first, last] {
            let (length, offsets) = self.parts_of(leaf)?;
            let mut left = len64(length);
            for offset in offsets {
                let part = left.min(len64(PART));
                left = left.saturating_sub(part);
                let end = u64::from(*offset).saturating_add(part);
                let (from, until) = stretch.get_or_insert((*offset, end));
                (*from, *until) = ((*from).min(*offset), (*until).max(end));
            }
        }
        let (from, until) = stretch?;
        Some((from, size(until.saturating_sub(u64::from(from)))))
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count().to_le_bytes());
        for number in self.lengths.iter().chain(&self.offsets) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    pub(super) fn parse(from: &mut Reader<'_>) -> Option<Self> {
        let count = size(u64::from(from.u32()?));
        let mut lengths = Reader(from.take(count.checked_mul(4)?)?);
        let mut places = Self {
            lengths: Vec::with_capacity(count),
            starts: Vec::with_capacity(count),
            offsets: Vec::new(),
        };
        let mut parts = 0_usize;
        while let Some(length) = lengths.u32() {
            let whole = size(u64::from(length));
            (whole <= LEAF_MAX).then_some(())?;
            places.lengths.push(length);
            places.starts.push(u32::try_from(parts).ok()?);
            parts = parts.checked_add(whole.div_ceil(PART))?;
        }
        let mut offsets = Reader(from.take(parts.checked_mul(4)?)?);
        places.offsets.reserve_exact(parts);
        while let Some(offset) = offsets.u32() {
            places.offsets.push(offset);
        }
        Some(places)
    }
}

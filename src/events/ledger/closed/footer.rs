//! An epoch's index: streams by name, commands and odd event ids by fingerprint. In blocks of
//! their own, sorted; only each block's first entry is in memory.

use super::super::bytes::{Reader, len32, len64, put_short_text, size};
use super::super::index::StreamHead;
use super::columns::{put_varint, varint};
use super::zipped::{Zipper, unzip};

/// Streams of a block.
const STREAMS: usize = 128;
/// Fingerprints of a block: one part of sled each.
const WORDS: usize = 512;
/// No block of streams is larger: 128 of the longest names.
const BLOCK_MAX: usize = 64 * 1024;
/// An epoch has fewer events than this: their place takes so many low bits of a word.
pub(super) const PLACES: u64 = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 24;

/// A fingerprint's high bits and an event's place in its epoch.
pub(super) fn word(print: u64, place: u64) -> u64 {
    (print & !(PLACES - 1)) | (place & (PLACES - 1))
}

/// Blocks of sorted words, and the first word of each.
pub(super) fn word_blocks(words: &mut [u64]) -> (Vec<u64>, Vec<Vec<u8>>) {
    words.sort_unstable();
    words
        .chunks(WORDS)
        .map(|chunk| {
            let bytes = chunk.iter().flat_map(|word| word.to_le_bytes()).collect();
            (chunk.first().copied().unwrap_or_default(), bytes)
        })
        .unzip()
}

/// Which blocks may have words of this fingerprint: nearly always one.
pub(super) fn blocks_of(tops: &[u64], print: u64) -> std::ops::Range<usize> {
    let (least, greatest) = (word(print, 0), word(print, PLACES - 1));
    let start = tops.partition_point(|top| *top <= least).saturating_sub(1);
    start..tops.partition_point(|top| *top <= greatest)
}

/// The places of the words with this fingerprint; none when the block is no block.
pub(super) fn places_in(block: &[u8], print: u64) -> Option<Vec<u64>> {
    let mut at = Reader(block);
    let mut places = Vec::new();
    while !at.0.is_empty() {
        let found = at.u64()?;
        if word(found, 0) == word(print, 0) {
            places.push(found & (PLACES - 1));
        }
    }
    Some(places)
}

/// A stream in a block: its name and last event.
pub(super) type Entry = (Box<str>, StreamHead);

/// The first name of each block, and the blocks.
pub(super) type StreamBlocks = (Vec<Box<str>>, Vec<Vec<u8>>);

/// Blocks of sorted streams, and the first name of each.
pub(super) fn stream_blocks<'a>(
    streams: impl Iterator<Item = (&'a str, StreamHead)>,
    zipper: &mut Zipper,
) -> std::io::Result<StreamBlocks> {
    let mut streams = streams.peekable();
    let (mut tops, mut blocks) = (Vec::new(), Vec::new());
    while let Some((name, _)) = streams.peek() {
        tops.push((*name).into());
        let mut raw = Vec::new();
        for (name, head) in streams.by_ref().take(STREAMS) {
            put_short_text(&mut raw, name);
            put_varint(&mut raw, head.version);
            put_varint(&mut raw, head.position);
        }
        let mut block = Vec::new();
        zipper.put(&mut block, &raw)?;
        blocks.push(block);
    }
    Ok((tops, blocks))
}

/// A block of streams, unpacked: two pieces of memory and not one more per name, since thousands of
/// small pieces that come and go with the cache leave the memory around them in tatters.
#[derive(Debug)]
pub(super) struct Streams {
    raw: Box<[u8]>,
    /// Where each entry begins in `raw`.
    starts: Box<[u32]>,
}

impl Streams {
    /// The streams of a block; none when it is none.
    pub(super) fn read(block: &[u8]) -> Option<Self> {
        let mut at = Reader(block);
        let raw = unzip(&mut at, BLOCK_MAX)?;
        at.0.is_empty().then_some(())?;
        let mut at = Reader(&raw);
        let mut starts = Vec::with_capacity(STREAMS);
        while !at.0.is_empty() {
            starts.push(len32(raw.len().saturating_sub(at.0.len())));
            entry(&mut at)?;
        }
        Some(Self {
            starts: starts.into_boxed_slice(),
            raw: raw.into_boxed_slice(),
        })
    }

    fn at(&self, start: u32) -> Option<(&str, StreamHead)> {
        entry(&mut Reader(self.raw.get(size(u64::from(start))..)?))
    }

    /// Every name with its stream's last event, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, StreamHead)> {
        self.starts.iter().filter_map(|start| self.at(*start))
    }

    /// The last event of the stream with this name.
    pub(super) fn find(&self, name: &str) -> Option<StreamHead> {
        let before = |start: &u32| self.at(*start).is_some_and(|(other, _)| other < name);
        let start = self.starts.get(self.starts.partition_point(before))?;
        self.at(*start)
            .filter(|(found, _)| *found == name)
            .map(|(_, head)| head)
    }

    /// Bytes of memory, about.
    pub(super) fn weight(&self) -> usize {
        let starts = self.starts.len().saturating_mul(size_of::<u32>());
        self.raw.len().saturating_add(starts)
    }
}

fn entry<'a>(at: &mut Reader<'a>) -> Option<(&'a str, StreamHead)> {
    let name = at.short_text()?;
    let (version, position) = (varint(at)?, varint(at)?);
    Some((name, StreamHead { version, position }))
}

/// Which block has the name, if any has.
pub(super) fn block_of(tops: &[Box<str>], name: &str) -> Option<usize> {
    tops.partition_point(|top| &**top <= name).checked_sub(1)
}

/// First names as they stand in the seal.
pub(super) fn put_names(out: &mut Vec<u8>, names: &[Box<str>]) {
    put_varint(out, len64(names.len()));
    for name in names {
        put_short_text(out, name);
    }
}

pub(super) fn names(from: &mut Reader<'_>) -> Option<Vec<Box<str>>> {
    let count = size(varint(from)?);
    // One byte each at least: a count that lies asks for no memory.
    (count <= from.0.len()).then_some(())?;
    (0..count)
        .map(|_| from.short_text().map(Into::into))
        .collect()
}

/// Numbers as they stand in the seal.
pub(super) fn put_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    put_varint(out, len64(numbers.len()));
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

pub(super) fn numbers(from: &mut Reader<'_>) -> Option<Vec<u64>> {
    let count = size(varint(from)?);
    let mut bytes = Reader(from.take(count.checked_mul(8)?)?);
    let mut numbers = Vec::with_capacity(count);
    while let Some(number) = bytes.u64() {
        numbers.push(number);
    }
    Some(numbers)
}

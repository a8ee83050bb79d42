//! The seal of a closed epoch: the small file that says what the epoch is, and holds what must be
//! in memory to read it.

use std::fs;
use std::io;
use std::path::Path;

use super::super::bytes::{Reader, len64};
use super::super::journal::Heading;
use super::super::record::Hash;
use super::bloom::Filter;
use super::footer::{names, numbers, put_names, put_numbers};
use super::leaf::Places;
use super::page;

const MAGIC: [u8; 8] = *b"SWseal01";
/// No seal is larger: a longer file is damage, and is not read.
const SEAL_MAX: u64 = 256 * 1024 * 1024;

/// What a closed epoch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::events::ledger) struct Summary {
    /// Ledger, timeline, first position and the chain hash before it.
    pub(in crate::events::ledger) heading: Heading,
    pub(in crate::events::ledger) last: u64,
    /// Chain hash after the last event.
    pub(in crate::events::ledger) after: Hash,
    /// When the first event was recorded, in microseconds.
    pub(in crate::events::ledger) first_at: u64,
    /// When the last event was recorded, in microseconds.
    pub(in crate::events::ledger) last_at: u64,
    /// What the clock said at the last event, in microseconds.
    pub(in crate::events::ledger) clock: u64,
    /// Bytes of its records as they stood in the journal.
    pub(in crate::events::ledger) raw_bytes: u64,
    /// Bytes of sled's files.
    pub(in crate::events::ledger) stored_bytes: u64,
    /// How many streams have events in it.
    pub(in crate::events::ledger) streams: u64,
    /// How many commits it has.
    pub(in crate::events::ledger) commands: u64,
    /// Event ids that do not tell when their event was recorded.
    pub(in crate::events::ledger) strangers: u64,
    /// Hash of sled's files (`kept::files_hash`).
    pub(in crate::events::ledger) files: Hash,
}

/// A seal, read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::events::ledger) struct Seal {
    pub(in crate::events::ledger) summary: Summary,
    /// When each page's first event was recorded.
    pub(super) page_times: Vec<u64>,
    pub(super) pages: Places,
    pub(super) streams: Places,
    pub(super) stream_tops: Vec<Box<str>>,
    pub(super) stream_filter: Filter,
    pub(super) commands: Places,
    pub(super) command_tops: Vec<u64>,
    pub(super) command_filter: Filter,
    pub(super) strangers: Places,
    pub(super) stranger_tops: Vec<u64>,
    pub(super) stranger_filter: Filter,
}

impl Seal {
    /// The file's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let Summary {
            heading,
            last,
            after,
            first_at,
            last_at,
            clock,
            raw_bytes,
            stored_bytes,
            streams,
            commands,
            strangers,
            files,
        } = &self.summary;
        out.extend_from_slice(heading.ledger.as_bytes());
        out.extend_from_slice(heading.timeline.as_bytes());
        out.extend_from_slice(&heading.first.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
        out.extend_from_slice(&heading.before);
        out.extend_from_slice(after);
        for number in [
            first_at,
            last_at,
            clock,
            raw_bytes,
            stored_bytes,
            streams,
            commands,
            strangers,
            &page::EVENTS,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(files);
        put_numbers(&mut out, &self.page_times);
        self.pages.put(&mut out);
        self.streams.put(&mut out);
        put_names(&mut out, &self.stream_tops);
        self.stream_filter.put(&mut out);
        self.commands.put(&mut out);
        put_numbers(&mut out, &self.command_tops);
        self.command_filter.put(&mut out);
        self.strangers.put(&mut out);
        put_numbers(&mut out, &self.stranger_tops);
        self.stranger_filter.put(&mut out);
        let checksum = blake3::hash(&out);
        out.extend_from_slice(checksum.as_bytes());
        out
    }

    /// The seal of a file's bytes; none when they are none, or damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (covered, checksum) = bytes.split_last_chunk::<32>()?;
        (blake3::hash(covered) == *checksum).then_some(())?;
        Self::parse(covered)
    }

    /// The same without the checksum.
    pub(super) fn parse(covered: &[u8]) -> Option<Self> {
        let mut at = Reader(covered);
        (at.array() == Some(MAGIC)).then_some(())?;
        let summary = summary(&mut at)?;
        let seal = Self {
            summary,
            page_times: numbers(&mut at)?,
            pages: Places::parse(&mut at)?,
            streams: Places::parse(&mut at)?,
            stream_tops: names(&mut at)?,
            stream_filter: Filter::read(&mut at)?,
            commands: Places::parse(&mut at)?,
            command_tops: numbers(&mut at)?,
            command_filter: Filter::read(&mut at)?,
            strangers: Places::parse(&mut at)?,
            stranger_tops: numbers(&mut at)?,
            stranger_filter: Filter::read(&mut at)?,
        };
        (at.0.is_empty() && seal.agrees()).then_some(seal)
    }

    /// Whether its parts speak of the same epoch.
    fn agrees(&self) -> bool {
        let Summary { heading, last, .. } = &self.summary;
        let counted = |places: &Places, known: usize| u64::from(places.count()) == len64(known);
        let pages = page::number(*last)
            .saturating_sub(page::number(heading.first))
            .saturating_add(1);
        heading.first > 0
            && heading.first <= *last
            && u64::from(self.pages.count()) == pages
            && counted(&self.pages, self.page_times.len())
            && counted(&self.streams, self.stream_tops.len())
            && counted(&self.commands, self.command_tops.len())
            && counted(&self.strangers, self.stranger_tops.len())
    }

    /// Reads the file; none when it is damaged.
    pub(super) fn read(file: &Path) -> io::Result<Option<Self>> {
        if fs::metadata(file)?.len() > SEAL_MAX {
            return Ok(None);
        }
        Ok(Self::decode(&fs::read(file)?))
    }
}

fn summary(at: &mut Reader<'_>) -> Option<Summary> {
    let (ledger, timeline) = (at.uuid()?, at.uuid()?);
    let (first, last) = (at.u64()?, at.u64()?);
    let (before, after) = (at.array()?, at.array()?);
    let summary = Summary {
        heading: Heading {
            ledger,
            timeline,
            first,
            before,
        },
        last,
        after,
        first_at: at.u64()?,
        last_at: at.u64()?,
        clock: at.u64()?,
        raw_bytes: at.u64()?,
        stored_bytes: at.u64()?,
        streams: at.u64()?,
        commands: at.u64()?,
        strangers: at.u64()?,
        files: Hash::default(),
    };
    // Another page size would be another format; there is none yet.
    (at.u64()? == page::EVENTS).then_some(())?;
    Some(Summary {
        files: at.array()?,
        ..summary
    })
}

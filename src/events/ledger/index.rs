//! What is derived from the events and kept in memory while the ledger is open: stream heads, and
//! where ids and frames stand. Never stored; made anew from the journal at every opening.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

use uuid::Uuid;

use super::closed::packing::{is_timely, millis};
use super::frame::Frame;
use super::journal::{HEADER, Heading};
use super::record::{Hash, Malformed, Record};

/// A stream's last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamHead {
    pub(super) version: u64,
    pub(super) position: u64,
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameAt {
    /// Position of its first event.
    pub(super) first: u64,
    /// Its place in the journal, in bytes.
    pub(super) offset: u64,
    /// When its first event was recorded, in microseconds.
    pub(super) recorded_at: u64,
}

/// The ledger's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) position: u64,
    pub(super) chain: Hash,
    /// Microseconds.
    pub(super) recorded_at: u64,
    /// What the clock said then, in microseconds.
    pub(super) clock: u64,
    /// Where the next frame goes in the journal.
    pub(super) offset: u64,
}

/// Everything derived.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) end: End,
    pub(super) streams: HashMap<Box<str>, StreamHead>,
    /// Command id → position of its first event.
    pub(super) commands: Prints,
    /// Event id → position, of ids that do not tell when their event was recorded.
    strangers: Prints,
    /// In order.
    pub(super) frames: Vec<FrameAt>,
}

/// What a batch adds, gathered while it is written, so that nobody waits long for the index.
#[derive(Debug, Default)]
pub(super) struct Addition<'a> {
    /// Each stream's last event.
    pub(super) streams: HashMap<&'a str, StreamHead>,
    /// Commands, each with the position of its first event.
    pub(super) commands: Vec<(Uuid, u64)>,
    /// Event ids that do not tell when their event was recorded.
    pub(super) strangers: Vec<(Uuid, u64)>,
    pub(super) frames: Vec<FrameAt>,
}

impl Index {
    /// Of an epoch without events. `(recorded_at, clock)` are those of the event before it.
    pub(super) fn beginning(heading: &Heading, (recorded_at, clock): (u64, u64)) -> Self {
        Self {
            end: End {
                position: heading.first.saturating_sub(1),
                chain: heading.before,
                recorded_at,
                clock,
                offset: HEADER,
            },
            ..Self::default()
        }
    }

    /// Takes in the next frame.
    pub(super) fn add(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let mut recorded_at = None;
        for record in frame.records() {
            let (record, _) = record?;
            recorded_at.get_or_insert(record.recorded_at);
            self.add_record(&record);
        }
        self.frames.push(FrameAt {
            first: frame.first,
            offset: frame.offset,
            recorded_at: recorded_at.unwrap_or(self.end.recorded_at),
        });
        self.end.position = frame.last();
        self.end.chain = frame.after;
        self.end.offset = frame.end();
        Ok(())
    }

    fn add_record(&mut self, record: &Record<'_>) {
        let head = StreamHead {
            version: record.version,
            position: record.position,
        };
        self.set_head(record.stream, head);
        if !is_timely(record.id, record.recorded_at) {
            self.strangers.add(record.id, record.position);
        }
        if record.place == 0 {
            self.commands.add(record.command, record.position);
        }
        self.end.recorded_at = record.recorded_at;
        self.end.clock = record.clock;
    }

    fn set_head(&mut self, stream: &str, head: StreamHead) {
        match self.streams.get_mut(stream) {
            Some(known) => *known = head,
            None => {
                self.streams.insert(stream.into(), head);
            }
        }
    }

    /// Takes in a batch that is on the disk, with the end it leads to.
    pub(super) fn extend(&mut self, addition: Addition<'_>, end: End) {
        for (stream, head) in addition.streams {
            self.set_head(stream, head);
        }
        for (command, position) in addition.commands {
            self.commands.add(command, position);
        }
        for (event, position) in addition.strangers {
            self.strangers.add(event, position);
        }
        self.frames.extend(addition.frames);
        self.end = end;
    }

    /// Frames where the event with this id may be.
    pub(super) fn frames_of(&self, event: Uuid) -> Vec<FrameAt> {
        let strangers = self.strangers.candidates(event);
        let mut found: Vec<FrameAt> = strangers
            .into_iter()
            .filter_map(|position| self.frame_of(position))
            .collect();
        if let Some(millis) = millis(event) {
            let (from, until) = (
                millis.saturating_mul(1000),
                millis.saturating_add(1).saturating_mul(1000),
            );
            let begins_before = |limit: u64| {
                self.frames
                    .partition_point(|frame| frame.recorded_at < limit)
            };
            let first = begins_before(from).saturating_sub(1);
            let timely = self.frames.get(first..begins_before(until));
            found.extend_from_slice(timely.unwrap_or_default());
        }
        found
    }

    /// The frame that holds a position, if it is not beyond the end.
    pub(super) fn frame_of(&self, position: u64) -> Option<FrameAt> {
        if position > self.end.position {
            return None;
        }
        let after = self.frames.partition_point(|frame| frame.first <= position);
        self.frames.get(after.checked_sub(1)?).copied()
    }

    /// The last frame that begins at or before the instant.
    pub(super) fn frame_at(&self, micros: u64) -> Option<FrameAt> {
        let after = self
            .frames
            .partition_point(|frame| frame.recorded_at <= micros);
        self.frames.get(after.checked_sub(1)?).copied()
    }
}

/// Ids → positions by 64-bit fingerprints. Two ids may share one: the answer is where to look.
#[derive(Debug, Default)]
pub(super) struct Prints {
    // Keyed afresh in every process, so that nobody can choose ids that collide.
    hash: RandomState,
    first: HashMap<u64, u64>,
    more: Vec<(u64, u64)>,
}

impl Prints {
    /// One more id.
    pub(super) fn add(&mut self, id: Uuid, position: u64) {
        let print = self.hash.hash_one(id);
        match self.first.entry(print) {
            Entry::Vacant(free) => {
                free.insert(position);
            }
            Entry::Occupied(_) => self.more.push((print, position)),
        }
    }

    /// Positions where the id may stand.
    pub(super) fn candidates(&self, id: Uuid) -> Vec<u64> {
        let print = self.hash.hash_one(id);
        let more = self
            .more
            .iter()
            .filter(|(other, _)| *other == print)
            .map(|(_, position)| *position);
        self.first
            .get(&print)
            .copied()
            .into_iter()
            .chain(more)
            .collect()
    }
}

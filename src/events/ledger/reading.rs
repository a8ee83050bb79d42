//! Reading from all epochs. Nobody who reads holds up the writer.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use uuid::Uuid;

use super::append::Appended;
use super::blobs;
use super::handle::ReadError;
use super::index::StreamHead;
use super::prepare::{Ready, ReadyPart};
use super::record::{Hash, Kept as Stored, Record};
use super::shared::Shared;
use crate::events::envelope::Event;
use crate::events::ids::Position;

/// The event of a record, its body fetched from its file where it has one.
pub(super) fn event(blobs: &Path, record: &Record<'_>) -> Result<Event, ReadError> {
    let event = match record.kept {
        Stored::Inline(body) => record.event(body),
        Stored::Blob => {
            let body = blobs::read(blobs, &record.payload_hash, record.body_len)
                .map_err(|fault| corrupt(record.position, fault))?;
            record.event(&body)
        }
    };
    event.map_err(|fault| corrupt(record.position, fault))
}

/// Damage at a position, with the reason in words.
pub(super) fn corrupt(position: u64, reason: impl fmt::Display) -> ReadError {
    ReadError::Corrupt {
        position: Position(position),
        reason: reason.to_string(),
    }
}

impl Shared {
    /// What `visit` makes of the record at the position; none beyond the head.
    fn at<T>(
        &self,
        position: u64,
        visit: impl FnMut(&Record<'_>) -> T,
    ) -> Result<Option<T>, ReadError> {
        match self.epochs().live_of(position) {
            Some(live) => live.at(position, visit),
            None => Ok(None),
        }
    }

    pub(super) fn read(&self, from: u64, limit: usize) -> Result<Vec<Event>, ReadError> {
        let mut events = Vec::new();
        let mut next = from.max(1);
        let epochs = self.epochs();
        let blobs = self.layout.blobs();
        while events.len() < limit {
            let Some(live) = epochs.live_of(next) else {
                break;
            };
            let before = next;
            live.read(&blobs, &mut next, (&mut events, limit))?;
            if next == before {
                break;
            }
        }
        Ok(events)
    }

    pub(super) fn stream_head(&self, stream: &str) -> Result<Option<StreamHead>, ReadError> {
        let epochs = self.epochs();
        Ok(epochs.live().find_map(|live| live.stream_head(stream)))
    }

    pub(super) fn read_stream(&self, stream: &str) -> Result<Vec<Event>, ReadError> {
        let mut next = self.stream_head(stream)?.map(|head| head.position);
        let mut events: Vec<Event> = Vec::new();
        let blobs = self.layout.blobs();
        while let Some(position) = next {
            let event = self
                .at(position, |record| event(&blobs, record))?
                .ok_or_else(|| corrupt(position, "its frame does not hold it"))??;
            if event.stream.as_str() != stream {
                return Err(corrupt(position, "the stream's chain leads elsewhere"));
            }
            next = event.previous.map(|previous| previous.0);
            if next.is_some_and(|previous| previous >= position) {
                return Err(corrupt(position, "the stream's chain turns back"));
            }
            events.push(event);
        }
        events.reverse();
        Ok(events)
    }

    /// Every stream that begins with the prefix.
    pub(super) fn streams(&self, prefix: &str) -> Result<BTreeSet<String>, ReadError> {
        let mut found = BTreeSet::new();
        for live in self.epochs().live() {
            let index = live.index();
            let from = (
                std::ops::Bound::Included(prefix),
                std::ops::Bound::Unbounded,
            );
            let names = index.streams.range::<str, _>(from).map(|(name, _)| name);
            for name in names.take_while(|name| name.starts_with(prefix)) {
                if !found.contains(name.as_ref()) {
                    found.insert(String::from(name.as_ref()));
                }
            }
        }
        Ok(found)
    }

    pub(super) fn find(&self, event: Uuid) -> Result<Option<u64>, ReadError> {
        for live in self.epochs().live() {
            if let Some(position) = live.find(event)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The commit of a command and the hash of its content.
    pub(super) fn find_command(
        &self,
        command: Uuid,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        for live in self.epochs().live() {
            if let Some(found) = live.find_command(command)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    pub(super) fn position_at(&self, micros: u64) -> Result<u64, ReadError> {
        for live in self.epochs().live() {
            if let Some(position) = live.position_at(micros)? {
                return Ok(position);
            }
        }
        Ok(0)
    }

    pub(super) fn chain_at(&self, position: u64) -> Result<Option<Hash>, ReadError> {
        let epochs = self.epochs();
        // Before the first event there is nothing to hash.
        if position == 0 {
            return Ok(Some(Hash::default()));
        }
        match epochs.live_of(position) {
            Some(live) => live.chain_at(position),
            None => Ok(None),
        }
    }

    /// A stream's head as the writer sees it.
    pub(super) fn known_head(
        &self,
        _ready: &Ready,
        part: &ReadyPart,
    ) -> Result<Option<StreamHead>, ReadError> {
        self.stream_head(part.stream.as_str())
    }

    /// The commit of a command as the writer sees it.
    pub(super) fn known_command(
        &self,
        ready: &Ready,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        self.find_command(ready.cause.command.0)
    }
}

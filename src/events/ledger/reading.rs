//! Reading from all epochs. Nobody who reads holds up the writer.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use uuid::Uuid;

use super::append::Appended;
use super::blobs;
use super::epochs::{Epochs, Of};
use super::handle::ReadError;
use super::index::StreamHead;
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
        match self.epochs().of(position) {
            Some(Of::Live(live)) => live.at(position, visit),
            Some(Of::Past(past)) => past.at(position, visit),
            None => Ok(None),
        }
    }

    pub(super) fn read(&self, from: u64, limit: usize) -> Result<Vec<Event>, ReadError> {
        let mut events = Vec::new();
        let mut next = from.max(1);
        let epochs = self.epochs();
        let blobs = self.layout.blobs();
        while events.len() < limit {
            let before = next;
            match epochs.of(next) {
                Some(Of::Live(live)) => live.read(&blobs, &mut next, (&mut events, limit))?,
                Some(Of::Past(past)) => past.read(&blobs, &mut next, (&mut events, limit))?,
                None => {}
            }
            if next == before {
                break;
            }
        }
        Ok(events)
    }

    pub(super) fn stream_head(&self, stream: &str) -> Result<Option<StreamHead>, ReadError> {
        let epochs = self.epochs();
        match epochs.live().find_map(|live| live.stream_head(stream)) {
            Some(head) => Ok(Some(head)),
            None => self.past_head(&epochs, stream),
        }
    }

    pub(super) fn past_head(
        &self,
        epochs: &Epochs,
        stream: &str,
    ) -> Result<Option<StreamHead>, ReadError> {
        if epochs.past.is_empty() {
            return Ok(None);
        }
        let sought = self.printer.stream(stream);
        for past in epochs.past() {
            if let Some(head) = past.stream_head(stream, &sought)? {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    pub(super) fn read_stream(&self, stream: &str) -> Result<Vec<Event>, ReadError> {
        let head = self.stream_head(stream)?;
        let mut next = head.map(|head| head.position);
        let mut events: Vec<Event> = Vec::new();
        let blobs = self.layout.blobs();
        let epochs = self.epochs();
        // A stream of one event leads nowhere.
        let alone = head.is_some_and(|head| head.version == 0);
        let mut expected = if alone { 0 } else { u64::MAX };
        while let Some(position) = next {
            if position < expected
                && let Some(Of::Past(past)) = epochs.of(position)
            {
                expected = past.expect(position);
            }
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
        let mut add = |name: &str| {
            if !found.contains(name) {
                found.insert(name.to_owned());
            }
        };
        let epochs = self.epochs();
        for live in epochs.live() {
            live.streams(prefix, &mut add);
        }
        for past in epochs.past() {
            past.streams(prefix, &mut add)?;
        }
        Ok(found)
    }

    pub(super) fn find(&self, event: Uuid) -> Result<Option<u64>, ReadError> {
        let epochs = self.epochs();
        for live in epochs.live() {
            if let Some(position) = live.find(event)? {
                return Ok(Some(position));
            }
        }
        let sought = self.printer.id(event);
        for past in epochs.past() {
            if let Some(position) = past.find(event, &sought)? {
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
        let epochs = self.epochs();
        for live in epochs.live() {
            if let Some(found) = live.find_command(command)? {
                return Ok(Some(found));
            }
        }
        self.past_command(&epochs, command)
    }

    pub(super) fn past_command(
        &self,
        epochs: &Epochs,
        command: Uuid,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        if epochs.past.is_empty() {
            return Ok(None);
        }
        let sought = self.printer.id(command);
        for past in epochs.past() {
            if let Some(found) = past.find_command(command, &sought)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    pub(super) fn position_at(&self, micros: u64) -> Result<u64, ReadError> {
        let epochs = self.epochs();
        for live in epochs.live() {
            if let Some(position) = live.position_at(micros)? {
                return Ok(position);
            }
        }
        for past in epochs.past() {
            if let Some(position) = past.position_at(micros)? {
                return Ok(position);
            }
        }
        Ok(0)
    }

    pub(super) fn chain_at(&self, position: u64) -> Result<Option<Hash>, ReadError> {
        // Before the first event there is nothing to hash.
        if position == 0 {
            return Ok(Some(Hash::default()));
        }
        match self.epochs().of(position) {
            Some(Of::Live(live)) => live.chain_at(position),
            Some(Of::Past(past)) => past.chain_at(position),
            None => Ok(None),
        }
    }
}

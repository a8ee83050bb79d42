//! A live epoch: its journal, what is derived from it in memory, sled's copy and its witness.
//! The newest one grows; older ones are full and wait to be closed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use uuid::Uuid;

use super::append::Appended;
use super::frame::Frame;
use super::handle::ReadError;
use super::index::{FrameAt, Index, StreamHead};
use super::journal::Journal;
use super::kept::Kept;
use super::reading::{self, corrupt};
use super::record::{Content, Hash, Record, chained};
use super::witness::{Testimony, Witness};
use crate::events::envelope::Event;
use crate::events::ids::Position;

/// An epoch that is not closed.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) journal: Journal,
    pub(super) index: RwLock<Index>,
    /// None while it is not open: sled is opened late, and not by those who only look.
    pub(super) sled: RwLock<Option<Kept>>,
    /// Set, with `sled` locked, once the epoch is closed.
    retired: AtomicBool,
    /// None until somebody has something to say.
    pub(super) witness: Mutex<Option<Witness>>,
    /// What the witness said when the ledger was opened.
    pub(super) said: Option<Testimony>,
}

impl Live {
    pub(super) const fn new(journal: Journal, index: Index, said: Option<Testimony>) -> Self {
        Self {
            journal,
            index: RwLock::new(index),
            sled: RwLock::new(None),
            retired: AtomicBool::new(false),
            witness: Mutex::new(None),
            said,
        }
    }

    /// Position of its first event, also when there is none yet.
    pub(super) const fn first(&self) -> u64 {
        self.journal.heading.first
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn kept(&self) -> RwLockReadGuard<'_, Option<Kept>> {
        self.sled.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the epoch was closed, so that sled's copy of it is not wanted any more.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }

    /// Takes sled away from everybody, for good.
    pub(super) fn retire(&self) -> Option<Kept> {
        let mut slot = self.sled.write().unwrap_or_else(PoisonError::into_inner);
        self.retired.store(true, Ordering::SeqCst);
        slot.take()
    }

    /// Takes sled away from everybody, to be shut.
    pub(super) fn take_kept(&self) -> Option<Kept> {
        self.sled
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Says how far the journal reaches, and what sled's files are.
    pub(super) fn say(
        &self,
        witness: &Path,
        (position, chain): (u64, Hash),
        files: Option<Hash>,
    ) -> std::io::Result<()> {
        let mut speaking = self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        if speaking.is_none() {
            *speaking = Some(Witness::open(witness)?.0);
        }
        match speaking.as_mut() {
            Some(speaking) => speaking.say(position, chain, files),
            None => Ok(()),
        }
    }

    /// The bytes of a frame, checked: the journal's, which are in the page cache mostly, or sled's
    /// where those are damaged. `verify` names that.
    pub(super) fn frame(&self, at: FrameAt) -> Result<Vec<u8>, ReadError> {
        let fault = match self.journal.frame(at.offset) {
            Ok(Ok(bytes)) => return Ok(bytes),
            Ok(Err(fault)) => corrupt(at.first, fault),
            Err(source) => ReadError::Io {
                step: "reading the journal",
                source,
            },
        };
        if let Some(kept) = self.kept().as_ref()
            && let Ok(Some(bytes)) = kept.frame(at.first)
            && Frame::read(&bytes, Some(at.offset), &self.journal.key)
                .is_ok_and(|frame| frame.first == at.first)
        {
            return Ok(bytes);
        }
        Err(fault)
    }

    /// The bytes of the frame that holds a position, checked; none when it is not of this epoch.
    pub(super) fn frame_holding(&self, position: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let at = self.index().frame_of(position);
        at.map(|at| self.frame(at)).transpose()
    }

    /// Calls `visit` with every record of the frame.
    fn each_record<T>(
        &self,
        at: FrameAt,
        mut visit: impl FnMut(&Record<'_>, &[u8]) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        let bytes = self.frame(at)?;
        let frame = Frame::again(&bytes).map_err(|fault| corrupt(at.first, fault))?;
        for record in frame.records() {
            let (record, header) = record.map_err(|fault| corrupt(at.first, fault))?;
            if let Some(found) = visit(&record, header) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What `visit` makes of the record at the position; none when it is not of this epoch.
    pub(super) fn at<T>(
        &self,
        position: u64,
        mut visit: impl FnMut(&Record<'_>) -> T,
    ) -> Result<Option<T>, ReadError> {
        let Some(at) = self.index().frame_of(position) else {
            return Ok(None);
        };
        self.each_record(at, |record, _| {
            (record.position == position).then(|| visit(record))
        })
    }

    /// Events from `next` on, until there are `limit` or this epoch ends; `next` goes on.
    pub(super) fn read(
        &self,
        blobs: &Path,
        next: &mut u64,
        (events, limit): (&mut Vec<Event>, usize),
    ) -> Result<(), ReadError> {
        while events.len() < limit {
            let Some(at) = self.index().frame_of(*next) else {
                break;
            };
            let failed = self.each_record(at, |record, _| {
                if record.position != *next || events.len() >= limit {
                    return None;
                }
                match reading::event(blobs, record) {
                    Ok(event) => {
                        events.push(event);
                        *next = next.saturating_add(1);
                        None
                    }
                    Err(e) => Some(e),
                }
            })?;
            if let Some(e) = failed {
                return Err(e);
            }
            if *next <= at.first {
                return Err(corrupt(*next, "its frame does not hold it"));
            }
        }
        Ok(())
    }

    pub(super) fn stream_head(&self, stream: &str) -> Option<StreamHead> {
        self.index().streams.get(stream).copied()
    }

    /// Calls `visit` with the name of every stream that begins with the prefix.
    pub(super) fn streams(&self, prefix: &str, visit: impl FnMut(&str)) {
        let index = self.index();
        let names = index.streams.keys().map(|name| &**name);
        names
            .filter(|name| name.starts_with(prefix))
            .for_each(visit);
    }

    pub(super) fn find(&self, event: Uuid) -> Result<Option<u64>, ReadError> {
        let frames = self.index().frames_of(event);
        for at in frames {
            let found = self.each_record(at, |record, _| {
                (record.id == event).then_some(record.position)
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The commit of a command and the hash of its content.
    pub(super) fn find_command(
        &self,
        command: Uuid,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        let candidates = self.index().commands.candidates(command);
        for position in candidates {
            if self.at(position, |record| record.command == command)? == Some(true) {
                return self.commit_at(position).map(Some);
            }
        }
        Ok(None)
    }

    fn commit_at(&self, first: u64) -> Result<(Appended, Hash), ReadError> {
        let mut commit = Gathered::at(first);
        // A commit lies in one frame.
        if let Some(at) = self.index().frame_of(first) {
            self.each_record(at, |record, _| (!commit.take(record)).then_some(()))?;
        }
        Ok(commit.done())
    }

    /// The last position of this epoch recorded at or before the instant.
    pub(super) fn position_at(&self, micros: u64) -> Result<Option<u64>, ReadError> {
        let Some(at) = self.index().frame_at(micros) else {
            return Ok(None);
        };
        let mut last = None;
        self.each_record(at, |record, _| {
            if record.recorded_at <= micros {
                last = Some(record.position);
            }
            None::<()>
        })?;
        Ok(last)
    }

    pub(super) fn chain_at(&self, position: u64) -> Result<Option<Hash>, ReadError> {
        let Some(at) = self.index().frame_of(position) else {
            return Ok(None);
        };
        let bytes = self.frame(at)?;
        let frame = Frame::again(&bytes).map_err(|fault| corrupt(at.first, fault))?;
        let mut chain = frame.before;
        for record in frame.records() {
            let (record, header) = record.map_err(|fault| corrupt(at.first, fault))?;
            chain = chained(&chain, header, &record.payload_hash);
            if record.position == position {
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }
}

/// A commit put together again from its records.
#[derive(Debug)]
pub(super) struct Gathered {
    first: u64,
    last: u64,
    version: u64,
    stream: Option<String>,
    content: Content,
}

impl Gathered {
    pub(super) fn at(first: u64) -> Self {
        Self {
            first,
            last: first,
            version: 0,
            stream: None,
            content: Content::default(),
        }
    }

    /// One more record, in order; false when the commit was whole before it.
    pub(super) fn take(&mut self, record: &Record<'_>) -> bool {
        if record.position < self.first {
            return true;
        }
        if record.position > self.first && record.place == 0 {
            return false;
        }
        self.content
            .add(record.stream, record.kind, &record.payload_hash);
        let stream = self.stream.get_or_insert_with(|| record.stream.to_owned());
        if *stream == record.stream {
            self.version = record.version;
        }
        self.last = record.position;
        true
    }

    pub(super) fn done(self) -> (Appended, Hash) {
        let appended = Appended {
            first: Position(self.first),
            last: Position(self.last),
            version: self.version,
            repeated: true,
        };
        (appended, self.content.hash())
    }
}

//! What every thread of an open ledger shares, and reading from it: frames come from the tail in
//! memory, else from sled, else from the journal.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use uuid::Uuid;

use super::append::Appended;
use super::blobs;
use super::disk::Disk;
use super::frame::Frame;
use super::handle::{Edge, ReadError};
use super::index::{FrameAt, Index, StreamHead};
use super::journal::Journal;
use super::kept::Kept;
use super::layout::Layout;
use super::record::{Content, Hash, Kept as Stored, Record};
use super::tail::Tail;
use crate::events::envelope::Event;
use crate::events::ids::Position;

type Listener = Box<dyn Fn(Position) + Send + Sync>;

/// An open ledger without its threads.
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) edge: Edge,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) journal: Journal,
    pub(super) index: RwLock<Index>,
    pub(super) tail: Tail,
    /// None once the ledger is closed.
    pub(super) sled: RwLock<Option<Kept>>,
    poison: Mutex<Option<String>>,
    head: Mutex<u64>,
    moved: Condvar,
    listeners: RwLock<Vec<Listener>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("store", &self.layout.store)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(
        layout: Layout,
        (edge, disk): (Edge, Arc<dyn Disk>),
        journal: Journal,
        index: Index,
        kept: Option<Kept>,
    ) -> Self {
        Self {
            layout,
            edge,
            disk,
            journal,
            head: Mutex::new(index.end.position),
            index: RwLock::new(index),
            tail: Tail::default(),
            sled: RwLock::new(kept),
            poison: Mutex::default(),
            moved: Condvar::new(),
            listeners: RwLock::default(),
        }
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn kept(&self) -> RwLockReadGuard<'_, Option<Kept>> {
        self.sled.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more writes, for this reason; the first reason stays.
    pub(super) fn poison(&self, reason: String) {
        self.poison
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(reason);
    }

    pub(super) fn poisoned(&self) -> Option<String> {
        self.poison
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells everybody who waits or listens that the head is here now.
    pub(super) fn announce(&self, position: u64) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = position;
        self.moved.notify_all();
        let listeners = self
            .listeners
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for call in listeners.iter() {
            call(Position(position));
        }
    }

    pub(super) fn listen(&self, call: Listener) {
        self.listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call);
    }

    pub(super) fn wait_beyond(&self, position: u64, patience: Duration) -> u64 {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let (head, _) = self
            .moved
            .wait_timeout_while(head, patience, |head| *head <= position)
            .unwrap_or_else(PoisonError::into_inner);
        *head
    }

    /// The bytes of a frame, checked.
    fn frame(&self, at: FrameAt) -> Result<Arc<[u8]>, ReadError> {
        if let Some(bytes) = self.tail.get(at.first) {
            return Ok(bytes);
        }
        if let Some(kept) = self.kept().as_ref()
            && let Ok(Some(bytes)) = kept.frame(at.first)
            && Frame::read(&bytes, Some(at.offset), &self.journal.key)
                .is_ok_and(|frame| frame.first == at.first)
        {
            return Ok(bytes.into());
        }
        // sled is closed or has lost it; the journal has all of the epoch. `verify` names it.
        self.journal
            .frame(at.offset)
            .map_err(|source| ReadError::Io {
                step: "reading the journal",
                source,
            })?
            .map_err(|fault| corrupt(at.first, fault))
    }

    /// The bytes of the frame that holds a position; none beyond the head.
    pub(super) fn frame_holding(&self, position: u64) -> Result<Option<Arc<[u8]>>, ReadError> {
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

    /// What `visit` makes of the record at the position; none beyond the head.
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

    fn event(&self, record: &Record<'_>) -> Result<Event, ReadError> {
        let event = match record.kept {
            Stored::Inline(body) => record.event(body),
            Stored::Blob => {
                let blobs = self.layout.blobs();
                let body = blobs::read(&blobs, &record.payload_hash, record.body_len)
                    .map_err(|fault| corrupt(record.position, fault))?;
                record.event(&body)
            }
        };
        event.map_err(|fault| corrupt(record.position, fault))
    }

    pub(super) fn read(&self, from: u64, limit: usize) -> Result<Vec<Event>, ReadError> {
        let mut events = Vec::new();
        let mut next = from.max(1);
        while events.len() < limit {
            let Some(at) = self.index().frame_of(next) else {
                break;
            };
            let failed = self.each_record(at, |record, _| {
                if record.position != next || events.len() >= limit {
                    return None;
                }
                match self.event(record) {
                    Ok(event) => {
                        events.push(event);
                        next = next.saturating_add(1);
                        None
                    }
                    Err(e) => Some(e),
                }
            })?;
            if let Some(e) = failed {
                return Err(e);
            }
            if next <= at.first {
                return Err(corrupt(next, "its frame does not hold it"));
            }
        }
        Ok(events)
    }

    pub(super) fn stream_head(&self, stream: &str) -> Option<StreamHead> {
        self.index().streams.get(stream).copied()
    }

    pub(super) fn read_stream(&self, stream: &str) -> Result<Vec<Event>, ReadError> {
        let mut next = self.stream_head(stream).map(|head| head.position);
        let mut events: Vec<Event> = Vec::new();
        while let Some(position) = next {
            let event = self
                .at(position, |record| self.event(record))?
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

    pub(super) fn find(&self, event: Uuid) -> Result<Option<u64>, ReadError> {
        let candidates = self.index().events.candidates(event);
        for position in candidates {
            if self.at(position, |record| record.id == event)? == Some(true) {
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
        let candidates = self.index().commands.candidates(command);
        for position in candidates {
            if self.at(position, |record| record.command == command)? == Some(true) {
                return self.commit_at(position).map(Some);
            }
        }
        Ok(None)
    }

    fn commit_at(&self, first: u64) -> Result<(Appended, Hash), ReadError> {
        let mut content = Content::default();
        let mut stream: Option<String> = None;
        let (mut version, mut last) = (0, first);
        // A commit lies in one frame.
        if let Some(at) = self.index().frame_of(first) {
            self.each_record(at, |record, _| {
                if record.position < first {
                    return None;
                }
                if record.position > first && record.place == 0 {
                    return Some(());
                }
                content.add(record.stream, record.kind, &record.payload_hash);
                if *stream.get_or_insert_with(|| record.stream.to_owned()) == record.stream {
                    version = record.version;
                }
                last = record.position;
                None
            })?;
        }
        let appended = Appended {
            first: Position(first),
            last: Position(last),
            version,
            repeated: true,
        };
        Ok((appended, content.hash()))
    }

    pub(super) fn position_at(&self, micros: u64) -> Result<u64, ReadError> {
        let Some(at) = self.index().frame_at(micros) else {
            return Ok(0);
        };
        let mut last = 0;
        self.each_record(at, |record, _| {
            if record.recorded_at <= micros {
                last = record.position;
            }
            None::<()>
        })?;
        Ok(last)
    }

    pub(super) fn chain_at(&self, position: u64) -> Result<Option<Hash>, ReadError> {
        if position == 0 {
            return Ok(Some(self.journal.heading.before));
        }
        let Some(at) = self.index().frame_of(position) else {
            return Ok(None);
        };
        let bytes = self.frame(at)?;
        let mut chain = Frame::again(&bytes)
            .map_err(|fault| corrupt(at.first, fault))?
            .before;
        self.each_record(at, |record, header| {
            chain = super::record::chained(&chain, header, &record.payload_hash);
            (record.position == position).then_some(chain)
        })
    }
}

/// Damage at a position, with the reason in words.
pub(super) fn corrupt(position: u64, reason: impl fmt::Display) -> ReadError {
    ReadError::Corrupt {
        position: Position(position),
        reason: reason.to_string(),
    }
}

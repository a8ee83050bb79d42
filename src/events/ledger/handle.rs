//! The ledger as everything above sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::append::{AppendError, Appended, Commit};
use crate::events::envelope::Event;
use crate::events::ids::{CommandId, EventId, Ids, Position, StreamId};
use crate::events::time::{Clock, Timestamp};

/// Where the ledger's time and ids come from.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh UUIDv7.
    pub ids: Arc<dyn Ids>,
}

/// The newest event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its position; 0 when there is none.
    pub position: Position,
    /// Its chain hash.
    pub chain: [u8; 32],
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// What was found and done while opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Why sled's copy was written anew from the journal, if it was.
    pub rebuilt: Option<String>,
    /// Bytes of a torn, never acknowledged tail that were set aside.
    pub torn_bytes: u64,
}

/// A ledger that was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no ledger in the folder (exit 10).
    #[error("there is no ledger in {path}")]
    Absent { path: String },
    /// The folder holds something else (exit 10).
    #[error("{path} is not a Switchboard store: {reason}")]
    NotAStore { path: String, reason: String },
    /// Another process has it (exit 11).
    #[error("the ledger in {path} is in use by another process")]
    Locked { path: String },
    /// Written by a newer binary (exit 19).
    #[error("the ledger in {path} has format {found}; this binary reads up to {known}")]
    TooNew {
        path: String,
        found: u32,
        known: u32,
    },
    /// Damaged beyond what the journal can mend (exit 9). Nothing was overwritten.
    #[error("the ledger in {path} is damaged: {reason}")]
    Corrupt { path: String, reason: String },
    /// The system refused a step.
    #[error("{step} failed in {path}")]
    Io {
        step: &'static str,
        path: String,
        source: std::io::Error,
    },
}

/// Events that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Stored bytes are damaged (exit 9).
    #[error("the ledger is damaged at position {position}: {reason}")]
    Corrupt { position: Position, reason: String },
    /// The system refused a step.
    #[error("{step} failed")]
    Io {
        step: &'static str,
        source: std::io::Error,
    },
}

/// What `verify` found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// True when there is no damage.
    pub ok: bool,
    /// Events that were read and checked.
    pub events: u64,
    /// The head they lead to.
    pub head: Position,
    /// Its chain hash in hex.
    pub chain: String,
    /// Each damaged thing and what it takes with it.
    pub damage: Vec<String>,
}

/// A ledger, opened and locked by this process. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Ledger {}

impl Ledger {
    /// Makes a new ledger in `store` (made if absent) with `ledger.created` at position 1.
    pub fn create(_store: &Path, _edge: Edge, _made_by: &str) -> Result<Self, OpenError> {
        unimplemented!()
    }
    /// Opens the ledger in `store`: locks, compares journal and sled, rebuilds sled if it is behind or damaged.
    pub fn open(_store: &Path, _edge: Edge) -> Result<(Self, Opening), OpenError> {
        unimplemented!()
    }
    /// The ledger's id, and its timeline's.
    pub fn identity(&self) -> (Uuid, Uuid) {
        unimplemented!()
    }
    /// The newest event that is durable.
    pub fn head(&self) -> Head {
        unimplemented!()
    }
    /// Writes the commit; returns once it is durable. Blocks; call it off the async threads.
    pub fn append(&self, _commit: Commit) -> Result<Appended, AppendError> {
        unimplemented!()
    }
    /// Up to `limit` events from `from` on, in order; empty beyond the head. Never blocks the writer.
    pub fn read(&self, _from: Position, _limit: usize) -> Result<Vec<Event>, ReadError> {
        unimplemented!()
    }
    /// A stream's last version and the position of its last event.
    pub fn stream_head(&self, _stream: &StreamId) -> Option<(u64, Position)> {
        unimplemented!()
    }
    /// All events of one stream, oldest first.
    pub fn read_stream(&self, _stream: &StreamId) -> Result<Vec<Event>, ReadError> {
        unimplemented!()
    }
    /// Every stream of a category, sorted.
    pub fn streams(&self, _category: &str) -> Vec<StreamId> {
        unimplemented!()
    }
    /// Where an event stands.
    pub fn find(&self, _event: EventId) -> Result<Option<Position>, ReadError> {
        unimplemented!()
    }
    /// The commit of a command, if it was carried out.
    pub fn find_command(&self, _command: CommandId) -> Result<Option<Appended>, ReadError> {
        unimplemented!()
    }
    /// The last position recorded at or before the instant; 0 when none was.
    pub fn position_at(&self, _at: Timestamp) -> Result<Position, ReadError> {
        unimplemented!()
    }
    /// The chain hash at a position (for checkpoints).
    pub fn chain_at(&self, _at: Position) -> Result<Option<[u8; 32]>, ReadError> {
        unimplemented!()
    }
    /// Waits until the head is beyond `position`, at most `patience`; returns the head's position.
    pub fn wait_beyond(&self, _position: Position, _patience: Duration) -> Position {
        unimplemented!()
    }
    /// Calls back after every durable commit, from the writer's thread: must be quick and not block.
    pub fn on_commit(&self, _call: Box<dyn Fn(Position) + Send + Sync>) {
        unimplemented!()
    }
    /// Reads everything and compares journal, sled, chain, gaps, versions and indexes.
    pub fn verify(&self) -> Result<Verified, ReadError> {
        unimplemented!()
    }
    /// Why no more writes are taken, if so.
    pub fn poisoned(&self) -> Option<String> {
        unimplemented!()
    }
    /// Syncs sled, stops the writer, unlocks. Also done when the last clone is dropped.
    pub fn close(self) -> Result<(), ReadError> {
        unimplemented!()
    }
}

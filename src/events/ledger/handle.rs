//! The ledger as everything above sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::append::{AppendError, Appended, Commit, Expected, Part};
use super::disk::{Disk, OsDisk, is_full};
use super::opening::{self, Opened};
use super::owner::Owner;
use super::prepare::{Ready, prepare};
use super::writer::{self, own_cause};
use super::{blobs, bytes, creating, verify};
use crate::events::envelope::Event;
use crate::events::facts::ledger::LedgerRebuilt;
use crate::events::ids::{CommandId, EventId, Ids, Position, StreamId};
use crate::events::time::{Clock, Timestamp};

/// Where the ledger's time and ids come from.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh `UUIDv7`.
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
    Absent {
        /// The folder.
        path: String,
    },
    /// A new ledger was wanted where one is already (exit 16).
    #[error("there is already a ledger in {path}")]
    Present {
        /// The folder.
        path: String,
    },
    /// The folder holds something else (exit 10).
    #[error("{path} is not a Switchboard store: {reason}")]
    NotAStore {
        /// The folder.
        path: String,
        /// In words.
        reason: String,
    },
    /// Another process has it (exit 11).
    #[error("the ledger in {path} is in use by another process")]
    Locked {
        /// The folder.
        path: String,
    },
    /// Written by a newer binary (exit 19).
    #[error("the ledger in {path} has format {found}; this binary reads up to {known}")]
    TooNew {
        /// The folder.
        path: String,
        /// The format found.
        found: u32,
        /// The newest format this binary reads.
        known: u32,
    },
    /// Damaged beyond what the journal can mend (exit 9). Nothing was overwritten.
    #[error("the ledger in {path} is damaged: {reason}")]
    Corrupt {
        /// The folder.
        path: String,
        /// In words.
        reason: String,
    },
    /// The system refused a step.
    #[error("{step} failed in {path}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Events that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Stored bytes are damaged (exit 9).
    #[error("the ledger is damaged at position {position}: {reason}")]
    Corrupt {
        /// The first event that cannot be read.
        position: Position,
        /// In words.
        reason: String,
    },
    /// The system refused a step.
    #[error("{step} failed")]
    Io {
        /// What was tried.
        step: &'static str,
        /// What the system said.
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
pub struct Ledger {
    owner: Arc<Owner>,
}

impl Ledger {
    /// Makes a new ledger in `store` (made if absent) with `ledger.created` at position 1.
    pub fn create(store: &Path, edge: Edge, made_by: &str) -> Result<Self, OpenError> {
        Self::create_on(Arc::new(OsDisk), store, edge, made_by)
    }

    /// [`Self::create`] on a disk of the caller's: tests bring one that fails.
    pub fn create_on(
        disk: Arc<dyn Disk>,
        store: &Path,
        edge: Edge,
        made_by: &str,
    ) -> Result<Self, OpenError> {
        Self::start(creating::create(store, edge, disk, made_by)?).map(|(ledger, _)| ledger)
    }

    /// Opens the ledger in `store`: locks, compares journal and sled, rebuilds sled if it is behind
    /// or damaged, and sets a torn tail aside (all that there is to repair: other damage is
    /// refused, and named by [`Self::examine`]).
    pub fn open(store: &Path, edge: Edge) -> Result<(Self, Opening), OpenError> {
        Self::open_on(Arc::new(OsDisk), store, edge)
    }

    /// [`Self::open`] on a disk of the caller's: tests bring one that fails.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        store: &Path,
        edge: Edge,
    ) -> Result<(Self, Opening), OpenError> {
        Self::start(opening::open(store, edge, disk)?)
    }

    fn start(opened: Opened) -> Result<(Self, Opening), OpenError> {
        let (owner, opening) = Owner::start(opened)?;
        let ledger = Self {
            owner: Arc::new(owner),
        };
        if let Some(reason) = &opening.rebuilt {
            ledger.note_rebuilt(reason);
        }
        Ok((ledger, opening))
    }

    pub(super) fn shared(&self) -> &super::reading::Shared {
        &self.owner.shared
    }

    fn note_rebuilt(&self, reason: &str) {
        let shared = &self.owner.shared;
        let fact = LedgerRebuilt {
            events: self.head().position.0,
            reason: reason.to_owned(),
        };
        let noted = self.append(Commit {
            cause: own_cause(shared, shared.edge.clock.now()),
            parts: vec![Part {
                stream: StreamId::ledger(),
                expected: Expected::Any,
                facts: vec![fact.into()],
            }],
        });
        // On a full disk the note is lost; `Opening` says it all the same, and reading goes on.
        drop(noted);
    }

    /// Names the damage of a store that need not be openable, without opening it. Takes the lock.
    pub fn examine(store: &Path) -> Result<Verified, OpenError> {
        verify::examine(store)
    }

    /// The ledger's id, and its timeline's.
    pub fn identity(&self) -> (Uuid, Uuid) {
        opening::identity(&self.owner.shared)
    }

    /// The newest event that is durable.
    pub fn head(&self) -> Head {
        let end = self.owner.shared.index().end;
        Head {
            position: Position(end.position),
            chain: end.chain,
            recorded_at: Timestamp::from_micros(end.recorded_at),
        }
    }

    /// Writes the commit; returns once it is durable. Blocks; call it off the async threads.
    pub fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        let ready = prepare(commit)?;
        self.write_blobs(&ready)?;
        self.owner.ask(ready)
    }

    /// Large bodies are on the disk before their commit is looked at: a commit that is refused
    /// leaves a file that nothing names, which harms nobody.
    fn write_blobs(&self, ready: &Ready) -> Result<(), AppendError> {
        let shared = &self.owner.shared;
        let bodies = || ready.parts.iter().flat_map(|part| &part.bodies);
        let large: u64 = bodies()
            .filter(|body| body.is_large())
            .map(|body| bytes::len64(body.bytes.len()))
            .sum();
        if large == 0 {
            return Ok(());
        }
        if let Some(reason) = self.poisoned() {
            return Err(AppendError::Poisoned { reason });
        }
        let needed = large.saturating_add(writer::RESERVE);
        if let Some(detail) = writer::free_below(shared, needed) {
            // The writer still knows the answer to a command that was carried out before.
            return match shared.find_command(ready.cause.command.0) {
                Ok(Some(_)) => Ok(()),
                Ok(None) | Err(_) => Err(AppendError::NoSpace { detail }),
            };
        }
        let folder = shared.layout.blobs();
        for body in bodies().filter(|body| body.is_large()) {
            blobs::write(&folder, &body.hash, &body.bytes).map_err(|e| {
                if is_full(&e) {
                    let detail = format!("writing a body: {e}");
                    return AppendError::NoSpace { detail };
                }
                let reason = format!("writing a body failed: {e}");
                shared.poison(reason.clone());
                AppendError::Poisoned { reason }
            })?;
        }
        Ok(())
    }

    /// Up to `limit` events from `from` on, in order; empty beyond the head. Never blocks the writer.
    pub fn read(&self, from: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        self.owner.shared.read(from.0, limit)
    }

    /// A stream's last version and the position of its last event.
    pub fn stream_head(&self, stream: &StreamId) -> Option<(u64, Position)> {
        let head = self.owner.shared.stream_head(stream.as_str())?;
        Some((head.version, Position(head.position)))
    }

    /// All events of one stream, oldest first.
    pub fn read_stream(&self, stream: &StreamId) -> Result<Vec<Event>, ReadError> {
        self.owner.shared.read_stream(stream.as_str())
    }

    /// Every stream of a category, sorted.
    pub fn streams(&self, category: &str) -> Vec<StreamId> {
        let prefix = format!("{category}/");
        let index = self.owner.shared.index();
        index
            .streams
            .range::<str, _>((
                std::ops::Bound::Included(prefix.as_str()),
                std::ops::Bound::Unbounded,
            ))
            .map(|(stream, _)| stream)
            .take_while(|stream| stream.starts_with(&prefix))
            .filter_map(|stream| StreamId::try_from(String::from(stream.as_ref())).ok())
            .collect()
    }

    /// Where an event stands.
    pub fn find(&self, event: EventId) -> Result<Option<Position>, ReadError> {
        Ok(self.owner.shared.find(event.0)?.map(Position))
    }

    /// The commit of a command, if it was carried out.
    pub fn find_command(&self, command: CommandId) -> Result<Option<Appended>, ReadError> {
        let found = self.owner.shared.find_command(command.0)?;
        Ok(found.map(|(appended, _)| appended))
    }

    /// The last position recorded at or before the instant; 0 when none was.
    pub fn position_at(&self, at: Timestamp) -> Result<Position, ReadError> {
        self.owner.shared.position_at(at.micros()).map(Position)
    }

    /// The chain hash at a position (for checkpoints).
    pub fn chain_at(&self, at: Position) -> Result<Option<[u8; 32]>, ReadError> {
        self.owner.shared.chain_at(at.0)
    }

    /// Waits until the head is beyond `position`, at most `patience`; returns the head's position.
    pub fn wait_beyond(&self, position: Position, patience: Duration) -> Position {
        Position(self.owner.shared.wait_beyond(position.0, patience))
    }

    /// Calls back after every durable commit, from the writer's thread: must be quick and not
    /// block, and must not hold a clone of this ledger (it would never be dropped).
    pub fn on_commit(&self, call: Box<dyn Fn(Position) + Send + Sync>) {
        self.owner.shared.listen(call);
    }

    /// Reads everything and compares journal, sled, chain, gaps, versions and indexes.
    pub fn verify(&self) -> Result<Verified, ReadError> {
        verify::verify(&self.owner.shared)
    }

    /// Why no more writes are taken, if so.
    pub fn poisoned(&self) -> Option<String> {
        self.owner.shared.poisoned()
    }

    /// Syncs sled, stops the writer, unlocks. Also done when the last clone is dropped. Other
    /// clones can still read.
    pub fn close(self) -> Result<(), ReadError> {
        self.owner.stop()
    }
}

//! The ledger as everything above sees it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::append::{AppendError, Appended, Commit};
use super::disk::{Disk, OsDisk, is_full};
use super::opening::{self, Opened};
use super::options::Options;
use super::owner::Owner;
use super::past::Past;
use super::prepare::{Ready, prepare};
use super::reserve::Reserve;
use super::writer::own_note;
use super::{blobs, creating, examining, repair, verify};
use crate::events::envelope::Event;
use crate::events::facts::ledger::LedgerMended;
use crate::events::ids::{CommandId, EventId, Ids, Position, StreamId};
use crate::events::time::{Clock, Timestamp};

/// What the ledger takes from outside: time, ids, and how much room it must leave.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh `UUIDv7`.
    pub ids: Arc<dyn Ids>,
    /// How much of the disk stays free.
    pub reserve: Reserve,
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
    /// Bytes of a torn, never acknowledged tail that were set aside.
    pub torn_bytes: u64,
    /// First and last positions of events that the journal had lost and sled still held; they are
    /// in the journal again.
    pub mended: Vec<(u64, u64)>,
}

/// How often what was asked of closed epochs was in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// It was.
    pub hits: u64,
    /// It was read from the disk.
    pub misses: u64,
    /// Bytes held now.
    pub bytes: usize,
    /// Bytes that may be held.
    pub limit: usize,
}

/// How an open ledger is: what its threads found and could not do, beyond the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Epochs that are closed.
    pub closed: usize,
    /// Epochs that are full and wait to be closed.
    pub full: usize,
    /// Why sled's copy was written anew from the journal since the ledger was opened, if it was
    /// damaged.
    pub rebuilt: Option<String>,
    /// Why sled takes nothing at the moment. Reading and the journal go on.
    pub sled_fails: Option<String>,
    /// Why a full epoch is not closed, or no new one begins. It is tried again and again; reading
    /// and writing go on.
    pub closing_fails: Option<String>,
    /// Closed epochs that cannot be read, and why. The rest is read and written.
    pub lost: Vec<String>,
    /// How the memory for what was read of closed epochs did.
    pub cache: CacheUse,
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

/// The end of a journal that was being written when its process or machine stopped. Nobody was ever
/// told that it was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TornTail {
    /// Where in the journal's file it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// The file that has these bytes now; none while they are still in the journal.
    pub copied_to: Option<PathBuf>,
}

/// A ledger, opened and locked by this process. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Ledger {
    owner: Arc<Owner>,
}

impl Ledger {
    /// Makes a new ledger in `store` (made if absent) with `ledger.created` at position 1.
    pub fn create(store: &Path, edge: Edge, made_by: &str) -> Result<Self, OpenError> {
        Self::create_with(Options::default(), Arc::new(OsDisk), store, edge, made_by)
    }

    /// [`Self::create`] with other measures, on a disk of the caller's: tests bring tiny epochs and
    /// a disk that fails.
    pub fn create_with(
        options: Options,
        disk: Arc<dyn Disk>,
        store: &Path,
        edge: Edge,
        made_by: &str,
    ) -> Result<Self, OpenError> {
        let opened = creating::create(store, edge, (disk, options), made_by)?;
        Self::start(opened).map(|(ledger, _)| ledger)
    }

    /// Opens the ledger in `store`: locks, reads the live journals, mends from sled what they lost, and
    /// sets a torn tail aside. Other damage is refused, and named by [`Self::examine`]. sled is
    /// compared, and written anew if need be, in the background ([`Self::condition`]).
    pub fn open(store: &Path, edge: Edge) -> Result<(Self, Opening), OpenError> {
        Self::open_with(Options::default(), Arc::new(OsDisk), store, edge)
    }

    /// [`Self::open`] with other measures, on a disk of the caller's.
    pub fn open_with(
        options: Options,
        disk: Arc<dyn Disk>,
        store: &Path,
        edge: Edge,
    ) -> Result<(Self, Opening), OpenError> {
        Self::start(opening::open(store, edge, (disk, options))?)
    }

    fn start(opened: Opened) -> Result<(Self, Opening), OpenError> {
        let (owner, opening) = Owner::start(opened)?;
        let ledger = Self {
            owner: Arc::new(owner),
        };
        for (first, last) in &opening.mended {
            ledger.note_mended(*first, *last);
        }
        Ok((ledger, opening))
    }

    pub(super) fn shared(&self) -> &super::shared::Shared {
        &self.owner.shared
    }

    fn note_mended(&self, first: u64, last: u64) {
        let shared = &self.owner.shared;
        let fact = LedgerMended { first, last };
        let noted = self.append(own_note(shared, shared.edge.clock.now(), fact));
        // On a full disk the note is lost; `Opening` says it all the same, and reading goes on.
        drop(noted);
    }

    /// Names the damage of a store that need not be openable, without opening it. Takes the lock.
    pub fn examine(store: &Path) -> Result<Verified, OpenError> {
        examining::examine(store)
    }

    /// The torn tail of a store that nobody has open, if it has one. Takes the lock, changes nothing.
    /// Other damage is refused as by [`Self::open`].
    pub fn torn_tail(store: &Path) -> Result<Option<TornTail>, OpenError> {
        repair::look(store)
    }

    /// Copies the torn tail aside and cuts it off, and does nothing else. Takes the lock. Other damage
    /// is refused as by [`Self::open`], and nothing is changed then.
    pub fn repair(store: &Path) -> Result<Option<TornTail>, OpenError> {
        repair::repair(store)
    }

    /// The ledger's id, and its timeline's.
    pub fn identity(&self) -> (Uuid, Uuid) {
        let heading = self.owner.shared.epochs().active.journal.heading;
        (heading.ledger, heading.timeline)
    }

    /// The newest event that is durable.
    pub fn head(&self) -> Head {
        let end = self.owner.shared.epochs().active.index().end;
        Head {
            position: Position(end.position),
            chain: end.chain,
            recorded_at: Timestamp::from_micros(end.recorded_at),
        }
    }

    /// Writes the commit; returns once it is durable. Blocks; call it off the async threads.
    pub fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        let mut ready = prepare(commit)?;
        self.write_blobs(&ready)?;
        self.owner.shared.look_back(&mut ready);
        self.owner.ask(ready)
    }

    /// Large bodies are on the disk before their commit is looked at: a commit that is refused
    /// leaves a file that nothing names, which harms nobody.
    fn write_blobs(&self, ready: &Ready) -> Result<(), AppendError> {
        let shared = &self.owner.shared;
        let bodies = || ready.parts.iter().flat_map(|part| &part.bodies);
        let large: u64 = bodies()
            .filter(|body| body.is_large())
            .map(|body| u64::from(body.len()))
            .sum();
        if large == 0 {
            return Ok(());
        }
        if let Some(reason) = self.poisoned() {
            return Err(AppendError::Poisoned { reason });
        }
        if let Some(detail) = shared.no_room_for(large) {
            // The writer still knows the answer to a command that was carried out before.
            return match shared.find_command(ready.cause.command.0) {
                Ok(Some(_)) => Ok(()),
                Ok(None) | Err(_) => Err(AppendError::NoSpace { detail }),
            };
        }
        let folder = shared.layout.blobs();
        for body in bodies().filter(|body| body.is_large()) {
            blobs::write(&folder, &body.hash, ready.body(body)).map_err(|e| {
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
    pub fn stream_head(&self, stream: &StreamId) -> Result<Option<(u64, Position)>, ReadError> {
        let head = self.owner.shared.stream_head(stream.as_str())?;
        Ok(head.map(|head| (head.version, Position(head.position))))
    }

    /// All events of one stream, oldest first.
    pub fn read_stream(&self, stream: &StreamId) -> Result<Vec<Event>, ReadError> {
        self.owner.shared.read_stream(stream.as_str())
    }

    /// Every stream of a category, sorted.
    pub fn streams(&self, category: &str) -> Result<Vec<StreamId>, ReadError> {
        let found = self.owner.shared.streams(&format!("{category}/"))?;
        let names = found.into_iter().map(StreamId::try_from);
        Ok(names.filter_map(Result::ok).collect())
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

    /// How the ledger is at the moment.
    pub fn condition(&self) -> Condition {
        let shared = &self.owner.shared;
        let epochs = shared.epochs();
        let lost = epochs.past.iter().filter_map(|past| match past {
            Past::Lost(lost) => Some(lost.words()),
            Past::Closed(_) => None,
        });
        Condition {
            closed: epochs.past.len(),
            lost: lost.collect(),
            cache: shared.cache.statistics(),
            full: epochs.full.len(),
            rebuilt: shared.rebuilt(),
            sled_fails: shared.lag.failing(),
            closing_fails: shared
                .closing
                .failing()
                .or_else(|| shared.rolling.failing()),
        }
    }

    /// Waits until sled holds everything there is now and full epochs are closed, or until that
    /// turns out not to work; then says how the ledger is.
    pub fn settle(&self) -> Condition {
        let shared = &self.owner.shared;
        shared.lag.wait_kept(self.head().position.0);
        shared.closing.settle();
        self.condition()
    }

    /// Syncs sled, stops the writer, unlocks. Also done when the last clone is dropped. Other
    /// clones can still read.
    pub fn close(self) -> Result<(), ReadError> {
        self.owner.stop()
    }
}

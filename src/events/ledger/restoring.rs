//! Restoring: a new ledger from events that were another's. Built in a folder beside the target, which
//! gets its name as the very last step; whatever is cut off before leaves the target as it was.
//!
//! The events keep their positions, times, ids and chain hashes; a new timeline begins behind them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::blobs;
use super::bytes::len32;
use super::disk::Disk;
use super::handle::{Edge, OpenError};
use super::index::StreamHead;
use super::journal::Heading;
use super::layout::{self, FIRST_EPOCH, Layout, Lock};
use super::options::Options;
use super::parcel::{Copied, LargeBody};
use super::record::{Hash, Kept, Record};
use super::rewriting::{Ending, Epoch, io};
use crate::events::facts::ledger::LedgerRestored;
use crate::events::facts::seat::{PauseReason, SeatPaused};
use crate::events::ids::{AgentId, StreamId};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// Why nothing was restored. The target is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something stands in the target (exit 16).
    #[error("{path} is not empty")]
    NotEmpty {
        /// The target.
        path: String,
    },
    /// Another restore to the same target is under way (exit 11).
    #[error("another restore to {path} is under way")]
    Busy {
        /// The target.
        path: String,
    },
    /// There is no room (exit 17).
    #[error("no room for the restored ledger: {detail}")]
    NoSpace {
        /// In words.
        detail: String,
    },
    /// The events do not follow from each other (exit 9).
    #[error("the event at position {position} does not follow the one before: {reason}")]
    Broken {
        /// Where.
        position: u64,
        /// In words.
        reason: &'static str,
    },
    /// What was written reads differently (exit 1).
    #[error("what was written reads differently: {0}")]
    Differs(String),
    /// The system refused a step.
    #[error("{step} failed")]
    Io {
        /// What was tried.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn open_error(error: OpenError) -> RestoreError {
    match error {
        OpenError::Locked { path } => RestoreError::Busy { path },
        OpenError::Io { step, source, .. } => io(step)(source),
        other @ (OpenError::Absent { .. }
        | OpenError::Present { .. }
        | OpenError::NotAStore { .. }
        | OpenError::TooNew { .. }
        | OpenError::Corrupt { .. }) => RestoreError::Io {
            step: "making the folder",
            source: io::Error::other(other.to_string()),
        },
    }
}

/// Where a restored ledger comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The timeline that its last event belongs to.
    pub parent: Uuid,
    /// The backup they come out of.
    pub backup: Uuid,
}

/// A ledger being restored.
#[derive(Debug)]
pub struct Restoring {
    target: PathBuf,
    layout: Layout,
    _lock: Lock,
    ledger: Uuid,
    timeline: Uuid,
    edge: Edge,
    disk: Arc<dyn Disk>,
    options: Options,
    epoch: Epoch,
    chain: Hash,
    position: u64,
    last_at: u64,
    /// Heads of the two streams that are written to at the end.
    own: Option<StreamHead>,
    seats: Option<StreamHead>,
    commit: Pending,
    /// The epoch before, which is synced and read once more meanwhile.
    ending: Ending,
}

/// Records of a commit that is not whole yet: it lies in one frame.
#[derive(Debug, Default)]
struct Pending {
    records: Vec<u8>,
    first: u64,
    count: u32,
    after: Hash,
}

/// Whether a ledger may be restored to this folder: it is absent or empty.
pub fn check_target(target: &Path) -> Result<(), RestoreError> {
    let taken = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        Err(e) if e.kind() == ErrorKind::NotADirectory => true,
        Err(e) => return Err(io("looking at the target")(e)),
    };
    if taken {
        let path = target.display().to_string();
        return Err(RestoreError::NotEmpty { path });
    }
    Ok(())
}

impl Restoring {
    /// Begins the ledger with this id, on this timeline, beside the target, which must be absent or empty. What a restore to the same target left
    /// behind when it was cut off is thrown away.
    pub fn begin(
        target: &Path,
        (ledger, timeline): (Uuid, Uuid),
        edge: Edge,
        (disk, options): (Arc<dyn Disk>, Options),
    ) -> Result<Self, RestoreError> {
        let target = std::path::absolute(target).map_err(io("naming the target"))?;
        check_target(&target)?;
        let mut name = std::ffi::OsString::from(".");
        let nameless = || io::Error::new(ErrorKind::InvalidInput, "the target has no name");
        name.push(
            target
                .file_name()
                .ok_or_else(nameless)
                .map_err(io("naming the target"))?,
        );
        name.push(".restoring");
        let layout = Layout::new(&target.with_file_name(name));
        disk.step("making a folder")
            .map_err(io("making a folder"))?;
        layout.make_store_folder().map_err(open_error)?;
        let lock = layout.take_lock().map_err(open_error)?;
        empty(&layout).map_err(io("removing an unfinished restore"))?;
        layout
            .mark_creating()
            .map_err(io("marking the store as unfinished"))?;
        for folder in [layout.journals(), layout.sleds(), layout.blobs()] {
            layout::make_folder(&folder).map_err(io("making the folders"))?;
        }
        let heading = Heading {
            ledger,
            timeline,
            first: FIRST_EPOCH,
            before: Hash::default(),
        };
        let epoch = Epoch::begin(&layout, heading, &disk)?;
        Ok(Self {
            target,
            layout,
            _lock: lock,
            ledger,
            timeline,
            edge,
            disk,
            options,
            epoch,
            chain: heading.before,
            position: 0,
            last_at: 0,
            own: None,
            seats: None,
            commit: Pending::default(),
            ending: Ending::default(),
        })
    }

    /// Takes the next event.
    pub fn add(&mut self, copied: &Copied<'_>) -> Result<(), RestoreError> {
        let record = copied.record();
        let broken = |reason| {
            Err(RestoreError::Broken {
                position: record.position,
                reason,
            })
        };
        if record.position != self.position.saturating_add(1) {
            return broken("its position");
        }
        if record.recorded_at <= self.last_at {
            return broken("its time");
        }
        if record.place == 0 {
            self.put_commit()?;
        }
        self.position = record.position;
        self.last_at = record.recorded_at;
        let head = StreamHead {
            version: record.version,
            position: record.position,
        };
        if record.stream == StreamId::ledger().as_str() {
            self.own = Some(head);
        } else if record.stream == StreamId::all_seats().as_str() {
            self.seats = Some(head);
        }
        if self.commit.count == 0 {
            self.commit.first = record.position;
        }
        self.commit.records.extend_from_slice(copied.bytes());
        self.commit.count = self.commit.count.saturating_add(1);
        self.commit.after = *copied.after();
        Ok(())
    }

    /// Takes a body that its events have elsewhere.
    pub fn add_body(&self, body: &LargeBody, bytes: &[u8]) -> Result<(), RestoreError> {
        self.disk
            .step("writing a body")
            .map_err(io("writing a body"))?;
        blobs::write(&self.layout.blobs(), &body.hash, bytes).map_err(io("writing a body"))
    }

    /// The position of the last event that was taken.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Moves the commit that is whole now into a frame. The last one may be cut off; what follows then
    /// stands in its frame.
    fn put_commit(&mut self) -> Result<(), RestoreError> {
        if self.commit.count == 0 {
            return Ok(());
        }
        self.make_room(self.commit.first, self.commit.records.len())?;
        let commit = &mut self.commit;
        let draft = &mut self.epoch.draft;
        draft.extend(&commit.records, commit.count, commit.after);
        self.epoch.events = self.epoch.events.saturating_add(u64::from(commit.count));
        self.chain = commit.after;
        commit.records.clear();
        commit.count = 0;
        Ok(())
    }

    /// A frame, or an epoch, with room for a commit that begins with this position.
    fn make_room(&mut self, first: u64, bytes: usize) -> Result<(), RestoreError> {
        let full = self.epoch.events >= self.options.epoch_events
            || self.epoch.offset >= self.options.epoch_bytes;
        if full {
            let heading = Heading {
                ledger: self.ledger,
                timeline: self.timeline,
                first,
                before: self.chain,
            };
            let next = Epoch::begin(&self.layout, heading, &self.disk)?;
            let ended = std::mem::replace(&mut self.epoch, next);
            self.ending.begin(ended, self.chain)?;
        } else if !self.epoch.draft.has_room(bytes) {
            self.epoch.seal()?;
        }
        Ok(())
    }

    /// Writes that it was restored and that deliveries are paused, reads everything once more, and
    /// gives the folder its name. `chain` is the chain hash that the events must have led to.
    pub fn finish(
        mut self,
        chain: &[u8; 32],
        origin: Origin,
        made_by: &str,
    ) -> Result<(), RestoreError> {
        let completed = self.complete(chain, origin, made_by);
        if completed.is_err() {
            self.give_up();
        }
        completed
    }

    fn complete(
        &mut self,
        chain: &[u8; 32],
        origin: Origin,
        made_by: &str,
    ) -> Result<(), RestoreError> {
        self.put_commit()?;
        if self.chain != *chain || self.position == 0 {
            return Err(RestoreError::Broken {
                position: self.position,
                reason: "its chain hash",
            });
        }
        self.write_last_words(origin, made_by)?;
        self.ending.wait()?;
        self.epoch.end(&self.chain)?;
        let step = |what: &'static str| self.disk.step(what).map_err(io(what));
        step("writing the format")?;
        self.layout
            .write_format()
            .map_err(io("writing the format"))?;
        step("finishing the store")?;
        layout::remove(&self.layout.creating()).map_err(io("finishing the store"))?;
        for folder in [self.layout.journals(), self.layout.blobs()] {
            layout::sync_folder(&folder).map_err(io("syncing a folder"))?;
        }
        // Somebody may have come first; an empty folder is replaced in one instant.
        check_target(&self.target)?;
        step("naming the store")?;
        layout::rename(&self.layout.store, &self.target).map_err(|error| {
            if error.kind() == ErrorKind::DirectoryNotEmpty {
                let path = self.target.display().to_string();
                return RestoreError::NotEmpty { path };
            }
            io("naming the store")(error)
        })
    }

    fn write_last_words(&mut self, origin: Origin, made_by: &str) -> Result<(), RestoreError> {
        let restored = LedgerRestored {
            timeline: self.timeline,
            parent: origin.parent,
            fork: self.position,
            chain: blake3::Hash::from_bytes(self.chain).to_hex().to_string(),
            backup: origin.backup,
            made_by: made_by.to_owned(),
        };
        let paused = SeatPaused {
            seat: None,
            by: AgentId::switchboard(),
            reason: PauseReason::Restored,
        };
        let now = self.edge.clock.now();
        let (own, seats) = (self.own, self.seats);
        self.write_own(&StreamId::ledger(), own, &restored.into(), now)?;
        self.write_own(&StreamId::all_seats(), seats, &paused.into(), now)
    }

    fn write_own(
        &mut self,
        stream: &StreamId,
        head: Option<StreamHead>,
        fact: &Fact,
        now: Timestamp,
    ) -> Result<(), RestoreError> {
        let body = fact
            .encode()
            .map_err(|error| io("encoding an event")(io::Error::other(error)))?;
        let recorded_at = now.micros().max(self.last_at.saturating_add(1));
        let recorded = Timestamp::from_micros(recorded_at);
        let command = self.edge.ids.fresh(recorded);
        let actor = AgentId::switchboard();
        self.position = self.position.saturating_add(1);
        self.last_at = recorded_at;
        self.epoch.draft.push(&Record {
            position: self.position,
            recorded_at,
            clock: now.micros(),
            id: self.edge.ids.fresh(recorded),
            version: head.map_or(0, |head| head.version.saturating_add(1)),
            previous: head.map_or(0, |head| head.position),
            kind: fact.kind(),
            place: 0,
            of: 1,
            key: 0,
            correlation: command,
            causation: None,
            command,
            actor: actor.as_str(),
            stream: stream.as_str(),
            body_len: len32(body.len()),
            payload_hash: *blake3::hash(&body).as_bytes(),
            kept: Kept::Inline(&body),
        });
        self.epoch.events = self.epoch.events.saturating_add(1);
        self.chain = self.epoch.draft.chain();
        Ok(())
    }

    /// Throws away what was built so far.
    pub fn give_up(mut self) {
        // It fails already; what else failed is of no interest.
        drop(self.ending.wait());
        // What stays behind is thrown away by the next restore to the same target.
        drop(fs::remove_dir_all(&self.layout.store));
    }

    /// Bytes that are written for events of so many bytes in the journal.
    pub const fn needs(raw: u64) -> u64 {
        // Frames: 136 bytes and the fill for every six kilobytes; room is reserved in steps.
        raw.saturating_add(raw / 32).saturating_add(8 * 1024 * 1024)
    }

    /// Refuses when so many bytes would not fit beside what must stay free.
    pub fn check_room(&self, bytes: u64) -> Result<(), RestoreError> {
        // A disk that does not tell is asked by writing.
        let Ok(free) = self.disk.free(&self.layout.store) else {
            return Ok(());
        };
        let needed = bytes.saturating_add(self.edge.reserve.bytes());
        if free < needed {
            let detail = format!("{free} bytes are free and {needed} are needed");
            return Err(RestoreError::NoSpace { detail });
        }
        Ok(())
    }
}

/// Removes everything in the folder but its lock.
fn empty(layout: &Layout) -> io::Result<()> {
    for entry in fs::read_dir(&layout.store)? {
        let path = entry?.path();
        if path != layout.lock() {
            layout::remove(&path)?;
        }
    }
    Ok(())
}

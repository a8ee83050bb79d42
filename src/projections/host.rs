//! Keeps every projection up with the ledger, and hands them out for reading.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use serde::Serialize;

use super::checkpoints::Checkpoints;
use super::saved::{Loaded, Loading};
use super::snapshots;
use super::states::{AsOfError, BATCH, Moment, States, Stop};
use super::view::{View, Views};
use crate::events::ids::Position;
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Head, Ledger, ReadError};
use crate::events::time::Timestamp;

/// The projections of one ledger, for many readers and one who catches up at a time. Cloning shares
/// them.
#[derive(Clone, Debug)]
pub struct Projections {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    states: RwLock<States>,
    /// Held by whoever changes the states; readers do not need it.
    turn: Mutex<()>,
    /// Held by whoever folds from zero.
    pub(super) filling: Mutex<()>,
    found: Mutex<Found>,
    pub(super) checkpoints: Arc<dyn Checkpoints>,
}

/// What is known of each projection besides its state.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) saved: BTreeMap<View, Saved>,
    pub(super) notes: BTreeMap<View, String>,
    /// Being folded from zero, and how far that has come.
    pub(super) rebuilding: Views,
    pub(super) rebuilt_to: (Position, Timestamp),
    /// To be folded from zero, nothing serves meanwhile.
    pub(super) missing: Views,
    /// To be folded from zero, an older version's state serves meanwhile.
    pub(super) outdated: Views,
}

/// A checkpoint that is on the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saved {
    pub(super) position: Position,
    pub(super) bytes: usize,
}

/// One projection as `switchboard projections list` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    /// The last event in it.
    pub position: Position,
    /// The newest event of the ledger.
    pub head: Position,
    /// Events it lacks.
    pub lag_events: u64,
    /// How much older its last event is than the ledger's newest.
    pub lag_seconds: f64,
    /// `live`, `rebuilding` or `stopped`.
    pub state: &'static str,
    /// How far the rebuilding has come.
    pub rebuilt_to: Option<Position>,
    /// The event it cannot take, when it is stopped.
    pub stopped_at: Option<Position>,
    /// Why it is stopped.
    pub reason: Option<String>,
    /// Where its checkpoint stands.
    pub saved: Option<Position>,
    /// What was found wrong with its checkpoint at the start, when it was folded anew because of it,
    /// or which older version serves.
    pub note: Option<String>,
}

/// What waiting for a position led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The projections hold the position; they are here now.
    There(Position),
    /// Time was up; they are here now.
    Behind(Position),
}

/// Why a projection cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Away {
    /// It is folded from zero, and this far.
    Folding(Position),
    /// It met an event that it could not take.
    Stopped(Stop),
}

/// An event, decoded as far as anybody cares, on its way into the states.
type Gathered = ((Position, Timestamp), u16, Option<Result<Fact, String>>);

impl Projections {
    /// Loads what was saved, folds anew what is missing, damaged or another ledger's, and catches up.
    pub fn open(ledger: &Ledger, checkpoints: Arc<dyn Checkpoints>) -> Result<Self, ReadError> {
        let projections = Self::open_behind(ledger, checkpoints)?;
        projections.fill(ledger, &mut |_| ControlFlow::Continue(()))?;
        projections.catch_up(ledger)?;
        Ok(projections)
    }

    /// Loads what was saved and catches up with that. What must be folded from zero is left to
    /// [`Self::fill`], which somebody calls in the background; where an older version's checkpoint can
    /// be read, that serves meanwhile, and where not, [`Self::catch_up`] waits.
    pub fn open_behind(
        ledger: &Ledger,
        checkpoints: Arc<dyn Checkpoints>,
    ) -> Result<Self, ReadError> {
        let mut states = States::only(Views::NONE);
        let mut found = Found {
            saved: BTreeMap::new(),
            notes: BTreeMap::new(),
            rebuilding: Views::NONE,
            rebuilt_to: (Position::START, Timestamp::EPOCH),
            missing: Views::NONE,
            outdated: Views::NONE,
        };
        let loading = Loading {
            ledger,
            checkpoints: checkpoints.as_ref(),
        };
        for view in View::ALL {
            match loading.load(view, &mut states)? {
                Loaded::Current { position, bytes } => {
                    found.saved.insert(view, Saved { position, bytes });
                }
                Loaded::Older { version, .. } => {
                    let note = format!("version {version} serves until this one is folded");
                    found.notes.insert(view, note);
                    found.outdated = found.outdated.with(view);
                }
                Loaded::Nothing => found.missing = found.missing.with(view),
                Loaded::Damaged(reason) => {
                    found.notes.insert(view, reason);
                    found.missing = found.missing.with(view);
                }
            }
        }
        states.begin_at_the_least();
        if !states.is_idle() {
            let last = ledger.read(states.position, 1)?;
            states.at = last.first().map_or(states.at, |event| event.recorded_at);
            states.advance_to(ledger, ledger.head().position)?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                states: RwLock::new(states),
                turn: Mutex::default(),
                filling: Mutex::default(),
                found: Mutex::new(found),
                checkpoints,
            }),
        })
    }

    /// Applies every event that is not applied yet; returns the last position. Cheap when there is
    /// none. Readers are kept out only while a batch is applied. Waits for projections that are
    /// folded from zero while nothing serves in their place.
    pub fn catch_up(&self, ledger: &Ledger) -> Result<Position, ReadError> {
        let missing = self.found().missing;
        if !missing.is_empty() {
            self.fill(ledger, &mut |_| ControlFlow::Continue(()))?;
        }
        self.catch_up_serving(ledger)
    }

    /// [`Self::catch_up`] of those that serve already, for whoever only wants to know how they do.
    pub fn catch_up_serving(&self, ledger: &Ledger) -> Result<Position, ReadError> {
        let _turn = self.turn();
        self.catch_up_in_turn(ledger)
    }

    pub(super) fn catch_up_in_turn(&self, ledger: &Ledger) -> Result<Position, ReadError> {
        let mut position = self.position();
        let head = ledger.head().position;
        while position < head && !self.states().is_idle() {
            let gathered = gather(ledger, position)?;
            if gathered.is_empty() {
                break;
            }
            let mut states = self.states_mut();
            for (place, kind, fact) in gathered {
                states.take(place, kind, || {
                    fact.unwrap_or_else(|| Err("nobody cared about it".to_owned()))
                });
            }
            position = states.position;
        }
        Ok(position)
    }

    /// Waits until the projections hold a position, at most so long: whoever wrote something reads it
    /// afterwards. Blocks; call it off the async threads.
    pub fn reach(
        &self,
        ledger: &Ledger,
        position: Position,
        patience: Duration,
    ) -> Result<Reached, ReadError> {
        let before = Position(position.0.saturating_sub(1));
        ledger.wait_beyond(before, patience);
        let here = self.catch_up(ledger)?;
        Ok(if here >= position {
            Reached::There(here)
        } else {
            Reached::Behind(here)
        })
    }

    /// The last event in the states.
    pub fn position(&self) -> Position {
        self.states().position
    }

    /// Looks at all projections at one position. Whoever looks keeps the next events out: take what is
    /// needed and let go.
    pub fn read<R>(&self, look: impl FnOnce(&States) -> R) -> R {
        look(&self.states())
    }

    /// Why a projection cannot be asked at the moment, if so: what it lacks would go unsaid.
    pub fn away(&self, view: View) -> Option<Away> {
        if let Some(stop) = self.states().stop_of(view) {
            return Some(Away::Stopped(stop.clone()));
        }
        let found = self.found();
        found
            .missing
            .has(view)
            .then_some(Away::Folding(found.rebuilt_to.0))
    }

    /// The state as it was at a moment, from the nearest snapshot before it and the events after that.
    pub fn as_of(&self, ledger: &Ledger, moment: Moment) -> Result<States, AsOfError> {
        let to = moment.resolve(ledger)?;
        let mut states = snapshots::nearest(self.loading(ledger), to)?;
        states.advance_to(ledger, to)?;
        self.catch_up(ledger)?;
        let live = self.states();
        if let Some(stop) = live.stop_of(View::Timeline).filter(|it| it.position <= to) {
            return Err(AsOfError::Stopped(stop.clone()));
        }
        states.timeline = live.timeline.up_to(to);
        drop(live);
        states.whole()
    }

    /// Every projection's row, measured against the ledger's real head.
    pub fn list(&self, head: Head) -> Vec<Row> {
        let states = self.states();
        let found = self.found();
        let row = |view: View| {
            let rebuilding = found.rebuilding.has(view);
            let missing = found.missing.has(view);
            let stop = states.stop_of(view);
            let (position, at) = match stop {
                _ if missing => found.rebuilt_to,
                Some(stop) => (states.position_of(view), stop.at),
                None => (states.position, states.at),
            };
            Row {
                name: view.name(),
                version: view.version(),
                position,
                head: head.position,
                lag_events: head.position.0.saturating_sub(position.0),
                lag_seconds: head.recorded_at.since(at).as_secs_f64(),
                state: match stop {
                    _ if rebuilding || missing || found.outdated.has(view) => "rebuilding",
                    Some(_) => "stopped",
                    None => "live",
                },
                rebuilt_to: rebuilding.then_some(found.rebuilt_to.0),
                stopped_at: stop.map(|stop| stop.position),
                reason: stop.map(|stop| stop.reason.clone()),
                saved: found.saved.get(&view).map(|saved| saved.position),
                note: found.notes.get(&view).cloned(),
            }
        };
        View::ALL.into_iter().map(row).collect()
    }

    pub(super) fn loading<'a>(&'a self, ledger: &'a Ledger) -> Loading<'a> {
        Loading {
            ledger,
            checkpoints: self.shared.checkpoints.as_ref(),
        }
    }

    // A panic while a lock was held leaves at worst a state that `check` finds and `rebuild` mends;
    // refusing every later reader would not be better.
    pub(super) fn states(&self) -> RwLockReadGuard<'_, States> {
        let states = &self.shared.states;
        states.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn states_mut(&self) -> RwLockWriteGuard<'_, States> {
        let states = &self.shared.states;
        states.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        let turn = &self.shared.turn;
        turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn found(&self) -> MutexGuard<'_, Found> {
        let found = &self.shared.found;
        found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next events after a position, read and decoded while nobody waits.
fn gather(ledger: &Ledger, after: Position) -> Result<Vec<Gathered>, ReadError> {
    let mut gathered = Vec::new();
    let to = Position(after.0.saturating_add(BATCH));
    ledger.scan(after.next(), to, |stored| {
        let kind = stored.kind();
        let cared_for = !View::caring(kind).is_empty();
        let fact = cared_for.then(|| stored.fact().map_err(|error| error.to_string()));
        gathered.push(((stored.position(), stored.recorded_at()), kind, fact));
        ControlFlow::Continue(())
    })?;
    Ok(gathered)
}

/// Checkpoints that could not be saved. Harmless: the next start folds more.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The place for them refused.
    #[error(transparent)]
    Checkpoint(#[from] super::checkpoints::CheckpointError),
    /// The state has no bytes.
    #[error(transparent)]
    Encode(#[from] crate::events::codec::EncodeError),
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

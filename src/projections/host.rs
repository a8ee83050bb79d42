//! Keeps every projection up with the ledger, and hands them out for reading.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use serde::Serialize;

use super::agents::Agents;
use super::checkpoints::{Checkpoints, name_of, seal};
use super::fold::Fold;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::saved::{Loading, SavedFold, brought_to, first_difference};
use super::states::{BATCH, States};
use super::timeline::Timeline;
use super::traffic::Traffic;
use crate::events::ids::Position;
use crate::events::ledger::handle::{Head, Ledger, ReadError};

/// Every projection's name and version, in the order they are checked.
pub const PROJECTIONS: &[(&str, u32)] = &[
    (Agents::NAME, Agents::VERSION),
    (Outbox::NAME, Outbox::VERSION),
    (Inbox::NAME, Inbox::VERSION),
    (Traffic::NAME, Traffic::VERSION),
    (Timeline::NAME, Timeline::VERSION),
];

/// The projections of one ledger, for many readers and one who catches up at a time. Cloning shares
/// them.
#[derive(Clone, Debug)]
pub struct Projections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    states: RwLock<States>,
    /// Held by whoever changes the states; readers do not need it.
    turn: Mutex<()>,
    found: Mutex<Found>,
    checkpoints: Arc<dyn Checkpoints>,
}

/// What is known of each projection besides its state.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) saved: BTreeMap<&'static str, Position>,
    pub(super) notes: BTreeMap<&'static str, String>,
    rebuilding: Vec<&'static str>,
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
    /// `live` or `rebuilding`.
    pub state: &'static str,
    /// Where its checkpoint stands.
    pub saved: Option<Position>,
    /// What was found wrong with its checkpoint at the start, when it was folded anew because of it.
    pub note: Option<String>,
}

/// What comparing with a fold from zero found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether everything is as the events say.
    pub ok: bool,
    /// Up to which event it was compared.
    pub position: Position,
    /// The first projection that differs.
    pub projection: Option<String>,
    /// In words.
    pub detail: Option<String>,
}

impl Projections {
    /// Loads what was saved, folds anew what is missing, damaged or another ledger's, and catches up.
    pub fn open(ledger: &Ledger, checkpoints: Arc<dyn Checkpoints>) -> Result<Self, ReadError> {
        let mut found = Found::default();
        let mut load = Loading {
            ledger,
            checkpoints: checkpoints.as_ref(),
            found: &mut found,
        };
        let agents = load.one::<Agents>()?;
        let outbox = load.one::<Outbox>()?;
        let inbox = load.one::<Inbox>()?;
        let traffic = load.one::<Traffic>()?;
        let timeline = load.one::<Timeline>()?;
        let positions = [
            agents.position,
            outbox.position,
            inbox.position,
            traffic.position,
            timeline.position,
        ];
        let start = positions.into_iter().max().unwrap_or_default();
        let last = ledger.read(start, 1)?;
        let states = States {
            position: start,
            at: last
                .first()
                .map(|event| event.recorded_at)
                .unwrap_or_default(),
            agents: brought_to(start, agents, ledger)?,
            outbox: brought_to(start, outbox, ledger)?,
            inbox: brought_to(start, inbox, ledger)?,
            traffic: brought_to(start, traffic, ledger)?,
            timeline: brought_to(start, timeline, ledger)?,
        };
        let projections = Self {
            shared: Arc::new(Shared {
                states: RwLock::new(states),
                turn: Mutex::default(),
                found: Mutex::new(found),
                checkpoints,
            }),
        };
        projections.catch_up(ledger)?;
        Ok(projections)
    }

    /// Applies every event that is not applied yet; returns the last position. Cheap when there is
    /// none. Readers are kept out only while a batch is applied.
    pub fn catch_up(&self, ledger: &Ledger) -> Result<Position, ReadError> {
        let _turn = self.turn();
        self.catch_up_in_turn(ledger)
    }

    fn catch_up_in_turn(&self, ledger: &Ledger) -> Result<Position, ReadError> {
        let mut position = self.position();
        let head = ledger.head().position;
        while position < head {
            let events = ledger.read(position.next(), BATCH)?;
            if events.is_empty() {
                break;
            }
            let mut states = self
                .shared
                .states
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            for event in &events {
                states.apply(event);
            }
            position = states.position;
        }
        Ok(position)
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

    /// Saves a checkpoint of every projection that moved since its last one. Readers and events wait
    /// while the states are turned into bytes, not while the bytes are written.
    pub fn save(&self, ledger: &Ledger) -> Result<(), SaveError> {
        let (position, sealed) = {
            let states = self.states();
            let position = states.position;
            let Some(chain) = ledger.chain_at(position)? else {
                return Ok(());
            };
            let sealed = [
                self.sealed(&states.agents, position, chain)?,
                self.sealed(&states.outbox, position, chain)?,
                self.sealed(&states.inbox, position, chain)?,
                self.sealed(&states.traffic, position, chain)?,
                self.sealed(&states.timeline, position, chain)?,
            ];
            (position, sealed)
        };
        for (name, checkpoint, bytes) in sealed.into_iter().flatten() {
            self.shared.checkpoints.store(&checkpoint, &bytes)?;
            self.found().saved.insert(name, position);
        }
        Ok(())
    }

    fn sealed<F: Fold>(
        &self,
        fold: &F,
        position: Position,
        chain: [u8; 32],
    ) -> Result<Option<Sealed>, SaveError> {
        if self.found().saved.get(F::NAME) == Some(&position) {
            return Ok(None);
        }
        let bytes = seal(fold, position, chain)?;
        Ok(Some((F::NAME, name_of::<F>(), bytes)))
    }

    /// Every projection's row, measured against the ledger's real head.
    pub fn list(&self, head: Head) -> Vec<Row> {
        let (position, at) = self.read(|states| (states.position, states.at));
        let found = self.found();
        PROJECTIONS
            .iter()
            .map(|(name, version)| Row {
                name,
                version: *version,
                position,
                head: head.position,
                lag_events: head.position.0.saturating_sub(position.0),
                lag_seconds: head.recorded_at.since(at).as_secs_f64(),
                state: if found.rebuilding.contains(name) {
                    "rebuilding"
                } else {
                    "live"
                },
                saved: found.saved.get(name).copied(),
                note: found.notes.get(name).cloned(),
            })
            .collect()
    }

    /// Folds one projection (or all) from zero beside the live one, and swaps them when the new one is
    /// up to date. False when no projection has the name. Readers go on meanwhile.
    pub fn rebuild(&self, ledger: &Ledger, name: Option<&str>) -> Result<bool, ReadError> {
        let names: Vec<&'static str> = PROJECTIONS
            .iter()
            .map(|(known, _)| *known)
            .filter(|known| name.is_none_or(|name| name == *known))
            .collect();
        if names.is_empty() {
            return Ok(false);
        }
        self.found().rebuilding.clone_from(&names);
        let rebuilt = self.rebuild_named(ledger, &names);
        let mut found = self.found();
        found.rebuilding.clear();
        rebuilt?;
        for name in names {
            found.notes.remove(name);
            found.saved.remove(name);
        }
        Ok(true)
    }

    fn rebuild_named(&self, ledger: &Ledger, names: &[&'static str]) -> Result<(), ReadError> {
        let mut fresh = States::default();
        // The long way without anybody waiting, the rest with everybody in step.
        fresh.advance_to(ledger, ledger.head().position)?;
        let _turn = self.turn();
        let position = self.catch_up_in_turn(ledger)?;
        fresh.advance_to(ledger, position)?;
        let mut states = self
            .shared
            .states
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let States {
            position: _,
            at: _,
            agents,
            outbox,
            inbox,
            traffic,
            timeline,
        } = fresh;
        if names.contains(&Agents::NAME) {
            states.agents = agents;
        }
        if names.contains(&Outbox::NAME) {
            states.outbox = outbox;
        }
        if names.contains(&Inbox::NAME) {
            states.inbox = inbox;
        }
        if names.contains(&Traffic::NAME) {
            states.traffic = traffic;
        }
        if names.contains(&Timeline::NAME) {
            states.timeline = timeline;
        }
        Ok(())
    }

    /// Folds every event from zero and compares: what was saved at its own position, then what is live.
    pub fn check(&self, ledger: &Ledger) -> Result<Checked, ReadError> {
        let _turn = self.turn();
        let position = self.catch_up_in_turn(ledger)?;
        let mut fresh = States::default();
        let mut saved = self.saved_folds(ledger)?;
        saved.sort_by_key(SavedFold::position);
        for fold in saved {
            if let SavedFold::Damaged { name, reason } = fold {
                return Ok(Checked::differs(
                    name,
                    position,
                    format!("its checkpoint: {reason}"),
                ));
            }
            fresh.advance_to(ledger, fold.position())?;
            if let Some(name) = fold.differs(&fresh) {
                let detail = format!(
                    "its checkpoint at {} is not what the events say",
                    fold.position()
                );
                return Ok(Checked::differs(name, position, detail));
            }
        }
        fresh.advance_to(ledger, position)?;
        let states = self.states();
        Ok(match first_difference(&fresh, &states) {
            Some(name) => Checked::differs(
                name,
                position,
                "the live state is not what the events say".to_owned(),
            ),
            None => Checked {
                ok: true,
                position,
                projection: None,
                detail: None,
            },
        })
    }

    fn saved_folds(&self, ledger: &Ledger) -> Result<Vec<SavedFold>, ReadError> {
        let mut found = Found::default();
        let mut load = Loading {
            ledger,
            checkpoints: self.shared.checkpoints.as_ref(),
            found: &mut found,
        };
        let folds = vec![
            SavedFold::Agents(load.one()?),
            SavedFold::Outbox(load.one()?),
            SavedFold::Inbox(load.one()?),
            SavedFold::Traffic(load.one()?),
            SavedFold::Timeline(load.one()?),
        ];
        let damaged = found
            .notes
            .into_iter()
            .map(|(name, reason)| SavedFold::Damaged { name, reason });
        Ok(folds.into_iter().chain(damaged).collect())
    }

    // A panic while a lock was held leaves at worst a state that `check` finds and `rebuild` mends;
    // refusing every later reader would not be better.
    fn states(&self) -> RwLockReadGuard<'_, States> {
        self.shared
            .states
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.shared
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.shared
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A projection's name, its checkpoint's name, and the bytes to store.
type Sealed = (&'static str, String, Vec<u8>);

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

impl Checked {
    fn differs(name: &str, position: Position, detail: String) -> Self {
        Self {
            ok: false,
            position,
            projection: Some(name.to_owned()),
            detail: Some(detail),
        }
    }
}

//! When and how states are saved: a checkpoint of each projection to start from, and snapshots of the
//! past. What is written is bounded by what happened, not by how often somebody looks.

use super::checkpoints::seal;
use super::host::{Projections, SaveError, Saved};
use super::snapshots::{self, SPACING};
use super::states::States;
use super::view::View;
use crate::events::ids::Position;
use crate::events::ledger::handle::Ledger;

/// Folding so many events at the next start costs less than saving.
const FEW: u64 = 1_024;
/// At most so many bytes of checkpoints are written for each event, over time.
const BYTES_AN_EVENT: u64 = 64;

/// Events after which a state of this size is worth saving again.
fn worth(bytes: usize) -> u64 {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    (bytes / BYTES_AN_EVENT).max(FEW)
}

impl Projections {
    /// Saves a checkpoint of every projection that moved since its last one. Readers and events wait
    /// while a state is turned into bytes, not while the bytes are written.
    pub fn save(&self, ledger: &Ledger) -> Result<(), SaveError> {
        for view in View::ALL {
            self.save_one(ledger, view, 1)?;
        }
        Ok(())
    }

    /// Saves those for which so much happened that it is worth it, and a snapshot now and then. A
    /// large state is saved more rarely than a small one: what is written stays within a few dozen
    /// bytes an event, and what the next start folds again within a few hundred milliseconds.
    pub fn save_what_is_worth_it(&self, ledger: &Ledger) -> Result<(), SaveError> {
        for view in View::ALL {
            let saved = self.found().saved.get(&view).copied();
            let moved = saved.map_or(FEW, |saved| worth(saved.bytes));
            self.save_one(ledger, view, moved)?;
        }
        self.save_snapshot(ledger)
    }

    fn save_one(&self, ledger: &Ledger, view: View, moved: u64) -> Result<(), SaveError> {
        let saved = self.found().saved.get(&view).copied();
        let from = saved.map_or(Position::START, |saved| saved.position);
        let (position, bytes) = {
            let states = self.states();
            let found = self.found();
            if found.missing.has(view) || found.outdated.has(view) {
                return Ok(());
            }
            drop(found);
            let position = states.position_of(view);
            if position.0.saturating_sub(from.0) < moved {
                return Ok(());
            }
            let Some(chain) = ledger.chain_at(position)? else {
                return Ok(());
            };
            (position, sealed(&states, view, position, chain)?)
        };
        let name = format!("{}@{}", view.name(), view.version());
        let checkpoints = &self.shared.checkpoints;
        checkpoints.store(&name, &bytes)?;
        let bytes = bytes.len();
        self.found().saved.insert(view, Saved { position, bytes });
        if saved.is_none() {
            // An older version's has served its time.
            for older in 1..view.version() {
                checkpoints.remove(&format!("{}@{older}", view.name()))?;
            }
        }
        Ok(())
    }

    fn save_snapshot(&self, ledger: &Ledger) -> Result<(), SaveError> {
        let loading = self.loading(ledger);
        let newest = snapshots::places(loading).pop().unwrap_or_default();
        let size: usize = {
            let found = self.found();
            found.saved.values().map(|saved| saved.bytes).sum()
        };
        let (position, bytes) = {
            let states = self.states();
            let position = states.position;
            let due = newest.0.saturating_add(worth(size).max(SPACING));
            let whole = states.stops().is_empty() && {
                let found = self.found();
                found.missing.is_empty() && found.outdated.is_empty()
            };
            if position.0 < due || !whole {
                return Ok(());
            }
            let Some(chain) = ledger.chain_at(position)? else {
                return Ok(());
            };
            (position, snapshots::seal(&states, chain)?)
        };
        snapshots::keep(loading, position, &bytes)
    }
}

fn sealed(
    states: &States,
    view: View,
    position: Position,
    chain: [u8; 32],
) -> Result<Vec<u8>, SaveError> {
    Ok(match view {
        View::Agents => seal(&states.agents, position, chain),
        View::Outbox => seal(&states.outbox, position, chain),
        View::Inbox => seal(&states.inbox, position, chain),
        View::Traffic => seal(&states.traffic, position, chain),
        View::Timeline => seal(&states.timeline, position, chain),
        View::Conduct => seal(&states.conduct, position, chain),
        View::Alerts => seal(&states.alerts, position, chain),
        View::Timing => seal(&states.timing, position, chain),
    }?)
}

//! Folding from zero while the old states serve: a new copy is filled beside them, and takes their
//! place when it has caught up.

use std::ops::ControlFlow;
use std::sync::PoisonError;

use super::host::{Projections, SaveError};
use super::snapshots::{self, SPACING};
use super::states::{States, Stop};
use super::view::Views;
use crate::events::ids::Position;
use crate::events::ledger::handle::{Ledger, ReadError};

/// With less than this left, the rest is folded with everybody in step.
const SHORT: u64 = 2_048;

/// How far a rebuilding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last event that was folded.
    pub done: Position,
    /// The newest event of the ledger, when last looked.
    pub total: Position,
}

/// How a rebuilding ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebuilt {
    /// The new states serve.
    Swapped,
    /// It was broken off; the old states serve on.
    BrokenOff,
    /// These met an event they cannot take, and their old states, which have come further, serve on.
    /// The others were swapped.
    Stopped(Vec<Stop>),
}

/// Told of progress every few thousand events; `Break` breaks it off.
pub type Tell<'t> = dyn FnMut(Progress) -> ControlFlow<()> + 't;

impl Projections {
    /// Folds these from zero beside the live ones, and swaps them when the new ones have caught up.
    /// Readers go on meanwhile; nothing stored changes before the next save.
    pub fn rebuild(
        &self,
        ledger: &Ledger,
        views: Views,
        tell: &mut Tell<'_>,
    ) -> Result<Rebuilt, ReadError> {
        let filling = &self.shared.filling;
        let _one_at_a_time = filling.lock().unwrap_or_else(PoisonError::into_inner);
        self.refold(ledger, views, tell)
    }

    /// Folds from zero what could not be loaded when this was opened. Nothing to do if nothing is
    /// missing; whoever calls while another is at it waits for that.
    pub fn fill(&self, ledger: &Ledger, tell: &mut Tell<'_>) -> Result<Rebuilt, ReadError> {
        let filling = &self.shared.filling;
        let _one_at_a_time = filling.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: Views = {
            let found = self.found();
            found.missing.iter().chain(found.outdated.iter()).collect()
        };
        if wanted.is_empty() {
            return Ok(Rebuilt::Swapped);
        }
        self.refold(ledger, wanted, tell)
    }

    /// Whether anything must be folded from zero.
    pub fn needs_filling(&self) -> bool {
        let found = self.found();
        !(found.missing.is_empty() && found.outdated.is_empty())
    }

    fn refold(
        &self,
        ledger: &Ledger,
        views: Views,
        tell: &mut Tell<'_>,
    ) -> Result<Rebuilt, ReadError> {
        {
            let mut found = self.found();
            found.rebuilding = views;
            found.rebuilt_to = <_>::default();
        }
        let refolded = self.refold_beside(ledger, views, tell);
        self.found().rebuilding = Views::NONE;
        refolded
    }

    fn refold_beside(
        &self,
        ledger: &Ledger,
        views: Views,
        tell: &mut Tell<'_>,
    ) -> Result<Rebuilt, ReadError> {
        let mut fresh = States::only(views);
        // The long way without anybody waiting, the rest with everybody in step.
        loop {
            let total = ledger.head().position;
            let next = snapshots::next_on_the_way(fresh.position, total);
            let went = fresh.advance(ledger, next, &mut |done, at| {
                self.found().rebuilt_to = (done, at);
                tell(Progress { done, total })
            })?;
            if went.is_break() {
                return Ok(Rebuilt::BrokenOff);
            }
            self.keep_on_the_way(ledger, views, &fresh);
            let left = ledger.head().position.0.saturating_sub(fresh.position.0);
            if next == total && left < SHORT {
                break;
            }
        }
        let _turn = self.turn();
        let idle = self.states().is_idle();
        let position = if idle {
            ledger.head().position
        } else {
            self.catch_up_in_turn(ledger)?
        };
        fresh.advance_to(ledger, position)?;
        let total = ledger.head().position;
        if tell(Progress {
            done: position,
            total,
        })
        .is_break()
        {
            return Ok(Rebuilt::BrokenOff);
        }
        Ok(self.swap(views, &mut fresh))
    }

    /// Whoever comes by a place where a snapshot belongs leaves one there.
    fn keep_on_the_way(&self, ledger: &Ledger, views: Views, fresh: &States) {
        let due = fresh.position.0.is_multiple_of(SPACING) && fresh.position.0 > 0;
        let whole = views.and(Views::HASHED) == Views::HASHED && fresh.stops().is_empty();
        if !due || !whole {
            return;
        }
        let kept = ledger
            .chain_at(fresh.position)
            .map_err(SaveError::from)
            .and_then(|chain| match chain {
                Some(chain) => snapshots::keep(
                    self.loading(ledger),
                    fresh.position,
                    &snapshots::seal(fresh, chain)?,
                ),
                None => Ok(()),
            });
        // Without it a question about the past takes longer, and that is all.
        drop(kept);
    }

    fn swap(&self, views: Views, fresh: &mut States) -> Rebuilt {
        let mut states = self.states_mut();
        let mut found = self.found();
        let mut kept = Vec::new();
        for view in views.iter() {
            let serves = !found.missing.has(view);
            if let Some(stop) = fresh.stop_of(view)
                && serves
                && states.position_of(view) >= stop.position
            {
                kept.push(stop.clone());
                continue;
            }
            states.adopt(view, fresh);
            // What was wrong at the start stays said; what served in its place serves no more.
            if !found.missing.has(view) {
                found.notes.remove(&view);
            }
            found.saved.remove(&view);
            found.missing = found.missing.without(view);
            found.outdated = found.outdated.without(view);
        }
        if kept.is_empty() {
            Rebuilt::Swapped
        } else {
            Rebuilt::Stopped(kept)
        }
    }
}

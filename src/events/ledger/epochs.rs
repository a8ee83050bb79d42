//! The epochs of an open ledger, oldest first: closed ones, full ones that wait to be closed, and
//! the one that grows. The list is replaced, never changed, so readers hold on to theirs.

use std::sync::Arc;

use super::live::Live;
use super::past::Past;

/// All epochs at one moment.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    /// Closed; in order.
    pub(super) past: Arc<Vec<Past>>,
    /// Full, not yet closed; in order.
    pub(super) full: Vec<Arc<Live>>,
    /// The one that grows.
    pub(super) active: Arc<Live>,
}

/// The epoch of a position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    Live(&'a Live),
    Past(&'a Past),
}

impl Epochs {
    /// Live epochs, newest first: what is asked for most often is new.
    pub(super) fn live(&self) -> impl Iterator<Item = &Arc<Live>> {
        std::iter::once(&self.active).chain(self.full.iter().rev())
    }

    /// Past epochs, newest first.
    pub(super) fn past(&self) -> impl Iterator<Item = &Past> {
        self.past.iter().rev()
    }

    /// The epoch that a position belongs to, or will belong to.
    pub(super) fn of(&self, position: u64) -> Option<Of<'_>> {
        if let Some(live) = self.live().find(|live| live.first() <= position) {
            return Some(Of::Live(live));
        }
        let after = self.past.partition_point(|past| past.first() <= position);
        self.past.get(after.checked_sub(1)?).map(Of::Past)
    }

    /// The live epoch behind the one that begins here.
    pub(super) fn after(&self, first: u64) -> Option<&Arc<Live>> {
        self.full
            .iter()
            .chain(std::iter::once(&self.active))
            .find(|live| live.first() > first)
    }

    /// Position of the oldest live epoch's first event.
    pub(super) fn live_from(&self) -> u64 {
        self.full
            .first()
            .map_or_else(|| self.active.first(), |live| live.first())
    }

    /// The same with a new epoch that grows.
    pub(super) fn rolled(&self, active: Arc<Live>) -> Self {
        let mut next = self.clone();
        next.full.push(std::mem::replace(&mut next.active, active));
        next
    }

    /// The same with the oldest full epoch closed.
    pub(super) fn closed(&self, past: Past) -> Self {
        let mut next = self.clone();
        Arc::make_mut(&mut next.past).push(past);
        if !next.full.is_empty() {
            next.full.remove(0);
        }
        next
    }
}

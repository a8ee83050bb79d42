//! The epochs of an open ledger, oldest first: closed ones, full ones that wait to be closed, and
//! the one that grows. The list is replaced, never changed, so readers hold on to theirs.

use std::sync::Arc;

use super::live::Live;

/// All epochs at one moment.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    /// Full, not yet closed; in order.
    pub(super) full: Vec<Arc<Live>>,
    /// The one that grows.
    pub(super) active: Arc<Live>,
}

impl Epochs {
    /// Live epochs, newest first: what is asked for most often is new.
    pub(super) fn live(&self) -> impl Iterator<Item = &Arc<Live>> {
        std::iter::once(&self.active).chain(self.full.iter().rev())
    }

    /// The live epoch that a position belongs to, or will belong to.
    pub(super) fn live_of(&self, position: u64) -> Option<&Arc<Live>> {
        self.live().find(|live| live.first() <= position)
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
}

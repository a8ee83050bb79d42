//! What was read of closed epochs lately, in bounded memory, shared by all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::footer::Entry;
use super::leaf::Leaf;
use super::page::Page;

/// Something read and checked.
#[derive(Clone, Debug)]
pub(super) enum Cached {
    Page(Arc<Page>),
    Streams(Arc<Vec<Entry>>),
    Words(Arc<[u8]>),
}

impl Cached {
    fn weight(&self) -> usize {
        match self {
            Self::Page(page) => page.weight(),
            Self::Streams(entries) => entries
                .iter()
                .map(|(name, _)| name.len().saturating_add(48))
                .sum(),
            Self::Words(words) => words.len(),
        }
    }
}

/// First position of the epoch, and what of it.
type Key = (u64, Leaf);

/// How the cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::events::ledger) struct Statistics {
    pub(in crate::events::ledger) hits: u64,
    pub(in crate::events::ledger) misses: u64,
    /// Bytes held now.
    pub(in crate::events::ledger) bytes: usize,
    /// Bytes that may be held.
    pub(in crate::events::ledger) limit: usize,
}

/// Pages and pieces of footers of all closed epochs of one ledger.
#[derive(Debug)]
pub(in crate::events::ledger) struct Cache {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    places: HashMap<Key, usize>,
    slots: Vec<Slot>,
    /// Where the next one to go is looked for.
    hand: usize,
    statistics: Statistics,
}

#[derive(Debug)]
struct Slot {
    key: Key,
    what: Cached,
    weight: usize,
    /// Asked for again since the hand came by: stays for another round. What a scan reads once
    /// goes first.
    again: bool,
}

impl Cache {
    /// A cache of at most so many bytes.
    pub(in crate::events::ledger) fn new(limit: usize) -> Self {
        let statistics = Statistics {
            limit,
            ..Statistics::default()
        };
        Self {
            held: Mutex::new(Held {
                statistics,
                ..Held::default()
            }),
        }
    }

    /// How it did so far.
    pub(in crate::events::ledger) fn statistics(&self) -> Statistics {
        self.held().statistics
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held under the key, else what `read` gives, which is then held.
    pub(super) fn get<E>(
        &self,
        key: Key,
        read: impl FnOnce() -> Result<Cached, E>,
    ) -> Result<Cached, E> {
        if let Some(found) = self.held().find(key) {
            return Ok(found);
        }
        // Read without the lock: two threads may read the same, which harms nobody.
        let what = read()?;
        self.held().put(key, what.clone());
        Ok(what)
    }

    /// Forgets everything of an epoch.
    pub(in crate::events::ledger) fn forget(&self, epoch: u64) {
        let mut held = self.held();
        let mut at = 0;
        while let Some(slot) = held.slots.get(at) {
            if slot.key.0 == epoch {
                held.remove(at);
            } else {
                at = at.saturating_add(1);
            }
        }
    }
}

impl Held {
    fn find(&mut self, key: Key) -> Option<Cached> {
        let at = self.places.get(&key).copied();
        let Some(slot) = at.and_then(|at| self.slots.get_mut(at)) else {
            self.statistics.misses = self.statistics.misses.saturating_add(1);
            return None;
        };
        slot.again = true;
        self.statistics.hits = self.statistics.hits.saturating_add(1);
        Some(slot.what.clone())
    }

    fn put(&mut self, key: Key, what: Cached) {
        let weight = what.weight();
        if self.places.contains_key(&key) || weight > self.statistics.limit {
            return;
        }
        while self.statistics.bytes.saturating_add(weight) > self.statistics.limit
            && !self.slots.is_empty()
        {
            self.drop_one();
        }
        self.statistics.bytes = self.statistics.bytes.saturating_add(weight);
        self.places.insert(key, self.slots.len());
        self.slots.push(Slot {
            key,
            what,
            weight,
            again: false,
        });
    }

    fn drop_one(&mut self) {
        // At most one round of second chances.
        for _ in 0..=self.slots.len() {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.again => {
                    slot.again = false;
                    self.hand = self.hand.saturating_add(1);
                }
                _ => break,
            }
        }
        self.remove(self.hand);
    }

    fn remove(&mut self, at: usize) {
        if at >= self.slots.len() {
            return;
        }
        let gone = self.slots.swap_remove(at);
        self.places.remove(&gone.key);
        self.statistics.bytes = self.statistics.bytes.saturating_sub(gone.weight);
        if let Some(moved) = self.slots.get(at) {
            self.places.insert(moved.key, at);
        }
    }
}

//! What was read of closed epochs lately, in bounded memory, shared by all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::handle::CacheUse;
use super::footer::Streams;
use super::leaf::Leaf;
use super::page::Page;

/// Something read and checked.
#[derive(Clone, Debug)]
pub(super) enum Cached {
    Page(Arc<Page>),
    Streams(Arc<Streams>),
    Words(Arc<[u8]>),
}

impl Cached {
    fn weight(&self) -> usize {
        match self {
            Self::Page(page) => page.weight(),
            Self::Streams(streams) => streams.weight(),
            Self::Words(words) => words.len(),
        }
    }
}

/// First position of the epoch, and what of it.
type Key = (u64, Leaf);

/// Pages and pieces of footers of all closed epochs of one ledger.
#[derive(Debug)]
pub(in crate::events::ledger) struct Cache {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    slots: HashMap<Key, Slot>,
    /// Oldest use first.
    uses: BTreeMap<u64, Key>,
    /// Grows with every use.
    now: u64,
    statistics: CacheUse,
}

#[derive(Debug)]
struct Slot {
    what: Cached,
    weight: usize,
    used: u64,
}

impl Cache {
    /// A cache of at most so many bytes.
    pub(in crate::events::ledger) fn new(limit: usize) -> Self {
        let statistics = CacheUse {
            limit,
            ..CacheUse::default()
        };
        Self {
            held: Mutex::new(Held {
                statistics,
                ..Held::default()
            }),
        }
    }

    /// How it did so far.
    pub(in crate::events::ledger) fn statistics(&self) -> CacheUse {
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
}

impl Held {
    fn find(&mut self, key: Key) -> Option<Cached> {
        self.now = self.now.saturating_add(1);
        let Some(slot) = self.slots.get_mut(&key) else {
            self.statistics.misses = self.statistics.misses.saturating_add(1);
            return None;
        };
        self.statistics.hits = self.statistics.hits.saturating_add(1);
        self.uses.remove(&slot.used);
        self.uses.insert(self.now, key);
        slot.used = self.now;
        Some(slot.what.clone())
    }

    fn put(&mut self, key: Key, what: Cached) {
        let weight = what.weight();
        if self.slots.contains_key(&key) || weight > self.statistics.limit {
            return;
        }
        while self.statistics.bytes.saturating_add(weight) > self.statistics.limit
            && let Some((_, oldest)) = self.uses.first_key_value()
        {
            self.remove(*oldest);
        }
        self.now = self.now.saturating_add(1);
        self.statistics.bytes = self.statistics.bytes.saturating_add(weight);
        self.uses.insert(self.now, key);
        let used = self.now;
        self.slots.insert(key, Slot { what, weight, used });
    }

    fn remove(&mut self, key: Key) {
        if let Some(gone) = self.slots.remove(&key) {
            self.uses.remove(&gone.used);
            self.statistics.bytes = self.statistics.bytes.saturating_sub(gone.weight);
        }
    }
}

//! What every thread of an open ledger shares.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::closed::cache::Cache;
use super::closed::sought::Printer;
use super::closing::Closing;
use super::disk::Disk;
use super::epochs::Epochs;
use super::handle::Edge;
use super::lag::Lag;
use super::layout::Layout;
use super::options::Options;
use super::rolling::Rolling;
use crate::events::ids::Position;

type Listener = Box<dyn Fn(Position) + Send + Sync>;

/// The head, as those who wait see it.
#[derive(Debug)]
struct Watched {
    position: u64,
    /// So many wait for another.
    watchers: usize,
}

/// An open ledger without its threads.
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) edge: Edge,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: Options,
    /// Makes fingerprints for looking in closed epochs.
    pub(super) printer: Printer,
    /// What was read of them lately.
    pub(super) cache: Arc<Cache>,
    epochs: RwLock<Arc<Epochs>>,
    pub(super) lag: Lag,
    pub(super) rolling: Rolling,
    pub(super) closing: Closing,
    rebuilt: Mutex<Option<String>>,
    poison: Mutex<Option<String>>,
    head: Mutex<Watched>,
    moved: Condvar,
    listeners: RwLock<Vec<Listener>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("store", &self.layout.store)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        layout: Layout,
        (edge, disk, options): (Edge, Arc<dyn Disk>, Options),
        (epochs, cache): (Epochs, Arc<Cache>),
        rolling: Rolling,
    ) -> Self {
        let head = epochs.active.index().end.position;
        let heading = &epochs.active.journal.heading;
        let printer = Printer::new(heading.ledger, heading.timeline);
        Self {
            layout,
            edge,
            disk,
            options,
            printer,
            cache,
            epochs: RwLock::new(Arc::new(epochs)),
            lag: Lag::new(head),
            rolling,
            closing: Closing::default(),
            rebuilt: Mutex::default(),
            poison: Mutex::default(),
            head: Mutex::new(Watched {
                position: head,
                watchers: 0,
            }),
            moved: Condvar::new(),
            listeners: RwLock::default(),
        }
    }

    /// The epochs as they are now.
    pub(super) fn epochs(&self) -> Arc<Epochs> {
        Arc::clone(&self.epochs.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another list of epochs in the place of this one.
    pub(super) fn change_epochs(&self, change: impl FnOnce(&Epochs) -> Epochs) {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        *epochs = Arc::new(change(&epochs));
    }

    /// No more writes, for this reason; the first reason stays.
    pub(super) fn poison(&self, reason: String) {
        lock(&self.poison).get_or_insert(reason);
    }

    pub(super) fn poisoned(&self) -> Option<String> {
        lock(&self.poison).clone()
    }

    /// Tells the closing thread that there may be something to do.
    pub(super) fn wake_closer(&self) {
        self.closing.wake();
    }

    /// sled's copy was damaged and is whole again.
    pub(super) fn note_rebuilt(&self, reason: String) {
        *lock(&self.rebuilt) = Some(reason);
    }

    pub(super) fn rebuilt(&self) -> Option<String> {
        lock(&self.rebuilt).clone()
    }

    /// Tells everybody who waits or listens that the head is here now.
    pub(super) fn announce(&self, position: u64) {
        let mut head = lock(&self.head);
        head.position = position;
        let watched = head.watchers > 0;
        drop(head);
        // Waking nobody would still ask the system.
        if watched {
            self.moved.notify_all();
        }
        let listeners = self
            .listeners
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for call in listeners.iter() {
            call(Position(position));
        }
    }

    pub(super) fn listen(&self, call: Listener) {
        self.listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call);
    }

    pub(super) fn wait_beyond(&self, position: u64, patience: Duration) -> u64 {
        let mut head = lock(&self.head);
        head.watchers = head.watchers.saturating_add(1);
        let (mut head, _) = self
            .moved
            .wait_timeout_while(head, patience, |head| head.position <= position)
            .unwrap_or_else(PoisonError::into_inner);
        head.watchers = head.watchers.saturating_sub(1);
        head.position
    }

    /// Bytes that are missing to what must stay free, in words. A disk that does not tell is asked
    /// by writing.
    pub(super) fn no_room_for(&self, bytes: u64) -> Option<String> {
        let needed = bytes.saturating_add(self.edge.reserve.bytes());
        let free = self.disk.free(&self.layout.store).ok()?;
        (free < needed).then(|| format!("{free} bytes are free and {needed} are needed"))
    }
}

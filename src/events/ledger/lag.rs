//! How far sled's copy is behind the journal, and who waits for whom. The journal has every frame,
//! so nothing waits here in memory, and the writer waits for nobody.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the first frame waits for company, so that lone appends do not each cost sled's
/// sync on top of the journal's.
const GATHER: Duration = Duration::from_millis(50);
/// More than this written in one [`GATHER`] is a storm. sled gets nothing then, since both share a
/// device and who appends waits for it. What an epoch misses when it is full, it gets by being closed.
const STORM: u64 = 64 * 1024;
/// Who opens a ledger only to look or to say one thing is gone before sled is opened at all.
const GRACE: Duration = Duration::from_millis(200);
/// More than this is not left for the next opening to bring to sled.
pub(super) const LEFT: u64 = 1024 * 1024;
/// So much is enough company: what sled takes between two barriers.
const GATHERED: u64 = 128 * 1024;
/// How long closing waits for sled's copy. What is missing then, the next opening brings.
const LAST_MINUTE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct State {
    /// The last position that is durable in the journal.
    written: u64,
    /// The last position that sled holds.
    kept: u64,
    /// Bytes in between, of those that came since sled last had everything.
    behind: u64,
    /// All bytes that came since the ledger was opened.
    came: u64,
    /// So many want sled's copy now.
    urgent: usize,
    /// What becomes of sled's thread.
    life: Life,
    /// Why sled takes nothing at the moment.
    failing: Option<String>,
}

/// What becomes of sled's thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    #[default]
    Open,
    /// No more frames will come; what is missing is still brought.
    Closing,
    /// That has taken too long.
    Late,
    /// It has ended.
    Gone,
}

/// Somebody waits for sled.
fn hurry(state: &State) -> bool {
    state.life > Life::Open || state.urgent > 0
}

/// The distance between the journal and sled.
#[derive(Debug, Default)]
pub(super) struct Lag {
    state: Mutex<State>,
    changed: Condvar,
}

impl Lag {
    /// For a journal that ends at this position, with sled not looked at yet.
    pub(super) fn new(written: u64) -> Self {
        let state = State {
            written,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, unless: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(self.state(), |state| !unless(state))
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(
        &self,
        patience: Duration,
        unless: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        self.changed
            .wait_timeout_while(self.state(), patience, |state| !unless(state))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// The journal has more.
    pub(super) fn written(&self, last: u64, bytes: u64) {
        let mut state = self.state();
        let before = state.behind;
        state.written = last;
        state.behind = before.saturating_add(bytes);
        state.came = state.came.saturating_add(bytes);
        let reached = |mark: u64| before < mark && state.behind >= mark;
        // The writer's time is dear: sled's thread is woken only by what it waits for.
        let news = before == 0 || reached(GATHERED) || reached(LEFT);
        drop(state);
        if news {
            self.changed.notify_all();
        }
    }

    /// Waits for a reason to open sled at all; false when there is none and the ledger closes.
    pub(super) fn wait_to_begin(&self, must: impl Fn() -> bool) -> bool {
        let state = self.wait_for(GRACE, |state| {
            state.urgent > 0 || state.life > Life::Open || state.behind > LEFT
        });
        let begin = state.life == Life::Open || state.urgent > 0;
        drop(state);
        begin || must()
    }

    /// Waits for more than what is kept up to this position; false when no more comes.
    pub(super) fn wait_for_more(&self, kept: u64) -> bool {
        drop(self.wait(|state| state.written > kept || state.life > Life::Open));
        let state = self.wait_for(GATHER, |state| state.behind >= GATHERED || hurry(state));
        state.written > kept
    }

    /// Whether a storm of appends goes on, which is known after a moment. `mark` is what had come when
    /// it was calm the last time: 0 at first.
    pub(super) fn storms(&self, mark: &mut u64) -> bool {
        let before = self.state().came;
        if before.saturating_sub(*mark) < STORM {
            return false;
        }
        let state = self.wait_for(GATHER, hurry);
        *mark = state.came;
        !hurry(&state) && state.came.saturating_sub(before) >= STORM
    }

    /// Bytes of the journal that sled may still take.
    pub(super) fn behind(&self) -> u64 {
        self.state().behind
    }

    /// The last position that is durable in the journal.
    pub(super) fn head(&self) -> u64 {
        self.state().written
    }

    /// Whether sled's thread is to end although something is missing in sled.
    pub(super) fn late(&self) -> bool {
        self.state().life >= Life::Late
    }

    /// Waits, but not longer than the ledger is open; true when it is closing.
    pub(super) fn pause(&self, patience: Duration) -> bool {
        let state = self.wait_for(patience, |state| state.life > Life::Open);
        state.life > Life::Open
    }

    /// sled holds everything up to this position, so many bytes more than before.
    pub(super) fn kept(&self, position: u64, bytes: u64) {
        let mut state = self.state();
        state.kept = position;
        state.behind = state.behind.saturating_sub(bytes);
        if state.written <= position {
            state.behind = 0;
            state.failing = None;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// sled takes nothing for now.
    pub(super) fn fail(&self, reason: String) {
        let mut state = self.state();
        state.failing = Some(reason);
        drop(state);
        self.changed.notify_all();
    }

    /// Why sled takes nothing, if so.
    pub(super) fn failing(&self) -> Option<String> {
        self.state().failing.clone()
    }

    /// Waits until sled holds everything up to this position, or takes no more.
    pub(super) fn wait_kept(&self, position: u64) {
        let mut state = self.state();
        state.urgent = state.urgent.saturating_add(1);
        drop(state);
        self.changed.notify_all();
        drop(self.wait(|state| {
            state.kept >= position || state.failing.is_some() || state.life == Life::Gone
        }));
        let mut state = self.state();
        state.urgent = state.urgent.saturating_sub(1);
    }

    fn become_at_least(&self, life: Life) {
        let mut state = self.state();
        state.life = state.life.max(life);
        drop(state);
        self.changed.notify_all();
    }

    /// No more frames will come; waits a little for sled to get what is missing.
    pub(super) fn close(&self) {
        self.become_at_least(Life::Closing);
        drop(self.wait_for(LAST_MINUTE, |state| state.life == Life::Gone));
        self.become_at_least(Life::Late);
    }

    /// sled's thread ends.
    pub(super) fn end(&self) {
        self.become_at_least(Life::Gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bytes_at_once_are_a_storm_only_while_they_go_on() {
        let lag = Lag::new(0);
        let mut mark = 0;
        lag.written(1, STORM - 1);
        assert!(!lag.storms(&mut mark));
        lag.written(2, 1);
        // Much has come, and nothing more comes while it waits.
        assert!(!lag.storms(&mut mark));
        assert_eq!(mark, STORM);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for position in 3..2000 {
                    lag.written(position, STORM);
                    std::thread::park_timeout(Duration::from_millis(1));
                    if lag.state().urgent > 0 {
                        break;
                    }
                }
            });
            while !lag.storms(&mut mark) {}
            lag.state().urgent = 1;
            // Who waits for sled is served in a storm too.
            assert!(!lag.storms(&mut mark));
        });
    }

    #[test]
    fn sleds_thread_goes_on_when_everything_is_written_at_once() {
        let lag = Lag::new(0);
        std::thread::scope(|scope| {
            let more = scope.spawn(|| lag.wait_for_more(0));
            lag.written(9, 10 * GATHERED);
            assert!(more.join().unwrap());
            let kept = scope.spawn(|| lag.wait_kept(9));
            lag.kept(9, 10 * GATHERED);
            kept.join().unwrap();
            assert_eq!(lag.state().behind, 0);
            lag.become_at_least(Life::Closing);
            assert!(!lag.wait_for_more(9));
        });
    }
}

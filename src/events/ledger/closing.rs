//! The thread that makes the next journal's file, and closes full epochs. What it cannot do it
//! tries again later; the journals have everything until then, and nobody waits.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::layout;
use super::rolling;
use super::shared::Shared;

/// Who opens a ledger only for a moment does not begin to close epochs.
const GRACE: Duration = Duration::from_millis(200);
/// After a failure it is tried again after this, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

#[derive(Debug, Default)]
struct State {
    woken: bool,
    stop: bool,
    /// It does something, or will at once.
    busy: bool,
    failing: Option<String>,
}

/// What the closing thread is told, and says.
#[derive(Debug, Default)]
pub(super) struct Closing {
    state: Mutex<State>,
    changed: Condvar,
}

impl Closing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, patience: Duration) {
        drop(
            self.changed
                .wait_timeout_while(self.state(), patience, |state| !state.woken && !state.stop)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// There may be something to do.
    pub(super) fn wake(&self) {
        let mut state = self.state();
        state.woken = true;
        state.busy = true;
        drop(state);
        self.changed.notify_all();
    }

    /// What is being done is left as it is.
    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.changed.notify_all();
    }

    /// Whether it is to stop.
    pub(super) fn stops(&self) -> bool {
        self.state().stop
    }

    /// Why a full epoch is not closed, if so.
    pub(super) fn failing(&self) -> Option<String> {
        self.state().failing.clone()
    }

    /// Waits until nothing is left to do, or it does not work.
    pub(super) fn settle(&self) {
        drop(
            self.changed
                .wait_while(self.state(), |state| {
                    state.busy && !state.stop && state.failing.is_none()
                })
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// Runs until the ledger closes.
pub(super) fn run(shared: &Shared) {
    let closing = &shared.closing;
    closing.wait(GRACE);
    let mut pause = FIRST_PAUSE;
    while !closing.stops() {
        closing.state().woken = false;
        match work(shared) {
            Ok(()) => {
                pause = FIRST_PAUSE;
                let mut state = closing.state();
                state.failing = None;
                state.busy = state.woken;
                drop(state);
                closing.changed.notify_all();
                closing.wait(LONGEST_PAUSE);
            }
            Err(e) => {
                closing.state().failing = Some(e.to_string());
                closing.changed.notify_all();
                closing.state().woken = false;
                closing.wait(pause);
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// All that there is to do now.
fn work(shared: &Shared) -> io::Result<()> {
    if shared.rolling.wants_blank() {
        rolling::prepare(shared)?;
    }
    if !shared.epochs().full.is_empty() {
        // The newest journal got its name without a barrier.
        layout::sync_folder(&shared.layout.journals())?;
    }
    Ok(())
}

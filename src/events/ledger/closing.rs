//! The thread that makes the next journal's file, and closes full epochs. What it cannot do it
//! tries again later; the journals have everything until then, and nobody waits.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::closed::reading::Closed;
use super::closed::sealing::{self, SealError, Step, Target};
use super::epochs::Epochs;
use super::live::Live;
use super::past::Past;
use super::shared::Shared;
use super::{kept, layout, priority, rolling};

/// Who opens a ledger only for a moment does not begin to close epochs.
const GRACE: Duration = Duration::from_millis(200);
/// With so many full epochs one is closed before the ledger is, so that they do not pile up where
/// ledgers are opened for moments only.
const FULL_LEFT: usize = 2;
/// Closing rests between two small steps while somebody appends, ...
const REST: Duration = Duration::from_millis(3);
/// ... until more than so many epochs wait.
const PATIENT: usize = 6;
/// After a failure it is tried again after this, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

#[derive(Debug, Default)]
struct State {
    woken: bool,
    /// It does something, or will at once.
    busy: bool,
    life: Life,
    /// So many wait for it.
    waited_for: usize,
    failing: Option<String>,
}

/// What becomes of the thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    #[default]
    Open,
    /// The ledger closes.
    Stopping,
    Gone,
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
                .wait_timeout_while(self.state(), patience, |state| {
                    !state.woken && state.life == Life::Open
                })
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// A moment without work, unless the ledger closes.
    fn rest(&self) {
        drop(
            self.changed
                .wait_timeout_while(self.state(), REST, |state| {
                    state.waited_for == 0 && state.life == Life::Open
                })
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
        self.become_at_least(Life::Stopping);
    }

    /// Whether it is to stop.
    pub(super) fn stops(&self) -> bool {
        self.state().life > Life::Open
    }

    /// Why a full epoch is not closed, if so.
    pub(super) fn failing(&self) -> Option<String> {
        self.state().failing.clone()
    }

    /// Waits until nothing is left to do, or it turned out not to work.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        state.waited_for = state.waited_for.saturating_add(1);
        drop(state);
        self.wake();
        let mut state = self
            .changed
            .wait_while(self.state(), |state| state.busy && state.life < Life::Gone)
            .unwrap_or_else(PoisonError::into_inner);
        state.waited_for = state.waited_for.saturating_sub(1);
    }

    fn become_at_least(&self, life: Life) {
        let mut state = self.state();
        state.life = state.life.max(life);
        drop(state);
        self.changed.notify_all();
    }

    /// A round is over; the next one begins when there is a reason.
    fn done(&self, failing: Option<String>) {
        let mut state = self.state();
        state.failing = failing;
        state.busy = state.woken;
        drop(state);
        self.changed.notify_all();
    }
}

/// Tells everybody that the thread is gone, also when it panicked.
struct End<'a>(&'a Closing);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.become_at_least(Life::Gone);
    }
}

/// Runs until the ledger closes.
pub(super) fn run(shared: &Shared) {
    let closing = &shared.closing;
    let _end = End(closing);
    priority::give_way();
    closing.wait(GRACE);
    let mut pause = FIRST_PAUSE;
    while !shared.must_stop_closing() {
        closing.state().woken = false;
        match work(shared) {
            Ok(()) => {
                closing.done(None);
                pause = FIRST_PAUSE;
                closing.wait(LONGEST_PAUSE);
            }
            Err(ClosingError::Seal(SealError::Stopped)) => return,
            Err(e) => {
                closing.done(Some(e.to_string()));
                if closing.stops() {
                    return;
                }
                closing.wait(pause);
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// All that there is to do now.
fn work(shared: &Shared) -> Result<(), ClosingError> {
    if shared.rolling.wants_blank() {
        rolling::prepare(shared)?;
    }
    loop {
        let epochs = shared.epochs();
        tidy(shared, &epochs)?;
        let Some(oldest) = epochs.full.first() else {
            return Ok(());
        };
        // The newest journal got its name without a barrier.
        layout::sync_folder(&shared.layout.journals())?;
        close(shared, oldest)?;
    }
}

/// Why an epoch is not closed. Its journal still has everything.
#[derive(Debug, thiserror::Error)]
enum ClosingError {
    #[error("closing an epoch: {0}")]
    Io(#[from] io::Error),
    #[error("closing an epoch: {0}")]
    Seal(#[from] SealError),
}

/// Copies an epoch, and puts the copy in its place.
fn close(shared: &Shared, live: &Live) -> Result<(), ClosingError> {
    let (layout, heading) = (&shared.layout, live.journal.heading);
    let target = Target {
        folder: layout.closed(heading.first),
        seal: layout.seal(heading.first),
    };
    // What is written is smaller than the journal, which goes afterwards.
    if let Some(detail) = shared.no_room_for(live.index().end.offset) {
        return Err(io::Error::new(io::ErrorKind::StorageFull, detail).into());
    }
    let frames = live.index().frames.clone();
    let frames = frames
        .into_iter()
        .map(|at| live.frame(at).map_err(|e| io::Error::other(e.to_string())));
    let mut failed = None;
    let mut head = shared.lag.head();
    let mut pace = |_: Step| {
        let before = std::mem::replace(&mut head, shared.lag.head());
        if head > before && shared.epochs().full.len() <= PATIENT {
            shared.closing.rest();
        }
        // A file for the next journal that does not come in time, the writer makes itself.
        failed = rolling::prepare(shared)
            .and_then(|()| shared.disk.step("closing an epoch"))
            .err();
        failed.is_none() && !shared.must_stop_closing()
    };
    let sealed = sealing::seal(&target, heading, frames, &mut pace);
    if let Some(e) = failed {
        return Err(e.into());
    }
    let closed = Closed::of(sealed?, &target.folder, Arc::clone(&shared.cache));
    let past = Past::Closed(Arc::new(closed));
    shared.change_epochs(|epochs| epochs.closed(past));
    kept::shut(live.retire());
    Ok(())
}

/// Removes what is left of epochs that are closed: journals, witnesses and sled's live copies.
fn tidy(shared: &Shared, epochs: &Epochs) -> io::Result<()> {
    let layout = &shared.layout;
    let left_over = [
        (layout.journals(), "journal"),
        (layout.journals(), "witness"),
        (layout.sleds(), ""),
        (layout.sleds(), "aside"),
        (layout.sleds(), "look"),
    ];
    for (folder, extension) in left_over {
        for first in layout::epochs(&folder, extension)? {
            let closed = epochs
                .past
                .iter()
                .any(|past| matches!(past, Past::Closed(closed) if closed.first() == first));
            if closed {
                shared.disk.step("removing what is closed")?;
                let name = format!("{first:020}");
                layout::remove(&folder.join(name).with_extension(extension))?;
            }
        }
    }
    Ok(())
}

impl Shared {
    /// The ledger closes, and what is being done may be left for the next time.
    fn must_stop_closing(&self) -> bool {
        self.closing.stops() && self.epochs().full.len() < FULL_LEFT
    }
}

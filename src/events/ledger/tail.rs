//! Durable frames that sled does not hold yet: readers find them here, and sled's thread takes
//! them from here. Bounded: a writer far ahead of sled waits.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::frame::Sealed;
use super::kept::STEP;

/// A writer waits while more than this is on its way to sled.
const BOUND: usize = 8 * 1024 * 1024;
/// How long the first frame waits for company, so that lone appends do not each cost sled's
/// sync on top of the journal's.
const GATHER: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Sealed>,
    bytes: usize,
    /// No more frames will come.
    closing: bool,
    /// sled takes no more.
    dead: bool,
}

/// The frames between the journal and sled.
#[derive(Debug, Default)]
pub(super) struct Tail {
    state: Mutex<State>,
    changed: Condvar,
}

impl Tail {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for more.
    pub(super) fn wait_for_room(&self) {
        let state = self.state();
        let _room = self
            .changed
            .wait_while(state, |state| state.bytes > BOUND && !state.dead)
            .unwrap_or_else(PoisonError::into_inner);
    }

    /// Takes in frames that are durable in the journal.
    pub(super) fn push(&self, frames: impl IntoIterator<Item = Sealed>) {
        let mut state = self.state();
        for frame in frames {
            state.bytes = state.bytes.saturating_add(frame.bytes.len());
            state.frames.push_back(frame);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The frame that begins with this position, if it is still here.
    pub(super) fn get(&self, first: u64) -> Option<Arc<[u8]>> {
        let state = self.state();
        let at = state
            .frames
            .binary_search_by_key(&first, |frame| frame.first)
            .ok()?;
        state.frames.get(at).map(|frame| Arc::clone(&frame.bytes))
    }

    /// Waits for frames and returns the oldest, one step's worth; none once it is closed and
    /// empty. They stay here until `kept` says that sled has them.
    pub(super) fn take(&self) -> Option<Vec<Sealed>> {
        let idle = |state: &mut State| state.frames.is_empty() && !state.closing;
        let few = |state: &mut State| state.bytes < STEP && !state.closing;
        let state = self
            .changed
            .wait_while(self.state(), idle)
            .unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, GATHER, few)
            .unwrap_or_else(PoisonError::into_inner);
        let mut step = Vec::new();
        let mut bytes = 0_usize;
        for frame in &state.frames {
            bytes = bytes.saturating_add(frame.bytes.len());
            if bytes > STEP && !step.is_empty() {
                break;
            }
            step.push(frame.clone());
        }
        (!step.is_empty()).then_some(step)
    }

    /// sled holds everything up to this position.
    pub(super) fn kept(&self, position: u64) {
        let mut state = self.state();
        while state
            .frames
            .front()
            .is_some_and(|frame| frame.last <= position)
        {
            if let Some(frame) = state.frames.pop_front() {
                state.bytes = state.bytes.saturating_sub(frame.bytes.len());
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until sled holds everything up to this position, or takes no more.
    pub(super) fn wait_kept(&self, position: u64) {
        let waiting = |state: &mut State| {
            !state.dead
                && state
                    .frames
                    .front()
                    .is_some_and(|frame| frame.first <= position)
        };
        let _kept = self
            .changed
            .wait_while(self.state(), waiting)
            .unwrap_or_else(PoisonError::into_inner);
    }

    /// No more frames will come; what is here is still taken.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_all();
    }

    /// sled failed; what is here stays readable.
    pub(super) fn die(&self) {
        self.state().dead = true;
        self.changed.notify_all();
    }
}

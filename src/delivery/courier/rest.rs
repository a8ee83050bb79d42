//! Waiting for a window to be at rest, where its agent or the message asks for it: nothing is touched
//! before. A window at work is left at once; the attempt comes back later.

use super::machine::Courier;
use super::moves::{Deed, Move};
use super::phase::Phase;
use crate::delivery::evidence;
use crate::delivery::ports::Picture;
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::screen::Rect;
use crate::events::time::Timestamp;
use std::time::Duration;

/// So many pixels may change in a window at rest: a caret that blinks.
const STIR: usize = 100;

/// Watching a whole window.
#[derive(Debug)]
pub(super) struct Resting {
    frame: Rect,
    since: Timestamp,
    span: Duration,
    /// The first picture: what creeps changes more and more against it.
    first: Option<Picture>,
}

impl Courier {
    /// Begins to watch, once.
    pub(super) fn await_rest(&mut self) -> Option<Move> {
        let span = self.job.when_idle.take()?;
        let frame = self.window.as_ref()?.fingerprint.frame;
        let resting = Resting {
            frame,
            since: self.now,
            span,
            first: None,
        };
        Some(self.go(Phase::Rest(resting), Deed::Capture(frame), []))
    }

    pub(super) fn rested(&mut self, mut resting: Resting, seen: Picture) -> Move {
        let spent = self.now.since(resting.since);
        if let Some(first) = &resting.first {
            let same = evidence::same_place(first, &seen);
            let stirred = evidence::difference(first, &seen).count();
            if !same || stirred > STIR {
                return self.fail_as(
                    FailureClass::AgentBusy,
                    format!(
                        "the window is at work: {stirred} pixels changed within {} ms, and it is to \
                         be at rest for {} ms",
                        spent.as_millis(),
                        resting.span.as_millis()
                    ),
                );
            }
        } else {
            resting.first = Some(seen);
        }
        if spent >= resting.span {
            let until = self.deadline(self.job.patience.quiet);
            return self.survey(Phase::Preflight { until });
        }
        let left = resting.span.saturating_sub(spent);
        let pause = (resting.span / 16).clamp(Duration::from_millis(5), Duration::from_millis(100));
        let look = Deed::Capture(resting.frame);
        self.go(Phase::Rest(resting), Deed::Wait(pause.min(left)), [look])
    }
}

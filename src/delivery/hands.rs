//! The dull performer: does what the courier says and reports what came of it.

use std::fmt;
use std::time::Duration;

use super::courier::machine::Courier;
use super::courier::moves::{Answer, Deed, Ending, Milestone, Move, Report};
use super::job::Job;
use super::ports::{Act, Desktop};
use crate::events::time::Timestamp;

/// Time for a performer: what it is, and letting it pass.
pub trait Pace: fmt::Debug {
    /// The present instant; should not step back during an attempt.
    fn now(&mut self) -> Timestamp;
    /// Comes back when that much time has passed.
    fn wait(&mut self, span: Duration);
}

/// Lets go of every key on every way out, panics included.
struct LetGo<'d>(&'d mut dyn Desktop);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        // A display that is gone holds no keys.
        let _trouble = self.0.act(&Act::ReleaseAll);
    }
}

/// Carries the job to its end. `ask` brings milestones to the owner and must not answer before
/// they are durable.
pub fn carry(
    job: Job,
    desktop: &mut dyn Desktop,
    pace: &mut dyn Pace,
    ask: &mut dyn FnMut(Milestone) -> Answer,
) -> Ending {
    let abilities = desktop.abilities();
    let hands = LetGo(desktop);
    let mut courier = Courier::new(job, abilities, pace.now());
    let mut report = Report::Begin;
    loop {
        report = match courier.next(report, pace.now()) {
            Move::Do(deed) => perform(&deed, hands.0, pace),
            Move::Ask(milestone) => Report::Answered(ask(milestone)),
            Move::End(ending) => return ending,
        };
    }
}

/// Does one deed.
pub fn perform(deed: &Deed, desktop: &mut dyn Desktop, pace: &mut dyn Pace) -> Report {
    let done = match deed {
        Deed::Survey(at) => desktop.survey(*at).map(Report::Surveyed),
        Deed::Capture(region) => desktop.capture(*region).map(Report::Captured),
        Deed::Act(act) => desktop.act(act).map(|()| Report::Done),
        Deed::ReadClipboard => desktop.clipboard().map(Report::Read),
        Deed::SetClipboard(clip) => desktop.set_clipboard(clip).map(|()| Report::Done),
        Deed::Wait(span) => {
            pace.wait(*span);
            Ok(Report::Done)
        }
    };
    done.unwrap_or_else(Report::Trouble)
}

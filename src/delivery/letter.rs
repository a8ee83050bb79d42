//! One message on its way into an inbox folder.

use super::dispatch::{Inbox as _, World};
use super::errand;
use super::failing::{self, Failed};
use crate::commands::desk::{Outcome, Refused};
use crate::commands::inbox_attempt::{InboxAttempt, Nudge};
use crate::commands::start_attempt::StartAttempt;
use crate::events::envelope::Event;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::{MessageAccepted, Priority, Via};
use crate::events::ids::{AgentId, CorrelationId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;
use crate::projections::outbox::Candidate;

/// What an inbox file holds.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The message as it was accepted.
    pub message: MessageAccepted,
    /// Its correlation.
    pub correlation: CorrelationId,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// A letter and the attempt that delivers it.
#[derive(Debug)]
pub struct Delivery {
    start: StartAttempt,
    letter: Letter,
}

impl Delivery {
    /// Reads what the file will hold.
    pub fn new(
        world: &World,
        start: StartAttempt,
        candidate: &Candidate,
    ) -> Result<Self, Refused> {
        let event = errand::accepted(world, candidate.position)?;
        Ok(Self { start, letter: Letter::of(event.0, event.1, event.2) })
    }

    /// Writes attempt, file and end.
    pub fn carry(self, world: &World) -> Result<(), Refused> {
        let Self { start, letter } = self;
        let (message, attempt) = (start.message, start.attempt);
        let fell_back = start.because.is_some();
        match world.execute(start.into()) {
            Ok(Outcome::Done(_)) => {}
            Ok(_) | Err(Refused::Refusal(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        match world.inbox.put(&letter) {
            Ok(file) => {
                let nudge = if fell_back { nudge(world, &letter)? } else { None };
                let inboxed =
                    InboxAttempt { message, attempt, file, nudge, closes_breaker: false };
                world.execute(inboxed.into()).map(|_| ())
            }
            Err(error) => {
                let failed = Failed {
                    class: FailureClass::InboxFailed,
                    detail: format!("the inbox file of {} was not written: {error}", letter.message.to),
                    text_may_stand: false,
                    steps: Vec::new(),
                };
                failing::write(world, message, failed)
            }
        }
    }
}

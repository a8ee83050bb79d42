//! After a failed attempt: what follows is worked out here, from the policy and the dice, and goes
//! into the event, so that a replay under other settings tells the same story.

use super::breaker::Change;
use super::carriage;
use super::errand;
use super::office::Office;
use super::route::{self, Course};
use crate::commands::desk::Refused;
use crate::commands::end_attempt::{EndAttempt, Ending};
use crate::commands::fail_attempt::{FailAttempt, OpenBreaker};
use crate::events::facts::attempt::{
    AttemptFailed, AttemptUnknown, Channel, FailureClass, Next, StepTime,
};
use crate::events::ids::MessageId;

/// An attempt that failed.
#[derive(Debug)]
pub struct Failed {
    /// Decides what follows.
    pub class: FailureClass,
    /// In words.
    pub detail: String,
    /// Whether text of ours may stand in the box.
    pub text_may_stand: bool,
    /// Whether Enter was pressed on it, and only another attempt can tell what became of that.
    pub enter_may_come: bool,
    /// How long each step took.
    pub steps: Vec<StepTime>,
}

/// Enter was pressed, and no other attempt will look what became of it.
fn nobody_knows(
    world: &impl Office,
    message: MessageId,
    attempt: u32,
    reason: String,
) -> Result<(), Refused> {
    let end = EndAttempt {
        ending: Ending::Unknown(AttemptUnknown {
            message,
            attempt,
            reason,
        }),
        learnt: None,
        closes_breaker: false,
    };
    match world.execute(end) {
        Ok(_) => Ok(()),
        Err(Refused::Refusal(refusal)) => carriage::end_refused(world, message, &refusal),
        Err(error) => Err(error),
    }
}

/// Writes `attempt.failed` with what follows from it.
pub fn write(world: &impl Office, message: MessageId, failed: Failed) -> Result<(), Refused> {
    world.catch_up()?;
    let now = world.now();
    let Some(kept) = world.read(|states| states.outbox.get(message).cloned()) else {
        // It settled meanwhile, by an acknowledgement.
        return carriage::settle(world, message);
    };
    let agent = world.read(|states| states.agents.get(&kept.to).cloned());
    let channel = kept.life.channel.unwrap_or(Channel::Gui);
    let channels = agent
        .as_ref()
        .map_or(&[][..], |agent| &agent.profile.channels);
    let course = Course {
        channel,
        attempts_here: kept.life.attempts_here,
        via: kept.via,
        channels,
        expires_at: kept.life.expires_at,
    };
    let settings = world.settings();
    let next = route::after_failure(failed.class, &course, &settings.policy, world.dice(), now);
    let looked_at_again = match next {
        Next::Retry { at } => kept.life.expires_at.is_none_or(|end| at < end),
        Next::Fallback { .. } | Next::Dead => false,
    };
    if failed.enter_may_come && !looked_at_again {
        return nobody_knows(world, message, kept.life.attempts, failed.detail);
    }
    let opens_breaker = agent.and_then(|agent| {
        let (_, change) =
            errand::breaker(&agent, channel).failed(failed.class, &settings.breaker, now);
        match change? {
            Change::Opened { failures, until } => Some(OpenBreaker { failures, until }),
            Change::Closed => None,
        }
    });
    let failed = AttemptFailed {
        message,
        attempt: kept.life.attempts,
        class: failed.class,
        detail: failed.detail,
        text_may_stand: failed.text_may_stand,
        next,
        steps: failed.steps,
    };
    let fail = FailAttempt {
        failed,
        opens_breaker,
    };
    match world.execute(fail) {
        Ok(_) => Ok(()),
        Err(Refused::Refusal(refusal)) => {
            tracing::error!(message_id = %message, %refusal, "a failure was refused");
            carriage::settle(world, message)
        }
        Err(error) => Err(error),
    }
}

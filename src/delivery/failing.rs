//! After a failed attempt: what follows is worked out here, from the policy and the dice, and goes
//! into the event, so that a replay under other settings tells the same story.

use super::breaker::Change;
use super::carriage;
use super::errand;
use super::office::Office;
use super::route::{self, Course};
use crate::commands::desk::Refused;
use crate::commands::fail_attempt::{FailAttempt, OpenBreaker};
use crate::events::facts::attempt::{AttemptFailed, Channel, FailureClass, StepTime};
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
    /// How long each step took.
    pub steps: Vec<StepTime>,
}

/// Writes `attempt.failed` with what follows from it.
pub fn write(world: &impl Office, message: MessageId, failed: Failed) -> Result<(), Refused> {
    world.catch_up()?;
    let now = world.now();
    let Some(kept) = world.read(|states| states.outbox.get(message).cloned())
    else {
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
        Err(Refused::Refusal(refusal)) => carriage::end_refused(world, message, &refusal),
        Err(error) => Err(error),
    }
}

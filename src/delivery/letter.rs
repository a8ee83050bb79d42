//! One message on its way into an inbox folder.

use super::carriage;
use super::failing::{self, Failed};
use super::office::Office;
use crate::commands::desk::{Outcome, Refused};
use crate::commands::inbox_attempt::{InboxAttempt, Nudge};
use crate::commands::start_attempt::StartAttempt;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::{MessageAccepted, Priority};
use crate::events::ids::{CorrelationId, MessageId};
use crate::events::time::Timestamp;
use crate::projections::agents::Breaker;

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
pub struct Post {
    /// What is written down first.
    pub start: StartAttempt,
    /// What the file will hold.
    pub letter: Letter,
}

impl Post {
    /// Writes down the attempt, writes the file, writes down the end.
    /// False when it was refused before it began.
    pub fn carry(self, world: &impl Office) -> Result<bool, Refused> {
        let Self { start, letter } = self;
        let (message, attempt) = (start.message, start.attempt);
        let fell_back = start.because.is_some();
        match world.execute(start) {
            Ok(Outcome::Done(_)) => {}
            Ok(_) => return Ok(true),
            Err(Refused::Refusal(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        match world.post(&letter) {
            Ok(file) => {
                let nudge = if fell_back {
                    nudge(world, &letter)
                } else {
                    None
                };
                // Attempts at an inbox are not held back by its breaker, so any of them can be the one that shows
                // that it works again.
                let closes_breaker = world.read(|states| {
                    let agent = states.agents.get(&letter.message.to);
                    agent.is_some_and(|it| it.health(Channel::Inbox).breaker != Breaker::Closed)
                });
                let inboxed = InboxAttempt {
                    message,
                    attempt,
                    file,
                    nudge,
                    closes_breaker,
                };
                match world.execute(inboxed) {
                    Ok(_) => {}
                    Err(Refused::Refusal(refusal)) => {
                        carriage::end_refused(world, message, &refusal)?;
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(error) => {
                let to = &letter.message.to;
                let failed = Failed {
                    class: FailureClass::InboxFailed,
                    detail: format!("the inbox file of {to} was not written: {error}"),
                    text_may_stand: false,
                    enter_may_come: false,
                    steps: Vec::new(),
                };
                failing::write(world, message, failed)?;
            }
        }
        Ok(true)
    }
}

/// The nudge that tells an idle agent to look, unless one is on its way already.
fn nudge(world: &impl Office, letter: &Letter) -> Option<Nudge> {
    let nudging = world.settings().nudge?;
    let to = &letter.message.to;
    let (by_hand, told_already) = world.read(|states| {
        let agent = states.agents.get(to);
        let by_hand = agent.is_some_and(|it| it.profile.channels.contains(&Channel::Gui));
        let told_already = states.outbox.messages().any(|(_, kept)| {
            kept.to == *to && kept.from.is_switchboard() && !kept.life.state.is_settled()
        });
        (by_hand, told_already)
    });
    if !by_hand || told_already {
        return None;
    }
    let now = world.now();
    Some(Nudge {
        message: MessageId(world.fresh()),
        body: format!(
            "A message that could not be typed here waits in your inbox: \
             run `switchboard inbox {to} --next`."
        ),
        priority: Priority::Normal,
        ttl_micros: u64::try_from(nudging.ttl.as_micros()).ok(),
        not_before: Some(now.after(nudging.after)),
    })
}

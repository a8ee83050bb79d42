//! Start an attempt: written down before the first click.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::expire::expiry;
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::attempt::{AttemptStarted, Channel, FailureClass};
use crate::events::facts::breaker::BreakerProbed;
use crate::events::facts::message::{MessageDied, Via};
use crate::events::facts::screen::Point;
use crate::events::ids::{AgentId, MessageId, SeatId, StreamId};
use crate::events::ledger::append::Expected;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// Hands are about to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartAttempt {
    /// Which message.
    pub message: MessageId,
    /// One more than the attempts made.
    pub attempt: u32,
    /// Which way.
    pub channel: Channel,
    /// On which seat, when hands are needed.
    pub seat: Option<SeatId>,
    /// Where the click will go.
    pub place: Option<Point>,
    /// Why not the first channel.
    pub because: Option<FailureClass>,
    /// Whether this is the one message an open breaker lets through.
    pub probe: bool,
}

impl StartAttempt {
    /// Starts it; or expires the message when its time is over; or buries it when its agent is gone; or
    /// refuses.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        let life = &message.life;
        if life.state != State::Accepted || life.attempt_open {
            return Err(message.wrong_state("attempted"));
        }
        if let Some(expired) = expiry(known, message, now) {
            return Ok(expired.into());
        }
        let id = self.message;
        if life.due_at > now {
            let text = format!("message {id} is not due before {}", life.due_at);
            return Err(Refusal::new(Code::NotDue, text));
        }
        let to = &message.accepted.to;
        if let Err(gone) = known.agent_or_operator(to) {
            let died = MessageDied {
                message: id,
                attempts: life.attempts,
                class: FailureClass::Invalid,
                detail: gone.message,
            };
            let stream = StreamId::message(id);
            let expected = known.expected(&stream);
            return Ok(Plan::one(stream, expected, died)
                .in_thread(message.thread())
                .into());
        }
        let next = life.attempts.saturating_add(1);
        if self.attempt != next {
            let text = format!(
                "attempt {} of message {id} is not the next: {next} is",
                self.attempt
            );
            return Err(Refusal::new(Code::StaleAttempt, text));
        }
        let fits = match (self.channel, message.accepted.via) {
            (Channel::Gui, Via::Inbox) | (Channel::Inbox, Via::Gui) => false,
            (Channel::Gui, _) => to.as_str() != AgentId::OPERATOR,
            (Channel::Inbox, _) => true,
        };
        if !fits {
            let text = format!("message {id} to {to} cannot be carried by {}", self.channel);
            return Err(Refusal::new(Code::WrongChannel, text));
        }
        known.hands_free(to, self.seat.as_ref())?;
        known.may_speak(&message.accepted.from, to)?;
        let stream = StreamId::message(id);
        let expected = known.expected(&stream);
        let plan = Plan::one(stream, expected, self.fact()).in_thread(message.thread());
        Ok(if self.probe {
            let probed = BreakerProbed {
                agent: to.clone(),
                channel: self.channel,
                message: id,
            };
            plan.and(part(
                StreamId::breaker(to, self.channel),
                Expected::Any,
                probed,
            ))
        } else {
            plan
        }
        .into())
    }

    fn fact(&self) -> AttemptStarted {
        AttemptStarted {
            message: self.message,
            attempt: self.attempt,
            channel: self.channel,
            seat: self.seat.clone(),
            place: self.place,
            because: self.because,
        }
    }
}

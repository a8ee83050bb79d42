//! Acknowledge: the recipient says that it read the message.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use super::reply::may_speak;
use crate::events::facts::message::MessageAcknowledged;
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::lifecycle::State;

/// The recipient's word, or the operator's for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledge {
    /// Which message.
    pub message: MessageId,
    /// Who says so.
    pub by: AgentId,
}

impl Acknowledge {
    /// A message that is still queued or dead may be acknowledged too: the recipient knows best.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        may_speak(&self.by, &message.accepted.to, "acknowledge")?;
        match message.life.state {
            State::Acknowledged | State::Answered => {
                return Ok(Decision::Already(message.already()));
            }
            State::Cancelled => return Err(message.wrong_state("acknowledged")),
            State::Accepted
            | State::Attempting
            | State::Pasted
            | State::Submitted
            | State::Observed
            | State::Inboxed
            | State::Expired
            | State::Unknown
            | State::Dead => {}
        }
        let stream = StreamId::message(self.message);
        let expected = known.expected(&stream);
        let fact = MessageAcknowledged {
            message: self.message,
            by: self.by.clone(),
        };
        Ok(Plan::one(stream, expected, fact)
            .in_thread(message.thread())
            .into())
    }
}

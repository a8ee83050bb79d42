//! Cancel: a message is taken back before hands move.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::message::MessageCancelled;
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::lifecycle::State;

/// Take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Which message.
    pub message: MessageId,
    /// Who takes it back.
    pub by: AgentId,
}

impl Cancel {
    /// Only what waits can be taken back.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        match message.life.state {
            State::Cancelled => return Ok(Decision::Already(message.already())),
            State::Accepted if !message.life.attempt_open => {}
            State::Accepted
            | State::Attempting
            | State::Pasted
            | State::Submitted
            | State::Observed
            | State::Inboxed
            | State::Acknowledged
            | State::Answered
            | State::Expired
            | State::Unknown
            | State::Dead => return Err(message.wrong_state("cancelled")),
        }
        let stream = StreamId::message(self.message);
        let expected = known.expected(&stream);
        let fact = MessageCancelled {
            message: self.message,
            by: self.by.clone(),
        };
        Ok(Plan::one(stream, expected, fact)
            .in_thread(message.thread())
            .into())
    }
}

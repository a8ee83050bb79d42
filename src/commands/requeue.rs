//! Requeue: a dead letter is carried once more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::message::MessageRequeued;
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// Carry it again from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requeue {
    /// Which message.
    pub message: MessageId,
    /// Who wants it.
    pub by: AgentId,
}

impl Requeue {
    /// Only what is certainly not delivered is carried again; a lifetime begins anew.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        let id = self.message;
        match message.life.state {
            State::Dead | State::Expired | State::Cancelled => {}
            State::Unknown => {
                return Err(Refusal::new(
                    Code::UnknownOutcome,
                    format!("message {id} may have arrived: carrying it again could double it"),
                )
                .hint(format!(
                    "look at the window, then `switchboard resolve {id} delivered|failed`"
                )));
            }
            State::Accepted
            | State::Attempting
            | State::Pasted
            | State::Submitted
            | State::Observed
            | State::Inboxed
            | State::Acknowledged
            | State::Answered => return Err(message.wrong_state("queued again")),
        }
        known.agent_or_operator(&message.accepted.to)?;
        let stream = StreamId::message(id);
        let expected = known.expected(&stream);
        let ttl = message.accepted.ttl_micros;
        let fact = MessageRequeued {
            message: id,
            by: self.by.clone(),
            expires_at: ttl.map(|ttl| now.after(Duration::from_micros(ttl))),
        };
        Ok(Plan::one(stream, expected, fact)
            .in_thread(message.thread())
            .into())
    }
}

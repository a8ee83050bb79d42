//! Mark read: the recipient took a message out of its inbox.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use super::reply::may_speak;
use crate::events::facts::message::MessageRead;
use crate::events::ids::{AgentId, MessageId, StreamId};

/// The inbox was looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    /// Which message.
    pub message: MessageId,
    /// Who took it.
    pub by: AgentId,
}

impl MarkRead {
    /// Once per message, and only for what lies in the inbox.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        may_speak(&self.by, &message.accepted.to, "read")?;
        if message.read {
            return Ok(Decision::Already(message.already()));
        }
        if !message.inboxed {
            return Err(message.wrong_state("taken out of an inbox"));
        }
        let stream = StreamId::message(self.message);
        let expected = known.expected(&stream);
        let fact = MessageRead {
            message: self.message,
            by: self.by.clone(),
        };
        Ok(Plan::one(stream, expected, fact)
            .in_thread(message.thread())
            .into())
    }
}

//! Reply: the recipient answers with a message of its own.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::known::Known;
use super::refusal::{Code, Refusal};
use super::send::SendMessage;
use crate::events::facts::message::{MessageAnswered, MessageKind, Priority, Via};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// An answer to a message, sent back to whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The message that is answered.
    pub message: MessageId,
    /// The answer's own id, chosen by the answering side.
    pub answer: MessageId,
    /// The recipient of the message, or the operator.
    pub by: AgentId,
    /// The words.
    pub body: String,
    /// What sort of message the answer is.
    pub kind: MessageKind,
    /// How urgent.
    pub priority: Priority,
    /// Its tags.
    pub tags: Vec<Word>,
    /// Which way to carry it.
    pub via: Via,
    /// How long it is worth carrying, in microseconds.
    pub ttl_micros: Option<u64>,
    /// How many messages may stand before it.
    pub hops_max: u16,
}

impl Reply {
    /// Accepts the answer and marks the message answered, both or neither.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        let to = &message.accepted.from;
        let send = SendMessage {
            message: self.answer,
            from: self.by.clone(),
            to: to.clone(),
            body: self.body.clone(),
            kind: self.kind,
            priority: self.priority,
            tags: self.tags.clone(),
            via: self.via,
            ttl_micros: self.ttl_micros,
            not_before: None,
            reply_to: Some(self.message),
            broadcast: None,
            hops_max: self.hops_max,
            mode: None,
        };
        if let Some(answer) = known.messages.get(&self.answer) {
            return send.again(answer).map(Decision::Already);
        }
        may_speak(&self.by, &message.accepted.to, "answer")?;
        if to.as_str() == AgentId::SWITCHBOARD {
            let refusal = Refusal::new(Code::NoWayBack, "the desk itself reads no answers");
            return Err(refusal.hint("answer the message that the nudge tells of"));
        }
        if message.life.state == State::Cancelled {
            return Err(message.wrong_state("answered"));
        }
        let accepted = send.accept(known, now)?;
        let answered = MessageAnswered {
            message: self.message,
            by: self.by.clone(),
            answer: self.answer,
        };
        let (own, theirs) = (
            StreamId::message(self.answer),
            StreamId::message(self.message),
        );
        let (own_at, theirs_at) = (known.expected(&own), known.expected(&theirs));
        Ok(Plan::one(own, own_at, accepted)
            .and(part(theirs, theirs_at, answered))
            .in_thread(message.thread())
            .into())
    }
}

/// Only the recipient and the operator speak for a recipient.
pub(super) fn may_speak(by: &AgentId, recipient: &AgentId, wish: &str) -> Result<(), Refusal> {
    if by == recipient || by.as_str() == AgentId::OPERATOR {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NotAllowed,
        format!("{by} may not {wish} a message to {recipient}"),
    )
    .hint(format!("only {recipient} or the operator may")))
}

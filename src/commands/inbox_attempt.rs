//! Inbox an attempt: the file is on disk, and a nudge may tell the agent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::known::{Known, KnownMessage};
use super::refusal::Refusal;
use crate::events::facts::attempt::{AttemptInboxed, Channel};
use crate::events::facts::breaker::BreakerClosed;
use crate::events::facts::message::{MessageAccepted, MessageKind, Priority, Via};
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::ledger::append::Expected;
use crate::events::time::Timestamp;

/// The message lies in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxAttempt {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// The file's path below the store folder.
    pub file: String,
    /// What is typed into the agent's window to make it look; nothing is for other nudges.
    pub nudge: Option<Nudge>,
    /// Whether this closes the circuit breaker of the inbox channel.
    pub closes_breaker: bool,
}

/// A short message that tells an agent to look into its inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nudge {
    /// Its own id.
    pub message: MessageId,
    /// The words.
    pub body: String,
    /// How urgent.
    pub priority: Priority,
    /// How long it is worth trying, in microseconds.
    pub ttl_micros: Option<u64>,
    /// Not tried earlier.
    pub not_before: Option<Timestamp>,
}

impl InboxAttempt {
    /// The end of the inbox channel, and its nudge in the same commit. A message of the desk itself
    /// gets no nudge: it is one.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        message.open_attempt(self.attempt, "put into an inbox")?;
        if message.life.channel != Some(Channel::Inbox) {
            return Err(message.wrong_state("put into an inbox by this attempt"));
        }
        let desk_itself = message.accepted.from.as_str() == AgentId::SWITCHBOARD;
        let nudge = self
            .nudge
            .as_ref()
            .filter(|nudge| !desk_itself && !known.messages.contains_key(&nudge.message));
        let stream = StreamId::message(self.message);
        let expected = known.expected(&stream);
        let inboxed = AttemptInboxed {
            message: self.message,
            attempt: self.attempt,
            file: self.file.clone(),
            nudge: nudge.map(|nudge| nudge.message),
        };
        let mut plan = Plan::one(stream, expected, inboxed).in_thread(message.thread());
        if let Some(nudge) = nudge {
            let stream = StreamId::message(nudge.message);
            let expected = known.expected(&stream);
            plan = plan.and(part(stream, expected, nudge.accepted(message, now)));
        }
        if self.closes_breaker {
            let agent = message.accepted.to.clone();
            let stream = StreamId::breaker(&agent, Channel::Inbox);
            let closed = BreakerClosed {
                agent,
                channel: Channel::Inbox,
            };
            plan = plan.and(part(stream, Expected::Any, closed));
        }
        Ok(plan.into())
    }
}

impl Nudge {
    fn accepted(&self, of: &KnownMessage, now: Timestamp) -> MessageAccepted {
        let start = self.not_before.map_or(now, |at| at.max(now));
        MessageAccepted {
            message: self.message,
            from: AgentId::switchboard(),
            to: of.accepted.to.clone(),
            body: self.body.clone(),
            kind: MessageKind::System,
            priority: self.priority,
            tags: Vec::new(),
            via: Via::Gui,
            ttl_micros: self.ttl_micros,
            expires_at: self
                .ttl_micros
                .map(|ttl| start.after(Duration::from_micros(ttl))),
            not_before: self.not_before,
            reply_to: None,
            broadcast: None,
            hops: of.accepted.hops.saturating_add(1),
        }
    }
}

//! What happens to a message apart from its attempts.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attempt::FailureClass;
use super::words::{Word, worded};
use crate::events::ids::{AgentId, MessageId};
use crate::events::time::Timestamp;

worded! {
    /// How urgent a message is; what is more urgent goes first.
    Priority, "a priority" {
        /// In its turn.
        Normal = "normal",
        /// Before everything normal.
        Urgent = "urgent",
        /// Before everything else.
        Critical = "critical",
    }
}

worded! {
    /// What sort of message it is.
    MessageKind, "a message kind" {
        /// A person's or script's words.
        Text = "text",
        /// From one agent to another.
        AgentToAgent = "agent-to-agent",
        /// From the desk itself.
        System = "system",
        /// The same words to several.
        Broadcast = "broadcast",
        /// First instructions for an agent.
        Onboarding = "onboarding",
    }
}

worded! {
    /// Which way the sender wants it carried.
    Via, "a way" {
        /// The agent's channels in their order, falling back.
        Auto = "auto",
        /// Into the window or not at all.
        Gui = "gui",
        /// Into the inbox only.
        Inbox = "inbox",
    }
}

worded! {
    /// What the operator found out about a message whose outcome was unknown.
    Verdict, "a verdict" {
        /// It arrived.
        Delivered = "delivered",
        /// It did not.
        Failed = "failed",
    }
}

/// 100 `message.accepted`: somebody's message is in the ledger and will be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAccepted {
    /// Chosen by the sender, so that sending twice is harmless.
    pub message: MessageId,
    /// Who says it.
    pub from: AgentId,
    /// Who shall read it.
    pub to: AgentId,
    /// The words, byte for byte as given.
    pub body: String,
    /// What sort of message.
    pub kind: MessageKind,
    /// How urgent.
    pub priority: Priority,
    /// The sender's tags, sorted.
    pub tags: Vec<Word>,
    /// Which way to carry it.
    pub via: Via,
    /// How long it is worth carrying, in microseconds, as the sender said it.
    pub ttl_micros: Option<u64>,
    /// When it expires: acceptance (or `not_before`, if later) plus the TTL.
    pub expires_at: Option<Timestamp>,
    /// Not carried earlier.
    pub not_before: Option<Timestamp>,
    /// The message this one answers.
    pub reply_to: Option<MessageId>,
    /// The broadcast it belongs to.
    pub broadcast: Option<Uuid>,
    /// How many messages stand before it in its causal chain.
    pub hops: u16,
}

/// 101 `message.expired`: its time ran out before it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageExpired {
    /// Which message.
    pub message: MessageId,
    /// When its time was over.
    pub expired_at: Timestamp,
}

/// 102 `message.cancelled`: somebody took it back in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCancelled {
    /// Which message.
    pub message: MessageId,
    /// Who took it back.
    pub by: AgentId,
}

/// 103 `message.acknowledged`: the recipient says that it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAcknowledged {
    /// Which message.
    pub message: MessageId,
    /// Who read it.
    pub by: AgentId,
}

/// 104 `message.answered`: the recipient replied with a message of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAnswered {
    /// Which message.
    pub message: MessageId,
    /// Who replied.
    pub by: AgentId,
    /// The reply.
    pub answer: MessageId,
}

/// 105 `message.requeued`: a dead or expired message is carried once more from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRequeued {
    /// Which message.
    pub message: MessageId,
    /// Who wanted it.
    pub by: AgentId,
    /// Its new expiry, if it had one.
    pub expires_at: Option<Timestamp>,
}

/// 106 `message.resolved`: the operator looked and settled what was unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageResolved {
    /// Which message.
    pub message: MessageId,
    /// Who looked.
    pub by: AgentId,
    /// What was found.
    pub verdict: Verdict,
}

/// 107 `message.died`: every way was tried; it is kept among the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDied {
    /// Which message.
    pub message: MessageId,
    /// How many attempts were made.
    pub attempts: u32,
    /// Why the last one failed.
    pub class: FailureClass,
    /// In words.
    pub detail: String,
}

/// 108 `message.read`: the recipient took it out of its inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRead {
    /// Which message.
    pub message: MessageId,
    /// Who took it.
    pub by: AgentId,
}

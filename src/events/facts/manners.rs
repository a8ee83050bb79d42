//! How an agent's window wants to be treated: whether it may be interrupted, and what becomes of words
//! that somebody left unfinished in its box.

use serde::{Deserialize, Serialize};

use super::words::worded;
use crate::events::ids::{AgentId, MessageId};

worded! {
    /// When a message is carried.
    Mode, "a mode" {
        /// In its turn, whatever the window is at.
        Interrupt = "interrupt",
        /// Once the window has been at rest for a while.
        WhenIdle = "when-idle",
    }
}

worded! {
    /// What becomes of words that somebody left in the box.
    Drafts, "a draft policy" {
        /// They stay, and the message waits.
        Hold = "hold",
        /// The message is put after them, and both are submitted.
        AppendAfter = "append-after",
        /// They are written into the ledger, taken out, and put back once the message has arrived.
        SaveAndRestore = "save-and-restore",
    }
}

/// 315 `agent.manners_set`: how its window wants to be treated from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentMannersSet {
    /// Which agent.
    pub agent: AgentId,
    /// Who said so.
    pub by: AgentId,
    /// How.
    pub manners: Manners,
}

/// How a window wants to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manners {
    /// When messages are carried, unless one says otherwise.
    pub mode: Mode,
    /// How long a window must have been at rest to count as idle, in microseconds.
    pub idle_micros: u64,
    /// What becomes of unfinished words.
    pub drafts: Drafts,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            mode: Mode::Interrupt,
            idle_micros: 2_000_000,
            drafts: Drafts::Hold,
        }
    }
}

/// 110 `message.mode_chosen`: its sender says when it may be carried, whatever the agent's manners are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageModeChosen {
    /// Which message.
    pub message: MessageId,
    /// When.
    pub mode: Mode,
}

/// 111 `draft.saved`: somebody's unfinished words are in the ledger, and may be taken out of the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftSaved {
    /// The message that they were in the way of.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// In whose box.
    pub agent: AgentId,
    /// The words.
    pub text: String,
}

/// 112 `draft.restored`: they stand in the box again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRestored {
    /// The message that they were in the way of.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
}

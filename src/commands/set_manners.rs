//! Say how an agent's window wants to be treated, and keep what was taken out of its box.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::manners::{AgentMannersSet, DraftRestored, DraftSaved};
use crate::events::ids::{MessageId, StreamId};
use crate::events::kind::Fact;

/// From now on it is treated so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetManners {
    /// Whose window, and how.
    pub set: AgentMannersSet,
}

/// Unfinished words were read in a box, or stand in it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepDraft {
    /// They may be taken out once this is durable.
    Saved(DraftSaved),
    /// They were put back.
    Restored(DraftRestored),
}

impl SetManners {
    /// Refused only for an agent that is not there.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        known.agent(&self.set.agent)?;
        if self.set.manners.idle_micros == 0 {
            let text = "a window is at rest for more than no time";
            return Err(Refusal::new(Code::BadProfile, text));
        }
        let stream = StreamId::agent(&self.set.agent);
        let expected = known.expected(&stream);
        Ok(Plan::one(stream, expected, self.set.clone()).into())
    }
}

impl KeepDraft {
    /// Which message's attempt it was.
    pub const fn message(&self) -> MessageId {
        match self {
            Self::Saved(it) => it.message,
            Self::Restored(it) => it.message,
        }
    }

    /// Part of the story of the attempt that is under way.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.message())?;
        let (attempt, fact): (u32, Fact) = match self {
            Self::Saved(it) => (it.attempt, it.clone().into()),
            Self::Restored(it) => (it.attempt, it.clone().into()),
        };
        message.open_attempt(attempt, "changed")?;
        let stream = StreamId::message(self.message());
        let expected = known.expected(&stream);
        Ok(Plan::one(stream, expected, fact)
            .in_thread(message.thread())
            .into())
    }
}

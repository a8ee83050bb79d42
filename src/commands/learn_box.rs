//! Learn a box: how an agent's input box looks when nothing of ours stands in it.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::BoxLearnt;
use crate::events::facts::screen::Rect;
use crate::events::facts::words::Bulk;
use crate::events::ids::{AgentId, StreamId};
use crate::events::ledger::append::{Expected, Part};

/// A look, learnt apart from any delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnBox {
    /// Whose box.
    pub agent: AgentId,
    /// How it looks.
    pub look: Look,
}

/// Pixels and what moves among them. Its pixels survive binary formats only: as JSON they are a
/// length and a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The part of the screen, relative to the agent's place.
    pub region: Rect,
    /// Rows of red, green, blue.
    pub rgb: Bulk,
    /// One byte per pixel: 1 where it moves by itself.
    pub volatile: Bulk,
    /// Whether a submitted message was seen to bring the box back to this look.
    pub proven_empty: bool,
}

impl Look {
    /// Any version will do: the newest look is the one that counts.
    pub(super) fn part(&self, agent: &AgentId) -> Part {
        part(StreamId::input_box(agent), Expected::Any, self.fact(agent))
    }

    fn fact(&self, agent: &AgentId) -> BoxLearnt {
        BoxLearnt {
            agent: agent.clone(),
            region: self.region,
            rgb: self.rgb.clone(),
            volatile: self.volatile.clone(),
            proven_empty: self.proven_empty,
        }
    }
}

impl LearnBox {
    /// Only for agents of the fleet.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        known.agent(&self.agent)?;
        Ok(Plan {
            parts: vec![self.look.part(&self.agent)],
            thread: None,
        }
        .into())
    }
}

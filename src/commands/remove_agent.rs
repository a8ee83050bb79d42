//! Remove an agent. Messages that wait for it die at their turn.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::AgentRemoved;
use crate::events::ids::{AgentId, StreamId};

/// Nothing is carried to it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveAgent {
    /// Which agent.
    pub agent: AgentId,
}

impl RemoveAgent {
    /// Allowed at any time; twice is no harm.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        if let Some(agent) = known.agents.get(&self.agent).filter(|agent| agent.removed) {
            return Ok(Decision::Already(agent.already()));
        }
        known.agent(&self.agent)?;
        let stream = StreamId::agent(&self.agent);
        let expected = known.expected(&stream);
        let fact = AgentRemoved {
            agent: self.agent.clone(),
        };
        Ok(Plan::one(stream, expected, fact).into())
    }
}

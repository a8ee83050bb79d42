//! Pause and resume an agent: its messages wait.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::{AgentPaused, AgentResumed};
use crate::events::facts::seat::PauseReason;
use crate::events::ids::{AgentId, StreamId};
use crate::events::kind::Fact;

/// Let its messages wait, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseAgent {
    /// Which agent.
    pub agent: AgentId,
    /// Who wants it.
    pub by: AgentId,
    /// True to pause, false to resume.
    pub pause: bool,
}

impl PauseAgent {
    /// What is so already is not written again.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let agent = known.agent(&self.agent)?;
        if agent.paused == self.pause {
            return Ok(Decision::Already(agent.already()));
        }
        let stream = StreamId::agent(&self.agent);
        let expected = known.expected(&stream);
        let (agent, by) = (self.agent.clone(), self.by.clone());
        let fact = if self.pause {
            let reason = PauseReason::Asked;
            Fact::AgentPaused(AgentPaused { agent, by, reason })
        } else {
            Fact::AgentResumed(AgentResumed { agent, by })
        };
        Ok(Plan::one(stream, expected, fact).into())
    }
}

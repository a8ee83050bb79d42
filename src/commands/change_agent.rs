//! Change an agent's declaration.

use serde::{Deserialize, Serialize};

use super::add_agent::usable_profile;
use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::{AgentChanged, Profile};
use crate::events::ids::{AgentId, StreamId};

/// The declaration as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAgent {
    /// Which agent.
    pub agent: AgentId,
    /// The whole declaration.
    pub profile: Profile,
}

impl ChangeAgent {
    /// Nothing is written when nothing changes.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let agent = known.agent(&self.agent)?;
        usable_profile(&self.agent, &self.profile)?;
        if agent.profile == self.profile {
            return Ok(Decision::Already(agent.already()));
        }
        let stream = StreamId::agent(&self.agent);
        let expected = known.expected(&stream);
        let fact = AgentChanged {
            agent: self.agent.clone(),
            profile: self.profile.clone(),
        };
        Ok(Plan::one(stream, expected, fact).into())
    }
}

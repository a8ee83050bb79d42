//! Add an agent to the fleet.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::agent::{AgentAdded, Profile};
use crate::events::ids::{AgentId, StreamId};

/// Somebody new, or somebody back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddAgent {
    /// Its name.
    pub agent: AgentId,
    /// What it is.
    pub profile: Profile,
}

impl AddAgent {
    /// The same agent twice is no harm; another one under its name is.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        usable_name(&self.agent)?;
        usable_profile(&self.agent, &self.profile)?;
        if let Some(agent) = known.agents.get(&self.agent).filter(|agent| !agent.removed) {
            if agent.profile == self.profile {
                return Ok(Decision::Already(agent.already()));
            }
            return Err(Refusal::new(
                Code::AgentExists,
                format!("agent {} exists already, with another profile", self.agent),
            )
            .hint(format!(
                "`switchboard agent set {} …` changes it",
                self.agent
            )));
        }
        let stream = StreamId::agent(&self.agent);
        let expected = known.expected(&stream);
        let fact = AgentAdded {
            agent: self.agent.clone(),
            profile: self.profile.clone(),
        };
        Ok(Plan::one(stream, expected, fact).into())
    }
}

/// `operator` and `switchboard` are nobody's names.
pub(super) fn usable_name(agent: &AgentId) -> Result<(), Refusal> {
    if matches!(agent.as_str(), AgentId::OPERATOR | AgentId::SWITCHBOARD) {
        let text = format!("the name `{agent}` belongs to the desk");
        return Err(Refusal::new(Code::ReservedName, text).hint("choose another name"));
    }
    Ok(())
}

/// What every profile must have.
pub(super) fn usable_profile(agent: &AgentId, profile: &Profile) -> Result<(), Refusal> {
    if profile.channels.is_empty() {
        let text = format!("agent {agent} would have no channel: nothing could reach it");
        return Err(
            Refusal::new(Code::BadProfile, text).hint("`--channel gui` or `--channel inbox`")
        );
    }
    // Not found out only when the first message fails on it.
    if let Some(title) = &profile.window
        && let Err(error) = regex::Regex::new(title)
    {
        let text = format!("`{title}` is no regular expression for a window's title: {error}");
        return Err(Refusal::new(Code::BadProfile, text)
            .hint("a plain part of the title does; `\\(` stands for a bracket"));
    }
    Ok(())
}

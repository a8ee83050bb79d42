//! Import agents: many declarations at once, as from coordinates.json.

use serde::{Deserialize, Serialize};

use super::add_agent::AddAgent;
use super::change_agent::ChangeAgent;
use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::Profile;
use crate::events::facts::words::worded;
use crate::events::ids::AgentId;
use crate::events::ledger::append::Part;

/// The fleet as a file declares it. Agents that are not named stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAgents {
    /// A name twice: the last one counts.
    pub agents: Vec<(AgentId, Profile)>,
}

worded! {
    /// What an import did to one agent.
    Import, "an import's effect" {
        /// It is new.
        Added = "added",
        /// It is declared differently now.
        Changed = "changed",
        /// It was so already.
        Same = "same",
    }
}

/// One agent of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Which agent.
    pub agent: AgentId,
    /// What happened to it, or why nothing could.
    pub effect: Result<Import, Refusal>,
}

impl ImportAgents {
    /// What to write (nothing when all is the same), and what it does to each agent, in file order.
    pub fn decide(&self, known: &Known) -> (Option<Plan>, Vec<Imported>) {
        let mut parts: Vec<Part> = Vec::new();
        let mut report: Vec<Imported> = Vec::new();
        for (index, (agent, profile)) in self.agents.iter().enumerate() {
            let later = self.agents.iter().skip(index.saturating_add(1));
            if later.clone().any(|(other, _)| other == agent) {
                continue;
            }
            let effect = match one(agent, profile, known) {
                Ok((_, Decision::Already(_))) => Ok(Import::Same),
                Ok((effect, Decision::Write(plan))) => {
                    parts.extend(plan.parts);
                    Ok(effect)
                }
                Err(refusal) => Err(refusal),
            };
            report.push(Imported {
                agent: agent.clone(),
                effect,
            });
        }
        let plan = (!parts.is_empty()).then_some(Plan {
            parts,
            thread: None,
        });
        (plan, report)
    }
}

fn one(agent: &AgentId, profile: &Profile, known: &Known) -> Result<(Import, Decision), Refusal> {
    let there = known.agents.get(agent).is_some_and(|known| !known.removed);
    let (agent, profile) = (agent.clone(), profile.clone());
    if there {
        let change = ChangeAgent { agent, profile };
        Ok((Import::Changed, change.decide(known)?))
    } else {
        let add = AddAgent { agent, profile };
        Ok((Import::Added, add.decide(known)?))
    }
}

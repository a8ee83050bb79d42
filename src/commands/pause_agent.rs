//! Pause and resume an agent: its messages wait.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::{AgentPaused, AgentResumed};
use crate::events::facts::limits::{AgentReleased, PairReleased};
use crate::events::facts::seat::PauseReason;
use crate::events::ids::{AgentId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::Part;

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
        if let Some(plan) = self.release(known) {
            return Ok(plan.into());
        }
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

    /// Resuming lifts every quarantine that the agent is in, and its pause if it has one.
    fn release(&self, known: &Known) -> Option<Plan> {
        if self.pause {
            return None;
        }
        let (agent, by) = (self.agent.clone(), self.by.clone());
        let known_agent = known.agent(&agent).ok()?;
        let mut own: Vec<Fact> = Vec::new();
        if known_agent.quarantined.is_some() {
            let (agent, by) = (agent.clone(), by.clone());
            own.push(AgentReleased { agent, by }.into());
        }
        let pairs: Vec<Part> = known
            .pairs
            .iter()
            .filter(|(_, held)| held.excess.is_some())
            .map(|((first, second), _)| {
                let stream = StreamId::pair(first, second);
                let expected = known.expected(&stream);
                let released = PairReleased {
                    first: first.clone(),
                    second: second.clone(),
                    by: by.clone(),
                };
                part(stream, expected, released)
            })
            .collect();
        if own.is_empty() && pairs.is_empty() {
            return None;
        }
        if known_agent.paused {
            own.push(
                AgentResumed {
                    agent: agent.clone(),
                    by,
                }
                .into(),
            );
        }
        let stream = StreamId::agent(&agent);
        let own = (!own.is_empty()).then(|| Part {
            expected: known.expected(&stream),
            stream,
            facts: own,
        });
        Some(Plan {
            parts: own.into_iter().chain(pairs).collect(),
            thread: None,
        })
    }
}

//! Quarantine: an agent, or two of them, said too much.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::limits::{AgentQuarantined, Excess, PairQuarantined};
use crate::events::ids::{AgentId, StreamId};
use crate::events::ledger::append::Expected;

/// Two agents, the one whose name sorts first before the other.
pub fn pair(one: &AgentId, other: &AgentId) -> (AgentId, AgentId) {
    let (first, second) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    (first.clone(), second.clone())
}

/// Hold what somebody says, to everybody or to one other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// Who said too much.
    pub agent: AgentId,
    /// To whom; none for all.
    pub with: Option<AgentId>,
    /// By how much.
    pub excess: Excess,
}

impl Quarantine {
    /// Who is held already stays so.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let agent = known.agent(&self.agent)?;
        let Some(with) = &self.with else {
            if agent.quarantined.is_some() {
                return Ok(Decision::Already(agent.already()));
            }
            let stream = StreamId::agent(&self.agent);
            let expected = known.expected(&stream);
            let fact = AgentQuarantined {
                agent: self.agent.clone(),
                excess: self.excess,
            };
            return Ok(Plan::one(stream, expected, fact).into());
        };
        let (first, second) = pair(&self.agent, with);
        let stream = StreamId::pair(&first, &second);
        if let Some(held) = known.pairs.get(&(first.clone(), second.clone()))
            && held.excess.is_some()
        {
            return Ok(Decision::Already(held.done));
        }
        let fact = PairQuarantined {
            first,
            second,
            excess: self.excess,
        };
        Ok(Plan::one(stream, Expected::Any, fact).into())
    }
}

impl Known {
    /// Nobody of the two is held, nor what they say to each other; or the refusal.
    pub(super) fn may_speak(&self, from: &AgentId, to: &AgentId) -> Result<(), Refusal> {
        if self
            .agents
            .get(from)
            .is_some_and(|agent| agent.quarantined.is_some())
        {
            let text = format!("agent {from} said too much and is in quarantine");
            return Err(held(text, from));
        }
        let both = pair(from, to);
        if self.pairs.get(&both).is_some_and(|it| it.excess.is_some()) {
            let text = format!(
                "{} and {} said too much to each other and are in quarantine",
                both.0, both.1
            );
            return Err(held(text, from));
        }
        Ok(())
    }
}

fn held(text: String, from: &AgentId) -> Refusal {
    Refusal::new(Code::Quarantined, text).hint(format!(
        "look what it says (`switchboard messages --from {from}`), then `switchboard resume {from}`"
    ))
}

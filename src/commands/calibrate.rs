//! Begin to measure an agent's window, and write down that it did not work.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::timing::{TimingBegan, TimingMissed};
use crate::events::ids::StreamId;
use crate::events::ledger::append::Expected;

/// Hands are about to measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginCalibration {
    /// Whose window, and which words.
    pub began: TimingBegan,
}

/// It did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissCalibration {
    /// Why not.
    pub missed: TimingMissed,
}

impl BeginCalibration {
    /// Durable before the first click, or refused: hands that were stopped measure nothing either.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let began = &self.began;
        let agent = known.agent(&began.agent)?;
        if !agent.profile.active {
            let text = format!("agent {} is not active", began.agent);
            return Err(Refusal::new(Code::AgentInactive, text));
        }
        known.hands_free(&began.agent, Some(&began.seat))?;
        let stream = StreamId::timing_of_agent(&began.agent);
        Ok(Plan::one(stream, Expected::Any, began.clone()).into())
    }
}

impl MissCalibration {
    /// Never refused: it happened.
    pub fn decide(&self) -> Decision {
        let stream = StreamId::timing_of_agent(&self.missed.agent);
        Plan::one(stream, Expected::Any, self.missed.clone()).into()
    }
}

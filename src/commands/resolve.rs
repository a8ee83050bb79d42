//! Resolve: the operator looked and settles what could not be seen.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::message::{MessageResolved, Verdict};
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::lifecycle::{Proof, State};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// Which message.
    pub message: MessageId,
    /// Who looked.
    pub by: AgentId,
    /// Whether it arrived.
    pub verdict: Verdict,
}

impl Resolve {
    /// Only what is unknown, or pressed without further proof, can be settled by looking.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        let life = &message.life;
        match (life.state, self.verdict) {
            (State::Unknown | State::Submitted, _) => {}
            (State::Observed, Verdict::Delivered) if life.proof == Proof::Operator => {
                return Ok(Decision::Already(message.already()));
            }
            _ => return Err(message.wrong_state("resolved")),
        }
        let stream = StreamId::message(self.message);
        let expected = known.expected(&stream);
        let fact = MessageResolved {
            message: self.message,
            by: self.by.clone(),
            verdict: self.verdict,
        };
        Ok(Plan::one(stream, expected, fact)
            .in_thread(message.thread())
            .into())
    }
}

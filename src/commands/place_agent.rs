//! Place an agent: its input box was (re)located.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::agent::AgentPlaced;
use crate::events::facts::screen::{Fingerprint, Point};
use crate::events::ids::{AgentId, SeatId, StreamId};

/// Where the box is now. Bounds were compared by the caller, who can see a display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceAgent {
    /// Which agent.
    pub agent: AgentId,
    /// On which display.
    pub seat: SeatId,
    /// The input box.
    pub place: Point,
    /// Whether the place was compared with a readable display's monitors.
    pub checked: bool,
    /// The window found there.
    pub fingerprint: Option<Fingerprint>,
}

impl PlaceAgent {
    /// Any agent of the fleet can be placed, as often as it moves.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        known.agent(&self.agent)?;
        let stream = StreamId::agent(&self.agent);
        let expected = known.expected(&stream);
        let fact = AgentPlaced {
            agent: self.agent.clone(),
            seat: self.seat.clone(),
            place: self.place,
            checked: self.checked,
            fingerprint: self.fingerprint.clone(),
        };
        Ok(Plan::one(stream, expected, fact).into())
    }
}

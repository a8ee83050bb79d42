//! Pause and resume hands: on one seat, or everywhere at once.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Done, Plan};
use super::known::Known;
use crate::events::facts::seat::{PauseReason, SeatPaused, SeatResumed};
use crate::events::ids::{AgentId, SeatId, StreamId};

/// Stop hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseSeat {
    /// Which seat; none means every seat.
    pub seat: Option<SeatId>,
    /// Who stops it.
    pub by: AgentId,
    /// Why.
    pub reason: PauseReason,
}

/// Let hands move again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeSeat {
    /// Which seat; none lifts every pause.
    pub seat: Option<SeatId>,
    /// Who resumes it.
    pub by: AgentId,
}

fn stream(seat: Option<&SeatId>) -> StreamId {
    seat.map_or_else(StreamId::all_seats, StreamId::seat)
}

impl PauseSeat {
    /// A pause is never refused. The same one twice is not written again.
    pub fn decide(&self, known: &Known) -> Decision {
        let own = known.seats.get(&self.seat);
        let stands = match &self.seat {
            None => own.is_some_and(|own| own.paused),
            Some(seat) => own.is_some_and(|own| own.paused) && known.seat_paused(Some(seat)),
        };
        if let Some(own) = own.filter(|_| stands) {
            return Decision::Already(Done::already(own.last, own.version));
        }
        let stream = stream(self.seat.as_ref());
        let expected = known.expected(&stream);
        let fact = SeatPaused {
            seat: self.seat.clone(),
            by: self.by.clone(),
            reason: self.reason,
        };
        Plan::one(stream, expected, fact).into()
    }
}

impl ResumeSeat {
    /// Resuming everything lifts single pauses too; resuming one seat does not lift a pause of all.
    pub fn decide(&self, known: &Known) -> Decision {
        let paused = match &self.seat {
            Some(_) => known.seats.get(&self.seat).is_some_and(|own| own.paused),
            None => known.seats.values().any(|seat| seat.paused),
        };
        if let Some(own) = known.seats.get(&self.seat).filter(|_| !paused) {
            return Decision::Already(Done::already(own.last, own.version));
        }
        let stream = stream(self.seat.as_ref());
        let expected = known.expected(&stream);
        let fact = SeatResumed {
            seat: self.seat.clone(),
            by: self.by.clone(),
        };
        Plan::one(stream, expected, fact).into()
    }
}

//! What happens to seats: a display's pointer, keyboard and clipboard.

use serde::{Deserialize, Serialize};

use super::words::worded;
use crate::events::ids::{AgentId, SeatId};

worded! {
    /// Why hands were stopped.
    PauseReason, "a pause reason" {
        /// Somebody asked for it.
        Asked = "asked",
        /// The panic verb: all hands at once.
        Panic = "panic",
        /// A person was using the seat.
        HumanActive = "human_active",
        /// The ledger was restored; deliveries wait for the operator.
        Restored = "restored",
    }
}

/// 400 `seat.paused`: no hands move there until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatPaused {
    /// Which seat; none means every seat.
    pub seat: Option<SeatId>,
    /// Who stopped it.
    pub by: AgentId,
    /// Why.
    pub reason: PauseReason,
}

/// 401 `seat.resumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatResumed {
    /// Which seat; none lifts the pause of every seat.
    pub seat: Option<SeatId>,
    /// Who resumed it.
    pub by: AgentId,
}

//! What happens when agents say too much: they, or a pair of them, are held until somebody looks. The
//! counts and limits are in the events, so that a replay under other settings tells the same story.

use serde::{Deserialize, Serialize};

use super::words::worded;
use crate::events::ids::AgentId;

worded! {
    /// Which limit was passed.
    Limit, "a limit" {
        /// How much one agent may say in a while.
        Rate = "rate",
        /// How much two agents may say to each other in a while.
        Budget = "budget",
        /// How many messages may stand before one in its chain.
        Hops = "hops",
    }
}

/// By how much a limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excess {
    /// Which limit.
    pub limit: Limit,
    /// How many there would have been.
    pub count: u32,
    /// How many may be.
    pub allowed: u32,
    /// In how long, in microseconds; 0 for hops.
    pub span_micros: u64,
}

/// 311 `agent.quarantined`: it said too much. What it says is refused, and what it said and is not
/// delivered yet waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentQuarantined {
    /// Which agent.
    pub agent: AgentId,
    /// By how much.
    pub excess: Excess,
}

/// 312 `agent.released`: it may speak again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReleased {
    /// Which agent.
    pub agent: AgentId,
    /// Who let it.
    pub by: AgentId,
}

/// 313 `pair.quarantined`: the two said too much to each other. What they say to each other is refused or
/// waits; what they say to others passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairQuarantined {
    /// The one whose name sorts first.
    pub first: AgentId,
    /// The other.
    pub second: AgentId,
    /// By how much.
    pub excess: Excess,
}

/// 314 `pair.released`: the two may talk again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairReleased {
    /// The one whose name sorts first.
    pub first: AgentId,
    /// The other.
    pub second: AgentId,
    /// Who let them.
    pub by: AgentId,
}

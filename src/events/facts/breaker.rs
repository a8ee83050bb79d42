//! What happens to circuit breakers, one per agent and channel. Limits and times are in the events,
//! so that a replay under other settings gives the same story.

use serde::{Deserialize, Serialize};

use super::attempt::Channel;
use crate::events::ids::{AgentId, MessageId};
use crate::events::time::Timestamp;

/// 500 `breaker.opened`: too many failures in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerOpened {
    /// Whose.
    pub agent: AgentId,
    /// On which channel.
    pub channel: Channel,
    /// Failures in a row that opened it.
    pub failures: u32,
    /// When one probe may pass.
    pub until: Timestamp,
}

/// 501 `breaker.probed`: one message was let through to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerProbed {
    /// Whose.
    pub agent: AgentId,
    /// On which channel.
    pub channel: Channel,
    /// The probe.
    pub message: MessageId,
}

/// 502 `breaker.closed`: a probe arrived; everything passes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerClosed {
    /// Whose.
    pub agent: AgentId,
    /// On which channel.
    pub channel: Channel,
}

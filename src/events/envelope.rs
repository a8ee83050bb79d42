//! One event as the ledger keeps it: the fact and everything around it.

use serde_json::{Value, json};

use super::ids::{AgentId, CommandId, CorrelationId, EventId, Position, StreamId};
use super::kind::Fact;
use super::time::Timestamp;

/// Who wants something, and as part of what. The same for every event of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Who did it.
    pub actor: AgentId,
    /// What it belongs to.
    pub correlation: CorrelationId,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// The wish behind it: the same command is carried out once.
    pub command: CommandId,
}

/// A fact at its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// From 1, gapless.
    pub position: Position,
    /// Strictly increasing.
    pub recorded_at: Timestamp,
    /// What the machine's clock said; may step back.
    pub clock: Timestamp,
    /// Made by the writer.
    pub id: EventId,
    /// What it is about.
    pub stream: StreamId,
    /// Its number in the stream, from 0, gapless.
    pub version: u64,
    /// The stream's event before this one.
    pub previous: Option<Position>,
    /// Who, and as part of what.
    pub cause: Cause,
    /// What happened.
    pub fact: Fact,
}

impl Event {
    /// The event as `switchboard events` prints it.
    pub fn to_json(&self) -> Value {
        json!({
            "position": self.position,
            "recorded_at": self.recorded_at,
            "id": self.id,
            "stream": self.stream,
            "version": self.version,
            "kind": self.fact.name(),
            "actor": self.cause.actor,
            "correlation": self.cause.correlation,
            "causation": self.cause.causation,
            "command": self.cause.command,
            "data": self.fact.to_json(),
        })
    }
}

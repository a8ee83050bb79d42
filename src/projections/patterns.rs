//! How attempts fared over a stretch of time: what failed where and when, and whether that gets better. Counted
//! when somebody asks, from the events of that stretch alone.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a count looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use super::histogram::Histogram;
use super::outbox::message_of;
use crate::events::facts::attempt::FailureClass;
use crate::events::ids::{AgentId, MessageId};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

const HOUR: u64 = 3_600_000_000;

/// How attempts fared, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    /// Seen to arrive, submitted where nothing can be seen, or put into an inbox.
    pub arrived: u64,
    /// Failed, by class.
    pub failed: BTreeMap<FailureClass, u64>,
    /// Nobody knows.
    pub unknown: u64,
    /// From the beginning of an attempt to its end, of those that arrived.
    pub took: Histogram,
}

impl Fared {
    /// All that failed.
    pub fn failures(&self) -> u64 {
        self.failed
            .values()
            .fold(0, |sum, it| sum.saturating_add(*it))
    }

    /// All that ended.
    pub fn ended(&self) -> u64 {
        self.arrived
            .saturating_add(self.failures())
            .saturating_add(self.unknown)
    }

    fn count(&mut self, end: End, took: Option<Duration>) {
        match end {
            End::Arrived => {
                self.arrived = self.arrived.saturating_add(1);
                if let Some(took) = took {
                    self.took.record(took);
                }
            }
            End::Failed(class) => {
                let counted = self.failed.entry(class).or_default();
                *counted = counted.saturating_add(1);
            }
            End::Unknown => self.unknown = self.unknown.saturating_add(1),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum End {
    Arrived,
    Failed(FailureClass),
    Unknown,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Agent by agent.
    pub agents: BTreeMap<AgentId, Fared>,
    /// Hour by hour, by the beginning of the hour in UTC.
    pub hours: BTreeMap<Timestamp, Fared>,
    /// Failures by class, agent and hour.
    pub failures: BTreeMap<(FailureClass, AgentId, Timestamp), u64>,
    started: BTreeMap<MessageId, Timestamp>,
}

impl Patterns {
    /// The message whose recipient must be known to count this fact.
    pub fn concerns(fact: &Fact) -> Option<MessageId> {
        end_of(fact).and_then(|_| message_of(fact))
    }

    /// Counts a fact about a message to an agent.
    pub fn count(&mut self, fact: &Fact, at: Timestamp, to: Option<&AgentId>) {
        if let Fact::AttemptStarted(started) = fact {
            self.started.insert(started.message, at);
        }
        let (Some(end), Some(message), Some(to)) = (end_of(fact), message_of(fact), to) else {
            return;
        };
        let took = self.started.remove(&message).map(|begun| at.since(begun));
        let hour = Timestamp::from_micros(at.micros() - at.micros() % HOUR);
        self.agents.entry(to.clone()).or_default().count(end, took);
        self.hours.entry(hour).or_default().count(end, took);
        if let End::Failed(class) = end {
            let counted = self.failures.entry((class, to.clone(), hour)).or_default();
            *counted = counted.saturating_add(1);
        }
    }
}

fn end_of(fact: &Fact) -> Option<End> {
    Some(match fact {
        Fact::AttemptObserved(_) | Fact::AttemptSubmitted(_) | Fact::AttemptInboxed(_) => {
            End::Arrived
        }
        Fact::AttemptFailed(it) => End::Failed(it.class),
        Fact::AttemptUnknown(_) => End::Unknown,
        _ => return None,
    })
}

//! What a decision says: what to write, or that it is so already.

use serde::{Deserialize, Serialize};

use crate::events::ids::{CorrelationId, EventId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::{Appended, Expected, Part};

/// What follows from a command and what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This happens.
    Write(Plan),
    /// What was asked for is so already: since here.
    Already(Done),
}

/// Facts to append, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// At least one.
    pub parts: Vec<Part>,
    /// The story they belong to, if they belong to one that was begun before.
    pub thread: Option<Thread>,
}

/// A story that goes on: its correlation outranks the asker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// What everything in it carries.
    pub correlation: CorrelationId,
    /// The event that leads on, unless the asker names another.
    pub causation: EventId,
}

impl Plan {
    /// Facts for one stream.
    pub fn one(stream: StreamId, expected: Expected, fact: impl Into<Fact>) -> Self {
        Self {
            parts: vec![part(stream, expected, fact)],
            thread: None,
        }
    }

    /// The same as part of a story.
    #[must_use]
    pub const fn in_thread(mut self, thread: Thread) -> Self {
        self.thread = Some(thread);
        self
    }

    /// The same with facts for another stream.
    #[must_use]
    pub fn and(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// Every fact in order.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.parts.iter().flat_map(|part| &part.facts)
    }
}

impl From<Plan> for Decision {
    fn from(plan: Plan) -> Self {
        Self::Write(plan)
    }
}

/// One fact for one stream.
pub(super) fn part(stream: StreamId, expected: Expected, fact: impl Into<Fact>) -> Part {
    Part {
        stream,
        expected,
        facts: vec![fact.into()],
    }
}

/// Where the answer to a command stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Its first event.
    pub first: Position,
    /// Its last event.
    pub last: Position,
    /// Version of the last event in the first part's stream.
    pub version: u64,
    /// True when it was so before.
    pub repeated: bool,
}

impl Done {
    /// It was so before, since this position.
    pub const fn already(at: Position, version: u64) -> Self {
        Self {
            first: at,
            last: at,
            version,
            repeated: true,
        }
    }
}

impl From<Appended> for Done {
    fn from(appended: Appended) -> Self {
        Self {
            first: appended.first,
            last: appended.last,
            version: appended.version,
            repeated: appended.repeated,
        }
    }
}

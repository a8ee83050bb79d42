//! All projections together at one position, and their hash.

use serde_json::{Value, json};

use super::agents::Agents;
use super::canonical;
use super::fold::Fold as _;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::timeline::Timeline;
use super::traffic::Traffic;
use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::time::Timestamp;

/// How many events are read at a time.
pub(super) const BATCH: usize = 4096;

/// Every projection, folded up to the same event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct States {
    /// The last event in them; 0 before the first.
    pub position: Position,
    /// When it was recorded.
    pub at: Timestamp,
    /// The fleet.
    pub agents: Agents,
    /// What waits.
    pub outbox: Outbox,
    /// What lies in inboxes.
    pub inbox: Inbox,
    /// What was counted.
    pub traffic: Traffic,
    /// Every message's story.
    pub timeline: Timeline,
}

/// A question about a moment that has not come.
#[derive(Debug, thiserror::Error)]
pub enum AsOfError {
    /// Beyond the newest event (exit 15).
    #[error("{asked} lies beyond the newest event, {head} at {head_at}")]
    Beyond {
        /// What was asked for.
        asked: String,
        /// The newest event.
        head: Position,
        /// When it was recorded.
        head_at: Timestamp,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A moment in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Right after this event.
    Position(Position),
    /// After every event recorded up to this instant, that instant included.
    Instant(Timestamp),
}

impl Moment {
    /// The position it means in this ledger.
    pub fn resolve(self, ledger: &Ledger) -> Result<Position, AsOfError> {
        let head = ledger.head();
        let beyond = |asked: String| AsOfError::Beyond {
            asked,
            head: head.position,
            head_at: head.recorded_at,
        };
        match self {
            Self::Position(position) if position > head.position => {
                Err(beyond(format!("position {position}")))
            }
            Self::Position(position) => Ok(position),
            Self::Instant(at) if at > head.recorded_at => Err(beyond(at.to_string())),
            Self::Instant(at) => Ok(ledger.position_at(at)?),
        }
    }
}

impl States {
    /// Applies the event to every projection.
    pub fn apply(&mut self, event: &Event) {
        self.agents.apply(event);
        self.outbox.apply(event);
        self.inbox.apply(event);
        self.traffic.apply(event);
        self.timeline.apply(event);
        self.position = event.position;
        self.at = event.recorded_at;
    }

    /// Folds on up to a position, the head at most.
    pub fn advance_to(&mut self, ledger: &Ledger, to: Position) -> Result<(), ReadError> {
        while self.position < to {
            let events = ledger.read(self.position.next(), BATCH)?;
            let wanted = events.iter().take_while(|event| event.position <= to);
            let before = self.position;
            for event in wanted {
                self.apply(event);
            }
            if self.position == before {
                break;
            }
        }
        Ok(())
    }

    /// The state as it was at a moment, from the events alone.
    pub fn as_of(ledger: &Ledger, moment: Moment) -> Result<Self, AsOfError> {
        let to = moment.resolve(ledger)?;
        let mut states = Self::default();
        states.advance_to(ledger, to)?;
        Ok(states)
    }

    /// What `replay` prints and hashes.
    pub fn to_json(&self) -> Value {
        json!({
            "agents": self.agents.to_json(),
            "outbox": self.outbox.to_json(),
            "inbox": self.inbox.to_json(),
            "traffic": self.traffic.to_json(),
        })
    }

    /// One projection's part of it; none for a name nobody has. The timeline is not part of the hash
    /// and is shown per message.
    pub fn projection(&self, name: &str) -> Option<Value> {
        match name {
            Agents::NAME => Some(self.agents.to_json()),
            Outbox::NAME => Some(self.outbox.to_json()),
            Inbox::NAME => Some(self.inbox.to_json()),
            Traffic::NAME => Some(self.traffic.to_json()),
            Timeline::NAME => {
                let stories = self.timeline.newest_first(None);
                Some(stories.map(|(id, story)| story.to_json(id)).collect())
            }
            _ => None,
        }
    }

    /// The canonical hash of [`States::to_json`].
    pub fn hash(&self) -> blake3::Hash {
        canonical::hash(&self.to_json())
    }
}

//! Whose turn it may be, and who is under way: sets of messages by agent and by instant, kept beside the
//! outbox's rows so that nobody has to look through all of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::outbox::Kept;
use crate::events::facts::message::Priority;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// The order in which an agent's messages take their turn: urgent first, then as accepted.
pub(super) type Turn = (Reverse<Priority>, Position, MessageId);

/// What follows from the messages, kept so that nobody has to look through all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    pub(super) waiting: BTreeMap<AgentId, BTreeSet<Turn>>,
    pub(super) busy: BTreeMap<AgentId, BTreeSet<MessageId>>,
    pub(super) due: BTreeSet<(Timestamp, MessageId)>,
    pub(super) expiring: BTreeSet<(Timestamp, MessageId)>,
}

/// In which of them a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Under way.
    Busy,
    /// Waits for its turn.
    Waiting {
        due_at: Timestamp,
        expires_at: Option<Timestamp>,
    },
    /// Neither.
    Aside,
}

impl Place {
    /// That of a message.
    pub(super) const fn of(kept: &Kept) -> Self {
        let life = &kept.life;
        match life.state {
            _ if life.attempt_open => Self::Busy,
            State::Accepted => Self::Waiting {
                due_at: life.due_at,
                expires_at: life.expires_at,
            },
            State::Attempting
            | State::Pasted
            | State::Submitted
            | State::Observed
            | State::Inboxed
            | State::Acknowledged
            | State::Answered
            | State::Expired
            | State::Cancelled
            | State::Unknown
            | State::Dead => Self::Aside,
        }
    }
}

impl Places {
    /// How many messages wait or are under way.
    pub(super) fn count(&self) -> u64 {
        let waiting = self.waiting.values().map(BTreeSet::len);
        let busy = self.busy.values().map(BTreeSet::len);
        let count = waiting.chain(busy).fold(0, usize::saturating_add);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// A message comes to a place.
    pub(super) fn enter(&mut self, message: MessageId, kept: &Kept, place: Place) {
        match place {
            Place::Busy => {
                of_agent(&mut self.busy, &kept.to).insert(message);
            }
            Place::Waiting { due_at, expires_at } => {
                let turn = (Reverse(kept.priority), kept.position, message);
                of_agent(&mut self.waiting, &kept.to).insert(turn);
                self.due.insert((due_at, message));
                if let Some(at) = expires_at {
                    self.expiring.insert((at, message));
                }
            }
            Place::Aside => {}
        }
    }

    /// A message leaves a place.
    pub(super) fn leave(&mut self, message: MessageId, kept: &Kept, place: Place) {
        match place {
            Place::Busy => leave(&mut self.busy, &kept.to, &message),
            Place::Waiting { due_at, expires_at } => {
                let turn = (Reverse(kept.priority), kept.position, message);
                leave(&mut self.waiting, &kept.to, &turn);
                self.due.remove(&(due_at, message));
                if let Some(at) = expires_at {
                    self.expiring.remove(&(at, message));
                }
            }
            Place::Aside => {}
        }
    }
}

/// An agent's set, which is made if there is none.
fn of_agent<'s, T>(
    sets: &'s mut BTreeMap<AgentId, BTreeSet<T>>,
    agent: &AgentId,
) -> &'s mut BTreeSet<T> {
    sets.entry(agent.clone()).or_default()
}

/// Takes it out of an agent's set, and the set away when it is empty.
fn leave<T: Ord>(sets: &mut BTreeMap<AgentId, BTreeSet<T>>, agent: &AgentId, what: &T) {
    if let Some(set) = sets.get_mut(agent) {
        set.remove(what);
        if set.is_empty() {
            sets.remove(agent);
        }
    }
}

//! What waits to be carried, what is being carried, and where hands are stopped.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::by_message::ByMessage;
use super::fold::{Fold, Seen};
use super::places::{Place, Places};
use crate::events::facts::agent::Profile;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::{Priority, Via};
use crate::events::ids::{AgentId, MessageId, Position, SeatId};
use crate::events::kind::Fact;
use crate::events::lifecycle::{Life, State};
use crate::events::time::Timestamp;

/// Every message that is not certainly delivered. What was observed, inboxed, acknowledged or
/// answered has left; what is dead, expired, cancelled, unknown or merely submitted stays, because
/// it can come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Outbox {
    pub(super) messages: ByMessage<Kept>,
    pub(super) agents: BTreeMap<AgentId, Seating>,
    paused_seats: BTreeSet<SeatId>,
    all_paused: bool,
    pub(super) last_at: Timestamp,
    pub(super) places: Places,
    /// How many messages are in each state: follows from them, and is asked for all the time.
    #[serde(skip)]
    by_state: BTreeMap<State, u64>,
}

/// The outbox as it is stored.
#[derive(Deserialize)]
struct Stored {
    messages: ByMessage<Kept>,
    agents: BTreeMap<AgentId, Seating>,
    paused_seats: BTreeSet<SeatId>,
    all_paused: bool,
    last_at: Timestamp,
    places: Places,
}

impl From<Stored> for Outbox {
    fn from(stored: Stored) -> Self {
        let mut by_state = BTreeMap::new();
        for kept in stored.messages.rows() {
            *by_state.entry(kept.life.state).or_default() += 1;
        }
        Self {
            messages: stored.messages,
            agents: stored.agents,
            paused_seats: stored.paused_seats,
            all_paused: stored.all_paused,
            last_at: stored.last_at,
            places: stored.places,
            by_state,
        }
    }
}

/// A message that is kept in view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// For whom.
    pub to: AgentId,
    /// From whom.
    pub from: AgentId,
    /// How urgent.
    pub priority: Priority,
    /// Which way the sender wants.
    pub via: Via,
    /// Where it was accepted: the body stands there.
    pub position: Position,
    /// The seat of the attempt under way, or of the last one.
    pub seat: Option<SeatId>,
    /// Where it stands.
    pub life: Life,
}

/// What of an agent decides where its messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seating {
    pub(super) seat: Option<SeatId>,
    pub(super) channels: Vec<Channel>,
    pub(super) paused: bool,
    pub(super) removed: bool,
}

/// A message whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which message.
    pub message: MessageId,
    /// For whom.
    pub to: AgentId,
    /// From whom.
    pub from: AgentId,
    /// How urgent.
    pub priority: Priority,
    /// Which way the sender wants.
    pub via: Via,
    /// Where it was accepted.
    pub position: Position,
    /// The channel to take now.
    pub channel: Channel,
    /// The agent's seat, when the channel needs hands.
    pub seat: Option<SeatId>,
    /// Attempts made so far; the next one has the number after.
    pub attempts: u32,
    /// Attempts made on this channel since it was accepted, requeued or fell back.
    pub attempts_here: u32,
    /// Why not the first channel.
    pub because: Option<FailureClass>,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// Not carried later.
    pub expires_at: Option<Timestamp>,
    /// Whether the agent is no longer in the fleet: the message can only die.
    pub agent_gone: bool,
}

impl Fold for Outbox {
    const NAME: &'static str = "outbox";
    // 2 takes "the newest event" from the kinds it cares about; 1 took any.
    const VERSION: u32 = 2;
    const READS_SINCE: u32 = 1;

    fn cares(kind: u16) -> bool {
        matches!(kind, 100..=499)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        self.last_at = event.recorded_at;
        match event.fact {
            Fact::MessageAccepted(accepted) => {
                if let Some(life) = Life::begin(event.fact, event.recorded_at) {
                    let message = accepted.message;
                    let fresh = self.messages.insert_new(message, || Kept {
                        to: accepted.to.clone(),
                        from: accepted.from.clone(),
                        priority: accepted.priority,
                        via: accepted.via,
                        position: event.position,
                        seat: None,
                        life,
                    });
                    if let Some(kept) = self.messages.get(message).filter(|_| fresh) {
                        *self.by_state.entry(kept.life.state).or_default() += 1;
                        self.places.enter(message, kept, Place::of(kept));
                    }
                }
            }
            Fact::SeatPaused(paused) => match &paused.seat {
                Some(seat) => {
                    self.paused_seats.insert(seat.clone());
                }
                None => self.all_paused = true,
            },
            Fact::SeatResumed(resumed) => {
                if let Some(seat) = &resumed.seat {
                    self.paused_seats.remove(seat);
                } else {
                    self.all_paused = false;
                    self.paused_seats.clear();
                }
            }
            fact => match message_of(fact) {
                Some(message) => self.advance(message, event),
                None => self.agent(fact),
            },
        }
    }
}

/// The message that a fact of its life speaks of.
pub const fn message_of(fact: &Fact) -> Option<MessageId> {
    Some(match fact {
        Fact::MessageAccepted(it) => it.message,
        Fact::MessageExpired(it) => it.message,
        Fact::MessageCancelled(it) => it.message,
        Fact::MessageAcknowledged(it) => it.message,
        Fact::MessageAnswered(it) => it.message,
        Fact::MessageRequeued(it) => it.message,
        Fact::MessageResolved(it) => it.message,
        Fact::MessageDied(it) => it.message,
        Fact::MessageRead(it) => it.message,
        Fact::AttemptStarted(it) => it.message,
        Fact::AttemptPasted(it) => it.message,
        Fact::AttemptSubmitting(it) => it.message,
        Fact::AttemptSubmitted(it) => it.message,
        Fact::AttemptObserved(it) => it.message,
        Fact::AttemptFailed(it) => it.message,
        Fact::AttemptUnknown(it) => it.message,
        Fact::AttemptInboxed(it) => it.message,
        _ => return None,
    })
}

/// Whether a message in this state never comes back into the outbox.
pub(super) const fn has_left(life: &Life) -> bool {
    !life.attempt_open
        && matches!(
            life.state,
            State::Observed | State::Inboxed | State::Acknowledged | State::Answered
        )
}

impl Outbox {
    fn advance(&mut self, message: MessageId, event: &Seen<'_>) {
        let Some(kept) = self.messages.get_mut(message) else {
            return;
        };
        let (before, state) = (Place::of(kept), kept.life.state);
        kept.life.advance(event.fact, event.recorded_at);
        if let Fact::AttemptStarted(started) = event.fact {
            kept.seat.clone_from(&started.seat);
        }
        let after = Place::of(kept);
        // Most facts find an attempt under way and leave it under way.
        if after != before {
            self.places.leave(message, kept, before);
            self.places.enter(message, kept, after);
        }
        let (left, now) = (has_left(&kept.life), kept.life.state);
        if left {
            self.messages.remove(message);
        }
        if left || now != state {
            if let Some(count) = self.by_state.get_mut(&state) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.by_state.remove(&state);
                }
            }
            if !left {
                *self.by_state.entry(now).or_default() += 1;
            }
        }
    }

    fn agent(&mut self, fact: &Fact) {
        match fact {
            Fact::AgentAdded(added) => {
                self.agents
                    .insert(added.agent.clone(), Seating::of(&added.profile));
            }
            Fact::AgentChanged(changed) => {
                if let Some(seating) = self.agents.get_mut(&changed.agent) {
                    *seating = Seating {
                        paused: seating.paused,
                        removed: seating.removed,
                        ..Seating::of(&changed.profile)
                    };
                }
            }
            Fact::AgentPlaced(placed) => {
                if let Some(seating) = self.agents.get_mut(&placed.agent) {
                    seating.seat = Some(placed.seat.clone());
                }
            }
            Fact::AgentPaused(paused) => self.with(&paused.agent, |it| it.paused = true),
            Fact::AgentResumed(resumed) => self.with(&resumed.agent, |it| it.paused = false),
            Fact::AgentRemoved(removed) => self.with(&removed.agent, |it| it.removed = true),
            _ => {}
        }
    }

    fn with(&mut self, agent: &AgentId, change: impl FnOnce(&mut Seating)) {
        if let Some(seating) = self.agents.get_mut(agent) {
            change(seating);
        }
    }

    /// Messages with an attempt that was begun and has not ended. After a crash: those to cut off.
    pub fn under_way(&self) -> impl Iterator<Item = (MessageId, &Kept)> {
        let busy = self.places.busy.values().flatten();
        busy.filter_map(|id| self.messages.get(*id).map(|kept| (*id, kept)))
    }

    /// Whether hands are stopped on the seat.
    pub fn is_paused(&self, seat: &SeatId) -> bool {
        self.all_paused || self.paused_seats.contains(seat)
    }

    /// Whether hands are stopped everywhere.
    pub const fn all_paused(&self) -> bool {
        self.all_paused
    }

    /// Seats that were stopped one by one.
    pub const fn paused_seats(&self) -> &BTreeSet<SeatId> {
        &self.paused_seats
    }

    /// Seats of agents in the fleet.
    pub fn seats(&self) -> BTreeSet<SeatId> {
        let agents = self.agents.values().filter(|it| !it.removed);
        agents.filter_map(|it| it.seat.clone()).collect()
    }

    /// A message, while it is kept.
    pub fn get(&self, message: MessageId) -> Option<&Kept> {
        self.messages.get(message)
    }

    /// Every message that is kept, in the order of ids.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &Kept)> {
        self.messages.sorted()
    }

    /// Messages in a state.
    pub fn count(&self, state: State) -> u64 {
        self.by_state.get(&state).copied().unwrap_or(0)
    }

    /// Messages that wait or are being carried.
    pub fn queued(&self) -> u64 {
        self.places.count()
    }

    /// How many of them there are by priority, and since when the oldest is due.
    pub fn queue_figures(&self) -> (BTreeMap<Priority, u64>, Option<Timestamp>) {
        let mut counts = BTreeMap::new();
        for (Reverse(priority), ..) in self.places.waiting.values().flatten() {
            *counts.entry(*priority).or_default() += 1;
        }
        let mut oldest = self.places.due.first().map(|(due_at, _)| *due_at);
        for (_, kept) in self.under_way() {
            *counts.entry(kept.priority).or_default() += 1;
            let due_at = kept.life.due_at;
            oldest = Some(oldest.map_or(due_at, |oldest| oldest.min(due_at)));
        }
        (counts, oldest)
    }

    /// The queue as `switchboard queue` prints it: waiting or under way, in the order of turns.
    pub fn queue(&self) -> Vec<Value> {
        self.queue_after(None)
            .into_iter()
            .map(|(id, kept)| self.row(id, kept))
            .collect()
    }

    /// Those of the queue that come after a turn, in the order of turns.
    pub fn queue_after(&self, turn: Option<(Priority, Position)>) -> Vec<(MessageId, &Kept)> {
        let turn = turn.map(|(priority, position)| (Reverse(priority), position));
        let of = |kept: &Kept| (Reverse(kept.priority), kept.position);
        let waiting = self.places.waiting.values().flatten();
        let waiting = waiting
            .filter_map(|(.., message)| self.messages.get(*message).map(|kept| (*message, kept)));
        let mut queued: Vec<_> = waiting
            .chain(self.under_way())
            .filter(|(_, kept)| turn.is_none_or(|turn| of(kept) > turn))
            .collect();
        queued.sort_unstable_by_key(|(_, kept)| of(kept));
        queued
    }

    /// One message as `switchboard queue` prints it.
    pub fn row(&self, message: MessageId, kept: &Kept) -> Value {
        let candidate = Self::candidate(message, kept, self.agents.get(&kept.to));
        let life = &kept.life;
        json!({
            "message": message,
            "to": kept.to,
            "from": kept.from,
            "priority": kept.priority,
            "state": life.state,
            "due_at": life.due_at,
            "expires_at": life.expires_at,
            "attempts": life.attempts,
            "channel": candidate.channel,
            "seat": candidate.seat,
            "because": life.because,
            "under_way": life.attempt_open,
            "position": kept.position,
            "failure": life.failure,
        })
    }

    /// The state that is hashed.
    pub fn to_json(&self) -> Value {
        let messages: serde_json::Map<String, Value> = self
            .messages()
            .map(|(id, kept)| (id.to_string(), self.row(id, kept)))
            .collect();
        json!({
            "messages": messages,
            "paused_seats": self.paused_seats,
            "all_paused": self.all_paused,
        })
    }
}

impl Seating {
    fn of(profile: &Profile) -> Self {
        Self {
            seat: profile.seat.clone(),
            channels: profile.channels.clone(),
            paused: false,
            removed: false,
        }
    }
}

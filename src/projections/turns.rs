//! Whose turn it is: what the outbox suggests to carry next, and when to look again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::outbox::{Candidate, Kept, Outbox, Seating};
use super::places::Turn;
use crate::events::facts::attempt::Channel;
use crate::events::facts::message::Priority;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::time::Timestamp;

/// Whoever waited so long goes as if one step more urgent; twice as long, two steps. So nobody waits
/// for ever behind those who are always in a hurry.
pub(super) const STEP_UP: Duration = Duration::from_mins(1);

/// How urgent a message counts that is due since then.
pub(super) fn aged(priority: Priority, due_at: Timestamp, now: Timestamp) -> Priority {
    let steps = now.since(due_at).as_micros() / STEP_UP.as_micros();
    match (priority, steps) {
        (Priority::Normal, 0) => Priority::Normal,
        (Priority::Normal, 1) | (Priority::Urgent, 0) => Priority::Urgent,
        (Priority::Normal | Priority::Urgent | Priority::Critical, _) => Priority::Critical,
    }
}

/// When somebody asks, and what is held then.
#[derive(Clone, Copy)]
struct Asked<'h> {
    now: Timestamp,
    held: &'h dyn Fn(&AgentId, &AgentId) -> bool,
}

impl Candidate {
    /// Its place among those whose turn it is.
    fn place(&self, now: Timestamp) -> (Reverse<Priority>, Position) {
        (
            Reverse(aged(self.priority, self.due_at, now)),
            self.position,
        )
    }
}

impl Outbox {
    /// Messages whose turn it is, at most one per agent, the most urgent first, then as accepted. Who
    /// has waited for a minute counts as more urgent than declared.
    ///
    /// Left out: agents that are paused or have an attempt under way, messages whose hands would move
    /// on a paused seat, whose time has not come, or is over ([`Outbox::expired`] has those). A
    /// message that waits for its retry holds back later ones of the same sender, priority and agent,
    /// so that one sender's words arrive in the order they were sent; a message sent for a later
    /// instant holds nobody back. `now` before the newest event counts as that event's instant.
    pub fn due(&self, now: Timestamp) -> Vec<Candidate> {
        self.due_but(now, &|_, _| false)
    }

    /// The same without what is held by its sender and recipient; it holds nobody else back.
    pub fn due_but(
        &self,
        now: Timestamp,
        held: &dyn Fn(&AgentId, &AgentId) -> bool,
    ) -> Vec<Candidate> {
        let now = now.max(self.last_at);
        let asked = Asked { now, held };
        let places = &self.places;
        let mut due: Vec<Candidate> = places
            .waiting
            .iter()
            .filter(|(agent, _)| !places.busy.contains_key(*agent))
            .filter_map(|(agent, turns)| self.next_for(agent, turns, asked))
            .collect();
        due.sort_by_key(|it| it.place(now));
        due
    }

    fn next_for(
        &self,
        agent: &AgentId,
        turns: &BTreeSet<Turn>,
        asked: Asked<'_>,
    ) -> Option<Candidate> {
        let seating = self.agents.get(agent);
        if seating.is_some_and(|it| it.paused && !it.removed) {
            return None;
        }
        let of = |priority| self.first_of(priority, seating, turns, asked);
        let firsts = Priority::ALL.iter().filter_map(|it| of(*it));
        firsts.min_by_key(|it| it.place(asked.now))
    }

    /// The first message of a priority that may go now.
    fn first_of(
        &self,
        priority: Priority,
        seating: Option<&Seating>,
        turns: &BTreeSet<Turn>,
        Asked { now, held: stays }: Asked<'_>,
    ) -> Option<Candidate> {
        let first = (Reverse(priority), Position::START, MessageId(Uuid::nil()));
        let mut held: BTreeSet<&AgentId> = BTreeSet::new();
        let of_priority = turns.range(first..).take_while(|turn| turn.0.0 == priority);
        for (_, _, message) in of_priority {
            let Some(kept) = self.messages.get(*message) else {
                continue;
            };
            let life = &kept.life;
            if life.expires_at.is_some_and(|at| at <= now) {
                continue;
            }
            if held.contains(&kept.from) || stays(&kept.from, &kept.to) {
                continue;
            }
            let candidate = Self::candidate(*message, kept, seating);
            let stopped = candidate
                .seat
                .as_ref()
                .is_some_and(|seat| self.is_paused(seat));
            if life.due_at <= now && !stopped {
                return Some(candidate);
            }
            if life.due_at <= now || life.attempts > 0 {
                held.insert(&kept.from);
            }
        }
        None
    }

    pub(super) fn candidate(
        message: MessageId,
        kept: &Kept,
        seating: Option<&Seating>,
    ) -> Candidate {
        let life = &kept.life;
        let channel = life
            .next_channel
            .or_else(|| seating.and_then(|it| it.channels.first().copied()))
            .unwrap_or(Channel::Inbox);
        let seat = match channel {
            Channel::Gui => seating.and_then(|it| it.seat.clone()),
            Channel::Inbox => None,
        };
        let here = if life.channel == Some(channel) {
            life.attempts_here
        } else {
            0
        };
        Candidate {
            message,
            to: kept.to.clone(),
            from: kept.from.clone(),
            priority: kept.priority,
            via: kept.via,
            position: kept.position,
            channel,
            seat,
            attempts: life.attempts,
            attempts_here: here,
            because: life.because,
            due_at: life.due_at,
            expires_at: life.expires_at,
            agent_gone: kept.to.as_str() != AgentId::OPERATOR
                && seating.is_none_or(|it| it.removed),
        }
    }

    /// Waiting messages whose time is over, earliest first.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = MessageId> {
        let now = now.max(self.last_at);
        let expiring = self.places.expiring.iter();
        expiring
            .take_while(move |(at, _)| *at <= now)
            .map(|(_, message)| *message)
    }

    /// The next instant at which something becomes due or expires without anything else happening;
    /// what that something is may still be paused.
    pub fn next_due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.max(self.last_at);
        let after = (now.after(Duration::from_micros(1)), MessageId(Uuid::nil()));
        let first =
            |set: &BTreeSet<(Timestamp, MessageId)>| set.range(after..).next().map(|(at, _)| *at);
        [first(&self.places.due), first(&self.places.expiring)]
            .into_iter()
            .flatten()
            .min()
    }
}

//! All projections together at one position, and their hash.

use std::ops::ControlFlow;
use std::str::FromStr;

use serde_json::{Value, json};

use super::agents::Agents;
use super::alerts::Alerts;
use super::canonical;
use super::conduct::Conduct;
use super::fold::{Fold as _, Seen};
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::timeline::Timeline;
use super::timing::Timing;
use super::traffic::Traffic;
use super::view::{View, Views};
use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::ledger::stored::Stored;
use crate::events::time::Timestamp;

/// How many events are applied between two looks at whether to go on.
pub(super) const BATCH: u64 = 4096;

/// Asked now and then how far a fold has come, and whether to go on.
pub(super) type GoOn<'g> = dyn FnMut(Position, Timestamp) -> ControlFlow<()> + 'g;

/// Every projection, folded up to the same event, but for those that were stopped.
#[derive(Clone, Debug, PartialEq)]
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
    /// Where messages stand.
    pub timeline: Timeline,
    /// How long things take.
    pub timing: Timing,
    /// How agents behave and are to be treated.
    pub conduct: Conduct,
    /// How alerts stand.
    pub alerts: Alerts,
    /// Those that take the next event.
    in_step: Views,
    /// Those that have events the others lack, and their last one.
    ahead: Vec<(View, Position)>,
    stopped: Vec<Stop>,
}

/// A projection that met an event it could not take. It stays as it was before that event; the others
/// go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Which.
    pub view: View,
    /// The event.
    pub position: Position,
    /// When it was recorded.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: String,
}

/// A question about the past without an answer.
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
    /// A projection cannot take an event on the way (exit 9).
    #[error("the projection {} cannot take the event at {}: {}", .0.view.name(), .0.position, .0.reason)]
    Stopped(Stop),
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

impl FromStr for Moment {
    type Err = String;

    /// All digits are a position, anything else an instant.
    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return text
                .parse()
                .map(|n| Self::Position(Position(n)))
                .map_err(|e| format!("`{text}` is not a position: {e}"));
        }
        Timestamp::asked(text)
            .map(Self::Instant)
            .map_err(|e| format!("{e}; a position is written in digits alone"))
    }
}

impl Default for States {
    fn default() -> Self {
        Self::only(Views::ALL)
    }
}

impl States {
    /// Nothing yet, and only these will be folded.
    pub fn only(views: Views) -> Self {
        Self {
            position: Position::START,
            at: Timestamp::EPOCH,
            agents: Agents::default(),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            traffic: Traffic::default(),
            timeline: Timeline::default(),
            timing: Timing::default(),
            conduct: Conduct::default(),
            alerts: Alerts::default(),
            in_step: views,
            ahead: Vec::new(),
            stopped: Vec::new(),
        }
    }

    /// Applies the event to every projection.
    pub fn apply(&mut self, event: &Event) {
        let (position, at) = (event.position, event.recorded_at);
        self.take((position, at), event.fact.kind(), || Ok(&event.fact));
    }

    /// Applies the event to every projection, decoding it only if one of them cares.
    pub fn apply_stored(&mut self, stored: &Stored<'_>) {
        let place = (stored.position(), stored.recorded_at());
        self.take(place, stored.kind(), || {
            stored.fact().map_err(|error| error.to_string())
        });
    }

    /// The event at a place. What cannot be decoded stops those who would have to take it.
    pub fn take<F: std::borrow::Borrow<Fact>>(
        &mut self,
        (position, at): (Position, Timestamp),
        kind: u16,
        fact: impl FnOnce() -> Result<F, String>,
    ) {
        if !self.ahead.is_empty() {
            self.fall_in(position);
        }
        let caring = View::caring(kind).and(self.in_step);
        if !caring.is_empty() {
            match fact() {
                Ok(fact) => self.show(
                    caring,
                    &Seen {
                        position,
                        recorded_at: at,
                        fact: fact.borrow(),
                    },
                ),
                Err(reason) => self.stop(caring, (position, at), &reason),
            }
        }
        self.position = position;
        self.at = at;
    }

    fn show(&mut self, views: Views, seen: &Seen<'_>) {
        if views.has(View::Agents) {
            self.agents.apply(seen);
        }
        if views.has(View::Outbox) {
            self.outbox.apply(seen);
        }
        if views.has(View::Inbox) {
            self.inbox.apply(seen);
        }
        if views.has(View::Traffic) {
            self.traffic.apply(seen);
        }
        if views.has(View::Timeline) {
            self.timeline.apply(seen);
        }
        if views.has(View::Timing) {
            self.timing.apply(seen);
        }
        if views.has(View::Conduct) {
            self.conduct.apply(seen);
        }
        if views.has(View::Alerts) {
            self.alerts.apply(seen);
        }
    }

    fn stop(&mut self, views: Views, (position, at): (Position, Timestamp), reason: &str) {
        for view in views.iter() {
            self.in_step = self.in_step.without(view);
            self.stopped.push(Stop {
                view,
                position,
                at,
                reason: reason.to_owned(),
            });
        }
    }

    fn fall_in(&mut self, position: Position) {
        let in_step = &mut self.in_step;
        self.ahead.retain(|(view, last)| {
            let stays = *last >= position;
            if !stays {
                *in_step = in_step.with(*view);
            }
            stays
        });
    }

    /// Begins after the event that all projections that were put in have.
    pub(super) fn begin_at_the_least(&mut self) {
        let least = self.ahead.iter().map(|(_, last)| *last).min();
        self.position = least.unwrap_or_default();
    }

    /// Whether no projection takes the next event.
    pub(super) fn is_idle(&self) -> bool {
        self.in_step.is_empty() && self.ahead.is_empty()
    }

    /// The projections in which the two differ.
    pub(super) fn differences(&self, other: &Self) -> Views {
        let same = |view: &View| match view {
            View::Agents => self.agents == other.agents,
            View::Outbox => self.outbox == other.outbox,
            View::Inbox => self.inbox == other.inbox,
            View::Traffic => self.traffic == other.traffic,
            View::Timeline => self.timeline == other.timeline,
            View::Timing => self.timing == other.timing,
            View::Conduct => self.conduct == other.conduct,
            View::Alerts => self.alerts == other.alerts,
        };
        View::ALL.into_iter().filter(|view| !same(view)).collect()
    }

    /// Says how far a projection that was put in has come already.
    pub(super) fn stands_at(&mut self, view: View, last: Position) {
        self.in_step = self.in_step.without(view);
        self.ahead.push((view, last));
    }

    /// Puts one projection of `other` in the place of this one's, with its stop if it has one. Both
    /// must stand at the same position, unless nothing here takes events.
    pub(super) fn adopt(&mut self, view: View, other: &mut Self) {
        match view {
            View::Agents => self.agents = std::mem::take(&mut other.agents),
            View::Outbox => self.outbox = std::mem::take(&mut other.outbox),
            View::Inbox => self.inbox = std::mem::take(&mut other.inbox),
            View::Traffic => self.traffic = std::mem::take(&mut other.traffic),
            View::Timeline => self.timeline = std::mem::take(&mut other.timeline),
            View::Timing => self.timing = std::mem::take(&mut other.timing),
            View::Conduct => self.conduct = std::mem::take(&mut other.conduct),
            View::Alerts => self.alerts = std::mem::take(&mut other.alerts),
        }
        if self.is_idle() {
            (self.position, self.at) = (other.position, other.at);
        }
        self.stopped.retain(|stop| stop.view != view);
        self.ahead.retain(|(other, _)| *other != view);
        match other.stop_of(view) {
            Some(stop) => {
                self.stopped.push(stop.clone());
                self.in_step = self.in_step.without(view);
            }
            None => self.in_step = self.in_step.with(view),
        }
    }

    /// Every projection that stopped.
    pub fn stops(&self) -> &[Stop] {
        &self.stopped
    }

    /// Why a projection stopped, if it did.
    pub fn stop_of(&self, view: View) -> Option<&Stop> {
        self.stopped.iter().find(|stop| stop.view == view)
    }

    /// The last event in one projection.
    pub fn position_of(&self, view: View) -> Position {
        let ahead = self.ahead.iter().find(|(other, _)| *other == view);
        match (self.stop_of(view), ahead) {
            (Some(stop), _) => Position(stop.position.0.saturating_sub(1)),
            (None, Some((_, last))) => *last,
            (None, None) => self.position,
        }
    }

    /// Folds on up to a position, the head at most.
    pub fn advance_to(&mut self, ledger: &Ledger, to: Position) -> Result<(), ReadError> {
        self.advance(ledger, to, &mut |_, _| ControlFlow::Continue(()))
            .map(|_| ())
    }

    /// Folds on up to a position, the head at most, asking every few thousand events whether to go on.
    pub(super) fn advance(
        &mut self,
        ledger: &Ledger,
        to: Position,
        go_on: &mut GoOn<'_>,
    ) -> Result<ControlFlow<()>, ReadError> {
        let mut went = go_on(self.position, self.at);
        if went.is_continue() && self.position < to {
            ledger.scan(self.position.next(), to, |stored| {
                self.apply_stored(stored);
                if self.position.0.is_multiple_of(BATCH) {
                    went = go_on(self.position, self.at);
                }
                went
            })?;
        }
        Ok(went)
    }

    /// The state as it was at a moment, from the events alone, every one of them.
    pub fn as_of(ledger: &Ledger, moment: Moment) -> Result<Self, AsOfError> {
        let to = moment.resolve(ledger)?;
        let mut states = Self::default();
        states.advance_to(ledger, to)?;
        states.whole()
    }

    /// These states, or the stop that keeps them from being those of their position.
    pub(super) fn whole(self) -> Result<Self, AsOfError> {
        match self.stopped.first() {
            Some(stop) => Err(AsOfError::Stopped(stop.clone())),
            None => Ok(self),
        }
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
    /// and is shown as how many messages there were.
    pub fn projection(&self, view: View) -> Value {
        match view {
            View::Agents => self.agents.to_json(),
            View::Outbox => self.outbox.to_json(),
            View::Inbox => self.inbox.to_json(),
            View::Traffic => self.traffic.to_json(),
            View::Timeline => json!({"messages": self.timeline.len()}),
            View::Timing => self.timing.to_json(),
            View::Conduct => self.conduct.to_json(),
            View::Alerts => self.alerts.to_json(),
        }
    }

    /// The canonical hash of [`States::to_json`].
    pub fn hash(&self) -> blake3::Hash {
        canonical::hash(&self.to_json())
    }
}

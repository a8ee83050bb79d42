//! What a decision may know: folds of the streams that the command concerns, and nothing else.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decision::{Done, Thread};
use super::keep_alert::KnownAlert;
use super::refusal::{Code, Refusal};
use crate::events::envelope::Event;
use crate::events::facts::agent::Profile;
use crate::events::facts::alert::AlertId;
use crate::events::facts::limits::Excess;
use crate::events::facts::manners::Mode;
use crate::events::facts::message::MessageAccepted;
use crate::events::ids::{AgentId, CorrelationId, EventId, MessageId, Position, SeatId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::Expected;
use crate::events::lifecycle::Life;

/// What was loaded for one command.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Agents that were asked for, and all of them when a name was not found.
    pub agents: BTreeMap<AgentId, Arc<KnownAgent>>,
    /// Messages that were asked for.
    pub messages: BTreeMap<MessageId, Arc<KnownMessage>>,
    /// Seats that were asked for; none stands for all seats together.
    pub seats: BTreeMap<Option<SeatId>, KnownSeat>,
    /// Pairs that were asked for, the one whose name sorts first before the other.
    pub pairs: BTreeMap<(AgentId, AgentId), KnownPair>,
    /// Alerts that were asked for.
    pub alerts: BTreeMap<AlertId, KnownAlert>,
    /// Last version of every stream that was looked at and exists.
    pub heads: BTreeMap<StreamId, u64>,
    /// The message whose story led to this command, when its cause lies in one.
    pub caused_by: Option<MessageId>,
}

/// One agent, folded from its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAgent {
    /// As declared last.
    pub profile: Profile,
    /// Whether it was taken out of the fleet.
    pub removed: bool,
    /// Whether its messages wait.
    pub paused: bool,
    /// By how much it said too much, while it is in quarantine.
    pub quarantined: Option<Excess>,
    /// Version of the stream's last event.
    pub version: u64,
    /// Position of the stream's last event.
    pub last: Position,
}

impl KnownAgent {
    /// The agent behind its stream; none when the stream declares no agent.
    pub fn fold(events: &[Event]) -> Option<Self> {
        let mut known: Option<Self> = None;
        for event in events {
            match (&event.fact, known.as_mut()) {
                (Fact::AgentAdded(added), _) => {
                    known = Some(Self {
                        profile: added.profile.clone(),
                        removed: false,
                        paused: false,
                        quarantined: None,
                        version: event.version,
                        last: event.position,
                    });
                }
                (fact, Some(agent)) => agent.advance(fact),
                (_, None) => {}
            }
            if let Some(agent) = known.as_mut() {
                agent.version = event.version;
                agent.last = event.position;
            }
        }
        known
    }

    fn advance(&mut self, fact: &Fact) {
        match fact {
            Fact::AgentPlaced(placed) => {
                self.profile.seat = Some(placed.seat.clone());
                self.profile.place = Some(placed.place);
                self.profile.fingerprint.clone_from(&placed.fingerprint);
            }
            Fact::AgentChanged(changed) => self.profile = changed.profile.clone(),
            Fact::AgentRemoved(_) => self.removed = true,
            Fact::AgentPaused(_) => self.paused = true,
            Fact::AgentResumed(_) => self.paused = false,
            Fact::AgentQuarantined(it) => self.quarantined = Some(it.excess),
            Fact::AgentReleased(_) => self.quarantined = None,
            _ => {}
        }
    }

    /// The answer that it is so already.
    pub(super) const fn already(&self) -> Done {
        Done::already(self.last, self.version)
    }
}

/// One message, folded from its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMessage {
    /// As it was accepted.
    pub accepted: MessageAccepted,
    /// Where it stands.
    pub life: Life,
    /// Where it was accepted.
    pub position: Position,
    /// Its version then; 0 unless somebody noted something in its stream before.
    pub first_version: u64,
    /// Version of the stream's last event.
    pub version: u64,
    /// Position of the stream's last event.
    pub last: Position,
    /// The stream's last event.
    pub last_event: EventId,
    /// What everything in its story carries.
    pub correlation: CorrelationId,
    /// The seat of the last attempt.
    pub seat: Option<SeatId>,
    /// Whether it lies in the recipient's inbox.
    pub inboxed: bool,
    /// Whether the recipient took it out of its inbox.
    pub read: bool,
    /// Messages that answer it.
    pub answers: Vec<MessageId>,
    /// When its sender wants it carried.
    pub mode: Option<Mode>,
}

impl KnownMessage {
    /// The message behind its stream; none when none was accepted there.
    pub fn fold(events: &[Event]) -> Option<Self> {
        let mut known: Option<Self> = None;
        for event in events {
            if let Some(message) = known.as_mut() {
                message.advance(event);
            } else if let Fact::MessageAccepted(accepted) = &event.fact
                && let Some(life) = Life::begin(&event.fact, event.recorded_at)
            {
                known = Some(Self {
                    accepted: accepted.clone(),
                    life,
                    position: event.position,
                    first_version: event.version,
                    version: event.version,
                    last: event.position,
                    last_event: event.id,
                    correlation: event.cause.correlation,
                    seat: None,
                    inboxed: false,
                    read: false,
                    answers: Vec::new(),
                    mode: None,
                });
            }
        }
        known
    }

    fn advance(&mut self, event: &Event) {
        self.life.advance(&event.fact, event.recorded_at);
        self.version = event.version;
        self.last = event.position;
        self.last_event = event.id;
        match &event.fact {
            Fact::AttemptStarted(started) => self.seat.clone_from(&started.seat),
            Fact::AttemptInboxed(_) => self.inboxed = true,
            Fact::MessageRead(_) => self.read = true,
            Fact::MessageModeChosen(chosen) => self.mode = Some(chosen.mode),
            Fact::MessageAnswered(answered) => self.answers.push(answered.answer),
            _ => {}
        }
    }

    /// The story it belongs to.
    pub const fn thread(&self) -> Thread {
        Thread {
            correlation: self.correlation,
            causation: self.last_event,
        }
    }

    /// The answer that it is so already, since its last event.
    pub(super) const fn already(&self) -> Done {
        Done::already(self.last, self.version)
    }

    /// Refuses with the state's name.
    pub(super) fn wrong_state(&self, wish: &str) -> Refusal {
        let id = self.accepted.message;
        let state = self.life.state;
        let (state, open) = match (self.life.attempt_open, state.is_under_way()) {
            (true, false) => (state.word(), " with an attempt under way"),
            _ => (state.word(), ""),
        };
        Refusal::new(
            Code::WrongState,
            format!("message {id} is {state}{open}: it cannot be {wish}"),
        )
        .hint(format!("`switchboard why {id}` tells its story"))
    }

    /// The attempt with this number is under way, or a refusal.
    pub(super) fn open_attempt(&self, attempt: u32, wish: &str) -> Result<(), Refusal> {
        if !self.life.attempt_open {
            return Err(self.wrong_state(wish));
        }
        if self.life.attempts == attempt {
            return Ok(());
        }
        Err(Refusal::new(
            Code::StaleAttempt,
            format!(
                "attempt {attempt} of message {} is over; {} is under way",
                self.accepted.message, self.life.attempts
            ),
        ))
    }
}

/// Whether hands may move on one seat, or on all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownSeat {
    /// Whether the last word was to stop.
    pub paused: bool,
    /// Where it was said.
    pub last: Position,
    /// Its version in the stream.
    pub version: u64,
}

/// What is held of two agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownPair {
    /// By how much they said too much, while they are in quarantine.
    pub excess: Option<Excess>,
    /// Where that was said.
    pub done: Done,
}

impl Known {
    /// What to expect of a stream that was loaded: exactly what was seen.
    pub fn expected(&self, stream: &StreamId) -> Expected {
        self.heads
            .get(stream)
            .map_or(Expected::NoStream, |version| Expected::Exact(*version))
    }

    /// The message, or the refusal that there is none.
    pub fn message(&self, id: MessageId) -> Result<&KnownMessage, Refusal> {
        self.messages.get(&id).map(Arc::as_ref).ok_or_else(|| {
            Refusal::new(Code::UnknownMessage, format!("there is no message {id}"))
                .hint("`switchboard messages` lists them")
        })
    }

    /// The agent if it is in the fleet, or the refusal with the nearest name.
    pub fn agent(&self, id: &AgentId) -> Result<&KnownAgent, Refusal> {
        match self.agents.get(id) {
            Some(agent) if !agent.removed => Ok(agent),
            Some(_) => Err(
                Refusal::new(Code::UnknownAgent, format!("agent {id} was removed"))
                    .hint(format!("`switchboard agent add {id} …` brings it back")),
            ),
            None => Err(self.unknown(Code::UnknownAgent, "agent", id)),
        }
    }

    /// Refuses somebody nobody knows, with the nearest right name.
    pub(super) fn unknown(&self, code: Code, what: &str, id: &AgentId) -> Refusal {
        let list = "`switchboard agent list` shows every agent";
        let hint = match self.nearest(id) {
            Some(near) => format!("did you mean `{near}`? {list}"),
            None if self.agents.values().all(|agent| agent.removed) => {
                "no agents yet: `switchboard agent add ID --at X,Y` adds one".to_owned()
            }
            None => list.to_owned(),
        };
        Refusal::new(code, format!("there is no {what} `{id}`")).hint(hint)
    }

    fn nearest(&self, id: &AgentId) -> Option<&AgentId> {
        self.agents
            .iter()
            .filter(|(_, agent)| !agent.removed)
            .map(|(name, _)| {
                let distance = strsim::damerau_levenshtein(name.as_str(), id.as_str());
                (distance, name)
            })
            .filter(|(distance, name)| *distance <= 2.max(name.as_str().len() / 3))
            .min()
            .map(|(_, name)| name)
    }

    /// Whether hands are stopped on the seat, by its own pause or by one of everything. Resuming
    /// everything lifts single pauses that were older.
    pub fn seat_paused(&self, seat: Option<&SeatId>) -> bool {
        let all = self.seats.get(&None);
        if all.is_some_and(|all| all.paused) {
            return true;
        }
        let lifted = all.map_or(Position::START, |all| all.last);
        seat.and_then(|seat| self.seats.get(&Some(seat.clone())))
            .is_some_and(|seat| seat.paused && seat.last > lifted)
    }

    /// Hands may move for this agent there, or the refusal.
    pub(super) fn hands_free(&self, agent: &AgentId, seat: Option<&SeatId>) -> Result<(), Refusal> {
        if self.agents.get(agent).is_some_and(|known| known.paused) {
            let message = format!("agent {agent} is paused");
            return Err(Refusal::new(Code::AgentPaused, message)
                .hint(format!("`switchboard resume {agent}`")));
        }
        if let Some(seat) = seat
            && self.seat_paused(Some(seat))
        {
            let message = format!("seat {seat} is paused");
            return Err(Refusal::new(Code::SeatPaused, message).hint(format!(
                "`switchboard resume {seat}`, or `switchboard resume` for all"
            )));
        }
        Ok(())
    }
}

impl Known {
    /// Somebody who can receive: the operator, or an agent of the fleet.
    pub(super) fn agent_or_operator(&self, id: &AgentId) -> Result<(), Refusal> {
        if id.as_str() == AgentId::OPERATOR {
            return Ok(());
        }
        self.agent(id).map(|_| ())
    }
}

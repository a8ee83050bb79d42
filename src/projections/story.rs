//! One message's story, read from the ledger: its own stream, what else happened in the commits of its
//! life, and its nudge. Nothing of it is kept in memory, so that old messages cost nothing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a story looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::outbox::message_of;
use crate::events::envelope::Event;
use crate::events::facts::message::{MessageAccepted, MessageKind, Priority};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, CorrelationId, EventId, MessageId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::lifecycle::{Life, State};
use crate::events::time::Timestamp;

/// How many events after a message's own are looked at for what else its commit says. A commit about
/// one message has at most an attempt's end, a death, a nudge, a breaker and a look of the box.
const COMMIT: u64 = 6;

/// One message's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Who said it.
    pub from: AgentId,
    /// Who shall read it.
    pub to: AgentId,
    /// The words, byte for byte as given.
    pub body: String,
    /// What sort of message.
    pub kind: MessageKind,
    /// How urgent.
    pub priority: Priority,
    /// Its tags.
    pub tags: Vec<Word>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Where it was accepted.
    pub position: Position,
    /// What it belongs to.
    pub correlation: CorrelationId,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// The broadcast it belongs to.
    pub broadcast: Option<Uuid>,
    /// How many messages stand before it in its chain.
    pub hops: u16,
    /// Where it stands.
    pub life: Life,
    /// Messages that answer it.
    pub answers: Vec<MessageId>,
    /// Its file in the recipient's inbox.
    pub file: Option<String>,
    /// The nudge that tells of it.
    pub nudge: Option<MessageId>,
    /// When its recipient took it out of the inbox.
    pub read_at: Option<Timestamp>,
}

impl Story {
    /// The story of a message up to the newest event; none when there is no such message.
    pub fn of(ledger: &Ledger, message: MessageId) -> Result<Option<Self>, ReadError> {
        Self::up_to(ledger, message, Position(u64::MAX))
    }

    /// The story of a message as it was right after a position.
    pub fn up_to(
        ledger: &Ledger,
        message: MessageId,
        to: Position,
    ) -> Result<Option<Self>, ReadError> {
        let events = ledger.read_stream(&StreamId::message(message))?;
        Ok(Self::told(
            events.into_iter().filter(|it| it.position <= to),
        ))
    }

    /// The story that the events of a message's stream tell, oldest first.
    pub fn told(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut story: Option<Self> = None;
        for event in events {
            match (&mut story, event.fact) {
                (None, Fact::MessageAccepted(accepted)) => {
                    let (at, position) = (event.recorded_at, event.position);
                    let fact = Fact::MessageAccepted(accepted);
                    let life = Life::begin(&fact, at)?;
                    let Fact::MessageAccepted(accepted) = fact else {
                        return None;
                    };
                    let begun = Self::begin(accepted, life, (at, position));
                    story = Some(Self {
                        correlation: event.cause.correlation,
                        causation: event.cause.causation,
                        ..begun
                    });
                }
                (Some(story), fact) => story.advance(&fact, event.recorded_at),
                (None, _) => {}
            }
        }
        story
    }

    fn begin(
        accepted: MessageAccepted,
        life: Life,
        (created_at, position): (Timestamp, Position),
    ) -> Self {
        Self {
            from: accepted.from,
            to: accepted.to,
            body: accepted.body,
            kind: accepted.kind,
            priority: accepted.priority,
            tags: accepted.tags,
            created_at,
            position,
            correlation: CorrelationId(Uuid::nil()),
            causation: None,
            reply_to: accepted.reply_to,
            broadcast: accepted.broadcast,
            hops: accepted.hops,
            life,
            answers: Vec::new(),
            file: None,
            nudge: None,
            read_at: None,
        }
    }

    fn advance(&mut self, fact: &Fact, at: Timestamp) {
        self.life.advance(fact, at);
        match fact {
            Fact::MessageAnswered(answered) => self.answers.push(answered.answer),
            Fact::MessageRead(_) => self.read_at = self.read_at.or(Some(at)),
            Fact::AttemptInboxed(inboxed) => {
                self.file = Some(inboxed.file.clone());
                self.nudge = inboxed.nudge;
            }
            _ => {}
        }
    }

    /// Whether it was delivered: seen, resolved, acknowledged or answered.
    pub const fn is_delivered(&self) -> bool {
        matches!(
            self.life.state,
            State::Observed | State::Acknowledged | State::Answered
        )
    }

    /// The message as `show` and `messages` print it, without its body.
    pub fn to_json(&self, message: MessageId) -> Value {
        let life = &self.life;
        // A failure on the way is history once the message arrived; `why` tells it.
        let failure = life.failure.as_ref().filter(|_| !self.is_delivered());
        json!({
            "message": message,
            "from": self.from,
            "to": self.to,
            "kind": self.kind,
            "priority": self.priority,
            "tags": self.tags,
            "state": life.state,
            "proof": life.proof,
            "channel": life.channel,
            "attempts": life.attempts,
            "position": self.position,
            "correlation": self.correlation,
            "causation": self.causation,
            "reply_to": self.reply_to,
            "broadcast": self.broadcast,
            "hops": self.hops,
            "created_at": self.created_at,
            "due_at": life.due_at,
            "expires_at": life.expires_at,
            "settled_at": life.settled_at,
            "failure": failure,
            "because": life.because,
            "answers": self.answers,
            "file": self.file,
            "nudge": self.nudge,
            "read_at": self.read_at,
        })
    }
}

/// Every event that concerns a message, in order: those of its stream, breakers and looks of the box in
/// the same commits, and the coming and going of its nudge. Empty when there is no such message.
pub fn events_of(ledger: &Ledger, message: MessageId) -> Result<Vec<Event>, ReadError> {
    let own = ledger.read_stream(&StreamId::message(message))?;
    let mut told: BTreeMap<Position, Event> = BTreeMap::new();
    let mut nudges = Vec::new();
    for event in &own {
        if message_of(&event.fact) != Some(message) {
            continue;
        }
        if let Fact::AttemptInboxed(inboxed) = &event.fact {
            nudges.extend(inboxed.nudge);
        }
        for aside in asides(ledger, event)? {
            told.insert(aside.position, aside);
        }
    }
    for nudge in nudges {
        let events = ledger.read_stream(&StreamId::message(nudge))?;
        let life = events
            .into_iter()
            .filter(|event| message_of(&event.fact) == Some(nudge));
        told.extend(life.map(|event| (event.position, event)));
    }
    told.extend(own.into_iter().map(|event| (event.position, event)));
    Ok(told.into_values().collect())
}

/// One line of a story, as `why` prints it.
pub fn line(event: &Event) -> Value {
    json!({
        "position": event.position,
        "recorded_at": event.recorded_at,
        "event": event.fact.name(),
        "detail": event.fact.to_json(),
        "actor": event.cause.actor,
        "stream": event.stream,
    })
}

/// What else the commit of an event says after it. Events of other commits are not even decoded: one
/// that cannot be must not keep this story from being told.
fn asides(ledger: &Ledger, event: &Event) -> Result<Vec<Event>, ReadError> {
    let mut asides = Vec::new();
    let last = Position(event.position.0.saturating_add(COMMIT));
    let mut failed = None;
    ledger.scan(event.position.next(), last, |stored| {
        if stored.command() != event.cause.command {
            return ControlFlow::Break(());
        }
        match stored.event() {
            Ok(other) if is_aside(&other.fact) => asides.push(other),
            Ok(_) => {}
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(asides), Err)
}

/// Facts of other streams that a commit about a message may hold.
const fn is_aside(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::BreakerProbed(_)
            | Fact::BreakerOpened(_)
            | Fact::BreakerClosed(_)
            | Fact::BoxLearnt(_)
    )
}

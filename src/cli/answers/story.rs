//! One message as people see it, read from its stream.

use serde_json::{Value, json};

use crate::commands::known::KnownMessage;
use crate::commands::refusal::{Code, Refusal};
use crate::cli::exit::Failure;
use crate::events::envelope::Event;
use crate::events::ids::{EventId, MessageId, StreamId};
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::time::Timestamp;

/// A message with its whole stream folded.
#[derive(Clone, Debug)]
pub struct Story {
    /// What commands know of it.
    pub known: KnownMessage,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The event that led to it.
    pub causation: Option<EventId>,
}

impl Story {
    /// Reads it; none when there is no such message.
    pub fn read(ledger: &Ledger, message: MessageId) -> Result<Option<Self>, ReadError> {
        let events = ledger.read_stream(&StreamId::message(message))?;
        Ok(Self::fold(&events))
    }

    /// Reads it, or fails with `unknown_message`.
    pub fn find(ledger: &Ledger, message: MessageId) -> Result<Self, Failure> {
        Self::read(ledger, message)?.ok_or_else(|| {
            Refusal::new(Code::UnknownMessage, format!("there is no message {message}"))
                .hint("`switchboard messages` lists them")
                .into()
        })
    }

    fn fold(events: &[Event]) -> Option<Self> {
        let known = KnownMessage::fold(events)?;
        let accepted = events.iter().find(|event| event.position == known.position)?;
        Some(Self {
            known,
            created_at: accepted.recorded_at,
            causation: accepted.cause.causation,
        })
    }

    /// The result of a sending, as `send` prints it.
    pub fn result(&self, repeated: bool) -> Value {
        let known = &self.known;
        json!({
            "message": known.accepted.message,
            "to": known.accepted.to,
            "position": known.position,
            "state": known.life.state,
            "proof": known.life.proof,
            "channel": known.life.channel,
            "repeated": repeated,
            "attempts": known.life.attempts,
            "because": known.life.because,
            "failure": known.life.failure,
            "answers": known.answers,
        })
    }

    /// Everything, as `show` and `messages` print it.
    pub fn whole(&self) -> Value {
        let known = &self.known;
        let accepted = &known.accepted;
        let life = &known.life;
        json!({
            "message": accepted.message,
            "from": accepted.from,
            "to": accepted.to,
            "position": known.position,
            "state": life.state,
            "proof": life.proof,
            "channel": life.channel,
            "attempts": life.attempts,
            "body": accepted.body,
            "priority": accepted.priority,
            "kind": accepted.kind,
            "tags": accepted.tags,
            "via": accepted.via,
            "correlation": known.correlation,
            "causation": self.causation,
            "reply_to": accepted.reply_to,
            "broadcast": accepted.broadcast,
            "hops": accepted.hops,
            "answers": known.answers,
            "created_at": self.created_at,
            "due_at": life.due_at,
            "expires_at": life.expires_at,
            "settled_at": life.settled_at,
            "because": life.because,
            "failure": life.failure,
        })
    }
}

//! Expire: a message's time ran out while it waited.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::{Known, KnownMessage};
use super::refusal::{Code, Refusal};
use crate::events::facts::attempt::{AttemptStarted, AttemptUnknown, Channel};
use crate::events::facts::message::MessageExpired;
use crate::events::ids::{MessageId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::Part;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// Its time is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expire {
    /// Which message.
    pub message: MessageId,
}

impl Expire {
    /// Only what waits, and only once its time is over.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        if message.life.state == State::Expired {
            return Ok(Decision::Already(message.already()));
        }
        if message.life.state != State::Accepted {
            return Err(message.wrong_state("expired"));
        }
        expiry(known, message, now)
            .map(Decision::from)
            .ok_or_else(|| {
                Refusal::new(
                    Code::NotDue,
                    format!("message {} has not expired", self.message),
                )
            })
    }
}

/// What is written when a waiting message's time is over; none while it is not.
pub(super) fn expiry(known: &Known, message: &KnownMessage, now: Timestamp) -> Option<Plan> {
    let expired_at = message.life.expires_at.filter(|at| *at <= now)?;
    let id = message.accepted.message;
    let stream = StreamId::message(id);
    let expected = known.expected(&stream);
    if message.life.awaits_a_look() {
        let part = Part {
            stream,
            expected,
            facts: given_up(message).into(),
        };
        return Some(Plan {
            parts: vec![part],
            thread: Some(message.thread()),
        });
    }
    let fact = MessageExpired {
        message: id,
        expired_at,
    };
    Some(Plan::one(stream, expected, fact).in_thread(message.thread()))
}

/// Enter was pressed, and the attempt that was to look what became of it never comes: an attempt that
/// did nothing says so.
fn given_up(message: &KnownMessage) -> [Fact; 2] {
    let id = message.accepted.message;
    let attempt = message.life.attempts.saturating_add(1);
    let started = AttemptStarted {
        message: id,
        attempt,
        channel: Channel::Gui,
        seat: None,
        place: None,
        because: None,
    };
    let unknown = AttemptUnknown {
        message: id,
        attempt,
        reason: "its time ran out before anybody could look what became of Enter".to_owned(),
    };
    [started.into(), unknown.into()]
}

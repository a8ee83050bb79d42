//! Submit an attempt: the text was seen, and Enter is about to be pressed. Durable before it is.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::facts::attempt::{AttemptPasted, AttemptSubmitting};
use crate::events::ids::{MessageId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::Part;
use crate::events::time::Timestamp;

/// The text stands in the box; Enter comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitAttempt {
    /// What was seen.
    pub pasted: AttemptPasted,
}

impl SubmitAttempt {
    /// Which message.
    pub const fn message(&self) -> MessageId {
        self.pasted.message
    }

    /// The last gate before Enter: refused when the message is settled or expired meanwhile, or when
    /// its agent or seat was paused.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        let message = known.message(self.message())?;
        message.open_attempt(self.pasted.attempt, "submitted")?;
        let life = &message.life;
        if life.enter_possible || !life.state.is_under_way() {
            return Err(message.wrong_state("submitted"));
        }
        if life.expires_at.is_some_and(|at| at <= now) {
            let text = format!("message {} expired while it was carried", self.message());
            return Err(Refusal::new(Code::Expired, text));
        }
        known.hands_free(&message.accepted.to, message.seat.as_ref())?;
        let stream = StreamId::message(self.message());
        let submitting = AttemptSubmitting {
            message: self.message(),
            attempt: self.pasted.attempt,
        };
        let facts = vec![
            Fact::AttemptPasted(self.pasted.clone()),
            Fact::AttemptSubmitting(submitting),
        ];
        let expected = known.expected(&stream);
        Ok(Plan {
            parts: vec![Part {
                stream,
                expected,
                facts,
            }],
            thread: Some(message.thread()),
        }
        .into())
    }
}

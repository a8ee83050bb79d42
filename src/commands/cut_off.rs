//! Cut off: an attempt whose worker is gone, found after a crash.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use super::fail_attempt::failure;
use super::known::Known;
use super::refusal::Refusal;
use crate::events::facts::attempt::{AttemptFailed, AttemptUnknown, Channel, FailureClass, Next};
use crate::events::ids::{MessageId, StreamId};
use crate::events::time::Timestamp;

/// Nobody is at it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOff {
    /// Which message.
    pub message: MessageId,
    /// When it may be tried again, if Enter was certainly not pressed.
    pub retry_at: Timestamp,
}

impl CutOff {
    /// After Enter may have been pressed the outcome is unknown and never guessed; before, it failed
    /// and is tried again.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.message)?;
        let life = &message.life;
        if !life.attempt_open {
            return Err(message.wrong_state("cut off"));
        }
        if life.enter_possible {
            let stream = StreamId::message(self.message);
            let expected = known.expected(&stream);
            let unknown = AttemptUnknown {
                message: self.message,
                attempt: life.attempts,
                reason: "the worker was cut off after Enter may have been pressed".to_owned(),
            };
            return Ok(Plan::one(stream, expected, unknown)
                .in_thread(message.thread())
                .into());
        }
        let failed = AttemptFailed {
            message: self.message,
            attempt: life.attempts,
            class: FailureClass::Interrupted,
            detail: "the worker was cut off before Enter".to_owned(),
            text_may_stand: life.channel != Some(Channel::Inbox),
            next: Next::Retry { at: self.retry_at },
            steps: Vec::new(),
        };
        Ok(failure(known, message, failed).into())
    }
}

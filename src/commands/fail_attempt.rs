//! Fail an attempt: it certainly did not arrive, and what follows was decided by the caller.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::known::{Known, KnownMessage};
use super::refusal::{Code, Refusal};
use crate::events::facts::attempt::{AttemptFailed, Channel, Next};
use crate::events::facts::breaker::BreakerOpened;
use crate::events::facts::message::{MessageDied, Via};
use crate::events::ids::StreamId;
use crate::events::kind::Fact;
use crate::events::ledger::append::{Expected, Part};
use crate::events::time::Timestamp;

/// What went wrong and what is done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailAttempt {
    /// Why, and what follows.
    pub failed: AttemptFailed,
    /// The breaker that this failure opens.
    pub opens_breaker: Option<OpenBreaker>,
}

/// A breaker that opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// Failures in a row.
    pub failures: u32,
    /// When one probe may pass.
    pub until: Timestamp,
}

impl FailAttempt {
    /// `Next::Dead` buries the message in the same commit.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let message = known.message(self.failed.message)?;
        message.open_attempt(self.failed.attempt, "failed")?;
        if let Next::Fallback { to } = self.failed.next
            && !way_allowed(message, to)
        {
            let text = format!("message {} may not fall back to {to}", self.failed.message);
            return Err(Refusal::new(Code::WrongChannel, text));
        }
        let mut plan = failure(known, message, self.failed.clone());
        if let Some(open) = self.opens_breaker {
            let agent = message.accepted.to.clone();
            let channel = message.life.channel.unwrap_or(Channel::Gui);
            let stream = StreamId::breaker(&agent, channel);
            let opened = BreakerOpened {
                agent,
                channel,
                failures: open.failures,
                until: open.until,
            };
            plan = plan.and(part(stream, Expected::Any, opened));
        }
        Ok(plan.into())
    }
}

const fn way_allowed(message: &KnownMessage, to: Channel) -> bool {
    !matches!(
        (message.accepted.via, to),
        (Via::Gui, Channel::Inbox) | (Via::Inbox, Channel::Gui)
    )
}

/// The failure, and the death that may follow from it.
pub(super) fn failure(known: &Known, message: &KnownMessage, failed: AttemptFailed) -> Plan {
    let stream = StreamId::message(failed.message);
    let expected = known.expected(&stream);
    let mut facts = vec![Fact::AttemptFailed(failed.clone())];
    // A message that the recipient acknowledged meanwhile does not die.
    if failed.next == Next::Dead && message.life.state.is_under_way() {
        facts.push(Fact::MessageDied(MessageDied {
            message: failed.message,
            attempts: failed.attempt,
            class: failed.class,
            detail: failed.detail,
        }));
    }
    Plan {
        parts: vec![Part {
            stream,
            expected,
            facts,
        }],
        thread: Some(message.thread()),
    }
}

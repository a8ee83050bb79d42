//! End an attempt after Enter: observed, submitted, or unknown.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan, part};
use super::known::Known;
use super::learn_box::Look;
use super::refusal::Refusal;
use crate::events::facts::attempt::{AttemptObserved, AttemptSubmitted, AttemptUnknown, Channel};
use crate::events::facts::breaker::BreakerClosed;
use crate::events::ids::{MessageId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::Expected;

/// What became of the text after Enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndAttempt {
    /// What was seen.
    pub ending: Ending,
    /// How the input box looks empty, when that was learnt.
    pub learnt: Option<Look>,
    /// Whether this closes the agent's circuit breaker.
    pub closes_breaker: bool,
}

/// The three ends that are possible once Enter was pressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It was seen to arrive.
    Observed(AttemptObserved),
    /// Nothing more can be seen there.
    Submitted(AttemptSubmitted),
    /// Nothing could be seen that should have been.
    Unknown(AttemptUnknown),
}

impl Ending {
    /// Which message.
    pub const fn message(&self) -> MessageId {
        match self {
            Self::Observed(fact) => fact.message,
            Self::Submitted(fact) => fact.message,
            Self::Unknown(fact) => fact.message,
        }
    }

    const fn attempt(&self) -> u32 {
        match self {
            Self::Observed(fact) => fact.attempt,
            Self::Submitted(fact) => fact.attempt,
            Self::Unknown(fact) => fact.attempt,
        }
    }

    fn fact(&self) -> Fact {
        match self {
            Self::Observed(fact) => Fact::AttemptObserved(fact.clone()),
            Self::Submitted(fact) => Fact::AttemptSubmitted(fact.clone()),
            Self::Unknown(fact) => Fact::AttemptUnknown(fact.clone()),
        }
    }
}

impl EndAttempt {
    /// Allowed only once Enter may have been pressed: before that nothing can have arrived. What an
    /// earlier attempt may have pressed can be unknown now, and no more than that.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let id = self.ending.message();
        let message = known.message(id)?;
        message.open_attempt(self.ending.attempt(), "ended")?;
        let earlier = message.life.entered && matches!(self.ending, Ending::Unknown(_));
        if !message.life.enter_possible && !earlier {
            return Err(message.wrong_state("ended so before Enter"));
        }
        let stream = StreamId::message(id);
        let expected = known.expected(&stream);
        let to = &message.accepted.to;
        let mut plan = Plan::one(stream, expected, self.ending.fact()).in_thread(message.thread());
        if self.closes_breaker {
            let channel = message.life.channel.unwrap_or(Channel::Gui);
            let closed = BreakerClosed {
                agent: to.clone(),
                channel,
            };
            plan = plan.and(part(StreamId::breaker(to, channel), Expected::Any, closed));
        }
        if let Some(look) = &self.learnt {
            plan = plan.and(look.part(to));
        }
        Ok(plan.into())
    }
}

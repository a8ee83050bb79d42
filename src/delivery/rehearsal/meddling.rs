//! What people and agents do to the ledger while messages are under way.

use std::fmt;

use super::paper::Paper;
use crate::commands::acknowledge::Acknowledge;
use crate::commands::add_agent::AddAgent;
use crate::commands::cancel::Cancel;
use crate::commands::command::Command;
use crate::commands::desk::{Outcome, Refused};
use crate::commands::pause_seat::{PauseSeat, ResumeSeat};
use crate::commands::requeue::Requeue;
use crate::commands::resolve::Resolve;
use crate::commands::send::SendMessage;
use crate::events::facts::agent::Profile;
use crate::events::facts::message::{MessageKind, Priority, Verdict, Via};
use crate::events::facts::seat::PauseReason;
use crate::events::ids::{AgentId, MessageId, SeatId};

/// Something somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meddling {
    /// The operator takes the message back.
    Cancel(MessageId),
    /// The operator has it carried again.
    Requeue(MessageId),
    /// The operator looked, and says so.
    Resolve(MessageId, Verdict),
    /// The recipient says that it read it.
    Acknowledge(MessageId, AgentId),
    /// The operator stops one seat.
    Pause(SeatId),
    /// The operator stops all hands.
    Panic,
    /// The operator lets hands move again.
    Resume,
}

impl Meddling {
    /// Does it. Being refused is no trouble: whoever meddles may come too early or too late.
    pub fn strike(&self, paper: &Paper) -> Result<Outcome, Refused> {
        let operator = AgentId::operator();
        let by = operator.clone();
        let (actor, command): (AgentId, Command) = match self.clone() {
            Self::Cancel(message) => (operator, Cancel { message, by }.into()),
            Self::Requeue(message) => (operator, Requeue { message, by }.into()),
            Self::Resolve(message, verdict) => {
                let resolve = Resolve {
                    message,
                    by,
                    verdict,
                };
                (operator, resolve.into())
            }
            Self::Acknowledge(message, agent) => {
                let by = agent.clone();
                (agent, Acknowledge { message, by }.into())
            }
            Self::Pause(seat) => {
                let pause = PauseSeat {
                    seat: Some(seat),
                    by,
                    reason: PauseReason::Asked,
                };
                (operator, pause.into())
            }
            Self::Panic => {
                let pause = PauseSeat {
                    seat: None,
                    by,
                    reason: PauseReason::Panic,
                };
                (operator, pause.into())
            }
            Self::Resume => (operator, ResumeSeat { seat: None, by }.into()),
        };
        paper.execute_as(actor, command)
    }
}

impl fmt::Display for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancel(message) => write!(f, "the operator cancels {message}"),
            Self::Requeue(message) => write!(f, "the operator requeues {message}"),
            Self::Resolve(message, verdict) => {
                write!(f, "the operator resolves {message} as {verdict}")
            }
            Self::Acknowledge(message, agent) => write!(f, "{agent} acknowledges {message}"),
            Self::Pause(seat) => write!(f, "the operator pauses seat {seat}"),
            Self::Panic => write!(f, "the operator calls panic: all hands stop"),
            Self::Resume => write!(f, "the operator resumes everything"),
        }
    }
}

/// A message that is sent in a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub message: MessageId,
    /// To whom.
    pub to: AgentId,
    /// The words.
    pub body: String,
    /// How urgent.
    pub priority: Priority,
    /// Which way.
    pub via: Via,
    /// How long it is worth carrying, in microseconds.
    pub ttl_micros: Option<u64>,
}

impl Paper {
    /// Puts an agent into the fleet.
    pub fn enrol(&self, agent: AgentId, profile: Profile) -> Result<Outcome, Refused> {
        self.execute_as(AgentId::operator(), AddAgent { agent, profile })
    }

    /// Accepts a message from the operator.
    pub fn accept(&self, sent: &Sent) -> Result<Outcome, Refused> {
        let command = SendMessage {
            message: sent.message,
            from: AgentId::operator(),
            to: sent.to.clone(),
            body: sent.body.clone(),
            kind: MessageKind::Text,
            priority: sent.priority,
            tags: Vec::new(),
            via: sent.via,
            ttl_micros: sent.ttl_micros,
            not_before: None,
            reply_to: None,
            broadcast: None,
            hops_max: 16,
            mode: None,
        };
        self.execute_as(AgentId::operator(), command)
    }
}

//! Alerts reach the ledger as facts: what was judged of figures, who looks after one, whom nobody could tell.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "facts that are not about alerts change nothing here"
)]

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Done, Plan};
use super::known::Known;
use super::refusal::{Code, Refusal};
use crate::events::envelope::Event;
use crate::events::facts::alert::{
    AlertAcknowledged, AlertDismissed, AlertEscalated, AlertId, AlertNoticed, AlertRaised,
    AlertResolved, AlertUntold,
};
use crate::events::ids::{AgentId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::Expected;

/// Say what was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepAlert {
    /// A figure is beyond its limit.
    Noticed(AlertNoticed),
    /// It went by.
    Dismissed(AlertDismissed),
    /// It lasted.
    Raised(AlertRaised),
    /// Nobody acknowledged it in time.
    Escalated(AlertEscalated),
    /// It is well again.
    Resolved(AlertResolved),
    /// Somebody could not be told.
    Untold(AlertUntold),
}

impl KeepAlert {
    /// The wish to keep a fact; none for one that nobody judges.
    pub fn of(fact: &Fact) -> Option<Self> {
        Some(match fact {
            Fact::AlertNoticed(it) => Self::Noticed(it.clone()),
            Fact::AlertDismissed(it) => Self::Dismissed(it.clone()),
            Fact::AlertRaised(it) => Self::Raised(it.clone()),
            Fact::AlertEscalated(it) => Self::Escalated(it.clone()),
            Fact::AlertResolved(it) => Self::Resolved(it.clone()),
            Fact::AlertUntold(it) => Self::Untold(it.clone()),
            _ => return None,
        })
    }

    /// Whatever was judged is a fact.
    pub fn decide(&self) -> Decision {
        let (alert, fact): (_, Fact) = match self {
            Self::Noticed(it) => (&it.alert, it.clone().into()),
            Self::Dismissed(it) => (&it.alert, it.clone().into()),
            Self::Raised(it) => (&it.alert, it.clone().into()),
            Self::Escalated(it) => (&it.alert, it.clone().into()),
            Self::Resolved(it) => (&it.alert, it.clone().into()),
            Self::Untold(it) => (&it.alert, it.clone().into()),
        };
        Plan::one(alert.into(), Expected::Any, fact).into()
    }
}

/// Somebody looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgeAlert {
    /// Which.
    pub alert: AlertId,
    /// Who.
    pub by: AgentId,
}

impl AcknowledgeAlert {
    /// One that is not raised cannot be acknowledged; one that is acknowledged stays the first one's.
    pub fn decide(&self, known: &Known) -> Result<Decision, Refusal> {
        let hint = "`switchboard alerts` shows every alert";
        let Some(alert) = known.alerts.get(&self.alert) else {
            let text = format!("there is no alert `{}`", self.alert);
            return Err(Refusal::new(Code::UnknownAlert, text).hint(hint));
        };
        match alert.stage {
            Stage::Acknowledged => Ok(Decision::Already(Done::already(alert.last, alert.version))),
            Stage::Firing => {
                let stream = StreamId::from(&self.alert);
                let expected = known.expected(&stream);
                let (alert, by) = (self.alert.clone(), self.by.clone());
                Ok(Plan::one(stream, expected, AlertAcknowledged { alert, by }).into())
            }
            Stage::Noticed | Stage::Over => {
                let state = if alert.stage == Stage::Noticed {
                    "not raised yet"
                } else {
                    "over"
                };
                let text = format!("the alert `{}` is {state}", self.alert);
                Err(Refusal::new(Code::WrongState, text).hint(hint))
            }
        }
    }
}

/// How far an alert has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Noticed.
    Noticed,
    /// Raised.
    Firing,
    /// Somebody looks after it.
    Acknowledged,
    /// Resolved, or dismissed.
    Over,
}

/// One alert, folded from its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAlert {
    /// How far it has come.
    pub stage: Stage,
    /// Version of the stream's last event.
    pub version: u64,
    /// Position of the event that brought it this far.
    pub last: Position,
}

impl KnownAlert {
    /// The alert behind its stream; none when the stream tells of none.
    pub fn fold(events: &[Event]) -> Option<Self> {
        let version = events.last()?.version;
        events.iter().rev().find_map(|event| {
            let stage = match &event.fact {
                Fact::AlertNoticed(_) => Stage::Noticed,
                Fact::AlertRaised(_) => Stage::Firing,
                Fact::AlertAcknowledged(_) => Stage::Acknowledged,
                Fact::AlertResolved(_) | Fact::AlertDismissed(_) => Stage::Over,
                _ => return None,
            };
            Some(Self {
                stage,
                version,
                last: event.position,
            })
        })
    }
}

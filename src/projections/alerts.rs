//! How every alert stands: those that are not over, and the last ones that are.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fold::{Fold, Seen};
use crate::events::facts::alert::{AlertId, AlertRaised, Breach, Notifier, Severity};
use crate::events::facts::words::worded;
use crate::events::ids::{AgentId, Position};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// So many of those that are over are remembered.
const REMEMBERED: usize = 200;

worded! {
    /// How an alert stands.
    Phase, "a state of an alert" {
        /// Noticed, and not for long yet.
        Pending = "pending",
        /// It is so, and nobody has said that they look after it.
        Firing = "firing",
        /// It is so, and somebody looks after it.
        Acknowledged = "acknowledged",
        /// It is well again.
        Resolved = "resolved",
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How it stands.
    pub phase: Phase,
    /// What was seen when it came this far.
    pub breach: Breach,
    /// How bad it is now.
    pub severity: Severity,
    /// When it was noticed.
    pub noticed_at: Timestamp,
    /// When it was raised.
    pub raised_at: Option<Timestamp>,
    /// When it becomes worse if nobody acknowledges it.
    pub escalate_at: Option<Timestamp>,
    /// When it became worse.
    pub escalated_at: Option<Timestamp>,
    /// Who looks after it, and since when.
    pub acknowledged: Option<(AgentId, Timestamp)>,
    /// When it was well again.
    pub resolved_at: Option<Timestamp>,
    /// The last event about it.
    pub position: Position,
}

impl Standing {
    fn begin(breach: &Breach, seen: &Seen<'_>) -> Self {
        Self {
            phase: Phase::Pending,
            breach: breach.clone(),
            severity: breach.severity,
            noticed_at: seen.recorded_at,
            raised_at: None,
            escalate_at: None,
            escalated_at: None,
            acknowledged: None,
            resolved_at: None,
            position: seen.position,
        }
    }

    fn raise(&mut self, raised: &AlertRaised, at: Timestamp) {
        self.phase = Phase::Firing;
        self.breach = raised.breach.clone();
        self.severity = raised.breach.severity;
        self.raised_at = Some(at);
        self.escalate_at = raised.escalate_at;
    }

    /// One alert as people and other programs see it.
    pub fn to_json(&self, id: &AlertId) -> Value {
        let Breach {
            rule,
            subject,
            figure,
            value,
            above,
            limit,
            severity: _,
            since,
        } = &self.breach;
        json!({
            "alert": id,
            "rule": rule,
            "subject": subject,
            "state": self.phase,
            "severity": self.severity,
            "figure": figure,
            "value": value,
            "above": above,
            "limit": limit,
            "since": since,
            "noticed_at": self.noticed_at,
            "raised_at": self.raised_at,
            "escalate_at": self.escalate_at,
            "escalated_at": self.escalated_at,
            "acknowledged_at": self.acknowledged.as_ref().map(|(_, at)| at),
            "acknowledged_by": self.acknowledged.as_ref().map(|(by, _)| by),
            "resolved_at": self.resolved_at,
            "position": self.position,
        })
    }
}

/// Every alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    current: BTreeMap<AlertId, Standing>,
    /// Oldest first.
    over: VecDeque<(AlertId, Standing)>,
    raised: u64,
    untold: BTreeMap<Notifier, u64>,
}

impl Fold for Alerts {
    const NAME: &'static str = "alerts";
    const VERSION: u32 = 1;
    const READS_SINCE: u32 = 1;

    fn cares(kind: u16) -> bool {
        matches!(kind, 740..=749)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        let at = event.recorded_at;
        match event.fact {
            Fact::AlertNoticed(it) => {
                let begun = Standing::begin(&it.breach, event);
                self.current.insert(it.alert.clone(), begun);
            }
            Fact::AlertDismissed(it) => {
                self.current.remove(&it.alert);
            }
            Fact::AlertRaised(it) => {
                let begin = || Standing::begin(&it.breach, event);
                let one = self.current.entry(it.alert.clone()).or_insert_with(begin);
                one.raise(it, at);
                one.position = event.position;
                self.raised = self.raised.saturating_add(1);
            }
            Fact::AlertAcknowledged(it) => {
                if let Some(one) = self.current.get_mut(&it.alert) {
                    one.phase = Phase::Acknowledged;
                    one.acknowledged = Some((it.by.clone(), at));
                    one.position = event.position;
                }
            }
            Fact::AlertEscalated(it) => {
                if let Some(one) = self.current.get_mut(&it.alert) {
                    one.severity = Severity::Critical;
                    one.escalated_at = Some(at);
                    one.position = event.position;
                }
            }
            Fact::AlertResolved(it) => {
                if let Some(mut one) = self.current.remove(&it.alert) {
                    one.phase = Phase::Resolved;
                    one.resolved_at = Some(at);
                    one.position = event.position;
                    self.over.push_back((it.alert.clone(), one));
                    if self.over.len() > REMEMBERED {
                        self.over.pop_front();
                    }
                }
            }
            Fact::AlertUntold(it) => {
                let counted = self.untold.entry(it.notifier).or_default();
                *counted = counted.saturating_add(1);
            }
            _ => {}
        }
    }
}

impl Alerts {
    /// One that is not over.
    pub fn get(&self, id: &AlertId) -> Option<&Standing> {
        self.current.get(id)
    }

    /// Those that are not over, by name.
    pub const fn current(&self) -> &BTreeMap<AlertId, Standing> {
        &self.current
    }

    /// The last ones that are over, newest first.
    pub fn over(&self) -> impl Iterator<Item = &(AlertId, Standing)> {
        self.over.iter().rev()
    }

    /// How many were ever raised.
    pub const fn raised(&self) -> u64 {
        self.raised
    }

    /// How often somebody could not be told, by the way it was tried.
    pub const fn untold(&self) -> &BTreeMap<Notifier, u64> {
        &self.untold
    }

    /// Alerts as lists show them: those that are not over, the worst first, then on request those that
    /// are, newest first.
    pub fn shown(&self, resolved: bool) -> Vec<Value> {
        let mut current: Vec<_> = self.current.iter().collect();
        current.sort_by_key(|(_, one)| {
            let waiting = one.phase != Phase::Firing;
            (waiting, std::cmp::Reverse(one.severity))
        });
        let current = current.into_iter().map(|(id, one)| one.to_json(id));
        let over = self.over().filter(|_| resolved);
        current
            .chain(over.map(|(id, one)| one.to_json(id)))
            .collect()
    }

    /// For people and `projections check`, not part of the hash.
    pub fn to_json(&self) -> Value {
        json!({"alerts": self.shown(true), "raised": self.raised, "untold": self.untold})
    }
}

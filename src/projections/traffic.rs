//! Counters and latencies: how much went where, how fast, and what failed.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::by_message::ByMessage;
use super::fold::{Fold, Seen};
use super::histogram::Histogram;
use super::outbox::{has_left, message_of};
use crate::events::facts::attempt::{Channel, FailureClass, Step, StepTime};
use crate::events::facts::message::Priority;
use crate::events::facts::words::worded;
use crate::events::ids::{AgentId, MessageId};
use crate::events::kind::Fact;
use crate::events::lifecycle::Life;
use crate::events::time::Timestamp;

worded! {
    /// What is counted.
    Count, "a counter" {
        /// Messages taken in.
        Accepted = "accepted",
        /// Attempts begun.
        Started = "started",
        /// Texts seen in their box.
        Pasted = "pasted",
        /// Attempts whose proof ended at Enter.
        Submitted = "submitted",
        /// Attempts seen to arrive.
        Observed = "observed",
        /// Attempts that failed.
        Failed = "failed",
        /// Attempts whose outcome nobody knows.
        Unknown = "unknown",
        /// Files in inboxes.
        Inboxed = "inboxed",
        /// Messages whose time ran out.
        Expired = "expired",
        /// Messages taken back.
        Cancelled = "cancelled",
        /// Messages acknowledged.
        Acknowledged = "acknowledged",
        /// Messages answered.
        Answered = "answered",
        /// Messages carried once more.
        Requeued = "requeued",
        /// Messages settled by looking.
        Resolved = "resolved",
        /// Messages every way was tried for.
        Died = "died",
        /// Messages taken out of inboxes.
        Read = "read",
        /// Breakers opened.
        BreakersOpened = "breakers_opened",
    }
}

/// Counters by kind. Stored and shown as a map of those that are not 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Count::ALL.len()]);

impl Counts {
    /// One counter.
    pub fn of(&self, count: Count) -> u64 {
        self.0.get(count.nth()).copied().unwrap_or(0)
    }

    /// Every counter that is not 0.
    pub fn iter(&self) -> impl Iterator<Item = (Count, u64)> {
        let all = Count::ALL.iter().copied().zip(self.0);
        all.filter(|(_, counted)| *counted > 0)
    }

    fn add(&mut self, count: Count) {
        if let Some(counted) = self.0.get_mut(count.nth()) {
            add(counted);
        }
    }
}

impl Count {
    #[expect(
        clippy::as_conversions,
        reason = "a fieldless enum's place in its own declaration"
    )]
    const fn nth(self) -> usize {
        self as usize
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // Counted beforehand: what is not text wants to know how many there are.
        let counted: Vec<_> = self.iter().collect();
        to.collect_map(counted)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut counts = Self::default();
        for (count, counted) in BTreeMap::<Count, u64>::deserialize(from)? {
            if let Some(known) = counts.0.get_mut(count.nth()) {
                *known = counted;
            }
        }
        Ok(counts)
    }
}

/// The whole traffic since the first event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    total: Counts,
    by_priority: BTreeMap<Priority, Counts>,
    by_channel: BTreeMap<Channel, Counts>,
    by_agent: BTreeMap<AgentId, Counts>,
    failures: BTreeMap<FailureClass, u64>,
    settling: BTreeMap<Priority, Histogram>,
    steps: BTreeMap<Step, Histogram>,
    open: ByMessage<Open>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    to: AgentId,
    priority: Priority,
    since: Timestamp,
    life: Life,
}

impl Fold for Traffic {
    const NAME: &'static str = "traffic";
    const VERSION: u32 = 1;
    const READS_SINCE: u32 = 1;

    fn cares(kind: u16) -> bool {
        matches!(kind, 100..=299 | 500..=599)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        if let Fact::MessageAccepted(accepted) = event.fact
            && let Some(life) = Life::begin(event.fact, event.recorded_at)
        {
            self.open.insert_new(accepted.message, || Open {
                to: accepted.to.clone(),
                priority: accepted.priority,
                since: life.due_at,
                life,
            });
        }
        self.count(event.fact);
        if let Some(message) = message_of(event.fact) {
            self.advance(message, event);
        }
    }
}

impl Traffic {
    fn advance(&mut self, message: MessageId, event: &Seen<'_>) {
        let Some(open) = self.open.get_mut(message) else {
            return;
        };
        let settled = open.life.settled_at.is_some();
        open.life.advance(event.fact, event.recorded_at);
        if !settled && open.life.settled_at.is_some() {
            let latency = event.recorded_at.since(open.since);
            self.settling
                .entry(open.priority)
                .or_default()
                .record(latency);
        }
        if let Fact::MessageRequeued(_) = event.fact {
            open.since = event.recorded_at;
        }
        if has_left(&open.life) {
            self.open.remove(message);
        }
    }

    fn count(&mut self, fact: &Fact) {
        let (count, message) = match fact {
            Fact::MessageAccepted(it) => (Count::Accepted, it.message),
            Fact::MessageExpired(it) => (Count::Expired, it.message),
            Fact::MessageCancelled(it) => (Count::Cancelled, it.message),
            Fact::MessageAcknowledged(it) => (Count::Acknowledged, it.message),
            Fact::MessageAnswered(it) => (Count::Answered, it.message),
            Fact::MessageRequeued(it) => (Count::Requeued, it.message),
            Fact::MessageResolved(it) => (Count::Resolved, it.message),
            Fact::MessageDied(it) => (Count::Died, it.message),
            Fact::MessageRead(it) => (Count::Read, it.message),
            Fact::AttemptStarted(it) => (Count::Started, it.message),
            Fact::AttemptPasted(it) => (Count::Pasted, it.message),
            Fact::AttemptSubmitted(it) => {
                self.times(&it.steps);
                (Count::Submitted, it.message)
            }
            Fact::AttemptObserved(it) => {
                self.times(&it.steps);
                (Count::Observed, it.message)
            }
            Fact::AttemptFailed(it) => {
                add(self.failures.entry(it.class).or_default());
                self.times(&it.steps);
                (Count::Failed, it.message)
            }
            Fact::AttemptUnknown(it) => (Count::Unknown, it.message),
            Fact::AttemptInboxed(it) => (Count::Inboxed, it.message),
            Fact::BreakerOpened(it) => {
                self.total.add(Count::BreakersOpened);
                let of_channel = self.by_channel.entry(it.channel).or_default();
                of_channel.add(Count::BreakersOpened);
                count_for(&mut self.by_agent, &it.agent, Count::BreakersOpened);
                return;
            }
            _ => return,
        };
        self.add(count, message, fact);
    }

    fn add(&mut self, count: Count, message: MessageId, fact: &Fact) {
        self.total.add(count);
        // Whoever acknowledges or reads is the recipient, also long after delivery.
        let said_by = match fact {
            Fact::MessageAcknowledged(it) => Some(&it.by),
            Fact::MessageAnswered(it) => Some(&it.by),
            Fact::MessageRead(it) => Some(&it.by),
            _ => None,
        };
        let Some(open) = self.open.get(message) else {
            if let Some(agent) = said_by {
                count_for(&mut self.by_agent, agent, count);
            }
            return;
        };
        self.by_priority
            .entry(open.priority)
            .or_default()
            .add(count);
        count_for(&mut self.by_agent, &open.to, count);
        let channel = match fact {
            Fact::AttemptStarted(started) => Some(started.channel),
            Fact::AttemptPasted(_)
            | Fact::AttemptSubmitted(_)
            | Fact::AttemptObserved(_)
            | Fact::AttemptFailed(_)
            | Fact::AttemptUnknown(_)
            | Fact::AttemptInboxed(_) => open.life.channel,
            _ => None,
        };
        if let Some(channel) = channel {
            self.by_channel.entry(channel).or_default().add(count);
        }
    }

    fn times(&mut self, steps: &[StepTime]) {
        for step in steps {
            let took = std::time::Duration::from_micros(step.micros);
            self.steps.entry(step.step).or_default().record(took);
        }
    }

    /// A counter over everything.
    pub fn total(&self, count: Count) -> u64 {
        self.total.of(count)
    }

    /// Counters by priority.
    pub const fn by_priority(&self) -> &BTreeMap<Priority, Counts> {
        &self.by_priority
    }

    /// Counters of attempts by channel.
    pub const fn by_channel(&self) -> &BTreeMap<Channel, Counts> {
        &self.by_channel
    }

    /// Counters by recipient.
    pub const fn by_agent(&self) -> &BTreeMap<AgentId, Counts> {
        &self.by_agent
    }

    /// Failed attempts by class.
    pub const fn failures(&self) -> &BTreeMap<FailureClass, u64> {
        &self.failures
    }

    /// From being due (accepted, or the instant it was meant for) to being settled in any way, by
    /// priority.
    pub const fn settling(&self) -> &BTreeMap<Priority, Histogram> {
        &self.settling
    }

    /// How long each step of an attempt took.
    pub const fn steps(&self) -> &BTreeMap<Step, Histogram> {
        &self.steps
    }

    /// The state that is hashed.
    pub fn to_json(&self) -> Value {
        let histograms = |of: Vec<(String, &Histogram)>| -> Value {
            let map: serde_json::Map<String, Value> = of
                .into_iter()
                .map(|(name, histogram)| (name, histogram.to_json()))
                .collect();
            Value::Object(map)
        };
        let settling = self.settling.iter().map(|(key, it)| (key.to_string(), it));
        let steps = self.steps.iter().map(|(key, it)| (key.to_string(), it));
        json!({
            "total": self.total,
            "by_priority": self.by_priority,
            "by_channel": self.by_channel,
            "by_agent": self.by_agent,
            "failures": self.failures,
            "settling": histograms(settling.collect()),
            "steps": histograms(steps.collect()),
        })
    }
}

/// Counts for an agent; its name is copied only the first time.
fn count_for(by_agent: &mut BTreeMap<AgentId, Counts>, agent: &AgentId, count: Count) {
    match by_agent.get_mut(agent) {
        Some(counts) => counts.add(count),
        None => by_agent.entry(agent.clone()).or_default().add(count),
    }
}

const fn add(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

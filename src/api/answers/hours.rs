//! What happened hour by hour: counters, failure classes and latencies, read from the events. Hours that
//! are over never change and are kept; of the one that goes on only what is new is read.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "few facts are counted; the others, and kinds to come, change nothing here"
)]

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::problem::Problem;
use crate::events::facts::attempt::{FailureClass, Next};
use crate::events::ids::{AgentId, MessageId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::Ledger;
use crate::events::time::Timestamp;
use crate::projections::histogram::Histogram;

/// An hour in microseconds.
const HOUR: u64 = 3_600_000_000;

/// How many hours that are over are kept.
const KEPT: usize = 24 * 14;

/// Kinds of facts about messages and attempts.
const TELLING: std::ops::RangeInclusive<u16> = 100..=299;

/// Counters of attempts and messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages taken in.
    pub accepted: u64,
    /// Attempts begun.
    pub started: u64,
    /// Attempts that arrived, as far as can be seen.
    pub arrived: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts whose outcome nobody knows.
    pub unknown: u64,
    /// Files put into inboxes.
    pub inboxed: u64,
    /// Messages every way was tried for.
    pub died: u64,
    /// Failures after which the same way is tried again.
    pub retried: u64,
    /// Failures after which another way is tried.
    pub fell_back: u64,
}

/// One hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Everything.
    pub all: Counts,
    /// By recipient.
    pub by_agent: BTreeMap<AgentId, Counts>,
    /// Failed attempts by class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// From being due to having arrived, in a window or an inbox.
    pub arrival: Histogram,
}

/// Hours that were read.
#[derive(Debug, Default)]
pub struct Hours {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    over: BTreeMap<u64, Arc<Hour>>,
    going: Option<Tally>,
}

/// An hour as far as it was read.
#[derive(Clone, Debug, Default)]
struct Tally {
    nth: u64,
    read_to: Position,
    hour: Hour,
    /// To whom a message goes, and since when it is due.
    open: HashMap<MessageId, (AgentId, Timestamp)>,
}

impl Hours {
    /// The last hours up to a position and an instant, oldest first, each with its beginning. The last
    /// one is the hour of that instant, as far as it went.
    pub fn last(
        &self,
        ledger: &Ledger,
        (to, at): (Position, Timestamp),
        count: u64,
    ) -> Result<Vec<(Timestamp, Arc<Hour>)>, Problem> {
        let newest = at.micros() / HOUR;
        let oldest = newest.saturating_sub(count.saturating_sub(1));
        let head = ledger.head().recorded_at.micros() / HOUR;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hours = Vec::new();
        for nth in oldest..=newest {
            let begins = Timestamp::from_micros(nth.saturating_mul(HOUR));
            let hour = kept.hour(ledger, nth, to, nth < head && nth < newest)?;
            hours.push((begins, hour));
        }
        Ok(hours)
    }
}

impl Kept {
    fn hour(
        &mut self,
        ledger: &Ledger,
        nth: u64,
        to: Position,
        is_over: bool,
    ) -> Result<Arc<Hour>, Problem> {
        if let Some(known) = self.over.get(&nth).filter(|_| is_over) {
            return Ok(Arc::clone(known));
        }
        let going = self.going.take();
        let went_on = going.filter(|tally| tally.nth == nth && tally.read_to <= to);
        let mut tally = match went_on {
            Some(tally) => tally,
            None => Tally::begin(ledger, nth)?,
        };
        let end = Timestamp::from_micros(nth.saturating_add(1).saturating_mul(HOUR) - 1);
        let last = ledger.position_at(end)?.min(to);
        tally.go_on(ledger, last)?;
        let hour = Arc::new(tally.hour.clone());
        if is_over {
            if self.over.len() >= KEPT {
                self.over.pop_first();
            }
            self.over.insert(nth, Arc::clone(&hour));
        } else {
            self.going = Some(tally);
        }
        Ok(hour)
    }
}

impl Tally {
    fn begin(ledger: &Ledger, nth: u64) -> Result<Self, Problem> {
        let begins = nth.saturating_mul(HOUR);
        let before = Timestamp::from_micros(begins.saturating_sub(1));
        Ok(Self {
            nth,
            read_to: ledger.position_at(before)?,
            ..Self::default()
        })
    }

    fn go_on(&mut self, ledger: &Ledger, to: Position) -> Result<(), Problem> {
        if to <= self.read_to {
            return Ok(());
        }
        let mut failed = None;
        let mut events = Vec::new();
        ledger.scan(self.read_to.next(), to, |stored| {
            if TELLING.contains(&stored.kind()) {
                match stored.fact() {
                    Ok(fact) => events.push((stored.recorded_at(), fact)),
                    // Told by the projections that stop there; here it is one attempt fewer.
                    Err(error) => failed = Some(error),
                }
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failed {
            tracing::debug!(%error, "an event that is not counted");
        }
        for (at, fact) in events {
            self.take(ledger, &fact, at)?;
        }
        self.read_to = to;
        Ok(())
    }

    fn take(&mut self, ledger: &Ledger, fact: &Fact, at: Timestamp) -> Result<(), Problem> {
        match fact {
            Fact::MessageAccepted(it) => {
                let due = it.not_before.unwrap_or(at).max(at);
                self.open.insert(it.message, (it.to.clone(), due));
                self.count(&it.to, |counts| counts.accepted += 1);
            }
            Fact::AttemptStarted(it) => self.told(ledger, it.message, |it| it.started += 1)?,
            Fact::AttemptUnknown(it) => self.told(ledger, it.message, |it| it.unknown += 1)?,
            Fact::MessageDied(it) => self.told(ledger, it.message, |it| it.died += 1)?,
            Fact::AttemptSubmitted(it) => {
                self.arrives(ledger, it.message, at, |it| it.arrived += 1)?;
            }
            Fact::AttemptObserved(it) => {
                self.arrives(ledger, it.message, at, |it| it.arrived += 1)?;
            }
            Fact::AttemptInboxed(it) => {
                self.arrives(ledger, it.message, at, |it| it.inboxed += 1)?;
            }
            Fact::AttemptFailed(it) => {
                *self.hour.failures.entry(it.class).or_default() += 1;
                self.told(ledger, it.message, |counts| {
                    counts.failed += 1;
                    match it.next {
                        Next::Retry { .. } => counts.retried += 1,
                        Next::Fallback { .. } => counts.fell_back += 1,
                        Next::Dead => {}
                    }
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn arrives(
        &mut self,
        ledger: &Ledger,
        message: MessageId,
        at: Timestamp,
        add: impl Fn(&mut Counts),
    ) -> Result<(), Problem> {
        if let Some((to, due)) = self.of(ledger, message)? {
            self.hour.arrival.record(at.since(due));
            self.count(&to, add);
        }
        Ok(())
    }

    fn told(
        &mut self,
        ledger: &Ledger,
        message: MessageId,
        add: impl Fn(&mut Counts),
    ) -> Result<(), Problem> {
        if let Some((to, _)) = self.of(ledger, message)? {
            self.count(&to, add);
        }
        Ok(())
    }

    fn count(&mut self, to: &AgentId, add: impl Fn(&mut Counts)) {
        add(&mut self.hour.all);
        match self.hour.by_agent.get_mut(to) {
            Some(counts) => add(counts),
            None => add(self.hour.by_agent.entry(to.clone()).or_default()),
        }
    }

    /// To whom a message goes and since when it is due; looked up when it was accepted before this hour.
    fn of(
        &mut self,
        ledger: &Ledger,
        message: MessageId,
    ) -> Result<Option<(AgentId, Timestamp)>, Problem> {
        if let Some(known) = self.open.get(&message) {
            return Ok(Some(known.clone()));
        }
        let events = ledger.read_stream(&StreamId::message(message))?;
        let Some((Fact::MessageAccepted(accepted), at)) =
            events.first().map(|it| (&it.fact, it.recorded_at))
        else {
            return Ok(None);
        };
        let due = accepted.not_before.unwrap_or(at).max(at);
        let known = (accepted.to.clone(), due);
        self.open.insert(message, known.clone());
        Ok(Some(known))
    }
}

/// Counters of several hours together.
pub fn together<'h>(hours: impl Iterator<Item = &'h Arc<Hour>>) -> Hour {
    let mut sum = Hour::default();
    for hour in hours {
        sum.all.add(&hour.all);
        for (agent, counts) in &hour.by_agent {
            sum.by_agent.entry(agent.clone()).or_default().add(counts);
        }
        for (class, count) in &hour.failures {
            *sum.failures.entry(*class).or_default() += count;
        }
        sum.arrival.add(&hour.arrival);
    }
    sum
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.started += other.started;
        self.arrived += other.arrived;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.inboxed += other.inboxed;
        self.died += other.died;
        self.retried += other.retried;
        self.fell_back += other.fell_back;
    }

    /// The share of attempts that arrived; none when none ended. As in the metrics, files in inboxes
    /// are neither.
    pub fn success(&self) -> Option<f64> {
        let all = self.arrived + self.failed + self.unknown;
        let share = (self.arrived * 10_000).checked_div(all)?;
        Some(f64::from(u32::try_from(share).unwrap_or(0)) / 10_000.0)
    }
}

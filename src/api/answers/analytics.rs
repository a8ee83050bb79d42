//! What fails where and when, whether it gets better, and how long to wait.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::facts::attempt::Step;
use crate::events::ids::{AgentId, MessageId, Position, StreamId};
use crate::events::kind::{Fact, MESSAGE_ACCEPTED};
use crate::events::ledger::handle::Ledger;
use crate::events::time::Timestamp;
use crate::projections::patterns::{Fared, Patterns};
use crate::projections::view::View;

/// How far back is looked when nothing is said.
const STRETCH: Duration = Duration::from_hours(24);

/// At most so many of the newest events are counted: an answer must not take minutes.
const LOOKS: u64 = 200_000;

/// At most so many rows of a list; the largest are shown.
const ROWS: usize = 500;

/// A step with fewer attempts than this suggests nothing.
const ENOUGH: u64 = 20;

/// Steps that are waited for with a deadline.
const AWAITED: [Step; 4] = [Step::Focus, Step::Clipboard, Step::Paste, Step::Submit];

/// `GET /api/v1/observability/analytics`.
pub fn analytics(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let ledger = &house.reads.ledger;
    let past = asked.as_of()?;
    let (to, until) = match past {
        Some(moment) => {
            let to = moment.resolve(ledger)?;
            let at = ledger.read(to, 1)?;
            (to, at.first().map_or(Timestamp::EPOCH, |it| it.recorded_at))
        }
        None => (ledger.head().position, house.reads.clock.now()),
    };
    let micros = u64::try_from(STRETCH.as_micros()).unwrap_or(u64::MAX);
    let day = Timestamp::from_micros(until.micros().saturating_sub(micros));
    let since = asked.instant("since")?.unwrap_or(day);
    let begin = ledger.position_at(since)?.next();
    let from = begin.max(Position(to.0.saturating_sub(LOOKS).saturating_add(1)));
    let whole = from == begin;
    let patterns = counted(ledger, from, to)?;
    // They are those of now: what was learnt then is not kept.
    let deadlines = if past.is_some() {
        Vec::new()
    } else {
        house.holds(View::Timing)?;
        deadlines(house)
    };
    let item = json!({
        "position": to,
        "since": since,
        "until": until,
        "whole": whole,
        "total": fared(&total(&patterns)),
        "agents": worst(&patterns),
        "failures": failures(&patterns),
        "hours": hours(&patterns),
        "trend": trend(&patterns, since, until),
        "deadlines": deadlines,
    });
    Ok(Answer::item(to, &item))
}

fn counted(ledger: &Ledger, from: Position, to: Position) -> Result<Patterns, Problem> {
    let mut facts: Vec<(Fact, Timestamp)> = Vec::new();
    let mut recipients: BTreeMap<MessageId, AgentId> = BTreeMap::new();
    let mut failed = None;
    ledger.scan(from, to, |stored| {
        if matches!(stored.kind(), MESSAGE_ACCEPTED | 200..=299) {
            match stored.fact() {
                Ok(Fact::MessageAccepted(accepted)) => {
                    recipients.insert(accepted.message, accepted.to);
                }
                Ok(fact) => facts.push((fact, stored.recorded_at())),
                Err(error) => {
                    failed = Some(error.to_string());
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some(why) = failed {
        return Err(Problem::internal(why));
    }
    let mut patterns = Patterns::default();
    for (fact, at) in &facts {
        let to = match Patterns::concerns(fact) {
            Some(message) if !recipients.contains_key(&message) => {
                // It was accepted before the stretch began.
                let found = recipient(ledger, message)?;
                recipients.extend(found.map(|to| (message, to)));
                recipients.get(&message)
            }
            Some(message) => recipients.get(&message),
            None => None,
        };
        patterns.count(fact, *at, to);
    }
    Ok(patterns)
}

fn recipient(ledger: &Ledger, message: MessageId) -> Result<Option<AgentId>, Problem> {
    let events = ledger.read_stream(&StreamId::message(message))?;
    Ok(events.into_iter().find_map(|event| {
        let Fact::MessageAccepted(accepted) = event.fact else {
            return None;
        };
        Some(accepted.to)
    }))
}

/// A share in hundredths of a per cent, as a number from 0 to 1; none of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    let share = u128::from(part)
        .saturating_mul(10_000)
        .checked_div(u128::from(whole))?;
    Some(f64::from(u32::try_from(share).unwrap_or(0)) / 10_000.0)
}

fn total(patterns: &Patterns) -> Fared {
    let mut total = Fared::default();
    for one in patterns.agents.values() {
        total.arrived = total.arrived.saturating_add(one.arrived);
        total.unknown = total.unknown.saturating_add(one.unknown);
        for (class, counted) in &one.failed {
            let sum = total.failed.entry(*class).or_default();
            *sum = sum.saturating_add(*counted);
        }
        total.took = total.took.and(&one.took);
    }
    total
}

fn fared(one: &Fared) -> Value {
    let quantile = |per_mille| {
        let took = one.took.quantile(per_mille)?;
        u64::try_from(took.as_micros()).ok()
    };
    json!({
        "attempts": one.ended(),
        "arrived": one.arrived,
        "failed": one.failures(),
        "unknown": one.unknown,
        "success_rate": share(one.arrived, one.ended()),
        "classes": one.failed,
        "p50_micros": quantile(500),
        "p95_micros": quantile(950),
    })
}

/// Every agent, the worst first.
fn worst(patterns: &Patterns) -> Vec<Value> {
    let mut agents: Vec<_> = patterns.agents.iter().collect();
    // The share that did not arrive, then how many, then the name.
    agents.sort_by_key(|(id, it)| {
        let missed = it.ended().saturating_sub(it.arrived);
        let share = u128::from(missed)
            .saturating_mul(1_000_000)
            .checked_div(u128::from(it.ended()));
        (std::cmp::Reverse((share, missed)), (*id).clone())
    });
    let rows = agents.into_iter().take(ROWS);
    rows.map(|(id, it)| json!({"agent": id, "fared": fared(it)}))
        .collect()
}

/// By class, agent and hour, the most frequent first.
fn failures(patterns: &Patterns) -> Vec<Value> {
    let mut rows: Vec<_> = patterns.failures.iter().collect();
    rows.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    rows.truncate(ROWS);
    rows.into_iter()
        .map(|((class, agent, hour), count)| {
            json!({"class": class, "agent": agent, "hour": hour, "count": count})
        })
        .collect()
}

fn hours(patterns: &Patterns) -> Vec<Value> {
    let newest = patterns.hours.iter().rev().take(ROWS);
    let mut rows: Vec<Value> = newest
        .map(|(hour, it)| json!({"hour": hour, "fared": fared(it)}))
        .collect();
    rows.reverse();
    rows
}

/// The first half of the stretch against the second, in whole hours.
fn trend(patterns: &Patterns, since: Timestamp, until: Timestamp) -> Value {
    let middle = Timestamp::from_micros(since.micros().midpoint(until.micros()));
    let half = |second: bool| {
        let of = patterns
            .hours
            .iter()
            .filter(|(hour, _)| (**hour >= middle) == second);
        of.fold((0_u64, 0_u64), |(arrived, ended), (_, it)| {
            (
                arrived.saturating_add(it.arrived),
                ended.saturating_add(it.ended()),
            )
        })
    };
    let (before, after) = (half(false), half(true));
    let (first, second) = (share(before.0, before.1), share(after.0, after.1));
    let word = match (first, second) {
        (Some(first), Some(second)) if second > first + 0.01 => "better",
        (Some(first), Some(second)) if second < first - 0.01 => "worse",
        (Some(_), Some(_)) => "steady",
        (_, _) => "unknown",
    };
    json!({"middle": middle, "before": first, "after": second, "word": word})
}

/// Four times the time in which 99 of a hundred arrived, agent by agent and step by step: what deadlines learnt
/// with the shipped settings come to before floor and ceiling. `timing` tells those in force.
fn deadlines(house: &House) -> Vec<Value> {
    house.reads.projections.read(|states| {
        let mut rows = Vec::new();
        for (agent, steps) in states.timing.agents() {
            for (step, past) in steps.iter().filter(|(step, _)| AWAITED.contains(step)) {
                let count = past.all().count();
                let p99 = past.all().quantile(990).filter(|_| count >= ENOUGH);
                let Some(p99) = p99 else { continue };
                let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
                rows.push(json!({
                    "agent": agent,
                    "step": step,
                    "attempts": count,
                    "missed": past.missed(),
                    "p99_micros": micros(p99),
                    "suggested_micros": micros(p99.saturating_mul(4)),
                }));
            }
        }
        rows
    })
}

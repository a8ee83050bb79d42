//! The desk at a glance, as the dashboard's first page has it: one object for who has no browser.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::backups::{self, Safety};
use super::health;
use super::hours::{Counts, Hour, together};
use super::metrics::quantiles;
use crate::api::house::Reads;
use crate::api::problem::Problem;
use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::kind::{BACKUPS, Fact};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;
use crate::projections::states::States;
use crate::projections::story::Story;

/// How many hours are a period.
const PERIOD: usize = 24;

/// How many messages of the queue are listed.
const QUEUED: usize = 100;

/// How many failures, and how many events.
const NEWEST: usize = 40;

/// Everything, as it is now. Projections have caught up.
pub fn overview(reads: &Reads) -> Result<Value, Problem> {
    let now = reads.clock.now();
    let head = reads.ledger.head();
    let hours = reads
        .memory
        .hours
        .last(&reads.ledger, (head.position, now), 48)?;
    let (before, day) = hours.split_at(hours.len().saturating_sub(PERIOD));
    let sum = together(day.iter().map(|(_, hour)| hour));
    let sum_before = together(before.iter().map(|(_, hour)| hour));
    let standing = reads.projections.read(|states| standing(states, &sum));
    let mut item = json!({
        "at": now,
        "position": head.position,
        "recorded_at": head.recorded_at,
        "health": health::judged(&health::facts(reads)?, now),
        "day": {
            "counts": counted(&sum.all),
            "success_rate": sum.all.success(),
            "success_rate_before": sum_before.all.success(),
            "arrival": quantiles(&sum.arrival),
            "failures": sum.failures,
            "hours": day.iter().map(by_hour).collect::<Vec<_>>(),
        },
        "recent_failures": failures(reads, head.position)?,
        "events": newest(reads, head.position)?,
        "backup": safety(reads, head.position, now)?,
    });
    if let (Some(fields), Value::Object(more)) = (item.as_object_mut(), standing) {
        fields.extend(more);
    }
    Ok(item)
}

/// What the projections say.
fn standing(states: &States, sum: &Hour) -> Value {
    let queue = states.outbox.queue_after(None);
    let rows = queue.iter().take(QUEUED);
    let agents = states.agents.iter().map(|(id, agent)| {
        let mut row = agent.shown(id, &states.conduct);
        // A row of a table is wanted, not what the box looked like.
        let fields = row.as_object_mut().map(std::mem::take).unwrap_or_default();
        let wanted = [
            "id",
            "state",
            "channels",
            "seat",
            "breaker",
            "queued",
            "last_seen",
        ];
        let mut kept: Map<String, Value> = fields
            .into_iter()
            .filter(|(name, _)| wanted.contains(&name.as_str()))
            .collect();
        let day = sum.by_agent.get(id).cloned().unwrap_or_default();
        kept.insert("unread".to_owned(), json!(states.inbox.unread(id).0));
        kept.insert("day".to_owned(), counted(&day));
        kept.insert("success_rate".to_owned(), json!(day.success()));
        Value::Object(kept)
    });
    let steps: BTreeMap<String, Value> = states
        .traffic
        .steps()
        .iter()
        .map(|(step, histogram)| (step.to_string(), quantiles(histogram)))
        .collect();
    json!({
        "queued": states.outbox.queued(),
        "unknown": states.outbox.count(State::Unknown),
        "dead": states.outbox.count(State::Dead),
        "paused": states.outbox.all_paused(),
        "agents": agents.collect::<Vec<_>>(),
        "queue": rows.map(|(id, kept)| states.outbox.row(*id, kept)).collect::<Vec<_>>(),
        "alerts": states.alerts.shown(false),
        "steps": steps,
    })
}

fn counted(counts: &Counts) -> Value {
    json!({
        "accepted": counts.accepted,
        "started": counts.started,
        "arrived": counts.arrived,
        "inboxed": counts.inboxed,
        "failed": counts.failed,
        "unknown": counts.unknown,
        "died": counts.died,
        "retried": counts.retried,
        "fell_back": counts.fell_back,
    })
}

fn by_hour((begins, hour): &(Timestamp, Arc<Hour>)) -> Value {
    json!({
        "from": begins,
        "accepted": hour.all.accepted,
        "arrived": hour.all.arrived.saturating_add(hour.all.inboxed),
        "failed": hour.all.failed,
        "arrival": quantiles(&hour.arrival),
    })
}

fn failures(reads: &Reads, head: Position) -> Result<Vec<Value>, Problem> {
    let newest = reads.memory.failures.newest(&reads.ledger, head, NEWEST)?;
    let mut rows = Vec::new();
    for event in &newest {
        let Fact::AttemptFailed(failed) = &event.fact else {
            continue;
        };
        let story = Story::up_to(&reads.ledger, failed.message, head)?;
        rows.push(json!({
            "position": event.position,
            "recorded_at": event.recorded_at,
            "agent": story.map(|story| story.to),
            "message": failed.message,
            "attempt": failed.attempt,
            "class": failed.class,
            "detail": failed.detail,
        }));
    }
    Ok(rows)
}

fn newest(reads: &Reads, head: Position) -> Result<Vec<Value>, Problem> {
    let count = u64::try_from(NEWEST).unwrap_or(u64::MAX);
    let from = Position(head.0.saturating_sub(count)).next();
    let events = reads.ledger.read(from, NEWEST)?;
    let row = |event: &Event| {
        json!({
            "position": event.position,
            "recorded_at": event.recorded_at,
            "event": event.fact.name(),
            "stream": event.stream,
            "actor": event.cause.actor,
        })
    };
    Ok(events.iter().rev().map(row).collect())
}

/// What would be lost now: since when something is in no backup.
fn safety(reads: &Reads, head: Position, now: Timestamp) -> Result<Value, Problem> {
    let Safety {
        backup,
        restorable,
        drill,
    } = backups::last(&reads.ledger)?;
    let unsaved = unsaved_since(reads, restorable.unwrap_or_default(), head)?;
    Ok(json!({
        "taken_at": backup.map(|(taken, _)| taken),
        "restorable_at": backup.and_then(|(_, restorable)| restorable),
        "covered": restorable,
        "unsaved_since": unsaved,
        "unsaved_seconds": unsaved.map_or(Duration::ZERO, |since| now.since(since)).as_secs_f64(),
        "drill_at": drill.map(|(at, _)| at),
        "drill_passed": drill.map(|(_, passed)| passed),
    }))
}

/// When the first event behind a backup was recorded that is more than the record of a backup.
pub fn unsaved_since(
    reads: &Reads,
    covered: Position,
    head: Position,
) -> Result<Option<Timestamp>, Problem> {
    let mut found = None;
    reads.ledger.scan(covered.next(), head, |stored| {
        if BACKUPS.contains(&stored.kind()) {
            return std::ops::ControlFlow::Continue(());
        }
        found = Some(stored.recorded_at());
        std::ops::ControlFlow::Break(())
    })?;
    Ok(found)
}

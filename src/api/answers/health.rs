//! How well everything is: components, a score, and why.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::backups::{self, Safety};
use crate::api::answer::Answer;
use crate::api::house::{House, Reads};
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::api::surroundings::Deliveries;
use crate::events::facts::words::worded;
use crate::events::ledger::handle::Condition;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;
use crate::projections::agents::Breaker;
use crate::projections::host::Row;
use crate::projections::states::States;

/// A backup that is older than this while there is something newer to save is named.
const BACKUP_AGE: Duration = Duration::from_hours(24);

worded! {
    /// How well something is.
    Status, "a status" {
        /// As it should be.
        Healthy = "healthy",
        /// It works, and somebody should look.
        Degraded = "degraded",
        /// It does not work.
        Unhealthy = "unhealthy",
    }
}

/// Everything that is judged.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Why the ledger takes no writes, if so.
    pub poisoned: Option<String>,
    /// The ledger's background work.
    pub condition: Condition,
    /// Every projection.
    pub projections: Vec<Row>,
    /// Deliveries.
    pub deliveries: Deliveries,
    /// Whether every seat is paused.
    pub paused: bool,
    /// Messages whose outcome nobody knows, and those that every way was tried for.
    pub stuck: (u64, u64),
    /// Agents with a breaker that is not closed.
    pub broken: Vec<String>,
    /// The last backup and the last drill.
    pub safety: Safety,
    /// When the newest event was recorded.
    pub newest: Timestamp,
}

/// One component's verdict: its name, how much it counts in the score, how it is, and why.
type Verdict = (&'static str, u64, Status, String);

/// `GET /api/v1/messaging/health`.
pub fn health(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    let position = house.reads.projections.position();
    let facts = facts(&house.reads)?;
    let now = house.reads.clock.now();
    Ok(Answer::item(position, &judged(&facts, now)))
}

/// Gathers what is judged.
pub fn facts(reads: &Reads) -> Result<Facts, Problem> {
    let ledger = &reads.ledger;
    let head = ledger.head();
    let (paused, stuck, broken) = reads.projections.read(of_states);
    Ok(Facts {
        poisoned: ledger.poisoned(),
        condition: ledger.condition(),
        projections: reads.projections.list(head),
        deliveries: reads.surroundings.deliveries(),
        paused,
        stuck,
        broken,
        safety: backups::last(ledger)?,
        newest: head.recorded_at,
    })
}

/// What of it the events tell.
fn of_states(states: &States) -> (bool, (u64, u64), Vec<String>) {
    let outbox = &states.outbox;
    let open = states.agents.iter().filter(|(_, agent)| {
        let mut channels = agent.channels.values();
        channels.any(|health| health.breaker != Breaker::Closed)
    });
    (
        outbox.all_paused(),
        (outbox.count(State::Unknown), outbox.count(State::Dead)),
        open.map(|(id, _)| id.to_string()).collect(),
    )
}

/// The verdict over what the events tell of a moment of the past. How the process was then, nobody
/// wrote down.
pub fn judged_then(house: &House, states: &States, at: Timestamp) -> Result<Value, Problem> {
    let (paused, stuck, broken) = of_states(states);
    let facts = Facts {
        paused,
        stuck,
        broken,
        safety: backups::last_at(&house.reads.ledger, states.position)?,
        newest: states.at,
        ..facts(&house.reads)?
    };
    Ok(verdict(
        [messages(&facts), agents(&facts), backup(&facts, at)],
        at,
    ))
}

/// The verdict over everything.
pub fn judged(facts: &Facts, now: Timestamp) -> Value {
    let verdicts = [
        ledger(facts),
        projections(facts),
        deliveries(facts),
        messages(facts),
        agents(facts),
        backup(facts, now),
    ];
    verdict(verdicts, now)
}

fn verdict<const N: usize>(verdicts: [Verdict; N], now: Timestamp) -> Value {
    let worst = verdicts.iter().map(|(_, _, status, _)| *status).max();
    let lost: u64 = verdicts
        .iter()
        .map(|(_, weight, status, _)| match status {
            Status::Healthy => 0,
            Status::Degraded => weight / 2,
            Status::Unhealthy => *weight,
        })
        .sum();
    let components: Map<String, Value> = verdicts
        .into_iter()
        .map(|(name, _, status, reason)| {
            (name.to_owned(), json!({"status": status, "reason": reason}))
        })
        .collect();
    json!({
        "overall_status": worst.unwrap_or(Status::Healthy),
        "score": 100_u64.saturating_sub(lost),
        "components": components,
        "timestamp": now,
    })
}

fn ledger(facts: &Facts) -> Verdict {
    let condition = &facts.condition;
    let troubles = [&condition.sled_fails, &condition.closing_fails];
    let trouble = troubles.into_iter().flatten().next();
    let (status, reason) = match (&facts.poisoned, condition.lost.first(), trouble) {
        (Some(why), _, _) => (Status::Unhealthy, why.clone()),
        (None, Some(lost), _) => (Status::Unhealthy, lost.clone()),
        (None, None, Some(why)) => (Status::Degraded, why.clone()),
        (None, None, None) => (Status::Healthy, "the ledger takes writes".to_owned()),
    };
    ("ledger", 40, status, reason)
}

fn projections(facts: &Facts) -> Verdict {
    let stopped = facts.projections.iter().find(|row| row.state == "stopped");
    let folding = facts
        .projections
        .iter()
        .find(|row| row.state == "rebuilding");
    let (status, reason) = match (stopped, folding) {
        (Some(row), _) => (
            Status::Unhealthy,
            format!(
                "{} is stopped: {}",
                row.name,
                row.reason.clone().unwrap_or_default()
            ),
        ),
        (None, Some(row)) => (Status::Degraded, format!("{} is folded anew", row.name)),
        (None, None) => {
            let lag = facts.projections.iter().map(|row| row.lag_events).max();
            let text = format!("at most {} events behind", lag.unwrap_or(0));
            (Status::Healthy, text)
        }
    };
    ("projections", 20, status, reason)
}

fn deliveries(facts: &Facts) -> Verdict {
    let Deliveries {
        going,
        failing,
        desktop,
    } = &facts.deliveries;
    let (status, reason) = match failing {
        Some(why) => (Status::Unhealthy, why.clone()),
        None if !going => (Status::Degraded, "this process does not deliver".to_owned()),
        None if facts.paused => (Status::Degraded, "every seat is paused".to_owned()),
        None => (Status::Healthy, format!("delivering with {desktop}")),
    };
    ("deliveries", 20, status, reason)
}

fn messages(facts: &Facts) -> Verdict {
    let (unknown, dead) = facts.stuck;
    let status = if unknown == 0 && dead == 0 {
        Status::Healthy
    } else {
        Status::Degraded
    };
    let reason = format!("{unknown} of unknown outcome, {dead} dead");
    ("messages", 10, status, reason)
}

fn agents(facts: &Facts) -> Verdict {
    if facts.broken.is_empty() {
        let reason = "every breaker is closed".to_owned();
        return ("agents", 5, Status::Healthy, reason);
    }
    let reason = format!("breakers are open: {}", facts.broken.join(", "));
    ("agents", 5, Status::Degraded, reason)
}

fn backup(facts: &Facts, now: Timestamp) -> Verdict {
    let missed = facts.safety.drill.filter(|(_, passed)| !passed);
    let (status, reason) = match (&facts.safety.backup, missed) {
        (None, _) => (Status::Degraded, "no backup was ever taken".to_owned()),
        (Some(_), Some((at, _))) => (
            Status::Degraded,
            format!("the drill at {at} missed its plan"),
        ),
        (Some((at, _)), None) if now.since(*at) > BACKUP_AGE && facts.newest > *at => (
            Status::Degraded,
            format!("the last backup was taken at {at}"),
        ),
        (Some((at, _)), None) => (
            Status::Healthy,
            format!("the last backup was taken at {at}"),
        ),
    };
    ("backups", 5, status, reason)
}

/// `GET /livez`: it answers, so it lives.
pub fn lives(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    Ok(Answer::item(house.head(), &json!({"status": "alive"})))
}

/// `GET /readyz`: every projection can be asked.
pub fn is_ready(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    for row in house.reads.projections.list(house.reads.ledger.head()) {
        // One that is folded anew while an older one serves can be asked.
        let away = row.state == "stopped" || (row.state == "rebuilding" && row.note.is_none());
        if away {
            let text = format!("the projection {} is {}", row.name, row.state);
            return Err(Problem::later("not_ready", text));
        }
    }
    Ok(Answer::item(house.head(), &json!({"status": "ready"})))
}

//! Figures as JSON, and the queue's.

use serde_json::{Map, Value, json};

use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::lifecycle::State;
use crate::projections::histogram::Histogram;
use crate::projections::states::States;
use crate::projections::traffic::{Count, Counts};
use crate::projections::view::View;

/// `GET /api/v1/messaging/metrics`.
pub fn metrics(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let seen = house.states(asked, &[View::Traffic, View::Outbox, View::Agents])?;
    let item = house.look(&seen, |states| (states.position, shown(states)));
    Ok(Answer::item(item.0, &item.1))
}

/// The figures of some states.
pub fn shown(states: &States) -> Value {
    let traffic = &states.traffic;
    let settling = traffic.settling().iter();
    let latency: Map<String, Value> = settling
        .map(|(priority, histogram)| (priority.to_string(), quantiles(histogram)))
        .collect();
    let steps = traffic.steps().iter();
    let steps: Map<String, Value> = steps
        .map(|(step, histogram)| (step.to_string(), quantiles(histogram)))
        .collect();
    let agents = traffic.by_agent().iter();
    let agents: Map<String, Value> = agents
        .map(|(agent, counts)| (agent.to_string(), json!(success(counts))))
        .collect();
    let total = |count| traffic.total(count);
    let arrived = total(Count::Observed).saturating_add(total(Count::Submitted));
    json!({
        "position": states.position,
        "at": states.at,
        "success_rate": rate(arrived, total(Count::Failed).saturating_add(total(Count::Unknown))),
        "success_rate_by_agent": agents,
        "latency": latency,
        "steps": steps,
        "queued": states.outbox.queued(),
        "unknown": states.outbox.count(State::Unknown),
        "dead": states.outbox.count(State::Dead),
        "agents": states.agents.iter().count(),
        "traffic": traffic.to_json(),
    })
}

fn success(counts: &Counts) -> Option<f64> {
    let arrived = counts
        .of(Count::Observed)
        .saturating_add(counts.of(Count::Submitted));
    rate(
        arrived,
        counts
            .of(Count::Failed)
            .saturating_add(counts.of(Count::Unknown)),
    )
}

/// The share of attempts that arrived, to four digits; none when there was none.
fn rate(arrived: u64, missed: u64) -> Option<f64> {
    let all = arrived.saturating_add(missed);
    let share = u128::from(arrived) * 10_000;
    let share = share.checked_div(u128::from(all))?;
    Some(f64::from(u32::try_from(share).unwrap_or(0)) / 10_000.0)
}

/// A histogram as how many, and how long at most for which share of them.
pub fn quantiles(histogram: &Histogram) -> Value {
    let quantile = |per_mille| {
        let latency = histogram.quantile(per_mille)?;
        u64::try_from(latency.as_micros()).ok()
    };
    json!({
        "count": histogram.count(),
        "mean_micros": histogram.sum_micros().checked_div(histogram.count()),
        "p50_micros": quantile(500),
        "p95_micros": quantile(950),
        "p99_micros": quantile(990),
        "max_micros": quantile(1000),
    })
}

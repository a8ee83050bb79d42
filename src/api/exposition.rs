//! `GET /metrics`: what Prometheus scrapes. Names by its conventions: base units, `_total`, labels whose
//! values are few.

use super::answer::Answer;
use super::exposition_safety::safety;
use super::house::House;
use super::problem::Problem;
use super::written::{Format, Written};
use crate::events::facts::alert::{Notifier, Severity};
use crate::events::facts::message::Priority;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;
use crate::projections::agents::{Breaker, Condition};
use crate::projections::alerts::Phase;
use crate::projections::states::States;
use crate::projections::traffic::{Count, Counts};

/// Ends of messages, and their names.
const OUTCOMES: [Count; 8] = [
    Count::Observed,
    Count::Submitted,
    Count::Inboxed,
    Count::Expired,
    Count::Cancelled,
    Count::Died,
    Count::Acknowledged,
    Count::Answered,
];

/// Ends of attempts, and their names.
const ENDS: [Count; 5] = [
    Count::Observed,
    Count::Submitted,
    Count::Inboxed,
    Count::Failed,
    Count::Unknown,
];

/// Everything, in the format that the client asks for.
pub fn metrics(house: &House, accept: Option<&str>) -> Result<Answer, Problem> {
    let format = Format::accepted(accept);
    let mut written = Written::begin(format);
    let now = house.reads.clock.now();
    let position = house.reads.projections.read(|states| {
        traffic(&mut written, states);
        latencies(&mut written, states);
        desk(&mut written, states, now);
        fleet(&mut written, states);
        alerts(&mut written, states);
        states.position
    });
    ledger(&mut written, house);
    safety(&mut written, house, now)?;
    http(&mut written, house);
    process(&mut written, house);
    exported(&mut written, house);
    Ok(Answer {
        body: written.end().into_bytes(),
        content: format.content(),
        position,
    })
}

fn traffic(to: &mut Written, states: &States) {
    let traffic = &states.traffic;
    let by_priority = |count: Count| {
        Priority::ALL.iter().map(move |priority| {
            let counts = traffic.by_priority().get(priority);
            (priority.word(), counts.map_or(0, |counts| counts.of(count)))
        })
    };
    to.counter("switchboard_messages_accepted_total", "Messages taken in");
    for (priority, counted) in by_priority(Count::Accepted) {
        to.whole(&[("priority", priority)], counted);
    }
    to.counter(
        "switchboard_messages_completed_total",
        "What became of messages; one can become several things in turn",
    );
    for outcome in OUTCOMES {
        for (priority, counted) in by_priority(outcome) {
            let labels = [("outcome", outcome.word()), ("priority", priority)];
            to.whole(&labels, counted);
        }
    }
    to.counter("switchboard_attempts_started_total", "Attempts begun");
    for (channel, counts) in traffic.by_channel() {
        to.whole(&[("channel", channel.word())], counts.of(Count::Started));
    }
    to.counter("switchboard_attempts_completed_total", "How attempts ended");
    for (channel, counts) in traffic.by_channel() {
        for end in ENDS {
            let labels = [("channel", channel.word()), ("outcome", end.word())];
            to.whole(&labels, counts.of(end));
        }
    }
    to.counter(
        "switchboard_attempts_failed_total",
        "Failed attempts by class",
    );
    for (class, counted) in traffic.failures() {
        to.whole(&[("class", class.word())], *counted);
    }
    to.counter(
        "switchboard_messages_requeued_total",
        "Messages carried once more by somebody's wish",
    );
    to.whole(&[], traffic.total(Count::Requeued));
    to.counter(
        "switchboard_breakers_opened_total",
        "Circuit breakers opened",
    );
    to.whole(&[], traffic.total(Count::BreakersOpened));
    to.counter(
        "switchboard_agent_attempts_completed_total",
        "How attempts ended, by agent",
    );
    for (agent, counts) in traffic.by_agent() {
        // Only of those in the fleet: whoever left must not stay for ever.
        if states.agents.get(agent).is_some() {
            by_agent(to, agent.as_str(), counts);
        }
    }
}

fn by_agent(to: &mut Written, agent: &str, counts: &Counts) {
    for end in ENDS {
        to.whole(&[("agent", agent), ("outcome", end.word())], counts.of(end));
    }
}

fn latencies(to: &mut Written, states: &States) {
    to.histogram(
        "switchboard_message_settling_seconds",
        "From being due to being settled in any way",
    );
    for (priority, histogram) in states.traffic.settling() {
        to.latencies(&[("priority", priority.word())], histogram);
    }
    to.histogram(
        "switchboard_step_duration_seconds",
        "How long each step of an attempt took",
    );
    for (step, histogram) in states.traffic.steps() {
        to.latencies(&[("step", step.word())], histogram);
    }
}

fn desk(to: &mut Written, states: &States, now: Timestamp) {
    let outbox = &states.outbox;
    let (queued, oldest) = outbox.queue_figures();
    to.gauge(
        "switchboard_queue_messages",
        "Messages that wait or are being carried",
    );
    for priority in Priority::ALL {
        let counted = queued.get(priority).copied().unwrap_or(0);
        to.whole(&[("priority", priority.word())], counted);
    }
    to.gauge(
        "switchboard_queue_oldest_seconds",
        "How long the oldest of them has been due",
    );
    let oldest = oldest.map(|due_at| now.since(due_at).as_micros());
    let oldest = oldest.unwrap_or_default();
    to.seconds(&[], u64::try_from(oldest).unwrap_or(u64::MAX));
    to.gauge(
        "switchboard_stuck_messages",
        "Messages that wait for a person",
    );
    for state in [State::Unknown, State::Dead] {
        to.whole(&[("state", state.word())], outbox.count(state));
    }
    to.gauge(
        "switchboard_seats_paused",
        "1 when hands are stopped everywhere",
    );
    to.whole(&[], u64::from(outbox.all_paused()));
}

fn fleet(to: &mut Written, states: &States) {
    to.gauge("switchboard_agents", "Agents by how they stand");
    for condition in Condition::ALL {
        let of = states
            .agents
            .iter()
            .filter(|(_, it)| it.condition() == *condition);
        let counted = u64::try_from(of.count()).unwrap_or(u64::MAX);
        to.whole(&[("state", condition.word())], counted);
    }
    to.gauge(
        "switchboard_breaker_state",
        "Circuit breakers: 0 closed, 1 probing, 2 open",
    );
    for (id, agent) in states.agents.iter() {
        for channel in &agent.profile.channels {
            let state = match agent.health(*channel).breaker {
                Breaker::Closed => 0,
                Breaker::Probing { .. } => 1,
                Breaker::Open { .. } => 2,
            };
            to.whole(
                &[("agent", id.as_str()), ("channel", channel.word())],
                state,
            );
        }
    }
    to.gauge("switchboard_inbox_unread", "Unread messages in inboxes");
    for (id, _) in states.agents.iter() {
        let (unread, _) = states.inbox.unread(id);
        to.whole(&[("agent", id.as_str())], unread);
    }
}

fn alerts(to: &mut Written, states: &States) {
    let current = states.alerts.current().values();
    to.gauge("switchboard_alerts", "Alerts that are not over");
    for phase in Phase::ALL {
        for severity in Severity::ALL {
            let of = current
                .clone()
                .filter(|it| it.phase == *phase && it.severity == *severity);
            let labels = [("severity", severity.word()), ("state", phase.word())];
            if *phase != Phase::Resolved {
                to.whole(&labels, u64::try_from(of.count()).unwrap_or(u64::MAX));
            }
        }
    }
    to.counter("switchboard_alerts_raised_total", "Alerts raised");
    to.whole(&[], states.alerts.raised());
    to.counter(
        "switchboard_alerts_untold_total",
        "Notices that reached nobody, by the way they were tried",
    );
    for notifier in Notifier::ALL {
        let counted = states.alerts.untold().get(notifier).copied().unwrap_or(0);
        to.whole(&[("notifier", notifier.word())], counted);
    }
}

fn ledger(to: &mut Written, house: &House) {
    let ledger = &house.reads.ledger;
    let head = ledger.head();
    to.counter(
        "switchboard_ledger_events_total",
        "Events in the ledger: its newest position",
    );
    to.whole(&[], head.position.0);
    to.gauge(
        "switchboard_ledger_writable",
        "1 while the ledger takes writes",
    );
    to.whole(&[], u64::from(ledger.poisoned().is_none()));
    let condition = ledger.condition();
    to.gauge(
        "switchboard_ledger_epochs_lost",
        "Closed epochs that cannot be read",
    );
    to.whole(&[], u64::try_from(condition.lost.len()).unwrap_or(u64::MAX));
    to.counter(
        "switchboard_ledger_cache_hits_total",
        "Reads of closed epochs from memory",
    );
    to.whole(&[], condition.cache.hits);
    to.counter(
        "switchboard_ledger_cache_misses_total",
        "Reads of closed epochs from the disk",
    );
    to.whole(&[], condition.cache.misses);
    let rows = house.reads.projections.list(head);
    to.gauge(
        "switchboard_projection_lag_events",
        "Events a projection lacks",
    );
    for row in &rows {
        to.whole(&[("projection", row.name)], row.lag_events);
    }
    to.gauge(
        "switchboard_projection_live",
        "1 while a projection follows the ledger",
    );
    for row in &rows {
        to.whole(&[("projection", row.name)], u64::from(row.state == "live"));
    }
    to.gauge("switchboard_build_info", "What this binary is");
    to.whole(&[("version", env!("CARGO_PKG_VERSION"))], 1);
}

fn http(to: &mut Written, house: &House) {
    let latencies = house.meter.latencies();
    to.histogram(
        "switchboard_http_request_duration_seconds",
        "How long answers took",
    );
    for ((route, status), histogram) in &latencies {
        let status = status.to_string();
        to.latencies(&[("route", route), ("status", &status)], histogram);
    }
    to.gauge(
        "switchboard_http_requests_in_flight",
        "Requests that wait for their answer",
    );
    to.whole(&[], house.meter.under_way());
    to.gauge("switchboard_http_streams", "Clients that follow events");
    let free = house.streams.available_permits();
    let open = house.limits.streams.saturating_sub(free);
    to.whole(&[], u64::try_from(open).unwrap_or(u64::MAX));
    to.counter("switchboard_http_panics_total", "Handlers that broke");
    to.whole(&[], house.meter.panics());
}

fn exported(to: &mut Written, house: &House) {
    let Some(exported) = house.reads.surroundings.exported() else {
        return;
    };
    to.counter(
        "switchboard_otlp_spans_exported_total",
        "Spans that the collector took",
    );
    to.whole(&[], exported.spans);
    to.counter(
        "switchboard_otlp_spans_refused_total",
        "Spans that the collector will never take",
    );
    to.whole(&[], exported.dropped);
    to.counter(
        "switchboard_otlp_requests_failed_total",
        "Requests to the collector that are made again",
    );
    to.whole(&[], exported.failures);
    to.gauge(
        "switchboard_otlp_lag_events",
        "Events whose spans were not exported yet",
    );
    to.whole(&[], exported.behind);
}

fn process(to: &mut Written, house: &House) {
    let figures = house.reads.surroundings.process();
    if let Some(bytes) = figures.disk_free {
        to.gauge(
            "switchboard_store_free_bytes",
            "What may still be written on the store's disk",
        );
        to.whole(&[], bytes);
    }
    if let Some(bytes) = figures.resident {
        to.gauge("process_resident_memory_bytes", "Resident memory");
        to.whole(&[], bytes);
    }
    if let Some(micros) = figures.busy_micros {
        to.counter("process_cpu_seconds_total", "Time on processors");
        to.seconds(&[], micros);
    }
    if let Some(open) = figures.open_files {
        to.gauge("process_open_fds", "Open files and sockets");
        to.whole(&[], open);
    }
    if let Some(most) = figures.open_files_max {
        to.gauge("process_max_fds", "How many may be open");
        to.whole(&[], most);
    }
    if let Some(begun) = figures.begun {
        to.gauge("process_start_time_seconds", "When the process began");
        to.seconds(&[], begun.micros());
    }
}

//! Rows of each pane, made from the overview.

use std::cmp::Reverse;

use serde_json::Value;

use super::glance::{ago, at};
use super::grid::{Cell, Grid};
use super::line::Line;
use super::view::{Order, Pane};
use crate::api::web::words::{micros, number, percent, span, stamp, text, whole};
use crate::cli::output::items::list;
use crate::cli::output::paint::{Tone, tone_of};

/// One pane: a line above, if there is something to say, and its rows.
#[derive(Clone, Debug)]
pub struct Content {
    /// What stands above.
    pub above: Option<Line>,
    /// The rows.
    pub grid: Grid,
    /// How many rows there are.
    pub rows: usize,
    /// What is said when there are none.
    pub none: &'static str,
}

/// A pane's rows in an order.
pub fn content(item: &Value, pane: Pane, order: Order) -> Content {
    match pane {
        Pane::Agents => agents(item, order),
        Pane::Queue => queue(item, order),
        Pane::Errors => errors(item, order),
        Pane::Alerts => alerts(item),
        Pane::Health => health(item),
        Pane::Steps => steps(item),
        Pane::Events => events(item, order),
    }
}

/// How many there are of what a pane shows; none where that says nothing.
pub fn count(item: &Value, pane: Pane) -> Option<u64> {
    let length = |list: &[Value]| u64::try_from(list.len()).ok();
    match pane {
        Pane::Agents => length(list(item, "agents")),
        Pane::Queue => Some(number(item, "queued")),
        Pane::Errors => {
            let day = &item["day"];
            Some(number(&day["counts"], "failed"))
        }
        Pane::Alerts => length(list(item, "alerts")),
        Pane::Health | Pane::Steps | Pane::Events => None,
    }
}

fn made(
    above: Option<Line>,
    heads: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
    none: &'static str,
) -> Content {
    Content {
        above,
        rows: rows.len(),
        grid: Grid::new(heads, rows),
        none,
    }
}

fn state(word: &str) -> Cell {
    Cell::toned(tone_of(word), word)
}

fn agents(item: &Value, order: Order) -> Content {
    let mut agents: Vec<&Value> = list(item, "agents").iter().collect();
    let of = |agent: &Value, order: Order| match order {
        Order::Queued => number(agent, "queued"),
        Order::Failed => number(&agent["day"], "failed"),
        Order::Arrived => number(&agent["day"], "arrived") + number(&agent["day"], "inboxed"),
        Order::Unread => number(agent, "unread"),
        Order::Usual
        | Order::Name
        | Order::Turn
        | Order::Age
        | Order::Attempts
        | Order::Newest
        | Order::Oldest => 0,
    };
    agents.sort_by_key(|agent| Reverse(of(agent, order)));
    let rows = agents.into_iter().map(|agent| {
        let day = &agent["day"];
        vec![
            Cell::of(text(agent, "id")),
            state(text(agent, "state")),
            Cell::of(whole(number(agent, "queued"))),
            Cell::of(whole(number(agent, "unread"))),
            Cell::of(whole(number(day, "arrived"))),
            Cell::of(whole(number(day, "inboxed"))),
            Cell::bad_unless_none(whole(number(day, "failed"))),
            Cell::of(percent(agent["success_rate"].as_f64())),
            Cell::toned(Tone::Bad, broken(&agent["breaker"])),
            Cell::of(ago(item, stamp(agent, "last_seen"))),
        ]
    });
    let heads: &[&str] = &[
        "agent", "state", ">queue", ">unread", ">arrived", ">inbox", ">failed", ">success",
        "breaker", "seen",
    ];
    let none = "no agents yet; `switchboard agent add` declares one";
    made(None, heads, rows.collect(), none)
}

/// Channels whose breaker is not closed, those that are being tried with a question mark.
fn broken(breaker: &Value) -> String {
    let channels = breaker.as_object().into_iter().flatten();
    let told = channels.filter_map(|(channel, health)| match text(health, "state") {
        "closed" => None,
        "open" => Some(channel.clone()),
        _ => Some(format!("{channel}?")),
    });
    told.collect::<Vec<_>>().join(",")
}

fn queue(item: &Value, order: Order) -> Content {
    let mut queue: Vec<&Value> = list(item, "queue").iter().collect();
    match order {
        Order::Age => queue.sort_by_key(|it| stamp(it, "due_at")),
        Order::Attempts => queue.sort_by_key(|it| Reverse(number(it, "attempts"))),
        Order::Usual
        | Order::Name
        | Order::Queued
        | Order::Failed
        | Order::Arrived
        | Order::Unread
        | Order::Turn
        | Order::Newest
        | Order::Oldest => {}
    }
    let listed = u64::try_from(queue.len()).unwrap_or(u64::MAX);
    let all = number(item, "queued");
    let above = (all > listed).then(|| {
        let words = format!("the first {listed} of {} in turn", whole(all));
        Line::default().tone(Tone::Dim, &words)
    });
    let rows = queue.into_iter().map(|it| {
        vec![
            Cell::of(text(it, "to")),
            Cell::of(text(it, "priority")),
            state(text(it, "state")),
            Cell::of(whole(number(it, "attempts"))),
            Cell::of(due(item, it)),
            Cell::of(text(it, "message")),
        ]
    });
    let heads: &[&str] = &["to", "priority", "state", ">tries", "due", "message"];
    made(above, heads, rows.collect(), "nothing waits")
}

fn due(item: &Value, message: &Value) -> String {
    let now = at(item);
    match stamp(message, "due_at") {
        Some(due_at) if due_at > now => format!("in {}", span(due_at.since(now))),
        due_at => ago(item, due_at),
    }
}

fn errors(item: &Value, order: Order) -> Content {
    let day = &item["day"];
    let classes = day["failures"].as_object().into_iter().flatten();
    let mut classes: Vec<(&String, u64)> = classes
        .map(|(class, count)| (class, count.as_u64().unwrap_or(0)))
        .collect();
    classes.sort_by_key(|(_, count)| Reverse(*count));
    let told: Vec<String> = classes
        .iter()
        .map(|(class, count)| format!("{class} {}", whole(*count)))
        .collect();
    let above = (!told.is_empty()).then(|| {
        Line::default()
            .tone(Tone::Dim, "24 h: ")
            .say(&told.join(", "))
    });
    let rows = list(item, "recent_failures").iter().map(|it| {
        vec![
            Cell::of(ago(item, stamp(it, "recorded_at"))),
            Cell::of(text(it, "agent")),
            Cell::toned(Tone::Bad, text(it, "class")),
            Cell::of(whole(number(it, "attempt"))),
            Cell::of(text(it, "detail")),
        ]
    });
    let rows = turned(rows.collect(), order);
    let heads: &[&str] = &["ago", "agent", "class", ">try", "why"];
    made(above, heads, rows, "no attempt failed lately")
}

/// Rows that come newest first, perhaps the other way round.
fn turned(mut rows: Vec<Vec<Cell>>, order: Order) -> Vec<Vec<Cell>> {
    if order == Order::Oldest {
        rows.reverse();
    }
    rows
}

fn alerts(item: &Value) -> Content {
    let rows = list(item, "alerts").iter().map(|it| {
        let side = if it["above"] == true { '>' } else { '<' };
        let severity = text(it, "severity");
        let tone = if severity == "critical" {
            Tone::Bad
        } else {
            Tone::Waiting
        };
        vec![
            Cell::of(text(it, "alert")),
            Cell::of(text(it, "state")),
            Cell::toned(tone, severity),
            Cell::of(ago(item, stamp(it, "since"))),
            Cell::of(format!(
                "{} {} {side} {}",
                text(it, "figure"),
                number(it, "value"),
                number(it, "limit")
            )),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let words = "`switchboard alerts ack ALERT` says that somebody looks after it";
    let above = (!rows.is_empty()).then(|| Line::default().tone(Tone::Dim, words));
    let heads: &[&str] = &["alert", "state", "severity", "for", "because"];
    made(above, heads, rows, "nothing is wrong")
}

fn health(item: &Value) -> Content {
    let health = &item["health"];
    let components = health["components"].as_object();
    let rows = components.into_iter().flatten().map(|(name, component)| {
        vec![
            Cell::of(name.as_str()),
            state(text(component, "status")),
            Cell::of(text(component, "reason")),
        ]
    });
    let heads: &[&str] = &["component", "status", "why"];
    made(None, heads, rows.collect(), "nothing is known")
}

fn steps(item: &Value) -> Content {
    let steps = item["steps"].as_object();
    let rows = steps.into_iter().flatten().map(|(step, of)| {
        let quantile = |name: &str| Cell::of(micros(of[name].as_u64()));
        vec![
            Cell::of(step.as_str()),
            Cell::of(whole(number(of, "count"))),
            quantile("p50_micros"),
            quantile("p95_micros"),
            quantile("p99_micros"),
        ]
    });
    let heads: &[&str] = &["step", ">times", ">half", ">95 %", ">99 %"];
    let none = "no step of an attempt was timed yet";
    made(None, heads, rows.collect(), none)
}

fn events(item: &Value, order: Order) -> Content {
    let rows = list(item, "events").iter().map(|it| {
        vec![
            Cell::of(number(it, "position").to_string()),
            Cell::of(ago(item, stamp(it, "recorded_at"))),
            Cell::of(text(it, "event")),
            Cell::of(text(it, "stream")),
        ]
    });
    let rows = turned(rows.collect(), order);
    let heads: &[&str] = &[">position", "ago", "event", "about"];
    made(None, heads, rows, "nothing happened yet")
}

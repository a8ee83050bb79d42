//! `/`: the desk at a glance.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::chart::{self, Line, Words};
use super::frame::{Content, page};
use super::look::Look;
use super::parts::{agent, facts, section, state, table, table_or};
use super::words::{self, count, number, percent, span, text, whole};
use super::{agents, alerts, backups};
use crate::api::answer::Answer;
use crate::api::answers::health;
use crate::api::answers::hours::{Hour, together};
use crate::api::happened::{self, Filter};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::time::Timestamp;
use crate::projections::histogram::Histogram;
use crate::projections::view::View;

/// How many hours are a period.
pub const PERIOD: usize = 24;

/// How many events the tail begins with.
const TAIL: usize = 12;

/// Every hour of two periods, with its beginning.
type Days = Vec<(Timestamp, Arc<Hour>)>;

/// `GET /`.
pub fn overview(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let figures = look.ask("/api/v1/messaging/metrics", None, &[])?;
        let hours =
            house
                .reads
                .memory
                .hours
                .last(&house.reads.ledger, (look.position, look.at), 48)?;
        let split = hours.len().saturating_sub(PERIOD);
        let (before, day) = hours.split_at(split);
        let (sum, sum_before) = (together(only_hours(day)), together(only_hours(before)));
        let fleet = look
            .items("/api/v1/messaging/agents", None, &[("limit", "500")])?
            .0;
        let newest = happened::newest(house, &Filter::default(), look.position, TAIL)?.0;
        let body = html! {
            (alerts::current(look)?)
            (tiles(look, &figures, (&sum, &sum_before))?)
            div.pair {
                (wellness(look)?)
                (section("fleet", "Agents", &agents::tiles(look, &fleet)))
            }
            (latency(&day.to_vec(), &sum))
            (throughput(look, &sum))
            div.pair {
                (errors(look, &sum))
                (retries(&sum))
            }
            (steps(look, &figures))
            @if !look.past {
                section #tail aria-labelledby="tail-title" {
                    h2 #tail-title { "Events as they come" }
                    ol #events.tail tabindex="0" aria-labelledby="tail-title" {
                        @for event in &newest {
                            li { code { (event.position) } " " (event.fact.name()) " " (event.stream) }
                        }
                    }
                    p.soft { "Newest first; " a href="/events" { "all of them" } "." }
                }
            }
        };
        Ok(Content::of("Overview", "/", body))
    })
}

fn only_hours(hours: &[(Timestamp, Arc<Hour>)]) -> impl Iterator<Item = &Arc<Hour>> {
    hours.iter().map(|(_, hour)| hour)
}

fn tiles(
    look: &Look<'_>,
    figures: &Value,
    (sum, before): (&Hour, &Hour),
) -> Result<Markup, Problem> {
    let backup = backups::clock(look)?;
    let quantile =
        |of: &Histogram, per_mille| of.quantile(per_mille).map_or_else(|| "–".to_owned(), span);
    let tile = |name: &str, value: &str, more: Markup, href: &str| {
        html! {
            a.tile href=(look.links.to(href, &[])) {
                span.name { (name) }
                span.value { (value) }
                span.more { (more) }
            }
        }
    };
    let attention = |number: u64, word: &str| {
        html! {
            @if number > 0 { span.bad { (word) } } @else { "none to look at" }
        }
    };
    let (dead, unknown) = (number(figures, "dead"), number(figures, "unknown"));
    let more_arrived =
        html! { (whole(sum.all.inboxed)) " to inboxes, " (whole(sum.all.accepted)) " accepted" };
    let content = html! {
        div.tiles {
            (tile("Success rate, 24 h", &percent(sum.all.success()), change(sum, before), "/errors"))
            (tile("Arrived, 24 h", &whole(sum.all.arrived), more_arrived, "/messages"))
            (tile("Until arrival, 24 h", &quantile(&sum.arrival, 500),
                html! { "95 % within " (quantile(&sum.arrival, 950)) }, "/timing"))
            (tile("Queued", &whole(number(figures, "queued")), html! { "waiting or under way" }, "/queue"))
            (tile("Outcome unknown", &whole(unknown), attention(unknown, "look, then resolve"), "/messages?state=unknown"))
            (tile("Dead", &whole(dead), attention(dead, "requeue or leave"), "/messages?state=dead"))
            (tile("Not backed up", &backup.exposed, backup.words, "/backups"))
        }
    };
    Ok(section("figures", "At a glance", &content))
}

/// How the success rate changed against the period before, in points.
fn change(sum: &Hour, before: &Hour) -> Markup {
    let (Some(now), Some(then)) = (sum.all.success(), before.all.success()) else {
        return html! { "nothing to compare in the 24 h before" };
    };
    let points = (now - then) * 100.0;
    let (class, sign) = if points < -0.05 {
        ("bad", "−")
    } else if points > 0.05 {
        ("good", "+")
    } else {
        ("soft", "±")
    };
    html! { span class=(class) { (sign) (format!("{:.1}", points.abs())) " points" } " to the 24 h before" }
}

fn wellness(look: &Look<'_>) -> Result<Markup, Problem> {
    let house = look.house;
    let verdict = if look.past {
        let seen = house.states(&look.moment()?, &[View::Agents, View::Outbox])?;
        house.look(&seen, |states| health::judged_then(house, states, look.at))?
    } else {
        health::judged(&health::facts(&house.reads)?, look.now)
    };
    let overall = text(&verdict, "overall_status");
    let components = verdict.get("components").and_then(Value::as_object);
    let rows = components.into_iter().flatten().map(|(name, component)| {
        html! {
            th scope="row" { (name) }
            td { (state(text(component, "status"))) }
            td.words { (text(component, "reason")) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let content = html! {
        p.verdict { (state(overall)) " " strong { (number(&verdict, "score")) } " of 100"
            @if look.past { span.soft { ", of what the events tell" } } }
        (table("Components", &["Component", "Status", "Why"], &rows))
    };
    Ok(section("health", "System health", &content))
}

fn latency(day: &Days, sum: &Hour) -> Markup {
    let names: Vec<String> = day
        .iter()
        .map(|(begins, _)| words::clock(*begins))
        .collect();
    let of = |per_mille: u64| -> Vec<Option<u64>> {
        let micros = |hour: &Hour| {
            hour.arrival
                .quantile(per_mille)
                .and_then(|it| u64::try_from(it.as_micros()).ok())
        };
        day.iter().map(|(_, hour)| micros(hour)).collect()
    };
    let trend = Words {
        id: "trend",
        title: "Until arrival by hour, last 24 h (UTC)",
        columns: "Hour from",
        names: &names,
        say: |it| words::micros(Some(it)),
    };
    let lines = [
        Line {
            name: "half within",
            class: "one",
            values: of(500),
        },
        Line {
            name: "95 % within",
            class: "two",
            values: of(950),
        },
    ];
    let (bounds, counts) = distribution(&sum.arrival);
    let spread = Words {
        id: "spread",
        title: "Messages by time until arrival, last 24 h",
        columns: "Within",
        names: &bounds,
        say: |it| count(it, "message"),
    };
    let columns = [Line {
        name: "Messages",
        class: "one",
        values: counts,
    }];
    let content = html! {
        @if sum.arrival.count() == 0 { p.soft { "Nothing arrived in these 24 hours." } }
        @else { div.pair {
            (chart::lines(&trend, &lines))
            (chart::columns(&spread, &columns))
        } }
    };
    section("latency", "Latency", &content)
}

/// How many lie within each doubling of time, from the first that has any to the last.
fn distribution(histogram: &Histogram) -> (Vec<String>, Vec<Option<u64>>) {
    let mut doublings = std::collections::BTreeMap::new();
    for (bound, count) in histogram.buckets() {
        let doubling = bound.checked_ilog2().unwrap_or(0);
        *doublings.entry(doubling).or_insert(0_u64) += count;
    }
    let (first, last) = (
        doublings.keys().next().copied(),
        doublings.keys().next_back().copied(),
    );
    let (Some(first), Some(last)) = (first, last) else {
        return (Vec::new(), Vec::new());
    };
    let bound = |doubling: u32| words::micros(2_u64.checked_pow(doubling + 1));
    let counts = (first..=last).map(|it| Some(doublings.get(&it).copied().unwrap_or(0)));
    ((first..=last).map(bound).collect(), counts.collect())
}

fn throughput(look: &Look<'_>, sum: &Hour) -> Markup {
    let mut agents: Vec<_> = sum.by_agent.iter().collect();
    agents.sort_by_key(|(_, counts)| {
        std::cmp::Reverse((counts.failed, counts.arrived + counts.inboxed))
    });
    let most = agents
        .iter()
        .map(|(_, it)| it.arrived + it.inboxed + it.failed)
        .max()
        .unwrap_or(1);
    let rows = agents.iter().map(|(id, it)| html! {
        th scope="row" { (agent(&look.links, id.as_str())) }
        td.figure { (whole(it.accepted)) }
        td.figure { (whole(it.arrived)) }
        td.figure { (whole(it.inboxed)) }
        td.figure { @if it.failed > 0 { span.bad { (whole(it.failed)) } } @else { "0" } }
        td.figure { (percent(it.success())) }
        td.drawn { (chart::bar("one", it.arrived + it.inboxed, most)) (chart::bar("fail", it.failed, most)) }
    });
    let rows: Vec<Markup> = rows.collect();
    let columns = [
        "Agent",
        "#Accepted",
        "#Arrived",
        "#Inbox",
        "#Failed attempts",
        "#Success",
        "Arrived and failed",
    ];
    let none = "Nobody was written to in these 24 hours.";
    section(
        "throughput",
        "Throughput by agent, 24 h",
        &table_or(none, "Throughput by agent", &columns, &rows),
    )
}

fn errors(look: &Look<'_>, sum: &Hour) -> Markup {
    let mut classes: Vec<_> = sum.failures.iter().collect();
    classes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let most = classes.first().map_or(1, |(_, count)| **count);
    let rows = classes.iter().map(|(class, count)| {
        html! {
            th scope="row" { (class) }
            td.figure { (whole(**count)) }
            td.drawn { (chart::bar("fail", **count, most)) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let content = html! {
        (table_or("No attempt failed in these 24 hours.", "Failed attempts by class", &["Class", "#Attempts", "Share"], &rows))
        p { a href=(look.links.to("/errors", &[])) { "By time and agent" } }
    };
    section("errors", "Errors, 24 h", &content)
}

fn retries(sum: &Hour) -> Markup {
    let all = &sum.all;
    let content = facts(&[
        ("Attempts", html! { (whole(all.started)) }),
        ("Failed", html! { (whole(all.failed)) }),
        ("Tried again", html! { (whole(all.retried)) }),
        ("Took another way", html! { (whole(all.fell_back)) }),
        ("Gave up", html! { (whole(all.died)) }),
        ("Outcome unknown", html! { (whole(all.unknown)) }),
    ]);
    section("retries", "Retries, 24 h", &content)
}

fn steps(look: &Look<'_>, figures: &Value) -> Markup {
    let steps = figures.get("steps").and_then(Value::as_object);
    let micros = |of: &Value, field: &str| words::micros(of.get(field).and_then(Value::as_u64));
    let rows = steps.into_iter().flatten().map(|(step, of)| {
        html! {
            th scope="row" { (step) }
            td.figure { (whole(number(of, "count"))) }
            td.figure { (micros(of, "p50_micros")) }
            td.figure { (micros(of, "p95_micros")) }
            td.figure { (micros(of, "p99_micros")) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let content = html! {
        (table_or("No step of an attempt was timed yet.", "Steps of attempts",
            &["Step", "#Times", "#Half within", "#95 %", "#99 %"], &rows))
        p { a href=(look.links.to("/timing", &[])) { "By agent, with deadlines" } }
    };
    section("steps", "Timing of steps, all time", &content)
}

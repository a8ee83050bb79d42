//! `/errors`: failed attempts by class, time and agent.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::{Markup, html};

use super::chart::{self, Line, Words};
use super::frame::{Content, page};
use super::look::Look;
use super::overview::PERIOD;
use super::parts::{agent, brief, message, section, table, table_or};
use super::words::{ago, clock, count, percent, whole};
use crate::api::answer::Answer;
use crate::api::answers::hours::{Hour, together};
use crate::api::happened::{self, Filter};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::facts::attempt::FailureClass;
use crate::events::ids::AgentId;
use crate::events::kind::Fact;
use crate::events::time::Timestamp;
use crate::projections::story::Story;

/// How many failures are listed.
const RECENT: usize = 30;

/// `GET /errors`.
pub fn errors(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let period = u64::try_from(PERIOD).unwrap_or(24);
        let hours =
            house
                .reads
                .memory
                .hours
                .last(&house.reads.ledger, (look.position, look.at), period)?;
        let sum = together(hours.iter().map(|(_, hour)| hour));
        let body = html! {
            (section("time", "By hour, last 24 h", &by_hour(&hours)))
            (section("classes", "By class and hour, last 24 h", &by_class(&hours, &sum)))
            (section("agents", "By agent, last 24 h", &by_agent(look, &sum)))
            (section("recent", "Failed attempts, newest first", &recent(look, None)?))
        };
        Ok(Content::of("Errors", "/errors", body))
    })
}

fn by_hour(hours: &[(Timestamp, Arc<Hour>)]) -> Markup {
    let names: Vec<String> = hours.iter().map(|(begins, _)| clock(*begins)).collect();
    let words = Words {
        id: "failed",
        title: "Attempts by hour (UTC)",
        columns: "Hour from",
        names: &names,
        say: |it| count(it, "attempt"),
    };
    let of = |get: fn(&Hour) -> u64| hours.iter().map(|(_, hour)| Some(get(hour))).collect();
    let lines = [
        Line {
            name: "failed",
            class: "fail",
            values: of(|hour| hour.all.failed),
        },
        Line {
            name: "unknown",
            class: "two",
            values: of(|hour| hour.all.unknown),
        },
        Line {
            name: "arrived",
            class: "one",
            values: of(|hour| hour.all.arrived),
        },
    ];
    chart::columns(&words, &lines)
}

fn by_class(hours: &[(Timestamp, Arc<Hour>)], sum: &Hour) -> Markup {
    let classes: BTreeSet<FailureClass> = sum.failures.keys().copied().collect();
    // Only hours in which something failed: a row of empty cells says nothing.
    let bad: Vec<_> = hours
        .iter()
        .filter(|(_, hour)| hour.all.failed > 0)
        .collect();
    let mut columns = vec!["Class".to_owned()];
    columns.extend(bad.iter().map(|(begins, _)| format!("#{}", clock(*begins))));
    columns.push("#All".to_owned());
    let rows = classes.iter().map(|class| html! {
        th scope="row" { (class) }
        @for (_, hour) in &bad {
            td.figure { @match hour.failures.get(class) { Some(count) => { (whole(*count)) } None => { span.soft { "·" } } } }
        }
        td.figure { strong { (whole(sum.failures.get(class).copied().unwrap_or(0))) } }
    });
    let rows: Vec<Markup> = rows.collect();
    if rows.is_empty() {
        return html! { p.soft { "No attempt failed in these 24 hours." } };
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    table("Failed attempts by class and hour", &columns, &rows)
}

fn by_agent(look: &Look<'_>, sum: &Hour) -> Markup {
    let mut agents: Vec<_> = sum
        .by_agent
        .iter()
        .filter(|(_, it)| it.failed + it.unknown > 0)
        .collect();
    agents.sort_by_key(|(_, it)| std::cmp::Reverse(it.failed));
    let most = agents.first().map_or(1, |(_, it)| it.failed);
    let rows = agents.iter().map(|(id, it)| {
        html! {
            th scope="row" { (agent(&look.links, id.as_str())) }
            td.figure { span.bad { (whole(it.failed)) } }
            td.figure { (whole(it.unknown)) }
            td.figure { (whole(it.retried)) }
            td.figure { (whole(it.fell_back)) }
            td.figure { (whole(it.died)) }
            td.figure { (percent(it.success())) }
            td.drawn { (chart::bar("fail", it.failed, most)) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let columns = [
        "Agent",
        "#Failed",
        "#Unknown",
        "#Tried again",
        "#Other way",
        "#Gave up",
        "#Success",
        "Failed",
    ];
    table_or(
        "No agent had a failure in these 24 hours.",
        "Failures by agent",
        &columns,
        &rows,
    )
}

/// The newest failed attempts, of everybody or of one agent.
pub fn recent(look: &Look<'_>, of: Option<&AgentId>) -> Result<Markup, Problem> {
    // One agent's are among everybody's.
    let limit = if of.is_some() { RECENT * 10 } else { RECENT };
    let events = if look.past {
        let filter = Filter::kind("attempt.failed");
        happened::newest(look.house, &filter, look.position, limit)?.0
    } else {
        let reads = &look.house.reads;
        let failures = &reads.memory.failures;
        failures.newest(&reads.ledger, look.position, limit)?
    };
    let mut rows = Vec::new();
    for event in &events {
        let Fact::AttemptFailed(failed) = &event.fact else {
            continue;
        };
        let story = Story::up_to(&look.house.reads.ledger, failed.message, look.position)?;
        let to = story.map(|story| story.to);
        if rows.len() >= RECENT || of.is_some_and(|of| to.as_ref() != Some(of)) {
            continue;
        }
        rows.push(html! {
            th scope="row" { (ago(Some(event.recorded_at), look.at)) }
            td { (agent(&look.links, to.as_ref().map_or("", AgentId::as_str))) }
            td { (message(&look.links, &failed.message.to_string())) span.soft { ", attempt " (failed.attempt) } }
            td { span.class { (failed.class) } " " span.soft { (brief(&failed.detail, 120)) } }
        });
    }
    let columns = ["When", "Agent", "Message", "Why"];
    Ok(table_or(
        "No attempt failed lately.",
        "Failed attempts",
        &columns,
        &rows,
    ))
}

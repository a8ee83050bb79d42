//! `/agents`: tiles, and where everybody is on the screen.

use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{section, state, table_or};
use super::screen;
use super::words::{ago, count, number, stamp, text};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /agents`.
pub fn agents(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let fleet = look
            .items("/api/v1/messaging/agents", None, &[("limit", "500")])?
            .0;
        let body = html! {
            (section("fleet", "How they are", &tiles(look, &fleet)))
            (section("screen", "On the screen", &screen::maps(&look.links, &fleet)))
            (section("list", "As a list", &list(look, &fleet)))
        };
        Ok(Content::of("Agents", "/agents", body))
    })
}

/// A tile for every agent, those with trouble first.
pub fn tiles(look: &Look<'_>, fleet: &[Value]) -> Markup {
    let mut fleet: Vec<&Value> = fleet.iter().collect();
    fleet.sort_by_key(|agent| {
        (
            std::cmp::Reverse(trouble(agent)),
            text(agent, "id").to_owned(),
        )
    });
    html! {
        @if fleet.is_empty() {
            p.soft { "No agent yet: " code { "switchboard agent add ID" } }
        }
        ul.fleet { @for agent in fleet {
            li.ill[trouble(agent) > 0] {
                a href=(look.links.agent(text(agent, "id"))) { (text(agent, "id")) }
                span.where { (state(condition(agent))) }
                span.soft { @match (number(agent, "queued"), failures(agent)) {
                    (0, 0) => { "nothing waits" }
                    (queued, 0) => { (queued) " queued" }
                    (queued, failed) => { span.bad { (count(failed, "failure")) " in a row" } @if queued > 0 { ", " (queued) " queued" } }
                } }
            }
        } }
    }
}

/// Where an agent stands: held, left alone by a breaker, or as it says itself.
pub fn condition(agent: &Value) -> &str {
    if agent.get("quarantine").is_some_and(|it| !it.is_null()) {
        return "quarantined";
    }
    let open = breakers(agent).find(|(_, breaker)| text(breaker, "state") != "closed");
    if open.is_some() {
        return "breaker open";
    }
    text(agent, "state")
}

/// How much an agent needs to be looked at.
pub fn trouble(agent: &Value) -> u64 {
    match condition(agent) {
        "quarantined" | "breaker open" => 1_000_000,
        _ => failures(agent),
    }
}

/// Failures in a row, over all its channels.
fn failures(agent: &Value) -> u64 {
    breakers(agent)
        .map(|(_, breaker)| number(breaker, "failures"))
        .max()
        .unwrap_or(0)
}

/// Every channel with its breaker.
pub fn breakers(agent: &Value) -> impl Iterator<Item = (&String, &Value)> {
    agent
        .get("breaker")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// A channel's breaker in words.
pub fn breaker((channel, breaker): (&String, &Value), look: &Look<'_>) -> Markup {
    let failures = number(breaker, "failures");
    html! {
        (channel) " " (state(text(breaker, "state")))
        @if failures > 0 { " " span.bad { (count(failures, "failure")) " in a row" } }
        @if let Some(until) = stamp(breaker, "until") { ", until " (ago(Some(until), look.at)) }
    }
}

fn list(look: &Look<'_>, fleet: &[Value]) -> Markup {
    let rows = fleet.iter().map(|agent| {
        html! {
            th scope="row" { a href=(look.links.agent(text(agent, "id"))) { (text(agent, "id")) } }
            td { (state(condition(agent))) }
            td { @for one in breakers(agent) { div { (breaker(one, look)) } } }
            td.figure { (number(agent, "queued")) }
            td { (ago(stamp(agent, "last_seen"), look.at)) }
            td { (text(agent, "seat")) }
            td { (super::words::listed(agent, "roles")) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let columns = [
        "Agent",
        "State",
        "Breakers",
        "#Queued",
        "Last seen",
        "Seat",
        "Roles",
    ];
    table_or("No agent yet.", "Every agent", &columns, &rows)
}

//! `/agents/{id}`: one agent, what it got lately, and what failed.

use maud::{Markup, html};
use serde_json::Value;

use super::agents::{breaker, breakers, condition};
use super::errors;
use super::frame::{Content, page};
use super::look::Look;
use super::messages;
use super::overview::PERIOD;
use super::parts::{command, facts, message, quoted, section, state};
use super::words::{ago, listed, number, percent, stamp, text, whole};
use crate::api::answer::Answer;
use crate::api::answers::hours::together;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /agents/{id}`.
pub fn agent(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let id = look.asked.agent_in_path()?;
        let agent = look.ask("/api/v1/messaging/agents/{id}", Some(id.as_str()), &[])?;
        let period = u64::try_from(PERIOD).unwrap_or(24);
        let hours =
            house
                .reads
                .memory
                .hours
                .last(&house.reads.ledger, (look.position, look.at), period)?;
        let day = together(hours.iter().map(|(_, hour)| hour));
        let counts = day.by_agent.get(&id).cloned().unwrap_or_default();
        let query = [("to", id.as_str()), ("limit", "20")];
        let (rows, _) = look.items("/api/v1/messaging/messages", None, &query)?;
        let body = html! {
            div.pair {
                (section("now", "How it is", &standing(look, &agent)))
                (section("day", "Last 24 h", &facts(&[
                    ("Accepted", html! { (whole(counts.accepted)) }),
                    ("Arrived", html! { (whole(counts.arrived)) }),
                    ("Put into its inbox", html! { (whole(counts.inboxed)) }),
                    ("Failed attempts", html! { @if counts.failed > 0 { span.bad { (whole(counts.failed)) } } @else { "0" } }),
                    ("Success rate", html! { (percent(counts.success())) }),
                    ("Gave up", html! { (whole(counts.died)) }),
                ])))
            }
            (section("failures", "Failed attempts, newest first", &errors::recent(look, Some(&id))?))
            (section("messages", "Messages to it, newest first", &html! {
                (messages::rows(look, &rows))
                p { a href=(look.links.to("/messages", &[("to", id.as_str())])) { "All messages to " (id) } " · "
                    a href=(look.links.to("/inbox", &[("agent", id.as_str())])) { "Its inbox" } }
            }))
            (section("declared", "As declared", &declared(&agent)))
            (section("commands", "On the command line", &commands(look, id.as_str(), &agent)))
        };
        Ok(Content {
            title: format!("Agent {id}"),
            path: format!("/agents/{id}"),
            body,
        })
    })
}

fn standing(look: &Look<'_>, agent: &Value) -> Markup {
    facts(&[
        ("State", state(condition(agent))),
        (
            "Breakers",
            html! { @for one in breakers(agent) { div { (breaker(one, look)) } } },
        ),
        ("Queued", html! { (whole(number(agent, "queued"))) }),
        (
            "Under way",
            html! { @match text(agent, "under_way") { "" => { "nothing" } id => { (message(&look.links, id)) } } },
        ),
        ("Last seen", ago(stamp(agent, "last_seen"), look.at)),
        (
            "Words that may stand in its box",
            html! { @match listed(agent, "texts_may_stand").as_str() { "" => { "none" } ids => { (ids) } } },
        ),
    ])
}

fn declared(agent: &Value) -> Markup {
    let place = agent.get("place").and_then(Value::as_array);
    let place = place.map(|place| {
        place
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    });
    let or_none =
        |words: String| html! { @if words.is_empty() { span.soft { "–" } } @else { (words) } };
    facts(&[
        ("Channels", or_none(listed(agent, "channels"))),
        ("Seat", or_none(text(agent, "seat").to_owned())),
        ("Place", or_none(place.unwrap_or_default())),
        ("Window", or_none(text(agent, "window_pattern").to_owned())),
        ("Target", or_none(text(agent, "target").to_owned())),
        ("Roles", or_none(listed(agent, "roles"))),
        ("Capabilities", or_none(listed(agent, "capabilities"))),
        ("Rank", or_none(number(agent, "rank").to_string())),
        (
            "Description",
            or_none(text(agent, "description").to_owned()),
        ),
    ])
}

fn commands(look: &Look<'_>, id: &str, agent: &Value) -> Markup {
    let store = quoted(&look.house.reads.store.display().to_string());
    let line = |words: &str| command(&format!("switchboard --store {store} {words}"));
    let paused = text(agent, "state") == "paused";
    html! {
        (line(&format!("agent show {}", quoted(id))))
        (line(&format!("{} {}", if paused { "resume" } else { "pause" }, quoted(id))))
    }
}

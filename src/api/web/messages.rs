//! `/messages`: every message, filtered by what stands in the address.

use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{agent, brief, failure, message, more, section, state, table_or};
use super::words::{ago, number, stamp, text};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::ids::MessageId;
use crate::events::lifecycle::State;

/// What messages can be told apart by.
const FILTERS: [&str; 6] = ["to", "from", "tag", "text", "state", "since"];

/// `GET /messages`.
pub fn messages(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let given: Vec<(&str, &str)> = FILTERS.map(|name| (name, look.given(name))).to_vec();
        let wanted = wanted_id(look);
        let (items, next) = if let Some(id) = wanted {
            // An id in the box for words leads to its message.
            let id = id.to_string();
            let message = look.ask("/api/v1/messaging/messages/{id}", Some(&id), &[])?;
            (vec![message], None)
        } else {
            let query = [&given[..], &[("cursor", look.given("cursor"))]].concat();
            look.items("/api/v1/messaging/messages", None, &query)?
        };
        let to = |cursor: &str| {
            look.links
                .to("/messages", &[&given[..], &[("cursor", cursor)]].concat())
        };
        let first = (!look.given("cursor").is_empty()).then(|| to(""));
        let next = next.as_deref().map(to);
        let body = html! {
            (filters(look))
            (section("messages", "Newest first", &html! {
                (rows(look, &items))
                @if items.is_empty() && next.is_some() {
                    p { "Nothing among the messages looked at; there are older ones." }
                }
                (more(first.as_deref(), next.as_deref()))
            }))
        };
        Ok(Content::of("Messages", "/messages", body))
    })
}

fn wanted_id(look: &Look<'_>) -> Option<MessageId> {
    look.given("text").trim().parse().ok().map(MessageId)
}

fn filters(look: &Look<'_>) -> Markup {
    let chosen = look.given("state");
    let field = |name: &str, label: &str, kind: &str| {
        html! {
            div { label for=(name) { (label) } input id=(name) name=(name) type=(kind) value=(look.given(name)); }
        }
    };
    html! {
        form.filters method="get" action="/messages" aria-label="Filters" {
            @if let Some(as_of) = &look.links.as_of { input type="hidden" name="as_of" value=(as_of); }
            (field("text", "Words or id", "search"))
            (field("to", "To", "text"))
            (field("from", "From", "text"))
            (field("tag", "Tag", "text"))
            div { label for="state" { "State" }
                select #state name="state" {
                    option value="" { "any" }
                    @if chosen.contains(',') { option value=(chosen) selected { (chosen) } }
                    @for state in State::ALL {
                        @let word = state.to_string();
                        option value=(word) selected[word == chosen] { (word) }
                    }
                }
            }
            div.buttons { button { "Filter" } a href=(look.links.to("/messages", &[])) { "All" } }
        }
    }
}

/// Messages as a table.
pub fn rows(look: &Look<'_>, items: &[Value]) -> Markup {
    let rows = items.iter().map(|it| html! {
        th scope="row" { (message(&look.links, text(it, "message"))) }
        td { (ago(stamp(it, "created_at"), look.at)) }
        td { (agent(&look.links, text(it, "from"))) }
        td { (agent(&look.links, text(it, "to"))) }
        td { (state(text(it, "state"))) @if number(it, "attempts") > 1 { " " span.soft { (number(it, "attempts")) " attempts" } } }
        td.words { (brief(text(it, "body"), 80))
            @if it.get("failure").is_some_and(|failure| !failure.is_null()) {
                div { (failure(it.get("failure").unwrap_or(&Value::Null))) }
            }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let columns = ["Message", "Accepted", "From", "To", "State", "Words"];
    table_or("No message fits.", "Messages", &columns, &rows)
}

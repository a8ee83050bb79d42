//! `/queue`: what waits or is being carried, in the order of turns.

use maud::{Markup, html};

use super::frame::{Content, page};
use super::parts::{agent, failure, message, more, section, state, table_or};
use super::words::{ago, number, stamp, text};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /queue`.
pub fn queue(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let query = [("cursor", look.given("cursor")), ("limit", "100")];
        let (items, next) = look.items("/api/v1/messaging/queue", None, &query)?;
        let rows = items.iter().map(|it| html! {
            th scope="row" { (message(&look.links, text(it, "message"))) }
            td { (agent(&look.links, text(it, "to"))) }
            td { (text(it, "priority")) }
            td { (state(text(it, "state"))) }
            td { (ago(stamp(it, "due_at"), look.at)) }
            td.figure { (number(it, "attempts")) }
            td { (text(it, "channel")) @match text(it, "seat") { "" => {} seat => { " on " (seat) } } }
            td { (failure(it.get("failure").unwrap_or(&serde_json::Value::Null))) }
        });
        let rows: Vec<Markup> = rows.collect();
        let columns = [
            "Message",
            "To",
            "Priority",
            "State",
            "Due",
            "#Attempts",
            "Next by",
            "Last failure",
        ];
        let to = |cursor: &str| look.links.to("/queue", &[("cursor", cursor)]);
        let first = (!look.given("cursor").is_empty()).then(|| to(""));
        let body = section(
            "queue",
            "In the order of turns",
            &html! {
                (table_or("Nothing waits.", "Queue", &columns, &rows))
                (more(first.as_deref(), next.as_deref().map(to).as_deref()))
            },
        );
        Ok(Content::of("Queue", "/queue", body))
    })
}

//! `/events`: the ledger itself, newest first.

use maud::{Markup, html};

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{agent, brief, message, more, section, table_or};
use super::words::{ago, whole};
use crate::api::answer::Answer;
use crate::api::happened::{self, Filter};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::envelope::Event;
use crate::events::ids::Position;

/// How many events a page has.
const ROWS: usize = 50;

/// `GET /events`.
pub fn events(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let filter = Filter::of(&look.asked)?;
        let before = look.asked.position("before")?;
        let to = before.map_or(look.position, |it| Position(it.0.saturating_sub(1)));
        let (found, older) = happened::newest(house, &filter, to.min(look.position), ROWS)?;
        let rows: Vec<Markup> = found.iter().map(|event| row(look, event)).collect();
        let to = |before: &str| {
            let query = [
                ("kind", look.given("kind")),
                ("stream", look.given("stream")),
                ("before", before),
            ];
            look.links.to("/events", &query)
        };
        let next = older.map(|older| to(&older.next().to_string()));
        let first = before.map(|_| to(""));
        let body = html! {
            form.filters method="get" action="/events" aria-label="Filters" {
                @if let Some(as_of) = &look.links.as_of { input type="hidden" name="as_of" value=(as_of); }
                div { label for="kind" { "Kind, or a group like attempt.*" } input #kind name="kind" value=(look.given("kind")); }
                div { label for="stream" { "Stream" } input #stream name="stream" value=(look.given("stream")); }
                div.buttons { button { "Filter" } a href=(look.links.to("/events", &[])) { "All" } }
            }
            (section("events-list", "Newest first", &html! {
                (table_or("No event fits among those looked at.", "Events", &["#Position", "When", "Kind", "Stream", "By", "In words"], &rows))
                (more(first.as_deref(), next.as_deref()))
            }))
        };
        Ok(Content::of("Events", "/events", body))
    })
}

fn row(look: &Look<'_>, event: &Event) -> Markup {
    let told = look
        .house
        .reads
        .surroundings
        .told(&event.fact.name(), &event.fact.to_json());
    let stream = event.stream.to_string();
    let (category, id) = stream.split_once('/').unwrap_or((&stream, ""));
    html! {
        th.figure scope="row" { (whole(event.position.0)) }
        td { (ago(Some(event.recorded_at), look.at)) }
        td { (event.fact.name()) }
        td.line { @match category {
            "message" => { "message " (message(&look.links, id)) }
            "agent" => { "agent " (agent(&look.links, id)) }
            _ => { (brief(&stream, 60)) }
        } }
        td { (event.cause.actor) }
        td.words { (brief(&told, 160)) }
    }
}

//! `/projections`: how far each view of the events has come.

use maud::{Markup, html};

use super::frame::{Content, page};
use super::parts::{section, state, table};
use super::words::{number, text, whole};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /projections`.
pub fn projections(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let (items, _) = look.items("/api/v1/projections", None, &[])?;
        let rows = items.iter().map(|it| {
            html! {
                th scope="row" { (text(it, "name")) "@" (number(it, "version")) }
                td { (state(text(it, "state"))) }
                td.figure { (whole(number(it, "position"))) }
                td.figure { (whole(number(it, "lag_events"))) }
                td { @match (text(it, "reason"), text(it, "note")) {
                    ("", "") => { span.soft { "–" } }
                    (reason, note) => { (reason) " " (note) }
                } }
            }
        });
        let rows: Vec<Markup> = rows.collect();
        let columns = [
            "Projection",
            "State",
            "#Position",
            "#Events behind",
            "Remark",
        ];
        let body = html! {
            @if look.past { (now_only("How far projections were then is written down nowhere: what they hold of that \
                moment is what the other pages show. Below is how they are now.")) }
            (section("projections", "Every projection", &table("Projections", &columns, &rows)))
        };
        Ok(Content::of("Projections", "/projections", body))
    })
}

/// A remark that something of a page of the past is of now.
pub fn now_only(words: &str) -> Markup {
    html! { p.note role="note" { (words) } }
}

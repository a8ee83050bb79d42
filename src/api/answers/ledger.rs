//! The ledger itself: projections, versions, and the documents of this API.

use serde_json::{Value, json};

use crate::api::answer::{Answer, cut};
use crate::api::document;
use crate::api::house::House;
use crate::api::pages;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::projections::canonical::SCHEMA;
use crate::projections::view::View;

/// Every projection, and how far each has come.
pub fn projections(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let head = house.reads.ledger.head();
    let rows = house.reads.projections.list(head);
    let rows = rows.into_iter().enumerate();
    let rows = rows.map(|(number, row)| (format!("{number:04}"), json!(row)));
    let (items, last) = cut(rows, asked.after()?.as_deref(), asked.limit()?);
    Ok(Answer::page(head.position, asked, &items, last.as_deref()))
}

/// What this binary and this ledger are.
pub fn version(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    let (ledger, timeline) = house.reads.ledger.identity();
    let item: Value = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "api": "v1",
        "ledger": ledger,
        "timeline": timeline,
        "schema": SCHEMA,
        "projections": View::ALL.map(|view| format!("{}@{}", view.name(), view.version())),
    });
    Ok(Answer::item(house.head(), &item))
}

/// The `OpenAPI` document.
pub fn openapi(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    Ok(Answer::item(house.head(), &document::document()))
}

/// The same for people.
pub fn docs(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    Ok(page(house, pages::docs()))
}

fn page(house: &House, html: String) -> Answer {
    Answer {
        body: html.into_bytes(),
        content: "text/html; charset=utf-8",
        position: house.head(),
    }
}

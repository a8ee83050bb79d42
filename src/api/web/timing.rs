//! `/timing`: how long the steps of deliveries take, and the deadlines that follow.

use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{agent, brief, section, table_or};
use super::projections::now_only;
use super::words::{ago, micros, number, stamp, text, whole};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /timing`.
pub fn timing(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let (items, more) = look.items("/api/v1/messaging/timing", None, &[("limit", "500")])?;
        let (steps, calibrations): (Vec<&Value>, Vec<&Value>) =
            items.iter().partition(|it| text(it, "record") == "step");
        let body = html! {
            @if look.past { (now_only("Times are as they were known then; deadlines are made with the settings of now.")) }
            (section("steps", "Steps by agent", &html! {
                (step_table(look, &steps))
                @if more.is_some() { p.soft { "The first 500; " code { "switchboard timing" } " has all of them." } }
            }))
            (section("calibrations", "Calibrations", &calibration_table(look, &calibrations)))
        };
        Ok(Content::of("Timing", "/timing", body))
    })
}

fn step_table(look: &Look<'_>, steps: &[&Value]) -> Markup {
    let took = |it: &Value, field: &str| micros(it.get(field).and_then(Value::as_u64));
    let rows = steps.iter().map(|it| {
        html! {
            th scope="row" { (agent(&look.links, text(it, "agent"))) }
            td { (text(it, "step")) }
            td.figure { (whole(number(it, "attempts"))) }
            td.figure { (took(it, "p50_micros")) }
            td.figure { (took(it, "p95_micros")) }
            td.figure { (took(it, "p99_micros")) }
            td.figure { (took(it, "lately_micros")) }
            td.figure { (whole(number(it, "missed"))) }
            td.figure { (took(it, "deadline_micros")) }
            td { (text(it, "why")) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    let columns = [
        "Agent",
        "Step",
        "#Attempts",
        "#Half within",
        "#95 %",
        "#99 %",
        "#Lately",
        "#In vain",
        "#Deadline",
        "Why",
    ];
    table_or(
        "No attempt by hand was seen to arrive yet.",
        "Steps by agent",
        &columns,
        &rows,
    )
}

fn calibration_table(look: &Look<'_>, items: &[&Value]) -> Markup {
    let rows = items.iter().map(|it| {
        let figures = it.get("figures").and_then(Value::as_array);
        html! {
            th scope="row" { @match text(it, "agent") { "" => { "seat " (text(it, "seat")) } id => { (agent(&look.links, id)) } } }
            td { (ago(stamp(it, "at"), look.at)) }
            td { @for figure in figures.into_iter().flatten() {
                div { (brief(text(figure, "measure"), 40)) " " (micros(figure.get("median_micros").and_then(Value::as_u64)))
                    span.soft { ", at most " (micros(figure.get("max_micros").and_then(Value::as_u64))) } }
            } }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    table_or(
        "Nothing was calibrated yet: switchboard calibrate",
        "Calibrations",
        &["What", "When", "Figures"],
        &rows,
    )
}

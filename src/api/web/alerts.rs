//! What is wrong at the moment that is looked at.

use maud::{Markup, html};
use serde_json::Value;

use super::look::Look;
use super::parts::{command, quoted, section, state, table};
use super::words::{ago, number, stamp, text, whole};
use crate::api::problem::Problem;

/// Alerts that are not over, the worst first; nothing when nothing is wrong.
pub fn current(look: &Look<'_>) -> Result<Markup, Problem> {
    let alerts = look.items("/api/v1/observability/alerts", None, &[])?.0;
    if alerts.is_empty() {
        return Ok(html! {});
    }
    let rows: Vec<Markup> = alerts.iter().map(|alert| row(look, alert)).collect();
    let columns = [
        "Rule",
        "Of",
        "State",
        "Severity",
        "Figure",
        "#Is",
        "#Limit",
        "Since",
        "Acknowledge",
    ];
    let content = table("Alerts that are not over", &columns, &rows);
    Ok(section("alerts", "Alerts", &content))
}

fn row(look: &Look<'_>, alert: &Value) -> Markup {
    let store = quoted(&look.house.reads.store.display().to_string());
    let firing = text(alert, "state") == "firing";
    html! {
        th scope="row" { (text(alert, "rule")) }
        td { (text(alert, "subject")) }
        td { (state(text(alert, "state"))) }
        td { (text(alert, "severity")) }
        td { (text(alert, "figure")) }
        td.figure { (whole(number(alert, "value"))) }
        td.figure { (whole(number(alert, "limit"))) }
        td { (ago(stamp(alert, "since"), look.at)) }
        td {
            @if firing && !look.past {
                (command(&format!("switchboard --store {store} alerts ack {}", text(alert, "alert"))))
            } @else {
                (text(alert, "acknowledged_by"))
            }
        }
    }
}

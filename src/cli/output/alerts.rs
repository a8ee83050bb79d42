//! Alerts for people.

use serde_json::Value;

use super::items::{instant, truth, word};
use super::paint::{Paint, Tone};
use super::table::{Cell, Table};

/// Every alert, one a line.
pub fn table(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "alert", "state", "severity", "figure", ">value", "limit", "since", "raised", "by",
    ]);
    for item in items {
        let side = if truth(item, "above") { '>' } else { '<' };
        table = table.row(vec![
            word(item, "alert").into(),
            Cell::state(word(item, "state")),
            severity(&word(item, "severity")),
            word(item, "figure").into(),
            word(item, "value").into(),
            format!("{side} {}", word(item, "limit")).into(),
            instant(item, "since", false).into(),
            instant(item, "raised_at", false).into(),
            word(item, "acknowledged_by").into(),
        ]);
    }
    table.render("nothing is wrong", paint)
}

fn severity(word: &str) -> Cell {
    match word {
        "critical" => Cell::toned(word, Tone::Bad),
        _ => word.to_owned().into(),
    }
}

/// One that was acknowledged.
pub fn acknowledged(item: &Value, _paint: Paint) -> String {
    let by = word(item, "acknowledged_by");
    let again = if truth(item, "repeated") {
        " already"
    } else {
        ""
    };
    format!("{} is looked after{again} by {by}", word(item, "alert"))
}

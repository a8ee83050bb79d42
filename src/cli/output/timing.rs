//! Timing for people.

use serde_json::Value;

use super::items::{instant, list, number, truth, word};
use super::paint::{Paint, Tone};
use super::table::{Cell, Table};

/// Steps, then calibrations.
pub fn table(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "agent",
        "step",
        ">attempts",
        ">p50",
        ">p95",
        ">p99",
        ">max",
        ">missed",
        ">deadline",
        "why",
    ]);
    let of = |record: &'static str| {
        items
            .iter()
            .filter(move |item| item["record"].as_str() == Some(record))
    };
    for item in of("step") {
        table = table.row(vec![
            word(item, "agent").into(),
            word(item, "step").into(),
            word(item, "attempts").into(),
            span(item, "p50_micros").into(),
            span(item, "p95_micros").into(),
            span(item, "p99_micros").into(),
            span(item, "max_micros").into(),
            word(item, "missed").into(),
            span(item, "deadline_micros").into(),
            word(item, "why").into(),
        ]);
    }
    let mut parts = vec![table.render("nothing was carried by hand yet", paint)];
    parts.extend(of("calibration").map(|item| calibration(item, paint)));
    parts.join("\n\n")
}

/// What came of a calibration: what was measured, and what could not be.
pub fn calibrated(items: &[Value], paint: Paint) -> String {
    let parts: Vec<String> = items
        .iter()
        .map(|item| {
            if item["record"].as_str() == Some("calibration") {
                return calibration(item, paint);
            }
            let stands = if truth(item, "text_may_stand") {
                "; the words may still stand in its box: the next attempt looks for them"
            } else {
                ""
            };
            let text = format!(
                "window of {}, not measured ({}): {}{stands}",
                word(item, "agent"),
                word(item, "class"),
                word(item, "detail")
            );
            paint.tone(Tone::Bad, &text)
        })
        .collect();
    parts.join("\n\n")
}

/// One calibration: what was measured, and the machine.
pub fn calibration(item: &Value, paint: Paint) -> String {
    let whose = match item["agent"].as_str() {
        Some(_) => format!("window of {}", word(item, "agent")),
        None => format!("seat {}", word(item, "seat")),
    };
    let title = format!("{whose}, calibrated {}", instant(item, "at", false));
    let mut table = Table::new(&["measure", ">samples", ">median", ">max"]);
    for figure in list(item, "figures") {
        table = table.row(vec![
            word(figure, "measure").into(),
            word(figure, "samples").into(),
            span(figure, "median_micros").into(),
            span(figure, "max_micros").into(),
        ]);
    }
    let machine = &item["machine"];
    let load = number(machine, "load_per_mille");
    format!(
        "{}\n{}\nmachine: {} cores, load {}.{:02}, {} of {} MiB memory free, {} MiB disk free, one durable write {}",
        paint.tone(Tone::Strong, &title),
        table.render("nothing could be measured", paint),
        number(machine, "cores"),
        load / 1_000,
        load % 1_000 / 10,
        number(machine, "memory_free_kib") / 1_024,
        number(machine, "memory_kib") / 1_024,
        number(machine, "disk_free_kib") / 1_024,
        span(machine, "disk_sync_micros"),
    )
}

/// What other deadlines would have done.
pub fn what_if(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "agent",
        "step",
        ">deadline",
        ">within",
        ">beyond",
        ">missed",
        ">longest",
        "enough",
    ]);
    for item in items {
        let enough = if truth(item, "enough") {
            Cell::toned("yes", Tone::Good)
        } else {
            Cell::toned("no", Tone::Bad)
        };
        table = table.row(vec![
            word(item, "agent").into(),
            word(item, "step").into(),
            span(item, "deadline_micros").into(),
            word(item, "within").into(),
            word(item, "beyond").into(),
            word(item, "missed").into(),
            span(item, "longest_micros").into(),
            enough,
        ]);
    }
    table.render("no recorded attempt had to wait for that", paint)
}

/// Milliseconds with one digit behind the point; nothing where nothing was measured.
fn span(item: &Value, field: &str) -> String {
    item[field].as_u64().map_or_else(String::new, |micros| {
        format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
    })
}

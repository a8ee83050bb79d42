//! The first lines of the screen: how the desk is, in figures.

use std::time::Duration;

use serde_json::Value;

use super::line::Line;
use crate::api::web::words::{micros, number, percent, span, stamp, text, whole};
use crate::cli::output::items::{list, truth};
use crate::cli::output::paint::{Tone, tone_of};
use crate::events::time::Timestamp;

/// Where the second figure of a line begins.
const SECOND: usize = 41;

/// Where a figure stands behind its name.
const FIGURE: usize = 15;

/// Bars from low to high.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// When the object was made.
pub fn at(item: &Value) -> Timestamp {
    stamp(item, "at").unwrap_or(Timestamp::EPOCH)
}

/// How long before that something was; nothing when it never was.
pub fn ago(item: &Value, then: Option<Timestamp>) -> String {
    then.map_or_else(String::new, |then| span(at(item).since(then)))
}

/// The hour, minute and second of an instant, in UTC.
pub fn clock(at: Timestamp) -> String {
    let whole = at.to_string();
    whole.get(11..19).unwrap_or_default().to_owned()
}

/// Lines in the order of their weight.
pub fn lines(item: &Value) -> Vec<Line> {
    let mut lines = vec![standing(item)];
    lines.extend(alarm(item));
    let day = &item["day"];
    let (counts, arrival) = (&day["counts"], &day["arrival"]);
    let count = |name: &str| whole(number(counts, name));
    let quantile = |name: &str| micros(arrival[name].as_u64());
    let success = figure("Success 24 h", &percent(day["success_rate"].as_f64()));
    let queued = figure("Queued", &whole(number(item, "queued")));
    lines.push(side_by_side(
        &success.say("  ").then(change(day)),
        queued.tone(Tone::Dim, &waiting(item)),
    ));
    let inboxed = format!("  and {} to inboxes", count("inboxed"));
    lines.push(side_by_side(
        &figure("Arrived", &count("arrived")).tone(Tone::Dim, &inboxed),
        wanting(item, "Unknown", "unknown", "look, then resolve"),
    ));
    let tail = format!("  95 % within {}", quantile("p95_micros"));
    lines.push(side_by_side(
        &figure("Until arrival", &quantile("p50_micros")).tone(Tone::Dim, &tail),
        wanting(item, "Dead", "dead", "requeue, or leave"),
    ));
    let again = format!(
        "  {} again, {} other way",
        count("retried"),
        count("fell_back")
    );
    lines.push(side_by_side(
        &bad_figure("Failed", number(counts, "failed")).tone(Tone::Dim, &again),
        backup(item),
    ));
    let bars = |field: &str| {
        let hours = list(day, "hours").iter();
        bars(&hours.map(|hour| number(hour, field)).collect::<Vec<_>>())
    };
    lines.push(side_by_side(
        &figure("Arrived/hour", &bars("arrived")),
        figure("Failed/hour", &bars("failed")),
    ));
    lines
}

fn figure(name: &str, value: &str) -> Line {
    let name = Line::default().tone(Tone::Dim, name).up_to(FIGURE);
    name.tone(Tone::Strong, value)
}

fn bad_figure(name: &str, value: u64) -> Line {
    let name = Line::default().tone(Tone::Dim, name).up_to(FIGURE);
    let tone = if value > 0 { Tone::Bad } else { Tone::Strong };
    name.tone(tone, &whole(value))
}

fn wanting(item: &Value, name: &str, field: &str, what: &str) -> Line {
    let value = number(item, field);
    let line = bad_figure(name, value);
    if value > 0 {
        line.tone(Tone::Dim, &format!("  {what}"))
    } else {
        line
    }
}

fn side_by_side(left: &Line, right: Line) -> Line {
    left.cut(SECOND.saturating_sub(1)).up_to(SECOND).then(right)
}

/// How well it is, and who says so.
fn standing(item: &Value) -> Line {
    let health = &item["health"];
    let status = text(health, "overall_status");
    let line = Line::default()
        .tone(tone_of(status), status)
        .say(&format!(" {} of 100", number(health, "score")))
        .tone(Tone::Dim, " · ")
        .say(&format!("position {}", whole(number(item, "position"))))
        .tone(Tone::Dim, " · ");
    let desktop = text(item, "desktop");
    match (truth(item, "daemon"), truth(item, "paused")) {
        (false, _) => line.tone(
            Tone::Bad,
            "no daemon: nothing is delivered; `switchboard serve`",
        ),
        (true, true) => line.tone(Tone::Bad, "every seat is paused; `switchboard resume`"),
        (true, false) if truth(item, "delivering") => {
            line.say(&format!("delivering with {desktop}"))
        }
        (true, false) => line.tone(Tone::Waiting, "the daemon does not deliver"),
    }
}

/// The first alert, and how many more there are.
fn alarm(item: &Value) -> Option<Line> {
    let alerts = list(item, "alerts");
    let first = alerts.first()?;
    let severity = text(first, "severity");
    let tone = if severity == "critical" {
        Tone::Bad
    } else {
        Tone::Waiting
    };
    let more = match alerts.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    let words = format!(
        "{severity} alert {} {}",
        text(first, "alert"),
        text(first, "state")
    );
    let since = ago(item, stamp(first, "since"));
    Some(
        Line::default()
            .tone(tone, &words)
            .say(&format!(" for {since}{more}")),
    )
}

/// How the success rate changed against the day before, in points.
fn change(day: &Value) -> Line {
    let both = (
        day["success_rate"].as_f64(),
        day["success_rate_before"].as_f64(),
    );
    let (Some(now), Some(then)) = both else {
        return Line::default();
    };
    let points = (now - then) * 100.0;
    let (tone, sign) = if points < -0.05 {
        (Tone::Bad, "−")
    } else if points > 0.05 {
        (Tone::Good, "+")
    } else {
        (Tone::Dim, "±")
    };
    Line::default().tone(tone, &format!("{sign}{:.1} points", points.abs()))
}

fn waiting(item: &Value) -> String {
    let due = list(item, "queue").iter();
    let oldest = due.filter_map(|it| stamp(it, "due_at")).min();
    match oldest {
        Some(due_at) if due_at <= at(item) => format!("  oldest for {}", ago(item, oldest)),
        _ => String::new(),
    }
}

fn backup(item: &Value) -> Line {
    let backup = &item["backup"];
    let Some(taken) = stamp(backup, "taken_at") else {
        let name = Line::default().tone(Tone::Dim, "Not backed up");
        return name.up_to(FIGURE).tone(Tone::Bad, "everything, never");
    };
    let unsaved = backup["unsaved_seconds"].as_f64().unwrap_or(0.0);
    let unsaved = Duration::try_from_secs_f64(unsaved).unwrap_or_default();
    let value = if unsaved.is_zero() {
        "nothing".to_owned()
    } else {
        span(unsaved)
    };
    let last = format!("  last {} ago", ago(item, Some(taken)));
    figure("Not backed up", &value).tone(Tone::Dim, &last)
}

/// A bar for each value, the highest of all as high as can be.
fn bars(values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let bar = |value: &u64| {
        let height = value.saturating_mul(7).div_ceil(most);
        let height = usize::try_from(height).unwrap_or(7);
        BARS.get(height).copied().unwrap_or("█")
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_values() {
        assert_eq!(bars(&[0, 1, 50, 100]), "▁▂▅█");
        assert_eq!(bars(&[0, 0]), "▁▁");
        assert_eq!(bars(&[]), "");
    }
}

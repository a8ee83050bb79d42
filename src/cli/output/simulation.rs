//! Rehearsals for people.

use serde_json::Value;

use super::escape;
use super::items::word;
use super::paint::{Paint, Tone};
use super::story as stories;

/// One run, a line for each thing that happened, and what came of it.
pub fn story(items: &[Value], paint: Paint) -> String {
    let lines: Vec<String> = items.iter().map(|item| line(item, paint)).collect();
    lines.join("\n")
}

fn line(item: &Value, paint: Paint) -> String {
    if word(item, "record") == "run" {
        return verdict(item, paint);
    }
    let what = word(item, "what");
    let event = &item["event"];
    let words = if event.is_object() {
        let kind = word(event, "kind");
        let told = stories::sentence(&kind, &event["data"]);
        let told = told
            .strip_prefix(&kind)
            .map_or(told.as_str(), str::trim_start);
        format!(
            "{kind:<19} {} {told}",
            paint.tone(Tone::Dim, &word(event, "stream"))
        )
    } else {
        escape::line(item["words"].as_str().unwrap_or_default())
    };
    let at = item["at_micros"].as_u64().unwrap_or_default();
    let at = format!("{:>8}.{:03}", at / 1_000, at % 1_000);
    let tone = match what.as_str() {
        "fault" | "cut" => Tone::Bad,
        "people" => Tone::Waiting,
        "event" => Tone::Strong,
        _ => Tone::Dim,
    };
    format!(
        "{} {} {words}",
        paint.tone(Tone::Dim, &at),
        paint.tone(tone, &format!("{what:<6}"))
    )
}

fn verdict(item: &Value, paint: Paint) -> String {
    let seed = word(item, "seed");
    if let Some(problem) = item["problem"].as_str() {
        let problem = escape::line(problem);
        return paint.tone(Tone::Bad, &format!("seed {seed}: {problem}"));
    }
    let spent = item["virtual_micros"].as_u64().unwrap_or_default();
    let spent = format!("{}.{:03} s", spent / 1_000_000, spent / 1_000 % 1_000);
    format!(
        "seed {seed}: holds, in {spent} of virtual time; {}",
        counts(item)
    )
}

fn counts(item: &Value) -> String {
    let tally = &item["tally"];
    let shown = [
        "messages",
        "attempts",
        "observed",
        "submitted",
        "inboxed",
        "unknown",
        "others",
    ]
    .map(|name| format!("{name} {}", word(tally, name)));
    shown.join(", ")
}

/// Many runs: the failing ones, and the sum.
pub fn summary(items: &[Value], paint: Paint) -> String {
    let lines: Vec<String> = items
        .iter()
        .map(|item| {
            if word(item, "record") == "run" {
                return verdict(item, paint);
            }
            let sum = format!(
                "{} runs from seed {}: {} failing, {} broke off; {}",
                word(item, "runs"),
                word(item, "first_seed"),
                word(item, "failing"),
                word(item, "broke_off"),
                counts(item),
            );
            if item["ok"] == Value::Bool(true) {
                sum
            } else {
                paint.tone(Tone::Bad, &sum)
            }
        })
        .collect();
    lines.join("\n")
}

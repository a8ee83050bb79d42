//! The ledger and its past for people: events, replay, verify.

use serde_json::Value;

use super::escape;
use super::items::{count, inline, instant, list, number, truth, word};
use super::paint::{Paint, Tone};
use super::story;

/// Characters of an event's words in a list.
const PREVIEW: usize = 100;

/// Events, a line each.
pub fn events(items: &[Value], paint: Paint) -> String {
    let lines: Vec<String> = items.iter().map(|item| event(item, paint)).collect();
    lines.join("\n")
}

/// One event in one line: position, instant, kind, stream, and what happened.
pub fn event(item: &Value, paint: Paint) -> String {
    let kind = word(item, "kind");
    let told = story::sentence(&kind, &item["data"]);
    // A kind that the story does not know is told by its fields alone: its name stands there already.
    let told = told
        .strip_prefix(&kind)
        .map_or(told.as_str(), str::trim_start);
    let told = shortened(told);
    let at = paint.tone(Tone::Dim, &instant(item, "recorded_at", true));
    let stream = paint.tone(Tone::Dim, &word(item, "stream"));
    format!(
        "{:>7}  {at}  {kind:<20}  {stream}  {told}",
        word(item, "position")
    )
    .trim_end()
    .to_owned()
}

fn shortened(told: &str) -> String {
    // Already escaped, so only the length is left to care for.
    escape::short(told, PREVIEW)
}

/// The state as it was: where, which hash, and how much there is of everything.
pub fn replay(item: &Value, paint: Paint) -> String {
    let mut lines = vec![format!(
        "position {}  {}",
        word(item, "position"),
        paint.tone(Tone::Dim, &instant(item, "at", true)),
    )];
    lines.push(format!("hash     {}", word(item, "hash")));
    if let Some(state) = item["state"].as_object() {
        for (name, view) in state {
            let title = paint.tone(Tone::Strong, &escape::line(name));
            let listed = view.as_array().map(Vec::len);
            let size = listed
                .or_else(|| view.as_object().map(serde_json::Map::len))
                .map_or_else(|| inline(view), entry_count);
            lines.push(format!("\n{title}  {size}"));
            lines.extend(entries(view));
        }
    }
    lines.join("\n")
}

fn entry_count(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        more => format!("{more} entries"),
    }
}

fn entries(view: &Value) -> Vec<String> {
    match view {
        Value::Array(entries) => entries
            .iter()
            .map(|entry| format!("  {}", escape::short(&entry.to_string(), PREVIEW)))
            .collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(name, entry)| {
                let shown = escape::short(&entry.to_string(), PREVIEW);
                format!("  {}  {shown}", escape::line(name))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Whether the ledger is whole.
pub fn verify(item: &Value, paint: Paint) -> String {
    let read = count(number(item, "events"), "event");
    let chain = paint.tone(Tone::Dim, &word(item, "chain"));
    let damage = list(item, "damage");
    let mut lines = repaired(item, paint);
    if truth(item, "ok") {
        let ok = paint.tone(Tone::Good, "ok");
        lines.push(format!(
            "{ok}  {read}, head {}\n{chain}",
            word(item, "head")
        ));
        return lines.join("\n");
    }
    let bad = paint.tone(Tone::Bad, "damaged");
    lines.push(format!("{bad}  {read} read, head {}", word(item, "head")));
    lines.extend(damage.iter().map(|one| format!("  {}", inline(one))));
    lines.join("\n")
}

/// What `--repair` did; nothing when it was not asked for.
fn repaired(item: &Value, paint: Paint) -> Vec<String> {
    match item.get("repaired") {
        None => Vec::new(),
        Some(Value::Null) => vec!["there was nothing to repair".to_owned()],
        Some(torn) => {
            let done = paint.tone(Tone::Good, "repaired");
            vec![format!(
                "{done}  {} that were never acknowledged cut off at byte {} of the journal\n  \
                 copied to {}",
                count(number(torn, "bytes"), "byte"),
                word(torn, "offset"),
                word(torn, "copied_to"),
            )]
        }
    }
}

/// Where a note stands.
pub fn appended(item: &Value, paint: Paint) -> String {
    let repeated = if item["repeated"] == Value::Bool(true) {
        ", as before"
    } else {
        ""
    };
    let done = paint.tone(Tone::Good, "appended");
    format!(
        "{done}  at {}, version {}{repeated}",
        item["position"], item["version"]
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let item = json!({"position":7,"recorded_at":"2025-01-31T12:00:00.123456Z",
            "stream":"note/plan","kind":"note.decided","data":{"by":"ada\n"}});
        assert_eq!(
            event(&item, Paint::PLAIN),
            "      7  2025-01-31 12:00:00.123  note.decided          note/plan  {\"by\":\"ada\\n\"}"
        );
    }

    #[test]
    fn damage_is_listed() {
        let item = json!({"ok":false,"events":3,"head":5,"chain":"ab","damage":["gap at 4"]});
        assert_eq!(
            verify(&item, Paint::PLAIN),
            "damaged  3 events read, head 5\n  gap at 4"
        );
    }
}

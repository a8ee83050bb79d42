//! Reading the objects that answers consist of: a field that is not there reads as nothing.

use serde_json::Value;

use super::escape;
use super::paint::{Paint, Tone};
use crate::events::time::Timestamp;

/// A field as one safe line: text as it is, nothing for null, lists joined by commas.
pub fn word(item: &Value, field: &str) -> String {
    inline(&item[field])
}

/// A value as one safe line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escape::line(text),
        Value::Array(list) => list.iter().map(inline).collect::<Vec<_>>().join(","),
        Value::Object(point) if point.len() == 2 && point.contains_key("x") => {
            format!("{},{}", value["x"], value["y"])
        }
        Value::Object(_) => escape::line(&value.to_string()),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A field as a number; 0 when there is none.
pub fn number(item: &Value, field: &str) -> u64 {
    item[field].as_u64().unwrap_or(0)
}

/// Whether a field is true.
pub fn truth(item: &Value, field: &str) -> bool {
    item[field].as_bool().unwrap_or(false)
}

/// The entries of a list field.
pub fn list<'v>(item: &'v Value, field: &str) -> &'v [Value] {
    item[field].as_array().map_or(&[], Vec::as_slice)
}

/// Whether the object is an answer, not a summary, progress or other record.
pub fn is_plain(item: &Value) -> bool {
    item["record"].is_null()
}

/// An instant field for people: `2025-01-31 12:00:00`, with milliseconds if wanted.
pub fn instant(item: &Value, field: &str, millis: bool) -> String {
    let text = word(item, field);
    let Some((day, time)) = text.trim_end_matches('Z').split_once('T') else {
        return text;
    };
    let length = if millis { 12 } else { 8 };
    let time: String = time.chars().take(length).collect();
    format!("{day} {time}")
}

/// How long after `start` the field's instant lies, like `+0.012s`.
pub fn offset(item: &Value, field: &str, start: Option<Timestamp>) -> String {
    let at = item[field].as_str().and_then(|t| t.parse().ok());
    match (start, at) {
        (Some(start), Some(at)) => {
            let millis = Timestamp::since(at, start).as_millis();
            match millis {
                0..60_000 => format!("+{}.{:03}s", millis / 1000, millis % 1000),
                60_000..3_600_000 => {
                    format!("+{}m{:02}s", millis / 60_000, millis / 1000 % 60)
                }
                _ => format!("+{}h{:02}m", millis / 3_600_000, millis / 60_000 % 60),
            }
        }
        _ => instant(item, field, true),
    }
}

/// A count with its noun: `1 attempt`, `3 attempts`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// One `name  value` line per pair, names aligned, empty values left out.
pub fn block(pairs: &[(&str, String)], paint: Paint) -> String {
    let there = || pairs.iter().filter(|(_, value)| !value.is_empty());
    let width = there().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = there()
        .map(|(name, value)| {
            let name = paint.tone(Tone::Dim, &format!("{name:<width$}"));
            format!("{name}  {value}")
        })
        .collect();
    lines.join("\n")
}

/// Any object as a block of its fields, in alphabetical order.
pub fn fields(item: &Value, paint: Paint) -> String {
    let Some(object) = item.as_object() else {
        return inline(item);
    };
    let pairs: Vec<(&str, String)> = object
        .iter()
        .map(|(name, value)| (name.as_str(), inline(value)))
        .collect();
    block(&pairs, paint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn offsets_grow_coarser() {
        let start: Timestamp = "2025-01-31T12:00:00Z".parse().unwrap();
        for (at, shown) in [
            ("2025-01-31T12:00:00.012345Z", "+0.012s"),
            ("2025-01-31T12:00:59.999Z", "+59.999s"),
            ("2025-01-31T12:01:05Z", "+1m05s"),
            ("2025-01-31T14:03:00Z", "+2h03m"),
        ] {
            assert_eq!(offset(&json!({"at": at}), "at", Some(start)), shown);
        }
    }

    #[test]
    fn what_is_not_there_reads_as_nothing() {
        let item = json!({"a": null, "p": {"x": -3, "y": 4}, "l": ["a", "b"], "t": "\u{1b}"});
        assert_eq!(word(&item, "a") + &word(&item, "zz"), "");
        assert_eq!(word(&item, "p"), "-3,4");
        assert_eq!(word(&item, "l"), "a,b");
        assert_eq!(word(&item, "t"), "\\x1b");
    }
}

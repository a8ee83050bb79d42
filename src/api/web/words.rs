//! Figures, spans and instants as people read them, and fields of the API's objects.

use std::time::Duration;

use maud::{Markup, html};
use serde_json::Value;

use crate::events::time::Timestamp;

/// A field that is text; empty when it is not there.
pub fn text<'v>(of: &'v Value, field: &str) -> &'v str {
    of.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A field that is a number; 0 when it is not there.
pub fn number(of: &Value, field: &str) -> u64 {
    of.get(field).and_then(Value::as_u64).unwrap_or_default()
}

/// A field that is an instant.
pub fn stamp(of: &Value, field: &str) -> Option<Timestamp> {
    of.get(field)?.as_str()?.parse().ok()
}

/// Words of a list, with commas between them.
pub fn listed(of: &Value, field: &str) -> String {
    let words = of.get(field).and_then(Value::as_array);
    let words = words.into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(", ")
}

/// A whole number with its thousands apart.
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A count and its word: `1 event`, `2 events`.
pub fn count(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {word}{plural}", whole(number))
}

/// A span with two figures at most: `350 ms`, `4.2 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
pub fn span(span: Duration) -> String {
    let (seconds, micros) = (span.as_secs(), span.subsec_micros());
    match seconds {
        0 if micros < 1_000 => format!("{micros} µs"),
        0 => format!("{} ms", micros / 1_000),
        1..10 => format!("{seconds}.{} s", micros / 100_000),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => both((seconds / 3_600, "h"), (seconds / 60 % 60, "min")),
        _ => both((seconds / 86_400, "d"), (seconds / 3_600 % 24, "h")),
    }
}

fn both((large, unit): (u64, &str), (small, small_unit): (u64, &str)) -> String {
    match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {small_unit}"),
    }
}

/// Microseconds as a span; a dash when there are none.
pub fn micros(micros: Option<u64>) -> String {
    micros.map_or_else(|| "–".to_owned(), |it| span(Duration::from_micros(it)))
}

/// A share as per cent; a dash when there is none.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// An instant to the second, in UTC.
pub fn second(at: Timestamp) -> String {
    let whole = at.to_string();
    let (day, time) = whole.split_once('T').unwrap_or((&whole, ""));
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    format!("{day} {time}")
}

/// The hour and minute of an instant, in UTC.
pub fn clock(at: Timestamp) -> String {
    let whole = at.to_string();
    whole.get(11..16).unwrap_or_default().to_owned()
}

/// An instant in full.
pub fn instant(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (second(at)) } }
}

/// How long ago something was; the instant itself for who looks closer.
pub fn ago(at: Option<Timestamp>, now: Timestamp) -> Markup {
    let Some(at) = at else {
        return html! { span.soft { "never" } };
    };
    let (lead, tail) = if at > now { ("in ", "") } else { ("", " ago") };
    let far = if at > now {
        at.since(now)
    } else {
        now.since(at)
    };
    let far = if far < Duration::from_secs(1) {
        return html! { time datetime=(at) title=(at) { "now" } };
    } else {
        span(far)
    };
    html! { time datetime=(at) title=(at) { (lead) (far) (tail) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_say_their_unit() {
        for (millis, words) in [
            (0, "0 µs"),
            (350, "350 ms"),
            (4_260, "4.2 s"),
            (59_999, "59 s"),
            (720_000, "12 min"),
            (11_100_000, "3 h 5 min"),
            (187_200_000, "2 d 4 h"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), words);
        }
        assert_eq!(whole(1_234_567), "1,234,567");
        assert_eq!(whole(999), "999");
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(second(at), "2026-01-02 03:04:05");
        assert_eq!(clock(at), "03:04");
    }
}

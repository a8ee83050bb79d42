//! Messages for people: results of sending, lists, one message, inbox, queue.

use serde_json::Value;

use super::escape;
use super::items::{block, count, instant, is_plain, number, truth, word};
use super::paint::{Paint, Tone};
use super::table::{Cell, Table};

/// Characters of a body shown in a list.
const PREVIEW: usize = 48;

/// The result of one `send` in one line:
/// `observed  agent-3  0198…  gui, 1 attempt`.
pub fn sent(item: &Value, paint: Paint) -> String {
    let state = if truth(item, "dry_run") {
        format!("would {}", word(item, "would"))
    } else {
        paint.state(&word(item, "state"))
    };
    let mut line = format!("{state}  {}  {}", word(item, "to"), word(item, "message"));
    let way = way(item);
    if !way.is_empty() {
        line = format!("{line}  {way}");
    }
    if truth(item, "repeated") {
        line.push_str(&paint.tone(Tone::Dim, "  (sent before; nothing was sent again)"));
    }
    if truth(item, "dry_run") {
        line.push_str(&paint.tone(Tone::Dim, "  (dry run; nothing was stored)"));
    }
    if let Some(note) = item["note"].as_str() {
        line = format!("{line}\n{}", paint.tone(Tone::Dim, &escape::line(note)));
    }
    line
}

/// `gui, 2 attempts: target_moved, another window at 640,980`.
fn way(item: &Value) -> String {
    let mut way = word(item, "channel");
    let attempts = number(item, "attempts");
    if attempts > 0 {
        let tried = count(attempts, "attempt");
        way = if way.is_empty() {
            tried
        } else {
            format!("{way}, {tried}")
        };
    }
    let failure = trouble(item);
    match (way.is_empty(), failure.is_empty()) {
        (_, true) => way,
        (true, false) => failure,
        (false, false) => format!("{way}: {failure}"),
    }
}

/// Why it is not where it should be: `target_moved, another window at 640,980`. What went wrong on
/// the way to an arrival is history; `why` tells it.
fn trouble(item: &Value) -> String {
    if matches!(
        word(item, "state").as_str(),
        "observed" | "acknowledged" | "answered"
    ) {
        return String::new();
    }
    let failure = &item["failure"];
    if failure.is_null() {
        return word(item, "because");
    }
    let (class, detail) = (word(failure, "class"), word(failure, "detail"));
    match (class.is_empty(), detail.is_empty()) {
        (false, false) => format!("{class}, {detail}"),
        _ => class + &detail,
    }
}

/// The results of a `broadcast`, a row each, and its summary.
pub fn broadcast(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&["state", "to", "message", "how"]);
    for item in items {
        if item["record"] == "refused" {
            table = table.row(vec![
                Cell::toned("refused", Tone::Bad),
                word(item, "to").into(),
                word(item, "message_id").into(),
                word(item, "message").into(),
            ]);
        } else if is_plain(item) {
            let (state, how) = share(item);
            table = table.row(vec![
                state,
                word(item, "to").into(),
                word(item, "message").into(),
                how.into(),
            ]);
        }
    }
    let mut text = table.render("nobody to send to", paint);
    for summary in items.iter().filter(|item| item["record"] == "summary") {
        let failed = number(summary, "failed");
        let tone = if failed > 0 { Tone::Bad } else { Tone::Good };
        let counts = format!("{} sent, {failed} failed", number(summary, "sent"));
        let correlation = word(summary, "correlation");
        let correlation = paint.tone(Tone::Dim, &format!("correlation {correlation}"));
        text = format!("{text}\n{}  {correlation}", paint.tone(tone, &counts));
    }
    text
}

/// One recipient's state and how it came to that; in a dry run its place in the order, and why.
fn share(item: &Value) -> (Cell, String) {
    if !truth(item, "dry_run") {
        return (Cell::state(word(item, "state")), way(item));
    }
    let refused = word(item, "refused");
    if refused.is_empty() {
        let place = format!("would be {}.", word(item, "place"));
        (Cell::from(place), word(item, "order"))
    } else {
        (Cell::toned("would be refused", Tone::Bad), refused)
    }
}

/// A list of messages, a row each.
pub fn list(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "accepted", "state", "from", "to", "priority", "message", "body",
    ]);
    for item in items.iter().filter(|item| is_plain(item)) {
        table = table.row(vec![
            Cell::toned(instant(item, "created_at", false), Tone::Dim),
            Cell::state(word(item, "state")),
            word(item, "from").into(),
            word(item, "to").into(),
            unusual(item, "priority", "normal").into(),
            word(item, "message").into(),
            preview(item).into(),
        ]);
    }
    let text = table.render("no messages", paint);
    let cursor = items.iter().find_map(|item| item["next_cursor"].as_str());
    match cursor {
        Some(cursor) => {
            let more = format!("more with --cursor {}", escape::line(cursor));
            format!("{text}\n{}", paint.tone(Tone::Dim, &more))
        }
        None => text,
    }
}

fn unusual(item: &Value, field: &str, usual: &str) -> String {
    let value = word(item, field);
    if value == usual { String::new() } else { value }
}

fn preview(item: &Value) -> String {
    let body = item["body"].as_str().unwrap_or_default();
    escape::short(body.trim_end(), PREVIEW)
}

/// One message whole: its facts, then its words.
pub fn show(item: &Value, paint: Paint) -> String {
    let pairs = [
        ("message", word(item, "message")),
        ("state", paint.state(&word(item, "state"))),
        ("proof", unusual(item, "proof", &word(item, "state"))),
        ("from", word(item, "from")),
        ("to", word(item, "to")),
        ("kind", unusual(item, "kind", "text")),
        ("priority", unusual(item, "priority", "normal")),
        ("tags", word(item, "tags")),
        ("via", unusual(item, "via", "auto")),
        ("carried", way(item)),
        ("accepted", instant(item, "created_at", true)),
        ("due", instant(item, "due_at", true)),
        ("expires", instant(item, "expires_at", true)),
        ("settled", instant(item, "settled_at", true)),
        ("reply to", word(item, "reply_to")),
        ("answers", word(item, "answers")),
        ("file", word(item, "file")),
        ("correlation", word(item, "correlation")),
    ];
    let facts = block(&pairs, paint);
    format!(
        "{facts}\n\n{}",
        indented(item["body"].as_str().unwrap_or_default())
    )
}

fn indented(body: &str) -> String {
    let lines: Vec<String> = escape::lines(body)
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// An inbox: each message with its words.
pub fn inbox(items: &[Value], paint: Paint) -> String {
    let plain = || items.iter().filter(|item| is_plain(item));
    if plain().next().is_none() {
        return paint.tone(Tone::Dim, "nothing here");
    }
    let messages: Vec<String> = plain()
        .map(|item| {
            let mark = if truth(item, "read") {
                paint.tone(Tone::Dim, "read  ")
            } else {
                paint.tone(Tone::Strong, "unread")
            };
            let mut head = format!("{mark}  from {}", word(item, "from"));
            for extra in [unusual(item, "priority", "normal"), word(item, "tags")] {
                if !extra.is_empty() {
                    head = format!("{head}  {extra}");
                }
            }
            let at = paint.tone(Tone::Dim, &instant(item, "created_at", false));
            let body = indented(item["body"].as_str().unwrap_or_default());
            format!("{head}  {}  {at}\n{body}", word(item, "message"))
        })
        .collect();
    messages.join("\n\n")
}

/// What is still to be carried, a row each.
pub fn queue(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "due",
        "state",
        "to",
        "priority",
        "by",
        ">attempts",
        "message",
        "because",
    ]);
    for item in items.iter().filter(|item| is_plain(item)) {
        table = table.row(vec![
            instant(item, "due_at", false).into(),
            Cell::state(word(item, "state")),
            word(item, "to").into(),
            unusual(item, "priority", "normal").into(),
            word(item, "channel").into(),
            word(item, "attempts").into(),
            word(item, "message").into(),
            trouble(item).into(),
        ]);
    }
    table.render("the queue is empty", paint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sent_message_is_one_clear_line() {
        for (item, line) in [
            (
                json!({"message":"0198","to":"agent-3","position":1,"state":"observed",
                       "channel":"gui","repeated":false,"attempts":1}),
                "observed  agent-3  0198  gui, 1 attempt",
            ),
            (
                json!({"message":"0198","to":"a","state":"dead","channel":"gui","attempts":4,
                       "failure":{"class":"target_moved","detail":"another window at 1,2"}}),
                "dead  a  0198  gui, 4 attempts: target_moved, another window at 1,2",
            ),
            (
                json!({"message":"0198","to":"a","state":"accepted","attempts":0,"repeated":true}),
                "accepted  a  0198  (sent before; nothing was sent again)",
            ),
        ] {
            assert_eq!(sent(&item, Paint::PLAIN), line);
        }
    }

    #[test]
    fn a_body_cannot_act_on_the_terminal() {
        let item = json!({"message":"1","to":"a","from":"b","state":"observed",
                          "body":"\u{1b}[2Jhello\n\u{202e}x"});
        let items = [item.clone()];
        for text in [
            list(&items, Paint::PLAIN),
            show(&item, Paint::PLAIN),
            inbox(&items, Paint::PLAIN),
        ] {
            assert!(text.contains("\\x1b[2Jhello"), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn a_broadcast_ends_with_its_summary() {
        let items = [
            json!({"message":"1","to":"agent-1","state":"observed","channel":"gui","attempts":1}),
            json!({"record":"summary","correlation":"c","sent":1,"failed":0}),
        ];
        let text = broadcast(&items, Paint::PLAIN);
        assert!(text.ends_with("1 sent, 0 failed  correlation c"), "{text}");
    }
}

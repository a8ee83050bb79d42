//! Agents, seats and the desk for people.

use serde_json::Value;

use super::items::{block, count, fields, inline, instant, is_plain, list, number, truth, word};
use super::paint::{Paint, Tone};
use super::table::{Cell, Table};

/// Agents, a row each.
pub fn agents(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "agent",
        "state",
        "roles",
        "channels",
        "seat",
        "place",
        "breaker",
        ">queued",
        "last seen",
        "check",
    ]);
    for item in items.iter().filter(|item| is_plain(item)) {
        let breaker = word(item, "breaker");
        table = table.row(vec![
            word(item, "id").into(),
            Cell::state(word(item, "state")),
            word(item, "roles").into(),
            word(item, "channels").into(),
            word(item, "seat").into(),
            word(item, "place").into(),
            if breaker == "closed" {
                String::new().into()
            } else {
                Cell::state(breaker)
            },
            word(item, "queued").into(),
            instant(item, "last_seen", false).into(),
            check(&item["check"]),
        ]);
    }
    table.render("no agents yet; `switchboard agent add` declares one", paint)
}

fn check(check: &Value) -> Cell {
    match check {
        Value::Null => String::new().into(),
        Value::Object(_) if truth(check, "ok") => Cell::toned("ok", Tone::Good),
        Value::Object(_) => Cell::toned(word(check, "detail"), Tone::Bad),
        other => inline(other).into(),
    }
}

/// One agent whole.
pub fn agent(item: &Value, paint: Paint) -> String {
    fields(item, paint)
}

/// The desk at a glance.
pub fn status(item: &Value, paint: Paint) -> String {
    let alarm = |field: &str, noun: &str| match number(item, field) {
        0 => String::new(),
        some => paint.tone(Tone::Bad, &count(some, noun)),
    };
    let agents = match &item["agents"] {
        Value::Array(agents) => agents.len().to_string(),
        other => inline(other),
    };
    let mut text = block(
        &[
            ("head", word(item, "head")),
            ("agents", agents),
            ("queued", word(item, "queued")),
            ("unknown", alarm("unknown", "message")),
            ("dead", alarm("dead", "message")),
            ("last backup", last(&item["last_backup"])),
            ("last drill", last(&item["last_drill"])),
        ],
        paint,
    );
    for (heading, table) in [
        ("seats", seats(list(item, "seats"))),
        ("projections", projection_table(list(item, "projections"))),
    ] {
        if !list(item, heading).is_empty() {
            text = format!("{text}\n\n{}", table.render("", paint));
        }
    }
    text
}

fn last(record: &Value) -> String {
    match record {
        Value::Object(_) => {
            let at = instant(record, "at", false);
            if at.is_empty() { inline(record) } else { at }
        }
        other => inline(other),
    }
}

fn seats(items: &[Value]) -> Table {
    let mut table = Table::new(&["seat", "state", ">queued", "detail"]);
    for item in items {
        // A seat may also be only its name.
        let name = item
            .as_str()
            .map_or_else(|| word(item, "seat"), str::to_owned);
        table = table.row(vec![
            name.into(),
            Cell::state(word(item, "state")),
            word(item, "queued").into(),
            word(item, "detail").into(),
        ]);
    }
    table
}

/// Projections and how far each has come.
pub fn projections(items: &[Value], paint: Paint) -> String {
    projection_table(items).render("no projections", paint)
}

fn projection_table(items: &[Value]) -> Table {
    let mut table = Table::new(&[
        "projection",
        "state",
        ">position",
        ">head",
        ">lag",
        ">lag seconds",
        "check",
        "detail",
    ]);
    for item in items.iter().filter(|item| is_plain(item)) {
        let name = match word(item, "version").as_str() {
            "" => word(item, "name"),
            version => format!("{}@{version}", word(item, "name")),
        };
        table = table.row(vec![
            name.into(),
            Cell::state(word(item, "state")),
            word(item, "position").into(),
            word(item, "head").into(),
            word(item, "lag_events").into(),
            word(item, "lag_seconds").into(),
            match item["ok"].as_bool() {
                Some(true) => Cell::toned("equal", Tone::Good),
                Some(false) => Cell::toned("different", Tone::Bad),
                None => String::new().into(),
            },
            word(item, "detail").into(),
        ]);
    }
    table
}

/// The machine's fitness: a line per check, and what to do about what is wrong.
pub fn doctor(items: &[Value], paint: Paint) -> String {
    let width = items
        .iter()
        .map(|item| word(item, "check").chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for item in items.iter().filter(|item| is_plain(item)) {
        let mark = if truth(item, "ok") {
            paint.tone(Tone::Good, "ok  ")
        } else {
            paint.tone(Tone::Bad, "FAIL")
        };
        let name = word(item, "check");
        let gap = " ".repeat(width.saturating_sub(name.chars().count()));
        let detail = word(item, "detail");
        lines.push(
            format!("{mark}  {name}{gap}  {detail}")
                .trim_end()
                .to_owned(),
        );
        let fix = word(item, "fix");
        if !truth(item, "ok") && !fix.is_empty() {
            let indent = " ".repeat(width.saturating_add(8));
            lines.push(format!(
                "{indent}{} {fix}",
                paint.tone(Tone::Strong, "fix:")
            ));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn agents_are_a_narrow_table() {
        let items = [
            json!({"id":"agent-1","roles":["captain"],"channels":["gui","inbox"],"seat":":0",
                   "place":{"x":-308,"y":481},"state":"ready","breaker":"closed","queued":0,
                   "last_seen":null}),
            json!({"id":"b","roles":[],"channels":["inbox"],"seat":null,"place":null,
                   "state":"paused","breaker":"closed","queued":12,"last_seen":null}),
        ];
        assert_eq!(
            agents(&items, Paint::PLAIN),
            "agent    state   roles    channels   seat  place     queued\n\
             agent-1  ready   captain  gui,inbox  :0    -308,481       0\n\
             b        paused           inbox                          12"
        );
    }

    #[test]
    fn the_doctor_says_what_to_do() {
        let items = [
            json!({"check":"store","ok":true,"detail":"/data","fix":null}),
            json!({"check":"display","ok":false,"detail":"none","fix":"set DISPLAY"}),
        ];
        assert_eq!(
            doctor(&items, Paint::PLAIN),
            "ok    store    /data\nFAIL  display  none\n               fix: set DISPLAY"
        );
    }

    #[test]
    fn status_hides_what_is_nought_and_shows_what_is_wrong() {
        let item = json!({"head":120,"agents":2,"queued":0,"unknown":1,"dead":0,
            "seats":[{"seat":":0","state":"ready"}],"projections":[],"last_backup":null});
        let text = status(&item, Paint::PLAIN);
        assert!(text.contains("unknown  1 message"), "{text}");
        assert!(!text.contains("dead"), "{text}");
        assert!(text.contains(":0    ready"), "{text}");
    }
}

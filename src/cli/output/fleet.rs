//! Agents, seats and the desk for people.

use serde_json::Value;

use super::items::{block, count, inline, instant, is_plain, list, number, truth, word};
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
        "quarantine",
        ">queued",
        "last seen",
        "check",
    ]);
    for item in items.iter().filter(|item| is_plain(item)) {
        table = table.row(vec![
            word(item, "id").into(),
            Cell::state(word(item, "state")),
            word(item, "roles").into(),
            word(item, "channels").into(),
            word(item, "seat").into(),
            word(item, "place").into(),
            Cell::toned(breaker(&item["breaker"]), Tone::Bad),
            Cell::toned(quarantine(item), Tone::Bad),
            word(item, "queued").into(),
            instant(item, "last_seen", false).into(),
            check(&item["check"]),
        ]);
    }
    table.render("no agents yet; `switchboard agent add` declares one", paint)
}

fn check(check: &Value) -> Cell {
    if !check.is_object() {
        return inline(check).into();
    }
    if truth(check, "ok") {
        Cell::toned("ok", Tone::Good)
    } else {
        Cell::toned(word(check, "detail"), Tone::Bad)
    }
}

/// Whom a quarantine keeps from writing: `all`, or `with agent-2`.
fn quarantine(item: &Value) -> String {
    let with: Vec<String> = list(item, "quarantine_with")
        .iter()
        .map(|held| format!("with {}", word(held, "with")))
        .collect();
    if item["quarantine"].is_object() {
        "all".to_owned()
    } else {
        with.join(", ")
    }
}

/// What a breaker holds back: `gui open`; nothing where everything passes.
fn breaker(breaker: &Value) -> String {
    let Some(channels) = breaker.as_object() else {
        let state = inline(breaker);
        return if state == "closed" {
            String::new()
        } else {
            state
        };
    };
    let troubled: Vec<String> = channels
        .iter()
        .filter(|(_, health)| health["state"] != "closed")
        .map(|(channel, health)| {
            let until = instant(health, "until", false);
            let until = if until.is_empty() {
                until
            } else {
                format!(" until {until}")
            };
            format!("{channel} {}{until}", word(health, "state"))
        })
        .collect();
    troubled.join(", ")
}

/// One agent whole.
pub fn agent(item: &Value, paint: Paint) -> String {
    let window = &item["window"];
    let seen = match word(window, "title").as_str() {
        "" => word(window, "class"),
        title => format!("{title} ({})", word(window, "class")),
    };
    block(
        &[
            ("agent", word(item, "id")),
            ("state", paint.state(&word(item, "state"))),
            ("description", word(item, "description")),
            ("roles", word(item, "roles")),
            ("capabilities", word(item, "capabilities")),
            ("rank", word(item, "rank")),
            ("channels", word(item, "channels")),
            ("breaker", paint.tone(Tone::Bad, &breaker(&item["breaker"]))),
            ("seat", word(item, "seat")),
            ("place", word(item, "place")),
            ("onboarding", word(item, "onboarding_place")),
            ("title must match", word(item, "window_pattern")),
            ("window seen", seen),
            ("target", word(item, "target")),
            ("envelope", word(item, "envelope")),
            ("queued", word(item, "queued")),
            ("under way", word(item, "under_way")),
            ("last seen", instant(item, "last_seen", false)),
        ],
        paint,
    )
}

/// Whether the projections are what the events say.
pub fn checked(item: &Value, paint: Paint) -> String {
    let position = word(item, "position");
    if truth(item, "ok") {
        let ok = paint.tone(Tone::Good, "ok");
        return format!("{ok}  equal to a fold from the first event up to {position}");
    }
    let bad = paint.tone(Tone::Bad, "different");
    let (name, detail) = (word(item, "projection"), word(item, "detail"));
    format!("{bad}  {name} at {position}: {detail}")
}

/// The desk at a glance.
pub fn status(item: &Value, paint: Paint) -> String {
    let alarm = |field: &str, noun: &str| match number(item, field) {
        0 => String::new(),
        some => paint.tone(Tone::Bad, &count(some, noun)),
    };
    let agents = item["agents"]
        .as_array()
        .map_or_else(|| word(item, "agents"), |agents| agents.len().to_string());
    let mut text = block(
        &[
            ("head", word(item, "head")),
            ("agents", agents),
            ("queued", word(item, "queued")),
            ("unknown", alarm("unknown", "message")),
            ("dead", alarm("dead", "message")),
            ("hands", paused(item, paint)),
            (
                "quarantine",
                paint.tone(Tone::Bad, &quarantined(&item["quarantine"])),
            ),
            ("last backup", last(&item["last_backup"])),
            ("last drill", last(&item["last_drill"])),
        ],
        paint,
    );
    for (heading, table) in [
        ("backups", backups(list(item, "backups"))),
        ("seats", seats(list(item, "seats"))),
        ("projections", projection_table(list(item, "projections"))),
    ] {
        if !list(item, heading).is_empty() {
            text = format!("{text}\n\n{}", table.render("", paint));
        }
    }
    text
}

/// Who is held: `agent-1, agent-2 with agent-3`; nothing when nobody is.
fn quarantined(held: &Value) -> String {
    let agents = list(held, "agents").iter().map(inline);
    let pairs = list(held, "pairs").iter().map(|pair| {
        let (one, other) = (inline(&pair[0]), inline(&pair[1]));
        format!("{one} with {other}")
    });
    agents.chain(pairs).collect::<Vec<_>>().join(", ")
}

/// Whether all hands are stopped; nothing when they are not.
fn paused(item: &Value, paint: Paint) -> String {
    if truth(item, "paused") {
        paint.tone(Tone::Bad, "paused; `switchboard resume` lets them go on")
    } else {
        String::new()
    }
}

/// The last backup or drill: when, and what it was.
fn last(record: &Value) -> String {
    let at = instant(record, "recorded_at", false);
    if at.is_empty() {
        return inline(record);
    }
    if record["scenario"].is_null() {
        let (kind, until) = (word(record, "kind"), word(record, "last"));
        return format!("{at}  {kind}, up to position {until}");
    }
    let outcome = if record["event"] == "drill.passed" {
        "plan kept".to_owned()
    } else {
        format!("plan missed: {}", word(record, "reason"))
    };
    format!("{at}  {}, {outcome}", word(record, "scenario"))
}

/// Repositories of the schedule, a row each.
fn backups(items: &[Value]) -> Table {
    let mut table = Table::new(&["backups", "next", "at", ">would be lost", "plan"]);
    for item in items {
        let lost = format!("{:.0} s", item["lag_seconds"].as_f64().unwrap_or_default());
        let plan = if let Some(reason) = item.pointer("/failing/reason").and_then(Value::as_str) {
            Cell::toned(format!("failing: {reason}"), Tone::Bad)
        } else if truth(item, "late") {
            Cell::toned("missed", Tone::Bad)
        } else {
            Cell::toned("kept", Tone::Good)
        };
        table = table.row(vec![
            word(item, "repo").into(),
            word(&item["next"], "work").into(),
            instant(&item["next"], "at", false).into(),
            lost.into(),
            plan,
        ]);
    }
    table
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
        "note",
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
            item["lag_seconds"]
                .as_f64()
                .map(|seconds| format!("{seconds:.1}"))
                .unwrap_or_default()
                .into(),
            match word(item, "reason").as_str() {
                "" => word(item, "note").into(),
                reason => {
                    let at = word(item, "stopped_at");
                    Cell::toned(format!("before {at}: {reason}"), Tone::Bad)
                }
            },
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

/// What an import did to each agent.
pub fn imported(items: &[Value], paint: Paint) -> String {
    items
        .iter()
        .map(|item| {
            let effect = word(item, "effect");
            let tone = if effect == "refused" {
                Tone::Bad
            } else {
                Tone::Good
            };
            let detail = word(item, "detail");
            format!(
                "{}  {}  {detail}",
                paint.tone(tone, &effect),
                word(item, "id")
            )
            .trim_end()
            .to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// What was paused or resumed.
pub fn halt(item: &Value, paint: Paint) -> String {
    if item["paused"].is_null() {
        return agent(item, paint);
    }
    let paused = truth(item, "paused");
    let (tone, state) = if paused {
        (Tone::Bad, "paused")
    } else {
        (Tone::Good, "resumed")
    };
    let what = match (item["id"].as_str(), item["seat"].as_str()) {
        (Some(agent), _) => format!("agent {agent}"),
        (None, Some(seat)) => format!("seat {seat}"),
        (None, None) => "every seat".to_owned(),
    };
    format!("{}  {what}", paint.tone(tone, state))
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
    fn who_is_in_quarantine_is_seen() {
        let items = [
            json!({"id":"a","state":"ready","quarantine":{"until":null},"quarantine_with":[]}),
            json!({"id":"b","state":"ready","quarantine":null,"quarantine_with":[{"with":"c"}]}),
        ];
        assert_eq!(
            agents(&items, Paint::PLAIN),
            "agent  state  quarantine\na      ready  all\nb      ready  with c"
        );
        let held = json!({"agents":["a"],"pairs":[["b","c"]]});
        let text = status(&json!({"head":1,"quarantine":held}), Paint::PLAIN);
        assert!(text.contains("quarantine  a, b with c"), "{text}");
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
        assert!(!text.contains("quarantine"), "{text}");
        assert!(!text.contains("dead"), "{text}");
        assert!(text.contains(":0    ready"), "{text}");
    }
}

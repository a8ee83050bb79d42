//! Screens of every size, of a desk with everything and of one with nothing.

use serde_json::json;

use super::*;
use crate::cli::output::paint::Paint;
use crate::cli::top::keys::Key;

fn desk() -> Value {
    let hour = |arrived: u64, failed: u64| json!({"arrived": arrived, "failed": failed});
    let hours: Vec<Value> = (0..24).map(|nth| hour(nth, nth % 3)).collect();
    let agent = |id: &str, queued: u64, failed: u64| {
        json!({
            "id": id, "state": "ready", "queued": queued, "unread": 1,
            "breaker": {"gui": {"state": if failed > 9 { "open" } else { "closed" }}},
            "day": {"arrived": 10, "inboxed": 2, "failed": failed},
            "success_rate": 0.5, "last_seen": "2026-01-02T03:04:05Z",
        })
    };
    let waiting = |to: &str, attempts: u64, due_at: &str| {
        json!({
            "to": to, "priority": "normal", "state": "accepted", "attempts": attempts,
            "due_at": due_at, "message": "0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11",
        })
    };
    json!({
        "at": "2026-01-02T03:05:05Z", "position": 1234, "store": "/home/ada/desk", "daemon": true,
        "delivering": true, "desktop": "x11", "paused": false,
        "health": {"overall_status": "degraded", "score": 95,
                   "components": {"backups": {"status": "degraded", "reason": "no backup was ever taken"}}},
        "day": {"counts": {"arrived": 1200, "inboxed": 7, "failed": 12, "retried": 3, "fell_back": 1},
                "success_rate": 0.99, "success_rate_before": 0.95,
                "arrival": {"p50_micros": 240_000, "p95_micros": 1_250_000},
                "failures": {"focus_lost": 10, "not_seen": 2}, "hours": hours},
        "queued": 2, "unknown": 1, "dead": 0,
        "agents": [agent("agent-1", 0, 0), agent("agent-2", 2, 12)],
        "queue": [waiting("agent-2", 0, "2026-01-02T03:05:00Z"), waiting("agent-1", 3, "2026-01-02T03:00:00Z")],
        "alerts": [{"alert": "breaker-open:agent-2:gui", "state": "firing", "severity": "critical",
                    "since": "2026-01-02T03:00:05Z", "figure": "breaker_open", "value": 1, "above": true, "limit": 0}],
        "steps": {"focus": {"count": 5, "p50_micros": 900, "p95_micros": 1_000, "p99_micros": 2_000}},
        "recent_failures": [{"recorded_at": "2026-01-02T03:04:55Z", "agent": "agent-2", "class": "focus_lost",
                             "attempt": 2, "detail": "the window \u{1b}]0;pwned\u{7}Editor took the focus"}],
        "events": [{"position": 1234, "recorded_at": "2026-01-02T03:05:04Z", "event": "attempt.failed",
                    "stream": "message/0198a7c2"}],
        "backup": {"taken_at": "2026-01-02T00:05:05Z", "unsaved_seconds": 720.0},
    })
}

/// The screen of 80 columns and 24 rows.
const SMALL: &str = include_str!("frame_80x24.txt");

fn drawn(item: &Value, view: &View, columns: usize, rows: usize) -> Vec<String> {
    let shown = Shown {
        item,
        view,
        trouble: None,
    };
    let picture = frame(&shown, Size { columns, rows });
    assert!(picture.lines.len() <= rows, "{columns}x{rows}");
    for line in &picture.lines {
        assert!(line.width() <= columns, "{columns}x{rows}: {line:?}");
    }
    let lines = picture.lines.iter();
    lines.map(|line| line.render(Paint::PLAIN)).collect()
}

#[test]
fn a_small_screen_shows_figures_agents_and_keys() {
    let lines = drawn(&desk(), &View::default(), 80, 24);
    assert_eq!(lines.join("\n"), SMALL.trim_end_matches('\n'));
}

#[test]
fn every_size_is_kept_to_and_every_pane_can_be_drawn() {
    for item in [desk(), json!({}), json!(null)] {
        for pane in 1..=7_u32 {
            let mut view = View::default();
            view.press(Key::Char(char::from_digit(pane, 10).unwrap()), 1);
            for help in [false, true] {
                view.help = help;
                for (columns, rows) in [
                    (80, 24),
                    (200, 60),
                    (40, 10),
                    (20, 5),
                    (7, 3),
                    (1, 1),
                    (0, 0),
                ] {
                    drawn(&item, &view, columns, rows);
                }
            }
        }
        for columns in [20, 100] {
            for line in whole_text(&item, columns) {
                assert!(line.width() <= columns);
            }
        }
    }
}

#[test]
fn nothing_that_somebody_wrote_acts_on_the_terminal() {
    let mut hostile = desk().to_string();
    for word in [
        "agent-2",
        "Editor",
        "x11",
        "/home/ada/desk",
        "breaker_open",
        "attempt.failed",
    ] {
        hostile = hostile.replace(word, "a\\u001b[2J\\u009b1m\\u202e\\nb");
    }
    let hostile: Value = serde_json::from_str(&hostile).unwrap();
    let mut all = Vec::new();
    for pane in 1..=7_u32 {
        let mut view = View::default();
        view.press(Key::Char(char::from_digit(pane, 10).unwrap()), 1);
        all.extend(drawn(&hostile, &view, 120, 40));
    }
    all.extend(
        whole_text(&hostile, 120)
            .iter()
            .map(|line| line.render(Paint::PLAIN)),
    );
    for line in &all {
        assert!(
            !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
    }
    assert!(all.iter().any(|line| line.contains("\\x1b[2J")));
}

#[test]
fn rows_are_in_the_order_that_is_asked_for() {
    let item = desk();
    let first = |keys: &[Key]| {
        let mut view = View::default();
        for key in keys {
            view.press(*key, 1);
        }
        let lines = drawn(&item, &view, 100, 30);
        let head = lines
            .iter()
            .position(|line| line.starts_with("agent ") || line.starts_with("to "));
        lines[head.unwrap() + 1]
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(first(&[]), "agent-1");
    assert_eq!(first(&[Key::Right]), "agent-2");
    assert_eq!(first(&[Key::Char('2')]), "agent-2");
    assert_eq!(first(&[Key::Char('2'), Key::Right]), "agent-1");
}

#[test]
fn a_long_list_says_which_part_of_it_is_seen() {
    let mut item = desk();
    let agents: Vec<Value> = (0..50)
        .map(|nth| json!({"id": format!("agent-{nth:02}")}))
        .collect();
    item["agents"] = json!(agents);
    let mut view = View::default();
    let lines = drawn(&item, &view, 80, 24);
    assert!(lines.last().unwrap().ends_with("1–13 of 50"), "{lines:?}");
    view.press(Key::End, 1);
    let lines = drawn(&item, &view, 80, 24);
    assert!(lines.last().unwrap().ends_with("38–50 of 50"), "{lines:?}");
    assert!(lines[22].starts_with("agent-49"), "{lines:?}");
}

#[test]
fn what_is_not_new_says_so() {
    let item = desk();
    let mut view = View::default();
    view.press(Key::Char('p'), 1);
    assert!(drawn(&item, &view, 80, 24)[0].ends_with("PAUSED at 03:05:05 UTC"));
    let shown = Shown {
        item: &item,
        view: &View::default(),
        trouble: Some("the ledger is in use by another process"),
    };
    let picture = frame(
        &shown,
        Size {
            columns: 80,
            rows: 24,
        },
    );
    let lines: Vec<String> = picture
        .lines
        .iter()
        .map(|it| it.render(Paint::PLAIN))
        .collect();
    assert!(lines[0].ends_with("NO ANSWER since 03:05:05 UTC"));
    assert_eq!(lines[1], "the ledger is in use by another process");
    let mut alone = item.clone();
    alone["daemon"] = json!(false);
    assert!(drawn(&alone, &View::default(), 80, 24)[1].contains("no daemon: nothing is delivered"));
}

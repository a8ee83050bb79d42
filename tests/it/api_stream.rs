//! Following events: nothing is lost, nothing comes twice, however often a client comes back.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::api_kit::{Follower, Web, problem};
use super::running_kit::{Desk, until};

const STREAM: &str = "/api/v1/events/stream";

fn note(web: &Web, number: u64) {
    let stream = format!("note/{number}");
    let data = number.to_string();
    let line = [
        "append", "--stream", &stream, "--kind", "note.n", "--data", &data,
    ];
    web.desk.must(&line);
}

fn positions(follower: &mut Follower, count: u64) -> Vec<u64> {
    (0..count).map(|_| follower.event().id.unwrap()).collect()
}

#[test]
fn what_is_written_is_told_to_everybody_who_follows() {
    let web = Web::new();
    let head = web.head();
    let mut all = web.follow(STREAM, None);
    let mut notes = web.follow(&format!("{STREAM}?kind=note.*"), None);
    let mut one = web.follow(&format!("{STREAM}?stream=note/2"), None);
    let mut past = web.follow(&format!("{STREAM}?from=1"), None);
    note(&web, 1);
    web.desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    note(&web, 2);
    assert_eq!(positions(&mut all, 3), [head + 1, head + 2, head + 3]);
    assert_eq!(positions(&mut notes, 2), [head + 1, head + 3]);
    assert_eq!(positions(&mut one, 1), [head + 3]);
    assert_eq!(
        positions(&mut past, head + 3),
        (1..=head + 3).collect::<Vec<_>>()
    );
    let event = web.follow(STREAM, Some(head)).event();
    let listed = web.items(&format!("/api/v1/events?from={}&limit=1", head + 1));
    assert_eq!(event.data, listed[0]);
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_across_reconnects() {
    let web = Web::new();
    let begin = web.head();
    let count = 120;
    let seen = std::thread::scope(|scope| {
        let web = &web;
        scope.spawn(move || {
            for number in 0..count {
                note(web, number);
            }
        });
        let mut seen = Vec::new();
        let mut last = begin;
        while seen.len() < usize::try_from(count).unwrap() {
            // Comes, takes a few, and is gone without a word, in the middle of anything.
            let mut follower = web.follow(STREAM, Some(last));
            let few = 1 + last % 7;
            for position in positions(&mut follower, few.min(begin + count - last)) {
                seen.push(position);
                last = position;
            }
        }
        seen
    });
    assert_eq!(seen, (begin + 1..=begin + count).collect::<Vec<_>>());
}

#[test]
fn a_client_that_is_far_behind_is_told_so_and_misses_nothing() {
    let mut desk = Desk::new();
    // Reading can take long on a busy machine.
    let name = "SWITCHBOARD_SERVE__READ_WITHIN".to_owned();
    desk.variables.push((name, "1h".to_owned()));
    let web = Web::over(desk, &[]);
    let begin = web.head();
    let mut slow = web.follow(STREAM, None);
    // More than fits between here and there …
    let text = format!("\"{}\"", "x".repeat(120_000));
    for number in 0..120 {
        let stream = format!("note/{number}");
        let line = [
            "append", "--stream", &stream, "--kind", "note.n", "--data", &text,
        ];
        web.desk.must(&line);
    }
    // … and then more events than are told ahead.
    let fleet: serde_json::Map<String, serde_json::Value> = (0..2_000)
        .map(|number| (format!("agent-{number}"), json!({"active": true})))
        .collect();
    let file = web.desk.store().join("../fleet.json");
    std::fs::write(&file, json!({"agents": fleet}).to_string()).unwrap();
    let file = file.to_str().unwrap();
    web.desk.must(&["agent", "import", file]);
    let count = usize::try_from(web.head() - begin).unwrap();
    assert!(count > 1_200, "{count}");
    let mut seen = Vec::new();
    let mut lagged = 0;
    while seen.len() < count {
        let sent = slow.block().expect("the stream goes on");
        if sent.event.as_deref() == Some("lagged") {
            assert!(sent.id.is_none(), "it must not become the last event's id");
            assert!(sent.data["behind"].as_u64().unwrap() > 0, "{sent:?}");
            lagged += 1;
        }
        seen.extend(sent.id);
    }
    let last = begin + u64::try_from(count).unwrap();
    assert_eq!(seen, (begin + 1..=last).collect::<Vec<_>>());
    assert!(lagged > 0, "it was never told that it is behind");
    // What was told ahead meanwhile does not come once more.
    note(&web, 1_000);
    assert_eq!(slow.event().id, Some(last + 1));
}

#[test]
fn a_silent_stream_says_that_it_is_alive() {
    let mut desk = Desk::new();
    let name = "SWITCHBOARD_SERVE__KEEP_ALIVE".to_owned();
    desk.variables.push((name, "100ms".to_owned()));
    let web = Web::over(desk, &[]);
    let mut follower = web.follow(STREAM, None);
    let first = follower.block().unwrap();
    assert!(!first.comment && first.id.is_none(), "the greeting");
    for _ in 0..3 {
        assert!(follower.block().unwrap().comment);
    }
    note(&web, 1);
    assert_eq!(follower.event().data["kind"], "note.n");
}

#[test]
fn where_to_go_on_must_be_a_place_of_this_ledger() {
    let web = Web::new();
    for (id, code) in [
        ("x", "malformed_parameter"),
        ("-1", "malformed_parameter"),
        ("999", "beyond_head"),
    ] {
        let reply = web.ask("GET", STREAM, &[("Last-Event-ID", id)]);
        assert_eq!(
            (reply.status, &problem(&reply)["code"]),
            (400, &code.into()),
            "{id}"
        );
    }
    let bare = web.ask("HEAD", STREAM, &[]);
    assert_eq!(
        (bare.status, bare.header("content-type")),
        (200, Some("text/event-stream"))
    );
}

#[test]
fn more_clients_than_may_follow_are_turned_away() {
    let mut desk = Desk::new();
    let name = "SWITCHBOARD_SERVE__STREAMS_MAX".to_owned();
    desk.variables.push((name, "2".to_owned()));
    let web = Web::over(desk, &[]);
    let (one, two) = (web.follow(STREAM, None), web.follow(STREAM, None));
    let third = web.get(STREAM);
    assert_eq!(
        (third.status, &problem(&third)["code"]),
        (503, &"too_many_streams".into())
    );
    assert_eq!(third.header("retry-after"), Some("1"));
    drop((one, two));
    until("the places are free again", || {
        let mut stream = web.connect();
        let head = format!("HEAD {STREAM} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        web.get("/metrics")
            .text()
            .contains("switchboard_http_streams 0\n")
    });
    web.follow(STREAM, None);
}

/// A thousand idle dashboards cost memory and nothing else: others are answered, and each of them is
/// told of the next event.
#[test]
fn a_thousand_idle_clients_are_all_told() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // Each takes two descriptors here, as it is read through a second handle.
    let most = limit.current.unwrap_or(u64::MAX).saturating_sub(200) / 2;
    let count = most.min(1_000);
    let web = Web::new();
    let head = web.head();
    let mut followers: Vec<Follower> = (0..count).map(|_| web.follow(STREAM, None)).collect();
    assert_eq!(web.get("/livez").status, 200);
    let begun = Instant::now();
    note(&web, 1);
    for follower in &mut followers {
        assert_eq!(follower.event().id, Some(head + 1));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(web.daemon.stop().code, 143);
}

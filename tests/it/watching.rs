//! Analytics and traces of the running binary: what they say is what happened.

use serde_json::{Value, json};

use super::api_kit::Web;
use super::running_kit::{Desk, until};

const ANALYTICS: &str = "/api/v1/observability/analytics";
const TRACES: &str = "/api/v1/observability/traces";

/// Three letters arrive at one agent; another one's cannot be put down, and it dies.
fn mixed() -> (Web, String) {
    let mut desk = Desk::new();
    let retries = "SWITCHBOARD_RETRY__MAX_RETRIES".to_owned();
    desk.variables.push((retries, "0".to_owned()));
    desk.must(&["agent", "add", "good", "--channel", "inbox"]);
    desk.must(&["agent", "add", "bad", "--channel", "inbox"]);
    let inbox = desk.store().join("inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::remove_dir(inbox.join("bad")).ok();
    std::fs::write(inbox.join("bad"), "no folder").unwrap();
    let web = Web::over(desk, &[]);
    for number in 0..3 {
        let text = format!("letter {number}");
        web.desk
            .must(&["send", "--to", "good", "--via", "inbox", &text]);
    }
    let sent = web
        .desk
        .run(&["send", "--to", "bad", "--via", "inbox", "lost"]);
    assert_eq!(sent.code, 1, "{sent:?}");
    let message = sent.item()["message"].as_str().unwrap().to_owned();
    until("it is dead", || {
        web.desk.must(&["show", &message])["state"] == "dead"
    });
    (web, message)
}

#[test]
fn analytics_count_what_happened_and_name_the_worst_first() {
    let (web, _) = mixed();
    let item = web.item(ANALYTICS);
    assert_eq!(item["whole"], true);
    let total = &item["total"];
    assert_eq!(
        (&total["arrived"], &total["failed"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(total["success_rate"], 0.75);
    let agents: Vec<&Value> = item["agents"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&agents[0]["agent"], &agents[1]["agent"]),
        (&json!("bad"), &json!("good"))
    );
    assert_eq!(agents[0]["fared"]["classes"], json!({"inbox_failed": 1}));
    let failure = &item["failures"][0];
    assert_eq!(
        (&failure["class"], &failure["count"]),
        (&json!("inbox_failed"), &json!(1))
    );
    assert!(
        failure["hour"]
            .as_str()
            .unwrap()
            .ends_with(":00:00.000000Z"),
        "{failure}"
    );
    let hours = item["hours"].as_array().unwrap();
    let sum: u64 = hours
        .iter()
        .map(|it| it["fared"]["attempts"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 4);
    // Before anything was sent, nothing had happened; and what is to come is refused.
    let before = web.item(&format!("{ANALYTICS}?as_of=2"));
    assert_eq!(before["total"]["attempts"], 0);
    assert_eq!(before["trend"]["word"], "unknown");
    assert_eq!(
        web.problem(&format!("{ANALYTICS}?as_of=999999"))["code"],
        "beyond_head"
    );
    let later = web.item(&format!("{ANALYTICS}?since=2999-01-01T00:00:00Z"));
    assert_eq!(later["total"]["attempts"], 0);
}

#[test]
fn a_trace_tells_a_messages_attempts_as_parts_of_it() {
    let (web, lost) = mixed();
    let trace = web.item(&format!("{TRACES}/messages/{lost}"));
    let shown = web.desk.must(&["show", &lost]);
    let correlation = shown["correlation"].as_str().unwrap().replace('-', "");
    assert_eq!(trace["trace_id"], correlation);
    let spans = trace["spans"].as_array().unwrap();
    assert_eq!(
        (&spans[0]["name"], &spans[0]["status"]),
        (&json!("message"), &json!("error"))
    );
    assert_eq!(
        spans[0]["attributes"]["switchboard.failure"],
        "inbox_failed"
    );
    assert_eq!(spans[1]["name"], "attempt inbox");
    assert_eq!(spans[1]["parent_span_id"], spans[0]["span_id"]);
    assert_eq!(spans[1]["attributes"]["switchboard.class"], "inbox_failed");
    for span in spans {
        assert!(span["duration_micros"].is_u64(), "{span}");
    }
    let text = trace.to_string();
    assert!(!text.contains("\"lost\""), "no words of messages: {text}");
    // Asked again it is the same, and as of its acceptance it had not begun.
    assert_eq!(web.item(&format!("{TRACES}/messages/{lost}")), trace);
    let position = shown["position"].as_u64().unwrap();
    let then = web.item(&format!("{TRACES}/messages/{lost}?as_of={position}"));
    assert_eq!(then["spans"].as_array().unwrap().len(), 1);
    assert_eq!(then["spans"][0]["end_time"], Value::Null);
    let all = web.items(TRACES);
    assert_eq!(all.len(), 4);
    assert_eq!(all[0], trace, "the newest first");
    assert_eq!(web.items(&format!("{TRACES}?to=good")).len(), 3);
    let nobody = format!("{TRACES}/messages/00000000-0000-0000-0000-000000000000");
    assert_eq!(web.problem(&nobody)["code"], "unknown_message");
}

const LOGS: &str = "/api/v1/observability/logs";

#[test]
fn log_lines_are_found_by_level_and_time_and_a_page_at_a_time() {
    let web = Web::new();
    let mut requests = Vec::new();
    for _ in 0..5 {
        let reply = web.get("/nowhere");
        requests.push(reply.header("x-request-id").unwrap().to_owned());
    }
    requests.reverse();
    let mut found = Vec::new();
    let mut target = format!("{LOGS}?limit=2");
    loop {
        let page = web.item(&target);
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        target = format!("{LOGS}?limit=2&cursor={cursor}");
    }
    let of = |line: &Value| line["fields"]["request"].as_str().map(str::to_owned);
    let seen: Vec<String> = found.iter().filter_map(of).collect();
    assert_eq!(seen, requests, "newest first, none twice");
    assert!(web.items(&format!("{LOGS}?level=error")).is_empty());
    let none = format!("{LOGS}?since=2999-01-01T00:00:00Z");
    assert!(web.items(&none).is_empty());
    let other = format!("{LOGS}?message=00000000-0000-0000-0000-000000000000");
    assert!(web.items(&other).is_empty());
    for bad in ["level=loud", "message=x", "since=now", "file=/etc/passwd"] {
        assert_eq!(
            web.problem(&format!("{LOGS}?{bad}"))["status"],
            400,
            "{bad}"
        );
    }
}

#[test]
fn the_words_of_messages_are_in_no_log_file_however_much_is_logged() {
    let mut desk = Desk::new();
    let level = "SWITCHBOARD_LOG__LEVEL".to_owned();
    desk.variables.push((level, "trace".to_owned()));
    desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    let web = Web::over(desk, &[]);
    let marker = "zebra-quagga-0451";
    let sent = web
        .desk
        .must(&["send", "--to", "a", "--via", "inbox", marker]);
    let message = sent["message"].as_str().unwrap();
    assert_eq!(web.desk.run(&["send", "--to", "nobody", marker]).code, 4);
    for path in ["", "/timeline"] {
        let target = format!("/api/v1/messaging/messages/{message}{path}");
        assert!(web.get(&target).text().contains(marker));
    }
    let Web { desk, daemon, .. } = web;
    daemon.stop();
    let files = std::fs::read_dir(desk.store().join("logs")).unwrap();
    let files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.lines().count() > 1);
        assert!(!text.contains(marker));
    }
}

/// From a message to every line about it, to all that belongs to the same correlation, to the command that began it,
/// and to the running of the desk in which it happened.
#[test]
fn log_lines_are_found_by_message_correlation_request_and_session() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    let mut sessions = Vec::new();
    let mut desk = Some(desk);
    for _ in 0..2 {
        let web = Web::over(desk.take().unwrap(), &[]);
        let one = web
            .desk
            .must(&["send", "--to", "a", "--via", "inbox", "one"]);
        let two = web
            .desk
            .must(&["send", "--to", "a", "--via", "inbox", "two"]);
        let id = |sent: &Value, name: &str| sent[name].as_str().unwrap().to_owned();
        let lines = |filter: &str| web.items(&format!("{LOGS}?{filter}"));
        let about = format!("message={}", id(&one, "message"));
        until("both lines are there", || lines(&about).len() == 2);
        let told = lines(&about);
        let kinds: Vec<&str> = told
            .iter()
            .map(|it| it["fields"]["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["attempt.inboxed", "message.accepted"]);
        assert_eq!(
            lines(&format!("correlation={}", id(&one, "correlation"))),
            told
        );
        assert_ne!(one["correlation"], two["correlation"]);
        for line in &told {
            assert_eq!(line["fields"]["message_id"], one["message"]);
            assert_eq!(line["fields"]["correlation"], one["correlation"]);
        }
        // The command's own id ties a line to what somebody asked for.
        let request = told[1]["fields"]["request"].as_str().unwrap();
        let asked = lines(&format!("request={request}"));
        assert!(asked.contains(&told[1]), "{asked:?}");
        let own = web.ask("GET", "/nowhere", &[("X-Request-Id", "mine.1")]);
        assert_eq!(own.status, 404);
        assert_eq!(lines("request=mine.1").len(), 1 + sessions.len());

        let session = id(&told[0], "session");
        let all = lines(&format!("session={session}&limit=500"));
        assert!(
            all.contains(&told[0]) && all.iter().all(|line| line["session"] == session.as_str())
        );
        assert!(
            all.iter()
                .any(|line| line["fields"]["message"] == "the desk serves"),
            "{all:?}"
        );
        sessions.push(session);
        let Web {
            desk: kept, daemon, ..
        } = web;
        daemon.stop();
        desk = Some(kept);
    }
    assert_ne!(sessions[0], sessions[1]);
}

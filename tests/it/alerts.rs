//! Alerts on the running binary: raised by what really fails, acknowledged, over when it is well.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::api_kit::Web;
use super::running_kit::{Desk, PATIENCE, until};

const ROUTE: &str = "/api/v1/observability/alerts";

/// A desk that looks often and waits for little.
fn watchful(more: &[(&str, &str)]) -> Desk {
    let mut desk = Desk::new();
    for (name, value) in [
        ("ALERTS__INTERVAL", "100ms"),
        ("ALERTS__RULES__BREAKER-OPEN__HOLD", "200ms"),
        ("ALERTS__RULES__BREAKER-OPEN__COOLDOWN", "300ms"),
        // The rest of the machine is none of this test's.
        ("ALERTS__RULES__DISK-FREE__ENABLED", "false"),
        ("ALERTS__RULES__SUCCESS-RATE__ENABLED", "false"),
        ("RETRY__BASE_DELAY", "50ms"),
        ("RETRY__MAX_RETRIES", "100"),
        ("RETRY__MAX_DELAY", "100ms"),
        ("BREAKER__THRESHOLD", "2"),
        ("BREAKER__REST", "200ms"),
    ]
    .iter()
    .chain(more)
    {
        let variable = format!("SWITCHBOARD_{name}");
        desk.variables.push((variable, (*value).to_owned()));
    }
    desk
}

/// An agent whose letters cannot be put down: a file lies where its inbox should be.
fn fail(desk: &Desk) -> std::path::PathBuf {
    desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    let inbox = desk.store().join("inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    let in_the_way = inbox.join("a");
    std::fs::remove_dir(&in_the_way).ok();
    std::fs::write(&in_the_way, "no folder").unwrap();
    in_the_way
}

fn send(desk: &Desk) {
    desk.must(&["send", "--to", "a", "--wait", "accepted", "hello"]);
}

fn kinds(desk: &Desk) -> Vec<String> {
    let events = desk.run(&["events", "--kind", "alert.*"]).items();
    let kinds = events
        .iter()
        .map(|it| it["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

#[test]
fn an_agent_that_fails_raises_an_alert_and_one_that_is_well_ends_it() {
    let desk = watchful(&[]);
    let in_the_way = fail(&desk);
    let web = Web::over(desk, &[]);
    let desk = &web.desk;
    assert!(web.items(ROUTE).is_empty());
    send(desk);
    until("it fires", || {
        let alerts = desk.run(&["alerts"]).items();
        alerts.first().is_some_and(|it| it["state"] == "firing")
    });
    let id = "breaker-open:a:inbox";
    let item = desk.must(&["alerts"]);
    assert_eq!(item["alert"], id);
    assert_eq!(item["subject"], "a:inbox");
    assert_eq!(item["severity"], "warning");
    assert_eq!(
        web.items(ROUTE)[..],
        *std::slice::from_ref(&item),
        "HTTP says the same"
    );
    let metrics = web.get("/metrics").text();
    let row = "switchboard_alerts{severity=\"warning\",state=\"firing\"} 1";
    assert!(metrics.contains(row), "{metrics}");
    let firing_at = item["position"].as_u64().unwrap();
    // Acknowledged once; the second time it is so already.
    let first = desk.must(&["alerts", "ack", id]);
    assert_eq!(
        (
            &first["state"],
            &first["acknowledged_by"],
            &first["repeated"]
        ),
        (&json!("acknowledged"), &json!("operator"), &json!(false))
    );
    let second = desk.must(&["alerts", "ack", "Breaker-Open:a:inbox"]);
    assert_eq!(second["repeated"], true);
    assert_eq!(second["acknowledged_at"], first["acknowledged_at"]);
    // Well again.
    std::fs::remove_file(&in_the_way).unwrap();
    // The next try gets through, and closes the breaker: it once stayed open for ever.
    until("it is over", || web.items(ROUTE).is_empty());
    let over = web.items(&format!("{ROUTE}?resolved=true"));
    assert_eq!(over[0]["state"], "resolved");
    assert_eq!(desk.run(&["alerts", "--all"]).items(), over);
    // The past stays as it was.
    let past = web.items(&format!("{ROUTE}?as_of={firing_at}"));
    assert_eq!(past, [item]);
    let again = desk.run(&["alerts", "ack", id]);
    assert_eq!(
        (again.code, again.exit_error()["code"].clone()),
        (5, json!("wrong_state"))
    );
    let nobody = desk.run(&["alerts", "ack", "no-such"]);
    assert_eq!(nobody.code, 4);
    assert_eq!(nobody.exit_error()["code"], "unknown_alert");
    assert_eq!(desk.run(&["alerts", "ack", "a b"]).code, 2);
    let expected = [
        "alert.noticed",
        "alert.raised",
        "alert.acknowledged",
        "alert.resolved",
    ];
    assert_eq!(kinds(desk), expected);
    // A fold from zero says the same as the one that was carried along.
    assert_eq!(desk.must(&["projections", "check", "alerts"])["ok"], true);
}

/// A request's head and body.
type Sent = (Vec<String>, Vec<u8>);

/// A listener that answers each request as it is told, and hands out what it was sent.
fn hook(answers: &'static [&'static str]) -> (String, mpsc::Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, received) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers.iter().chain(std::iter::repeat(&"204 No Content")) {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let length = head
                .iter()
                .find_map(|it| it.strip_prefix("Content-Length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let text = format!("HTTP/1.1 {answer}\r\n\r\n");
            reader.get_mut().write_all(text.as_bytes()).unwrap();
            if send.send((head, body)).is_err() {
                return;
            }
        }
    });
    (url, received)
}

#[test]
fn whoever_is_named_is_told_and_a_webhook_is_signed_and_tried_again() {
    let (url, received) = hook(&["500 No", "200 OK"]);
    let mut desk = watchful(&[
        ("ALERTS__NOTIFY", "webhook,command"),
        ("ALERTS__WEBHOOK", &url),
    ]);
    let folder = desk.store().parent().unwrap().to_owned();
    let (key, told, program) = (folder.join("key"), folder.join("told"), folder.join("tell"));
    std::fs::write(&key, "Jefe\nnot this\n").unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$SWITCHBOARD_STATE\" = raised ] || exit 0\n\
         echo \"$SWITCHBOARD_ALERT $1\" > {0}.new\ncat >> {0}.new\nmv {0}.new {0}\n",
        told.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    for (name, value) in [
        (
            "SWITCHBOARD_ALERTS__WEBHOOK_SECRET_FILE",
            key.display().to_string(),
        ),
        (
            "SWITCHBOARD_ALERTS__COMMAND",
            json!([program.display().to_string(), "; rm -rf $HOME"]).to_string(),
        ),
        ("PATH", "/usr/bin:/bin".to_owned()),
    ] {
        desk.variables.push((name.to_owned(), value));
    }
    fail(&desk);
    let daemon = desk.serve(&["--listen", "127.0.0.1:0"]);
    send(&desk);
    let (_, first) = received.recv_timeout(PATIENCE).unwrap();
    let (head, body) = received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first, body, "the same again after a failure");
    let signed = head
        .iter()
        .find_map(|line| line.strip_prefix("X-Switchboard-Signature: "))
        .unwrap();
    let expected = switchboard::adapters::telling::signature(b"Jefe", &body).unwrap();
    assert_eq!(signed, expected);
    let item: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(item["alert"], "breaker-open:a:inbox");
    assert_eq!(item["state"], "firing");
    until("the program was told", || told.exists());
    let text = std::fs::read_to_string(&told).unwrap();
    let (line, json) = text.split_once('\n').unwrap();
    assert_eq!(
        line, "breaker-open:a:inbox ; rm -rf $HOME",
        "no shell in between"
    );
    let item: Value = serde_json::from_str(json).unwrap();
    assert_eq!(item["state"], "firing");
    assert!(!kinds(&desk).contains(&"alert.untold".to_owned()));
    daemon.stop();
}

#[test]
fn a_webhook_that_hangs_or_fails_is_told_of_and_stops_nobody() {
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let mut desk = watchful(&[
        ("ALERTS__NOTIFY", "webhook,command"),
        ("ALERTS__WEBHOOK", &url),
        ("ALERTS__TELL_WITHIN", "200ms"),
        ("ALERTS__TRIES", "2"),
    ]);
    let folder = desk.store().parent().unwrap().to_owned();
    let (key, told) = (folder.join("key"), folder.join("told"));
    std::fs::write(&key, "secret").unwrap();
    for (name, value) in [
        ("WEBHOOK_SECRET_FILE", key.display().to_string()),
        (
            "COMMAND",
            json!(["touch", told.display().to_string()]).to_string(),
        ),
    ] {
        let name = format!("SWITCHBOARD_ALERTS__{name}");
        desk.variables.push((name, value));
    }
    desk.variables
        .push(("PATH".to_owned(), "/usr/bin:/bin".to_owned()));
    fail(&desk);
    let daemon = desk.serve(&["--listen", "127.0.0.1:0"]);
    send(&desk);
    until("the program was told all the same", || told.exists());
    until("it is said that the webhook was not", || {
        kinds(&desk).contains(&"alert.untold".to_owned())
    });
    let events = desk.run(&["events", "--kind", "alert.untold"]).items();
    let data = &events[0]["data"];
    assert_eq!(
        (&data["notifier"], &data["attempts"]),
        (&json!("webhook"), &json!(2))
    );
    assert!(
        data["reason"].as_str().unwrap().contains("200 ms"),
        "{data}"
    );
    let began = std::time::Instant::now();
    let ended = daemon.stop();
    assert_eq!(ended.code, 143, "{ended:?}");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it does not hang"
    );
    assert!(!ended.err.contains("secret"), "{}", ended.err);
}

#[test]
fn rules_that_are_not_whole_are_refused() {
    let desk = Desk::new();
    for (key, text, code) in [
        ("alerts.rules.own.above", "3", 14),
        ("alerts.notify", "smoke", 14),
        ("alerts.webhook", "https://example.com/", 0),
        ("alerts.notify", "webhook", 14),
        ("alerts.rules.disk-free.below", "many", 14),
        ("alerts.rules.disk-free.below", "1", 0),
    ] {
        let ran = desk.run(&["config", "set", key, text]);
        assert_eq!(ran.code, code, "{key} = {text}: {ran:?}");
    }
}

//! What the API refuses, and whom it does not wait for.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchboard::api::routes::ROUTES;
use switchboard::api::web::routes::PAGES;

use super::api_kit::{PATIENCE, Web, problem, read_head, read_reply};
use super::running_kit::Desk;

const MESSAGING: &str = "/api/v1/messaging";

#[test]
fn no_method_changes_anything() {
    let web = Web::furnished();
    let head = web.head();
    let methods = [
        "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "QUERY",
    ];
    let mut targets: Vec<String> = [ROUTES, PAGES]
        .concat()
        .iter()
        .map(|it| it.path.replace("{id}", "a"))
        .collect();
    targets.extend(["/nowhere".to_owned(), "/api/v1/messaging/send".to_owned()]);
    for target in &targets {
        for method in methods {
            let reply = web.ask(method, target, &[("Content-Length", "0")]);
            // CONNECT with a path is no request at all.
            if method == "CONNECT" && reply.status == 400 {
                continue;
            }
            assert_eq!(
                problem(&reply)["code"],
                "method_not_allowed",
                "{method} {target}"
            );
            assert_eq!(reply.status, 405, "{method} {target}");
            assert_eq!(
                reply.header("allow"),
                Some("GET, HEAD, OPTIONS"),
                "{method} {target}"
            );
        }
    }
    for target in &targets {
        for method in ["GET", "HEAD", "OPTIONS"] {
            if !target.ends_with("/stream") {
                web.ask(method, target, &[]);
            }
        }
    }
    assert_eq!(web.head(), head);
    assert_eq!(web.desk.must(&["status"])["head"], head);
}

#[test]
fn a_foreign_host_reads_nothing() {
    let web = Web::furnished();
    for host in [
        "evil.test",
        "evil.test:80",
        "127.0.0.1.evil.test",
        "",
        "10.1.2.3",
    ] {
        for target in ["/", "/api/v1/messaging/messages", "/nowhere"] {
            let reply = web.ask("GET", target, &[("Host", host)]);
            assert_eq!(reply.status, 403, "{host} {target}");
            assert_eq!(problem(&reply)["code"], "foreign_host");
        }
        // Before anything else is looked at.
        assert_eq!(web.ask("POST", "/", &[("Host", host)]).status, 403);
    }
    for host in [
        "localhost",
        "localhost:9",
        "127.0.0.1",
        "[::1]:80",
        "LOCALHOST",
    ] {
        assert_eq!(
            web.ask("GET", "/livez", &[("Host", host)]).status,
            200,
            "{host}"
        );
    }
    let two = web.ask(
        "GET",
        "/livez",
        &[("Host", "localhost"), ("Host", "evil.test")],
    );
    assert!(matches!(two.status, 400 | 403), "{two:?}");
    let none = web.say(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(matches!(none.status, 400 | 403), "{none:?}");
    let absolute = web.ask("GET", "http://evil.test/livez", &[("Host", "localhost")]);
    assert_eq!(absolute.status, 403);
}

#[test]
fn another_name_is_answered_when_it_is_configured() {
    let mut desk = Desk::new();
    let hosts = "[\"desk.example\"]".to_owned();
    desk.variables
        .push(("SWITCHBOARD_SERVE__HOSTS".to_owned(), hosts));
    let web = Web::over(desk, &[]);
    let named = [("Host", "desk.example:443")];
    assert_eq!(web.ask("GET", "/livez", &named).status, 200);
    assert_eq!(
        web.ask("GET", "/livez", &[("Host", "evil.test")]).status,
        403
    );
}

#[test]
fn what_is_not_there_is_named() {
    let web = Web::furnished();
    let bad = |target: &str, status: u16, code: &str| {
        let reply = web.get(target);
        let problem = problem(&reply);
        assert_eq!(
            (reply.status, &problem["code"]),
            (status, &json!(code)),
            "{target}: {problem}"
        );
    };
    bad("/nowhere", 404, "no_such_route");
    bad("/api/v1/messaging", 404, "no_such_route");
    bad("/api/v1/messaging/agents/", 404, "no_such_route");
    bad("/api/v1/messaging/agents/nobody", 404, "unknown_agent");
    bad(
        "/api/v1/messaging/agents/nobody/inbox",
        404,
        "unknown_agent",
    );
    bad("/api/v1/messaging/agents/b%20c", 400, "malformed_parameter");
    bad("/api/v1/messaging/agents/%ff", 400, "malformed_parameter");
    bad("/api/v1/messaging/messages/x", 400, "malformed_parameter");
    let nobody = "00000000-0000-4000-8000-000000000000";
    bad(
        &format!("{MESSAGING}/messages/{nobody}"),
        404,
        "unknown_message",
    );
    bad(
        &format!("{MESSAGING}/messages/{nobody}/timeline"),
        404,
        "unknown_message",
    );
}

#[test]
fn every_parameter_that_cannot_be_read_is_named() {
    let web = Web::furnished();
    let bad = |target: &str, status: u16, code: &str| {
        let reply = web.get(target);
        let problem = problem(&reply);
        let found = (reply.status, &problem["code"]);
        assert_eq!(found, (status, &json!(code)), "{target}: {problem}");
    };
    bad("/livez?x=1", 400, "unknown_parameter");
    for (query, code) in [
        ("limitt=1", "unknown_parameter"),
        ("LIMIT=1", "unknown_parameter"),
        ("limit=0", "malformed_parameter"),
        ("limit=501", "malformed_parameter"),
        ("limit=-1", "malformed_parameter"),
        ("limit=1&limit=1", "malformed_parameter"),
        ("limit=%zz", "malformed_query"),
        ("%ff=1", "malformed_query"),
        ("to=b%20c", "malformed_parameter"),
        ("tag=!", "malformed_parameter"),
        ("state=happy", "malformed_parameter"),
        ("since=yesterday", "malformed_parameter"),
        ("as_of=yesterday", "malformed_parameter"),
        ("as_of=99999999", "beyond_head"),
        ("as_of=2999-01-01T00:00:00Z", "beyond_head"),
        ("as_of=99999999999999999999999", "malformed_parameter"),
        ("wait_ms=x", "malformed_parameter"),
        ("after_position=1&wait_ms=31000", "malformed_parameter"),
        ("after_position=x", "malformed_parameter"),
    ] {
        bad(&format!("{MESSAGING}/messages?{query}"), 400, code);
    }
    bad("/api/v1/events?kind=%3Bdrop", 400, "malformed_parameter");
    bad("/api/v1/events?stream=", 400, "malformed_parameter");
    bad("/api/v1/events?format=xml", 400, "malformed_parameter");
    bad(
        "/api/v1/events?format=ndjson&limit=5",
        400,
        "malformed_parameter",
    );
    bad("/api/v1/events/stream?from=99999999", 400, "beyond_head");
    let unknown = web.problem("/api/v1/messaging/messages?limitt=1");
    assert!(
        unknown["hint"].as_str().unwrap().contains("limit"),
        "{unknown}"
    );
    // Long ago is no mistake: nothing was there.
    for (query, count) in [
        ("since=0165-04-27T01:07:00Z", 6),
        ("as_of=0165-04-27T01:07:00Z", 0),
    ] {
        let found = web.items(&format!("{MESSAGING}/messages?{query}"));
        assert_eq!(found.len(), count, "{query}");
    }
    let field = web.problem("/api/v1/messaging/messages?limit=0");
    assert_eq!(field["parameter"], "limit");
}

#[test]
fn a_cursor_is_good_only_where_it_came_from() {
    let web = Web::furnished();
    let list = |query: &str| format!("{MESSAGING}/messages?limit=1{query}");
    let first = web.item(&list("&to=a"));
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        web.get(&list(&format!("&to=a&cursor={cursor}"))).status,
        200
    );
    let mut changed = cursor.to_owned();
    let end = if changed.pop() == Some('0') { '1' } else { '0' };
    changed.push(end);
    for (filter, bad) in [
        ("&to=a", ""),
        ("&to=a", "42"),
        ("&to=a", "%00"),
        ("&to=a", "zz"),
        ("&to=a", &"f".repeat(2_000)),
        ("&to=a", &changed),
        ("&to=b", cursor),
        ("", cursor),
    ] {
        let problem = web.problem(&list(&format!("{filter}&cursor={bad}")));
        assert_eq!(problem["code"], "bad_cursor", "{filter} {bad}: {problem}");
    }
    let other = web.problem(&format!("{MESSAGING}/queue?cursor={cursor}"));
    assert_eq!(other["code"], "bad_cursor");
}

#[test]
fn long_requests_and_bodies_are_refused() {
    let web = Web::furnished();
    let long = web.get(&format!(
        "{MESSAGING}/messages?text={}",
        "x".repeat(8 * 1024)
    ));
    assert_eq!(
        (long.status, &problem(&long)["code"]),
        (414, &json!("uri_too_long"))
    );
    let body = web.ask("GET", "/livez", &[("Content-Length", "5")]);
    assert_eq!(
        (body.status, &problem(&body)["code"]),
        (413, &json!("body_not_taken"))
    );
    let pieces = web.ask("GET", "/livez", &[("Transfer-Encoding", "chunked")]);
    assert_eq!(pieces.status, 413);
    let stuffed = web.ask("GET", "/livez", &[("X-Long", &"x".repeat(20_000))]);
    assert_eq!(
        (stuffed.status, &problem(&stuffed)["code"]),
        (431, &json!("headers_too_long"))
    );
    // Whoever sends a head without an end is answered before it, and hung up on.
    let mut endless = web.connect();
    let begun = Instant::now();
    while endless
        .write_all(b"GET /livez HTTP/1.1\r\nX-Long: ")
        .is_ok()
        && endless.write_all(&vec![b'x'; 100_000]).is_ok()
    {
        assert!(begun.elapsed() < PATIENCE);
    }
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"hello\r\n\r\n",
    ] {
        assert_eq!(web.say(nonsense).status, 400);
    }
    assert_eq!(web.get("/livez").status, 200);
}

#[test]
fn a_position_that_does_not_come_is_not_waited_for_longer_than_asked() {
    let web = Web::new();
    let next = web.head() + 1;
    for wait in [0, 50] {
        let reply = web.get(&format!(
            "{MESSAGING}/agents?after_position={next}&wait_ms={wait}"
        ));
        assert_eq!(
            (reply.status, &problem(&reply)["code"]),
            (503, &json!("projection_lag"))
        );
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    // What cannot be answered anyway is said at once.
    let begun = Instant::now();
    let long = format!("after_position={next}&wait_ms=30000");
    for (target, code) in [
        (format!("agents?limit=0&{long}"), "malformed_parameter"),
        (format!("messages?{long}&since=then"), "malformed_parameter"),
        (format!("queue?{long}&cursor=00"), "bad_cursor"),
        (format!("agents/b%20c?{long}"), "malformed_parameter"),
        (format!("messages/x/timeline?{long}"), "malformed_parameter"),
    ] {
        let problem = web.problem(&format!("{MESSAGING}/{target}"));
        assert_eq!(problem["code"], code, "{target}: {problem}");
    }
    let level = web.problem(&format!("/api/v1/observability/logs?level=loud&{long}"));
    assert_eq!(level["code"], "malformed_parameter");
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
    let now = web.head();
    let target = format!("{MESSAGING}/agents?after_position={now}");
    assert_eq!(web.get(&target).status, 200);
}

#[test]
fn request_ids_are_taken_over_when_they_can_be_written_down() {
    let web = Web::new();
    let own = [("X-Request-Id", "abc-1.2_3")];
    assert_eq!(
        web.ask("GET", "/livez", &own).header("x-request-id"),
        Some("abc-1.2_3")
    );
    let refused = web.ask("GET", "/nowhere", &own);
    assert_eq!(problem(&refused)["request_id"], "abc-1.2_3");
    for bad in ["", "a b", "<x>", &"x".repeat(65)] {
        let reply = web.ask("GET", "/livez", &[("X-Request-Id", bad)]);
        let id = reply.header("x-request-id").unwrap();
        assert_eq!(id.len(), 36, "{bad} became {id}");
    }
}

/// A desk whose patience is short.
fn hasty() -> Web {
    let mut desk = Desk::new();
    for name in ["REQUEST_WITHIN", "READ_WITHIN"] {
        let name = format!("SWITCHBOARD_SERVE__{name}");
        desk.variables.push((name, "300ms".to_owned()));
    }
    Web::over(desk, &[])
}

/// Reads until the other side closes.
fn wait_for_the_end(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end, too; no end at all takes as long as anybody waits here.
    stream.read_to_end(&mut rest).unwrap_or_default();
}

#[test]
fn half_a_request_is_not_waited_for() {
    let web = hasty();
    for half in [
        "",
        "GET",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Half:",
    ] {
        let begun = Instant::now();
        let mut stream = web.connect();
        stream.write_all(half.as_bytes()).unwrap();
        wait_for_the_end(stream);
        assert!(begun.elapsed() < PATIENCE / 2, "{half:?}");
    }
    // A connection that was used and then falls silent, likewise.
    let mut stream = web.connect();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    assert_eq!(read_reply(&mut reader, false).status, 200);
    let begun = Instant::now();
    wait_for_the_end(stream);
    assert!(begun.elapsed() < PATIENCE / 2);
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    let web = hasty();
    web.desk.must(&["agent", "add", "b", "--channel", "inbox"]);
    web.desk.must(&["pause", "b"]);
    let file = web.desk.store().join("../body");
    std::fs::write(&file, "x".repeat(1 << 20)).unwrap();
    // More than the system keeps between here and there.
    for _ in 0..48 {
        let file = file.to_str().unwrap();
        web.desk
            .must(&["send", "--to", "b", "--wait", "accepted", "--file", file]);
    }
    // Pages are short rather than heavy, and go on.
    let mut target = format!("{MESSAGING}/messages?limit=500");
    let mut pages = 0;
    loop {
        let page = web.get(&target);
        assert!(page.body.len() < 6 << 20, "{} bytes", page.body.len());
        pages += 1;
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else {
            break;
        };
        target = format!("{MESSAGING}/messages?limit=500&cursor={cursor}");
    }
    assert_eq!(pages, 12);
    let mut slow = web.connect();
    slow.write_all(b"GET /api/v1/events?format=ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    // Its head is read: it follows now.
    let mut reader = BufReader::new(slow);
    let (status, _) = read_head(&mut reader);
    assert_eq!(status, 200);
    let streams = || {
        let text = web.get("/metrics").text();
        let line = text
            .lines()
            .find(|it| it.starts_with("switchboard_http_streams "));
        line.unwrap().to_owned()
    };
    super::running_kit::until("it is given up", || {
        streams() == "switchboard_http_streams 0"
    });
    // What it reads now breaks off, and it can tell.
    let mut rest = Vec::new();
    let read = reader.read_to_end(&mut rest);
    assert!(
        read.is_err() || !rest.ends_with(b"0\r\n\r\n"),
        "{} bytes",
        rest.len()
    );
}

#[test]
fn leaving_waits_for_no_open_stream_and_no_silent_client() {
    let web = Web::furnished();
    let mut follower = web.follow("/api/v1/events/stream", None);
    let _silent: Vec<TcpStream> = (0..5).map(|_| web.connect()).collect();
    let mut half = web.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    let begun = Instant::now();
    let ended = web.daemon.stop();
    assert_eq!(ended.code, 143, "{ended:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    while follower.block().is_some() {}
}

#[test]
fn many_at_once_are_all_answered() {
    let web = Web::furnished();
    std::thread::scope(|scope| {
        for number in 0..24 {
            let web = &web;
            scope.spawn(move || {
                for turn in 0..20 {
                    let target = format!("{MESSAGING}/messages?limit={}", 1 + (number + turn) % 5);
                    let reply = web.get(&target);
                    assert_eq!(reply.status, 200, "{}", reply.text());
                }
            });
        }
    });
    assert!(
        web.get("/metrics")
            .text()
            .contains("switchboard_http_panics_total 0\n")
    );
}

#[test]
fn an_address_that_others_can_reach_must_be_insisted_on() {
    let desk = Desk::new();
    let line = ["serve", "--listen", "0.0.0.0:0", "--desktop", "none"];
    let refused = desk.run(&line);
    assert_eq!(refused.exit_error()["code"], "insecure_listen");
    assert_eq!(refused.code, 13);
    let daemon = desk.start(&[&line[..], &["--insecure-listen"]].concat());
    let serving: Value = serde_json::from_str(&daemon.line()).unwrap();
    assert!(
        serving["http"]
            .as_str()
            .unwrap()
            .starts_with("http://0.0.0.0:"),
        "{serving}"
    );
    assert_eq!(daemon.stop().code, 143);
}

#[test]
fn an_address_in_use_is_an_error_when_somebody_named_it() {
    let web = Web::new();
    let other = Desk::new();
    let listen = web.address.to_string();
    let refused = other.run(&["serve", "--listen", &listen, "--desktop", "none"]);
    assert_eq!(
        (refused.code, &refused.exit_error()["code"]),
        (1, &json!("no_listen"))
    );
    // And the ledger is free again.
    other.must(&["status"]);
}

//! What the API answers: every route, on the running binary.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use switchboard::api::document::document;
use switchboard::api::route::Shape;
use switchboard::api::routes::ROUTES;

use super::api_kit::Web;

const MESSAGING: &str = "/api/v1/messaging";

/// A path of the route that leads somewhere in a furnished desk.
fn path(route: &str, message: &str) -> String {
    let id = if route.contains("/messages/") {
        message
    } else {
        "a"
    };
    route.replace("{id}", id)
}

/// Whether a value is what a schema of ours says. Knows the words that the document uses, and no field
/// may be there that it does not name.
fn check(schema: &Value, value: &Value, at: &str, whole: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let inner = whole.pointer(name.trim_start_matches('#')).unwrap();
        return check(inner, value, at, whole);
    }
    for any in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[any].as_array() {
            let fits = choices
                .iter()
                .filter(|it| check(it, value, at, whole).is_ok());
            return match fits.count() {
                0 => Err(format!("{at}: {value} is none of {schema}")),
                1 => Ok(()),
                _ if any == "anyOf" => Ok(()),
                _ => Err(format!("{at}: {value} is several of {schema}")),
            };
        }
    }
    if schema.get("const").is_some_and(|it| it != value) {
        return Err(format!("{at}: {value} is not {}", schema["const"]));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at}: {value} is not one of {words:?}"));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|it| it.as_str().unwrap()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        return Err(format!("{at}: {value} is not {kinds:?}"));
    }
    if let Some(items) = value.as_array() {
        for (number, item) in items.iter().enumerate() {
            check(&schema["items"], item, &format!("{at}[{number}]"), whole)?;
        }
    }
    let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap()) {
            return Err(format!("{at}: {name} is missing in {value}"));
        }
    }
    for (name, field) in fields {
        let inner = known
            .get(name)
            .ok_or_else(|| format!("{at}: {name} is not in the document"))?;
        check(inner, field, &format!("{at}.{name}"), whole)?;
    }
    Ok(())
}

#[test]
fn every_answer_is_what_the_document_says() {
    let web = Web::furnished();
    let whole = document();
    let message = web.items("/api/v1/messaging/messages")[0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    let head = web.head();
    for route in ROUTES {
        let target = path(route.path, &message);
        if let Shape::Stream(_) = route.shape {
            continue;
        }
        let reply = web.get(&target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        assert_eq!(reply.position(), head, "{target}");
        assert!(reply.header("x-request-id").is_some(), "{target}");
        let schema = &whole["paths"][route.path]["get"]["responses"]["200"]["content"];
        let content = reply
            .header("content-type")
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        let schema = &schema[content]["schema"];
        assert!(
            schema.is_object(),
            "{target}: {content} is not in the document"
        );
        if content == "application/json" && !matches!(route.shape, Shape::Text(_)) {
            check(schema, &reply.json(), &target, &whole).unwrap();
        }
        let bare = web.ask("HEAD", &target, &[]);
        assert_eq!(bare.status, 200, "HEAD {target}");
        assert_eq!(
            bare.header("content-type"),
            reply.header("content-type"),
            "{target}"
        );
        let options = web.ask("OPTIONS", &target, &[]);
        assert_eq!(options.status, 204, "{target}");
        assert_eq!(options.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn the_document_in_the_project_is_the_one_that_is_served() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "docs/openapi.json: UPDATE_DOCS=1 cargo test writes it anew"
    );
    let web = Web::new();
    assert_eq!(web.get("/openapi.json").json(), document());
    let operations: BTreeSet<String> = ROUTES
        .iter()
        .map(|it| document()["paths"][it.path]["get"]["operationId"].to_string())
        .collect();
    assert_eq!(
        operations.len(),
        ROUTES.len(),
        "an operation's name is there twice"
    );
}

#[test]
fn items_are_the_command_lines_objects() {
    let web = Web::furnished();
    let same = |target: &str, line: &[&str]| {
        let ran = web.desk.run(line);
        assert_eq!(web.items(target), ran.items(), "{target} and {line:?}");
    };
    same(&format!("{MESSAGING}/agents"), &["agent", "list"]);
    same(&format!("{MESSAGING}/agents/a/inbox"), &["inbox", "a"]);
    same(&format!("{MESSAGING}/queue"), &["queue"]);
    same(&format!("{MESSAGING}/messages"), &["messages"]);
    same(
        &format!("{MESSAGING}/messages?to=a&tag=wrapup&text=LETTER+1"),
        &[
            "messages", "--to", "a", "--tag", "wrapup", "--text", "letter 1",
        ],
    );
    same("/api/v1/events?limit=500", &["events"]);
    same(
        "/api/v1/events?kind=message.*&from=3",
        &["events", "--kind", "message.*", "--from", "3"],
    );
    same("/api/v1/projections", &["projections", "list"]);
    same(&format!("{MESSAGING}/timing"), &["timing"]);
    let settings = web.items(&format!("{MESSAGING}/config?limit=500"));
    let listen = settings
        .iter()
        .find(|it| it["key"] == "serve.listen")
        .unwrap();
    assert_eq!(listen["origin"], "flag --listen", "{listen}");
    let message = web.items(&format!("{MESSAGING}/messages?to=a"))[0].clone();
    let id = message["message"].as_str().unwrap();
    assert_eq!(
        web.item(&format!("{MESSAGING}/messages/{id}")),
        web.desk.must(&["show", id])
    );
    same(&format!("{MESSAGING}/messages/{id}/timeline"), &["why", id]);
    assert_eq!(
        web.item(&format!("{MESSAGING}/agents/A")),
        web.desk.must(&["agent", "show", "a"])
    );
}

/// Every item of a list, by pages of one.
fn one_by_one(web: &Web, target: &str) -> Vec<Value> {
    let joint = if target.contains('?') { '&' } else { '?' };
    let mut all = Vec::new();
    let mut page = web.item(&format!("{target}{joint}limit=1"));
    loop {
        all.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            return all;
        };
        assert!(all.len() < 1_000, "{target} never ends");
        page = web.item(&format!("{target}{joint}limit=1&cursor={cursor}"));
    }
}

#[test]
fn pages_put_together_are_the_whole_list() {
    let web = Web::furnished();
    let message = web.items("/api/v1/messaging/messages?to=a")[0]["message"].clone();
    let message = message.as_str().unwrap();
    for target in [
        format!("{MESSAGING}/agents"),
        format!("{MESSAGING}/agents/a/inbox"),
        format!("{MESSAGING}/queue"),
        format!("{MESSAGING}/messages"),
        format!("{MESSAGING}/messages?to=b"),
        format!("{MESSAGING}/messages?state=inboxed"),
        format!("{MESSAGING}/messages?state=accepted"),
        format!("{MESSAGING}/messages/{message}/timeline"),
        "/api/v1/events".to_owned(),
        "/api/v1/events?kind=message.accepted".to_owned(),
        "/api/v1/projections".to_owned(),
    ] {
        let whole = web.items(&target);
        assert!(!whole.is_empty(), "{target}");
        assert_eq!(one_by_one(&web, &target), whole, "{target}");
    }
    let urgency = web.items(&format!("{MESSAGING}/queue"));
    let urgency: Vec<&Value> = urgency.iter().map(|it| &it["priority"]).collect();
    assert_eq!(urgency, ["critical", "urgent", "normal"]);
}

#[test]
fn a_page_goes_on_where_it_ended_though_there_is_more_by_then() {
    let web = Web::furnished();
    let target = format!("{MESSAGING}/messages?limit=2");
    let first = web.item(&target);
    let whole = web.items(&format!("{MESSAGING}/messages"));
    web.desk
        .must(&["send", "--to", "a", "--via", "inbox", "late"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = web.items(&format!("{target}&cursor={cursor}"));
    assert_eq!(second, whole[2..4]);
}

#[test]
fn the_past_is_answered_as_it_was() {
    let web = Web::furnished();
    let then = web.head();
    let before: Vec<Value> = ["agents", "queue", "messages", "metrics"]
        .iter()
        .map(|of| web.item(&format!("{MESSAGING}/{of}")))
        .collect();
    web.desk
        .must(&["agent", "add", "late", "--channel", "inbox"]);
    web.desk.must(&["resume", "b"]);
    let waits = web.items(&format!("{MESSAGING}/messages?to=b"))[0]["message"].clone();
    let waits = waits.as_str().unwrap();
    super::running_kit::until("the queue is empty", || {
        web.items(&format!("{MESSAGING}/queue")).is_empty()
    });
    for (of, before) in ["agents", "queue", "messages", "metrics"]
        .iter()
        .zip(before)
    {
        let target = format!("{MESSAGING}/{of}?as_of={then}");
        assert_eq!(web.item(&target), before, "{of}");
        assert_eq!(web.get(&target).position(), then, "{of}");
    }
    let now = web.item(&format!("{MESSAGING}/messages/{waits}"));
    let past = web.item(&format!("{MESSAGING}/messages/{waits}?as_of={then}"));
    assert_eq!(
        (&now["state"], &past["state"]),
        (&json!("inboxed"), &json!("accepted"))
    );
    let at = web.items("/api/v1/events?limit=1")[0]["recorded_at"].clone();
    let target = format!("{MESSAGING}/agents?as_of={}", at.as_str().unwrap());
    assert_eq!(
        web.items(&target),
        [json!(null); 0],
        "right after the first event"
    );
}

#[test]
fn whoever_wrote_something_reads_it() {
    let web = Web::furnished();
    let sent = web
        .desk
        .must(&["send", "--to", "b", "--wait", "accepted", "mine"]);
    let position = sent["position"].as_u64().unwrap();
    let queue = web.get(&format!("{MESSAGING}/queue?after_position={position}"));
    assert!(queue.position() >= position);
    assert!(queue.text().contains(sent["message"].as_str().unwrap()));
    // One that comes while it is waited for.
    let next = web.head() + 1;
    let target = format!("{MESSAGING}/agents?after_position={next}&wait_ms=30000");
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| web.get(&target));
        web.desk.must(&["agent", "add", "c", "--channel", "inbox"]);
        waiting.join().unwrap()
    });
    assert_eq!(waiting.status, 200);
    assert!(waiting.text().contains("\"id\":\"c\""));
}

#[test]
fn an_answer_that_the_client_has_is_not_sent_again() {
    let web = Web::furnished();
    let target = format!("{MESSAGING}/agents");
    let reply = web.get(&target);
    let tag = reply.header("etag").unwrap();
    let again = web.ask("GET", &target, &[("If-None-Match", tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(tag));
    let list = format!("\"x\", {tag}");
    assert_eq!(
        web.ask("GET", &target, &[("If-None-Match", &list)]).status,
        304
    );
    assert_eq!(
        web.ask("GET", &target, &[("If-None-Match", "\"x\"")])
            .status,
        200
    );
    web.desk.must(&["agent", "add", "c", "--channel", "inbox"]);
    let changed = web.ask("GET", &target, &[("If-None-Match", tag)]);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag));
}

#[test]
fn a_body_is_packed_as_the_client_takes_it() {
    let web = Web::furnished();
    for target in ["/api/v1/events?limit=500", "/api/v1/events?format=ndjson"] {
        let plain = web.get(target);
        assert_eq!(plain.header("content-encoding"), None);
        let zipped = web.ask("GET", target, &[("Accept-Encoding", "gzip")]);
        assert_eq!(zipped.header("content-encoding"), Some("gzip"), "{target}");
        assert!(zipped.body.len() < plain.body.len() / 2, "{target}");
        let mut unzipped = flate2::write::GzDecoder::new(Vec::new());
        std::io::Write::write_all(&mut unzipped, &zipped.body).unwrap();
        assert_eq!(unzipped.finish().unwrap(), plain.body, "{target}");
        let packed = web.ask("GET", target, &[("Accept-Encoding", "gzip, zstd;q=0.9")]);
        assert_eq!(packed.header("content-encoding"), Some("zstd"), "{target}");
        assert_eq!(
            zstd::decode_all(packed.body.as_slice()).unwrap(),
            plain.body,
            "{target}"
        );
    }
}

#[test]
fn all_events_can_be_had_as_lines() {
    let web = Web::furnished();
    let events = web.desk.run(&["events"]).items();
    let accept = [("Accept", "application/x-ndjson")];
    for reply in [
        web.get("/api/v1/events?format=ndjson"),
        web.ask("GET", "/api/v1/events", &accept),
    ] {
        assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
        let text = reply.text();
        let lines: Vec<Value> = text
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        assert_eq!(lines, events);
    }
    let some = web
        .get("/api/v1/events?format=ndjson&kind=agent.added")
        .text();
    assert_eq!(some.lines().count(), 2);
}

#[test]
fn prometheus_gets_what_it_expects_in_either_format() {
    let web = Web::furnished();
    web.get(&format!("{MESSAGING}/agents"));
    let plain = web.get("/metrics");
    assert!(
        plain
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let plain = plain.text();
    let accept = [("Accept", "application/openmetrics-text; version=1.0.0")];
    let open = web.ask("GET", "/metrics", &accept);
    assert!(
        open.header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let open = open.text();
    assert!(open.ends_with("# EOF\n") && !plain.contains("# EOF"));
    assert!(open.contains("# TYPE switchboard_messages_accepted counter\n"));
    assert!(plain.contains("# TYPE switchboard_messages_accepted_total counter\n"));
    for text in [&plain, &open] {
        for line in [
            "switchboard_messages_accepted_total{priority=\"normal\"} 4",
            "switchboard_messages_completed_total{outcome=\"inboxed\",priority=\"normal\"} 3",
            "switchboard_queue_messages{priority=\"critical\"} 1",
            "switchboard_breaker_state{agent=\"a\",channel=\"inbox\"} 0",
            "switchboard_inbox_unread{agent=\"a\"} 3",
            "switchboard_projection_lag_events{projection=\"outbox\"} 0",
            "switchboard_message_settling_seconds_count{priority=\"normal\"} 3",
            "switchboard_ledger_writable 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        let asked = "switchboard_http_request_duration_seconds_count\
                     {route=\"/api/v1/messaging/agents\",status=\"200\"} 1";
        assert!(text.lines().any(|it| it == asked), "{text}");
    }
    // Each family is told once, its figures stand together, and every figure belongs to one.
    let mut families = BTreeSet::new();
    let mut family = String::new();
    for line in plain.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} is there twice");
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&family), "{line} is not of {family}");
        }
    }
}

#[test]
fn health_names_what_is_not_well() {
    let web = Web::furnished();
    let health = web.item(&format!("{MESSAGING}/health"));
    assert_eq!(
        health["components"]["ledger"]["status"], "healthy",
        "{health}"
    );
    assert_eq!(
        health["components"]["messages"]["status"], "healthy",
        "{health}"
    );
    assert_eq!(
        health["components"]["backups"]["status"], "degraded",
        "{health}"
    );
    assert_eq!(health["overall_status"], "degraded");
    let score = health["score"].as_u64().unwrap();
    // Nobody can click here: it dies.
    web.desk.must(&[
        "agent",
        "add",
        "g",
        "--channel",
        "gui",
        "--seat",
        ":0",
        "--at",
        "1,1",
    ]);
    web.desk
        .run(&["send", "--to", "g", "--via", "gui", "--timeout", "20s", "x"]);
    let health = web.item(&format!("{MESSAGING}/health"));
    assert_eq!(
        health["components"]["messages"]["status"], "degraded",
        "{health}"
    );
    assert!(health["score"].as_u64().unwrap() < score, "{health}");
}

#[test]
fn a_backup_is_told_once_it_was_taken() {
    let web = Web::furnished();
    let repo = web.desk.store().join("../repo");
    let taken = web
        .desk
        .must(&["backup", "full", "--repo", repo.to_str().unwrap()]);
    let backups = web.items("/api/v1/backups");
    assert_eq!(backups.len(), 1);
    for field in [
        "id",
        "kind",
        "first_position",
        "last_position",
        "first_at",
        "last_at",
    ] {
        assert_eq!(backups[0][field], taken[field], "{field}");
    }
    let health = web.item(&format!("{MESSAGING}/health"));
    assert_eq!(
        health["components"]["backups"]["status"], "healthy",
        "{health}"
    );
    assert!(
        web.get("/metrics")
            .text()
            .contains("switchboard_backup_last_timestamp_seconds ")
    );
}

#[test]
fn pages_take_nothing_from_elsewhere_and_run_nothing_from_messages() {
    let web = Web::furnished();
    for target in ["/", "/docs"] {
        let reply = web.get(target);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        let text = reply.text();
        for outside in [
            "http://",
            "https://",
            "//cdn",
            "<script>",
            " style=",
            " onclick=",
        ] {
            assert!(!text.contains(outside), "{target}: {outside}");
        }
    }
    let name = "a<b onload=x>";
    let refused = web.desk.run(&["agent", "add", name]);
    assert_ne!(
        refused.code, 0,
        "names cannot hold markup in the first place"
    );
    let start = web.get("/").text();
    assert!(
        start.contains("agents/a\">a</a>") && !start.contains("letter 0 <b>"),
        "{start}"
    );
    assert!(start.contains("data-live"), "{start}");
    let past = web.get("/?as_of=1").text();
    assert!(
        past.contains("As it was") && !past.contains("data-live"),
        "{past}"
    );
    let docs = web.get("/docs").text();
    for route in ROUTES {
        assert!(
            docs.contains(&format!("GET {}<", route.path)),
            "{}",
            route.path
        );
    }
}

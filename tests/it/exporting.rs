//! Spans on their way to a collector: what it gets, what it gets again, and that nothing waits for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::api_kit::Web;
use super::running_kit::{Desk, until};

/// A collector on a port of its own: answers every request with the status that it is told to.
struct Collector {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<Value>>>,
    refused: Arc<AtomicU16>,
}

impl Collector {
    fn new(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = Self {
            address: listener.local_addr().unwrap(),
            status: Arc::new(AtomicU16::new(status)),
            got: Arc::default(),
            refused: Arc::default(),
        };
        let (status, got, refused) = (
            Arc::clone(&one.status),
            Arc::clone(&one.got),
            Arc::clone(&one.refused),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = Vec::new();
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                        break;
                    }
                    head.push(line.trim().to_ascii_lowercase());
                }
                assert_eq!(head[0], "post /v1/traces http/1.1");
                assert!(
                    head.contains(&"content-type: application/json".to_owned()),
                    "{head:?}"
                );
                let length = head
                    .iter()
                    .find_map(|it| it.strip_prefix("content-length: "));
                let mut body = vec![0; length.unwrap().parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                let status = status.load(Ordering::SeqCst);
                if status == 200 {
                    got.lock()
                        .unwrap()
                        .push(serde_json::from_slice(&body).unwrap());
                } else {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
                let answer = format!("HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n\r\n{{}}");
                (&stream).write_all(answer.as_bytes()).unwrap_or_default();
            }
        });
        one
    }

    /// Every span it has, with the resource it belongs to.
    fn spans(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        let all = got
            .iter()
            .flat_map(|it| it["resourceSpans"].as_array().unwrap());
        let all = all.flat_map(|it| it["scopeSpans"].as_array().unwrap());
        all.flat_map(|it| it["spans"].as_array().unwrap())
            .cloned()
            .collect()
    }

    /// Messages whose own span it has, in the order in which they came.
    fn messages(&self) -> Vec<String> {
        let spans = self.spans();
        let own = spans.iter().filter(|span| span["name"] == "message");
        own.map(|span| {
            attribute(span, "switchboard.message")["stringValue"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
    }
}

fn attribute(of: &Value, key: &str) -> Value {
    let all = of["attributes"].as_array().unwrap();
    let found = all.iter().find(|it| it["key"] == key);
    found.unwrap_or_else(|| panic!("no {key}: {of}"))["value"].clone()
}

/// A desk that sends spans there.
fn telling(address: SocketAddr) -> Desk {
    let mut desk = Desk::new();
    let name = "SWITCHBOARD_TELEMETRY__OTLP".to_owned();
    desk.variables.push((name, format!("http://{address}")));
    desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    desk
}

fn letter(desk: &Desk, text: &str) -> Value {
    desk.must(&["send", "--to", "a", "--via", "inbox", text])
}

fn hex(value: &Value, digits: usize) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == digits
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn a_collector_gets_the_spans_of_each_message_as_the_protocol_says() {
    let collector = Collector::new(200);
    let desk = telling(collector.address);
    letter(&desk, "before anybody was told of");
    let web = Web::over(desk, &[]);
    let sent = letter(&web.desk, "zebra-quagga-0451");
    let message = sent["message"].as_str().unwrap();
    until("its spans are there", || !collector.spans().is_empty());

    let trace = web.item(&format!("/api/v1/observability/traces/messages/{message}"));
    let spans = collector.spans();
    assert_eq!(spans.len(), trace["spans"].as_array().unwrap().len());
    for (span, known) in spans.iter().zip(trace["spans"].as_array().unwrap()) {
        assert!(
            hex(&span["traceId"], 32) && hex(&span["spanId"], 16),
            "{span}"
        );
        assert_eq!(span["traceId"], trace["trace_id"]);
        assert_eq!(span["spanId"], known["span_id"]);
        assert_eq!(span["name"], known["name"]);
        assert_eq!(span["kind"], 1);
        let nanos = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(
            nanos("startTimeUnixNano") > 1_600_000_000_000_000_000,
            "{span}"
        );
        assert!(
            nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"),
            "{span}"
        );
        assert!(
            [0, 1, 2].contains(&span["status"]["code"].as_u64().unwrap()),
            "{span}"
        );
    }
    let (whole, attempt) = (&spans[0], &spans[1]);
    assert_eq!(whole.get("parentSpanId"), None);
    assert_eq!(attempt["parentSpanId"], whole["spanId"]);
    assert_eq!(whole["status"]["code"], 1);
    assert_eq!(
        attribute(whole, "switchboard.to"),
        json!({"stringValue": "a"})
    );
    assert_eq!(
        attribute(whole, "switchboard.attempts"),
        json!({"intValue": "1"})
    );
    let got = collector.got.lock().unwrap().clone();
    let source = &got[0]["resourceSpans"][0]["resource"];
    assert_eq!(
        attribute(source, "service.name"),
        json!({"stringValue": "switchboard"})
    );
    assert_eq!(
        got[0]["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"],
        "switchboard"
    );
    assert!(
        !Value::from(got).to_string().contains("zebra"),
        "words of messages are in no span"
    );
    let metrics = web.get("/metrics").text();
    let exported = format!("switchboard_otlp_spans_exported_total {}\n", spans.len());
    assert!(metrics.contains(&exported), "{metrics}");
}

/// Neither a collector that is away nor a desk that is may lose spans, and a desk that starts anew does not send all it
/// ever sent once more.
#[test]
fn what_could_not_be_sent_is_sent_later_and_a_restart_repeats_nothing() {
    let collector = Collector::new(503);
    let mut desk = telling(collector.address);
    let mut all = Vec::new();
    for round in 0..3 {
        let web = Web::over(desk, &[]);
        let sent = letter(&web.desk, &format!("letter {round}"));
        // Settled long before the collector has heard of it: nobody waits.
        assert_eq!(sent["state"], "inboxed");
        all.push(sent["message"].as_str().unwrap().to_owned());
        if round == 0 {
            until("it was asked", || {
                collector.refused.load(Ordering::SeqCst) > 0
            });
            let metrics = web.get("/metrics").text();
            assert!(
                metrics.contains("switchboard_otlp_spans_exported_total 0\n"),
                "{metrics}"
            );
            assert!(
                !metrics.contains("switchboard_otlp_requests_failed_total 0\n"),
                "{metrics}"
            );
            let warned = web.items("/api/v1/observability/logs?level=warn");
            let said = |line: &Value| {
                line["fields"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("collector")
            };
            assert_eq!(
                warned.iter().filter(|line| said(line)).count(),
                1,
                "{warned:?}"
            );
        } else {
            collector.status.store(200, Ordering::SeqCst);
            until("everything came", || collector.messages() == all);
        }
        let Web {
            desk: kept, daemon, ..
        } = web;
        assert_eq!(daemon.stop().code, 143);
        desk = kept;
    }
    // Written down after the collector said that it had them.
    let kept = std::fs::read_to_string(desk.store().join("telemetry/otlp.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert!(kept["next"].as_u64().unwrap() > 1, "{kept}");
}

#[test]
fn what_the_collector_will_never_take_is_left_out_and_counted() {
    let collector = Collector::new(400);
    let web = Web::over(telling(collector.address), &[]);
    letter(&web.desk, "one");
    until("it is counted", || {
        let metrics = web.get("/metrics").text();
        metrics
            .lines()
            .any(|line| line == "switchboard_otlp_spans_refused_total 2")
    });
    collector.status.store(200, Ordering::SeqCst);
    let next = letter(&web.desk, "two");
    until("the next one came", || !collector.spans().is_empty());
    assert_eq!(collector.messages(), [next["message"].as_str().unwrap()]);
}

#[test]
fn a_collector_elsewhere_is_refused_when_the_desk_starts() {
    let mut desk = Desk::new();
    let name = "SWITCHBOARD_TELEMETRY__OTLP".to_owned();
    desk.variables
        .push((name, "https://collector.example".to_owned()));
    let refused = desk.run(&["serve", "--listen", "127.0.0.1:0", "--desktop", "none"]);
    assert_eq!(refused.code, 14);
    assert_eq!(refused.exit_error()["code"], "config_invalid");
}

//! Handlers that break or hang: whoever asked is told so, and nobody else notices.

use std::io::BufReader;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use switchboard::adapters::entropy::RandomIds;
use switchboard::api::answer::Answer;
use switchboard::api::house::{House, Limits, Memory, Reads};
use switchboard::api::problem::Problem;
use switchboard::api::query::Asked;
use switchboard::api::route::{Route, Serve, Shape};
use switchboard::api::routes::ROUTES;
use switchboard::api::serving::Serving;
use switchboard::api::surroundings::{Deliveries, Exported, Figures, Repository, Surroundings};
use switchboard::projections::checkpoints::NoCheckpoints;
use switchboard::projections::host::Projections;
use switchboard::projections::states::States;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::api_kit::{PATIENCE, Reply, problem, read_reply};
use super::ledger_kit::{NOON, SetClock, created};

/// Nothing around it.
#[derive(Debug)]
struct Alone;

impl Surroundings for Alone {
    fn settings(&self) -> Vec<Value> {
        Vec::new()
    }

    fn timing(&self, _: &States) -> Result<Vec<Value>, String> {
        Ok(Vec::new())
    }

    fn told(&self, event: &str, _: &Value) -> String {
        event.to_owned()
    }

    fn deliveries(&self) -> Deliveries {
        Deliveries {
            going: false,
            failing: None,
            desktop: "none".to_owned(),
        }
    }

    fn process(&self) -> Figures {
        Figures::default()
    }

    fn repositories(&self) -> Vec<Repository> {
        Vec::new()
    }

    fn exported(&self) -> Option<Exported> {
        None
    }
}

/// Lets those who hang go home when the test is over.
static GO_HOME: AtomicBool = AtomicBool::new(false);

fn breaks(_: &House, _: &Asked) -> Result<Answer, Problem> {
    panic!("a fault that a test brought in")
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler's signature is the route's"
)]
fn hangs(house: &House, _: &Asked) -> Result<Answer, Problem> {
    while !GO_HOME.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(Answer::item(house.head(), &Value::Null))
}

const fn route(
    path: &'static str,
    handler: fn(&House, &Asked) -> Result<Answer, Problem>,
) -> Route {
    Route {
        path,
        summary: "Only in this test",
        params: &[],
        shape: Shape::Item("State"),
        steady: false,
        serve: Serve::Read(handler),
    }
}

fn limits() -> Limits {
    Limits {
        hosts: Vec::new(),
        reads: 2,
        connections: 50,
        streams: 5,
        request_within: PATIENCE,
        answer_within: Duration::from_millis(400),
        read_within: PATIENCE,
        keep_alive: PATIENCE,
    }
}

async fn ask(address: SocketAddr, target: &'static str) -> Reply {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        read_reply(&mut BufReader::new(stream), false)
    });
    asked.await.unwrap()
}

/// A panic in one answer took nothing else with it, an answer that never comes kept one of the few places
/// of those who read and no more, and both are told as problems, not as closed connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_breaks_or_hangs_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = created(&folder.path().join("store"));
    let projections = Projections::open(&ledger, Arc::new(NoCheckpoints)).unwrap();
    let (_moves, head) = watch::channel(ledger.head().position);
    let reads = Reads {
        ledger,
        projections,
        head,
        clock: SetClock::at(NOON),
        ids: Arc::new(RandomIds),
        store: folder.path().join("store"),
        surroundings: Arc::new(Alone),
        memory: Memory::default(),
    };
    let own = [route("/breaks", breaks), route("/hangs", hangs)];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = Serving::of(listener, reads, limits(), [ROUTES, &own].concat()).unwrap();
    let address = serving.address;

    for _ in 0..5 {
        let broken = ask(address, "/breaks").await;
        assert_eq!(
            (broken.status, &problem(&broken)["code"]),
            (500, &"internal".into())
        );
    }
    let late = ask(address, "/hangs").await;
    assert_eq!(
        (late.status, &problem(&late)["code"]),
        (503, &"timed_out".into())
    );
    // One of two places is left, and enough for everybody.
    let metrics = ask(address, "/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.text().contains("switchboard_http_panics_total 5\n"),
        "{}",
        metrics.text()
    );
    // With the last place gone, who reads is told when to come again, and not kept.
    assert_eq!(ask(address, "/hangs").await.status, 503);
    let busy = ask(address, "/api/v1/version").await;
    assert_eq!(
        (busy.status, &problem(&busy)["code"]),
        (503, &"busy".into())
    );
    assert_eq!(busy.header("retry-after"), Some("1"));

    GO_HOME.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    while ask(address, "/api/v1/version").await.status != 200 {
        assert!(begun.elapsed() < PATIENCE);
    }
    serving.leave().await;
}

//! Processes of their own: one that is killed with a full live epoch, and one that opens.

use std::io::{BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use switchboard::events::ids::Position;
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::options::Options;

use crate::made::{self, Lane};
use crate::system;

const WHAT: &str = "READING_CHILD";
const STORE: &str = "READING_CHILD_STORE";

pub(crate) fn is_asked() -> bool {
    std::env::var(WHAT).is_ok()
}

pub(crate) fn run() {
    let store = std::env::var(STORE).unwrap();
    match &*std::env::var(WHAT).unwrap() {
        "grow" => grow(store.as_ref()),
        what => open(store.as_ref(), what == "scan"),
    }
    println!("READY");
    std::thread::sleep(Duration::from_hours(1));
}

/// What a child that opened says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) millis: f64,
    /// MiB right after opening, once all is settled, after a scan of everything.
    pub(crate) resident: [f64; 3],
}

/// Opens the store in a process of its own, then kills that.
pub(crate) fn opened(store: &Path) -> Opened {
    told(&asked("open", store))
}

/// The same, and it reads everything once before.
pub(crate) fn scanned(store: &Path) -> Opened {
    told(&asked("scan", store))
}

fn told(line: &str) -> Opened {
    let numbers: Vec<f64> = line
        .split_whitespace()
        .map(|it| it.parse().unwrap())
        .collect();
    Opened {
        millis: numbers[0],
        resident: [numbers[1], numbers[2], numbers[3]],
    }
}

/// Lets a process fill the live epoch all but for a thousand events, then kills it.
pub(crate) fn killed_full(store: &Path) -> String {
    asked("grow", store)
}

fn asked(what: &str, store: &Path) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(WHAT, what)
        .env(STORE, store)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "READY" {
            break;
        }
        said = line;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    said
}

fn open(store: &Path, scans: bool) {
    let start = Instant::now();
    let (ledger, _) = Ledger::open(store, made::edge()).unwrap();
    let millis = start.elapsed().as_secs_f64() * 1000.0;
    let at_once = system::resident();
    ledger.settle();
    std::thread::sleep(Duration::from_secs(1));
    let settled = system::resident();
    let mut kinds = 0;
    if scans {
        ledger
            .scan(Position(1), ledger.head().position, |stored| {
                kinds += u64::from(stored.kind());
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    println!(
        "{millis} {at_once} {settled} {} {kinds}",
        system::resident()
    );
}

/// Position of the live epoch's first event.
fn live_from(store: &Path) -> u64 {
    let names = std::fs::read_dir(store.join("journal")).unwrap();
    names
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let is_journal = path.extension().is_some_and(|it| it == "journal");
            path.file_stem()
                .filter(|_| is_journal)?
                .to_str()?
                .parse()
                .ok()
        })
        .max()
        .unwrap()
}

fn grow(store: &Path) {
    let (ledger, _) = Ledger::open(store, made::edge()).unwrap();
    let mut lane = Lane::new(u64::from(std::process::id()) << 20);
    let full = Options::default().epoch_events - 1000;
    while ledger.head().position.0 - live_from(store) < full {
        made::append(&ledger, lane.next());
    }
    ledger.settle();
    println!(
        "{} events, {} of them in the live epoch",
        ledger.head().position,
        ledger.head().position.0 - live_from(store)
    );
}

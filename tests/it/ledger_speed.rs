//! Figures to look at, not to pass: `cargo test --release --test it ledger_speed -- --ignored --nocapture`.

use std::time::Instant;

use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::options::Options;
use tempfile::tempdir;

use crate::ledger_kit::{
    cause, command, commit, created, created_with, epochs_of, note, noting, opened, opened_with,
};

#[test]
#[ignore = "prints figures"]
#[expect(clippy::too_many_lines, reason = "a list of measurements")]
fn figures() {
    let dir = tempdir().unwrap();
    let store = dir.path().join("store");
    let ledger = created(&store);
    let start = Instant::now();
    for n in 0..500 {
        ledger
            .append(noting(
                &format!("note/{n}"),
                Expected::Any,
                &"x".repeat(200),
            ))
            .unwrap();
    }
    println!("lone appends: {:?} each", start.elapsed() / 500);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let ledger = &ledger;
            scope.spawn(move || {
                for n in 0..300 {
                    let name = format!("note/{thread}-{}", n / 10);
                    ledger
                        .append(noting(&name, Expected::Any, &"x".repeat(200)))
                        .unwrap();
                }
            });
        }
    });
    println!(
        "64 threads: {:.0} events/s",
        19200.0 / start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    for n in 0..80 {
        let facts = vec![note(&"x".repeat(200)); 1000];
        ledger
            .append(commit(
                command(),
                &format!("note/bulk-{n}"),
                Expected::Any,
                facts,
            ))
            .unwrap();
    }
    println!(
        "bulk: {:.0} events/s",
        80_000.0 / start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    let verified = ledger.verify().unwrap();
    println!("verify {} events: {:?}", verified.events, start.elapsed());
    assert!(verified.ok);
    let start = Instant::now();
    ledger.close().unwrap();
    println!("close: {:?}", start.elapsed());
    for _ in 0..2 {
        let start = Instant::now();
        let (ledger, _) = opened(&store);
        println!("open after a clean stop: {:?}", start.elapsed());
        let start = Instant::now();
        let mut next = switchboard::events::ids::Position(1);
        loop {
            let events = ledger.read(next, 1000).unwrap();
            let Some(last) = events.last() else { break };
            next = last.position.next();
        }
        println!("scan: {:?}", start.elapsed());
        let start = Instant::now();
        ledger.close().unwrap();
        println!("close: {:?}", start.elapsed());
    }
    std::fs::remove_file(store.join("journal/00000000000000000001.witness")).unwrap();
    let start = Instant::now();
    let (ledger, _) = opened(&store);
    println!(
        "open with rebuild: {:?} for {}",
        start.elapsed(),
        ledger.head().position
    );
}

/// A ledger of `SWITCHBOARD_TEST_EVENTS` events (10 million) with epochs of
/// `SWITCHBOARD_TEST_EPOCH`, in `SWITCHBOARD_TEST_STORE`, which is kept: about 300 bytes each, six
/// to a stream.
#[test]
#[ignore = "takes minutes, and prints figures"]
fn grown() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
    };
    let events = number("SWITCHBOARD_TEST_EVENTS", 10_000_000);
    let options = epochs_of(number("SWITCHBOARD_TEST_EPOCH", 128 * 1024));
    let store: std::path::PathBuf = std::env::var("SWITCHBOARD_TEST_STORE").unwrap().into();
    if !store.exists() {
        grow(&store, options, events);
    }
    for stop in ["clean", "killed", "clean"] {
        if stop == "killed" {
            // A kill leaves no last words.
            for entry in std::fs::read_dir(store.join("journal")).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "witness") {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
        cold(&store);
        let start = Instant::now();
        let (ledger, _) = opened_with(options, &store);
        let opened = start.elapsed();
        println!(
            "open after a stop that was {stop}: {opened:?}, resident {}",
            resident()
        );
        let condition = ledger.settle();
        println!(
            "settled after {:?}, resident {}, {condition:?}",
            start.elapsed(),
            resident()
        );
        ledger
            .append(noting("note/one", Expected::Any, "more"))
            .unwrap();
        let start = Instant::now();
        let mut read = 0_usize;
        let mut next = switchboard::events::ids::Position(1);
        while read < 2_000_000 {
            let events = ledger.read(next, 4096).unwrap();
            let Some(last) = events.last() else { break };
            read += events.len();
            next = last.position.next();
        }
        println!(
            "scan: {} events in {:?}, resident {}",
            read,
            start.elapsed(),
            resident()
        );
        let start = Instant::now();
        ledger.close().unwrap();
        println!("close: {:?}", start.elapsed());
    }
}

fn grow(store: &std::path::Path, options: Options, events: u64) {
    let ledger = created_with(options, store);
    let start = Instant::now();
    let (commits, threads) = (events / 64, 2);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let ledger = &ledger;
            scope.spawn(move || {
                for n in 0..commits / threads {
                    let parts = (0..11).map(|part| {
                        let number = n * 11 + part + thread * commits * 11;
                        Part {
                            stream: format!("note/{number:x}").parse().unwrap(),
                            expected: Expected::NoStream,
                            facts: vec![note(&text(number)); if part < 9 { 6 } else { 5 }],
                        }
                    });
                    let commit = Commit {
                        cause: cause(command()),
                        parts: parts.collect(),
                    };
                    ledger.append(commit).unwrap();
                }
            });
        }
    });
    let head = ledger.head().position.0;
    println!(
        "grown to {head} in {:?}, resident {}",
        start.elapsed(),
        resident()
    );
    let start = Instant::now();
    println!("settled: {:?} {:?}", ledger.settle(), start.elapsed());
    ledger.close().unwrap();
}

fn text(number: u64) -> String {
    let mut text = String::new();
    let mut state = number;
    while text.len() < 150 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let words = [
            "deploy", "the", "agent", "waits", "for", "build", "green", "42",
        ];
        text.push_str(words[(state >> 33) as usize % words.len()]);
        text.push(' ');
    }
    text
}

/// Drops the store's pages from memory, as far as the system does that.
fn cold(store: &std::path::Path) {
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let file = std::fs::File::open(path).unwrap();
                file.sync_all().unwrap();
                rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
            }
        }
    }
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.unwrap_or_default().to_owned()
}

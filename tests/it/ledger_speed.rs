//! Figures to look at, not to pass: `cargo test --release --test it ledger_speed -- --ignored --nocapture`.

use std::time::Instant;

use switchboard::events::ledger::append::Expected;
use tempfile::tempdir;

use crate::ledger_kit::{command, commit, created, note, noting, opened};

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

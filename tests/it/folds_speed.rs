//! Figures of folds to look at, not to pass:
//! `EVENTS=1000000 cargo test --release --test it folds_speed -- --ignored --nocapture`.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use switchboard::adapters::checkpoints::FolderCheckpoints;
use switchboard::events::ids::{Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::handle::Ledger;
use switchboard::projections::host::Projections;
use switchboard::projections::states::{Moment, States};
use switchboard::projections::story::Story;
use switchboard::projections::view::{View, Views};

use crate::ledger_kit::{cause, command, created, opened};
use crate::model_kit::{Lab, acknowledging};

/// Six events a message with 300-byte words, to eight agents in turn, straight into the ledger.
fn filled(store: &Path, events: u64) -> Ledger {
    let ledger = created(store);
    let template = Lab::with_agents(8);
    let append = |stream: StreamId, facts: Vec<Fact>| Part {
        stream,
        expected: Expected::Any,
        facts,
    };
    for event in template.events().iter().skip(1) {
        let parts = vec![append(event.stream.clone(), vec![event.fact.clone()])];
        let cause = cause(command());
        ledger.append(Commit { cause, parts }).unwrap();
    }
    let mut stories = Vec::new();
    for nth in 1..=8 {
        let sample = switchboard::commands::send::SendMessage {
            body: "x".repeat(300),
            ..template.send(&format!("agent-{nth}"))
        };
        template.done(sample.clone());
        template.observed(sample.message);
        template.done(acknowledging(sample.message, &format!("agent-{nth}")));
        let of = template
            .ledger()
            .read_stream(&StreamId::message(sample.message));
        let facts: Vec<Fact> = of.unwrap().into_iter().map(|event| event.fact).collect();
        stories.push((sample.message, facts));
    }
    let each = u64::try_from(stories[0].1.len()).unwrap();
    let mut turn = stories.iter().cycle();
    for _ in 0..events / each / 500 {
        let parts = (0..500).map(|_| {
            let (sample, facts) = turn.next().unwrap();
            let id = template.message_id();
            let facts = facts
                .iter()
                .map(|fact| crate::projections::renamed(fact, *sample, id));
            append(StreamId::message(id), facts.collect())
        });
        let parts = parts.collect();
        let cause = cause(command());
        ledger.append(Commit { cause, parts }).unwrap();
    }
    ledger
}

/// Resident bytes that are this process's own, in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon"))
        .unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn rate(events: u64, since: Instant) -> String {
    let took = since.elapsed();
    format!(
        "{took:?}, {:.2} M events/s",
        events as f64 / took.as_secs_f64() / 1e6
    )
}

#[test]
#[ignore = "prints figures"]
#[expect(clippy::too_many_lines, reason = "a list of measurements")]
fn figures() {
    let events = std::env::var("EVENTS").map_or(100_000, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let start = Instant::now();
    let ledger = filled(&store, events);
    let head = ledger.head().position;
    println!("{head} events written in {:?}", start.elapsed());
    ledger.close().unwrap();
    let before = resident();
    let start = Instant::now();
    let (ledger, _) = opened(&store);
    println!(
        "ledger opened in {:?}, {:.0} MB more",
        start.elapsed(),
        resident() - before
    );

    for _ in 0..if events > 2_000_000 { 1 } else { 2 } {
        let start = Instant::now();
        let mut bytes = 0;
        ledger
            .scan(Position(1), head, |stored| {
                bytes += usize::from(stored.kind());
                ControlFlow::Continue(())
            })
            .unwrap();
        println!("scanned: {} ({bytes})", rate(head.0, start));
        let start = Instant::now();
        ledger
            .scan(Position(1), head, |stored| {
                stored.fact().unwrap();
                ControlFlow::Continue(())
            })
            .unwrap();
        println!("scanned and decoded: {}", rate(head.0, start));
        let hashed = Views::NONE
            .with(View::Agents)
            .with(View::Outbox)
            .with(View::Traffic);
        for (name, views) in [("three", hashed), ("five", Views::ALL)] {
            let start = Instant::now();
            let mut states = States::only(views);
            states.advance_to(&ledger, head).unwrap();
            println!(
                "{name} projections from the ledger: {}",
                rate(head.0, start)
            );
        }
        // The same from memory: a slice of the ledger, encoded and decoded, again and again.
        let mut slice = Vec::new();
        ledger
            .scan(Position(10_000), Position(40_000), |stored| {
                let fact = stored.fact().unwrap();
                slice.push((stored.event().unwrap(), fact.kind(), fact.encode().unwrap()));
                ControlFlow::Continue(())
            })
            .unwrap();
        let all = u64::try_from(slice.len()).unwrap();
        for (name, views) in [("three", hashed), ("five", Views::ALL)] {
            let start = Instant::now();
            let rounds = 20;
            for _ in 0..rounds {
                let mut states = States::only(views);
                for (event, kind, body) in &slice {
                    let place = (event.position, event.recorded_at);
                    states.take(place, *kind, || {
                        Fact::decode(*kind, body).map_err(|error| error.to_string())
                    });
                }
            }
            println!(
                "{name} projections, decoded from memory: {}",
                rate(all * rounds, start)
            );
            let start = Instant::now();
            for _ in 0..rounds {
                let mut states = States::only(views);
                for (event, _, _) in &slice {
                    states.apply(event);
                }
            }
            println!(
                "{name} projections, from memory: {}",
                rate(all * rounds, start)
            );
        }
    }

    let before = resident();
    let start = Instant::now();
    let checkpoints = Arc::new(FolderCheckpoints::of_store(&store));
    let live = Projections::open(&ledger, checkpoints.clone()).unwrap();
    println!(
        "projections folded from zero: {}, {:.1} MB more",
        rate(head.0, start),
        resident() - before
    );
    let start = Instant::now();
    live.save_what_is_worth_it(&ledger).unwrap();
    println!("saved in {:?}", start.elapsed());
    for entry in std::fs::read_dir(store.join("projections")).unwrap() {
        let entry = entry.unwrap();
        println!(
            "  {:?} {}",
            entry.file_name(),
            entry.metadata().unwrap().len()
        );
    }
    drop(live);
    let before = resident();
    let start = Instant::now();
    let live = Projections::open(&ledger, checkpoints).unwrap();
    println!(
        "projections opened from checkpoints in {:?}, {:.1} MB more",
        start.elapsed(),
        resident() - before
    );
    let start = Instant::now();
    let states = live
        .as_of(&ledger, Moment::Position(Position(head.0 - 10)))
        .unwrap();
    println!("as of near the head: {:?}", start.elapsed());
    drop(states);
    let mut took: Vec<u128> = (0..1_000_u64)
        .filter_map(|nth| {
            let place = Position(head.0 / 1_000 * nth + 40);
            let message = ledger.read(place, 1).unwrap()[0].stream.id().parse().ok()?;
            let start = Instant::now();
            Story::of(&ledger, message).unwrap();
            Some(start.elapsed().as_micros())
        })
        .collect();
    took.sort_unstable();
    let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!("a message's story: median {median} µs, p99 {p99} µs");
    let start = Instant::now();
    live.rebuild(&ledger, Views::ALL, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    println!("rebuilt live: {}", rate(head.0, start));
}

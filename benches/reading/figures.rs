//! The figures, one by one, each with its goal.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use switchboard::events::facts::ledger::Note;
use switchboard::events::ids::{Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Expected, Part};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::options::Options;
use switchboard::projections::checkpoints::NoCheckpoints;
use switchboard::projections::host::Projections;
use switchboard::projections::states::States;
use switchboard::projections::view::{View, Views};

use crate::{child, made, system};

const ROUNDS: usize = 3;
/// Cold reads of one message.
const MESSAGES: u64 = 1000;

fn opened(store: &Path) -> Ledger {
    let (ledger, _) = Ledger::open(store, made::edge()).unwrap();
    ledger.settle();
    ledger
}

fn middle(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of[of.len() / 2]
}

fn quantile(of: &mut [f64], share: usize) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    // `share` in per mille, so that no float becomes an index.
    of[(of.len() * share / 1000).min(of.len() - 1)]
}

fn verdict(what: &str, measured: f64, goal: &str, reached: bool) {
    let word = if reached { "yes" } else { "NO" };
    println!("  => {what}: {measured:.2} (goal {goal}): {word}");
}

fn three() -> Views {
    Views::NONE
        .with(View::Agents)
        .with(View::Outbox)
        .with(View::Traffic)
}

/// Millions of events a second.
fn rate(events: u64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    events as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// Replay of everything, against the same from memory: encoded facts, decoded and folded by one
/// thread, again and again over a stretch that fits.
#[expect(clippy::too_many_lines, reason = "a list of measurements")]
pub(crate) fn replay(store: &Path) {
    let ledger = opened(store);
    let head = ledger.head().position;
    let scan = |look: &mut dyn FnMut(&switchboard::events::ledger::stored::Stored<'_>)| {
        ledger
            .scan(Position(1), head, |stored| {
                look(stored);
                ControlFlow::Continue(())
            })
            .unwrap();
    };
    let mut slice = Vec::new();
    ledger
        .scan(Position(1), Position(120_000), |stored| {
            let fact = stored.fact().unwrap();
            slice.push((stored.event().unwrap(), fact.kind(), fact.encode().unwrap()));
            ControlFlow::Continue(())
        })
        .unwrap();
    let (each, rounds) = (u64::try_from(slice.len()).unwrap(), 10);
    let names = [
        "read",
        "read, decoded",
        "read, decoded, folded",
        "all five folded",
        "memory: decoded, folded",
        "memory: folded",
    ];
    let mut rates = vec![Vec::new(); names.len()];
    for _ in 0..ROUNDS {
        let mut kinds = 0;
        rates[0].push(rate(head.0, || {
            scan(&mut |stored| kinds += usize::from(stored.kind()));
        }));
        rates[1].push(rate(head.0, || {
            scan(&mut |stored| drop(stored.fact().unwrap()));
        }));
        for (at, views) in [(2, three()), (3, Views::ALL)] {
            rates[at].push(rate(head.0, || {
                let mut states = States::only(views);
                states.advance_to(&ledger, head).unwrap();
            }));
        }
        rates[4].push(rate(each * rounds, || {
            for _ in 0..rounds {
                let mut states = States::only(three());
                for (event, kind, body) in &slice {
                    states.take((event.position, event.recorded_at), *kind, || {
                        Fact::decode(*kind, body).map_err(|error| error.to_string())
                    });
                }
            }
        }));
        rates[5].push(rate(each * rounds, || {
            for _ in 0..rounds {
                let mut states = States::only(three());
                for (event, _, _) in &slice {
                    states.apply(event);
                }
            }
        }));
    }
    println!("replay, M events/s (median of {ROUNDS})");
    for (name, rates) in names.iter().zip(&rates) {
        println!("  {name:<26} {:.2}", middle(rates.clone()));
    }
    let ratios = rates[2]
        .iter()
        .zip(&rates[4])
        .map(|(ours, memory)| ours / memory);
    let ratio = middle(ratios.collect());
    verdict(
        "replay to the same fold from memory",
        ratio,
        ">= 0.9x",
        ratio >= 0.9,
    );
    ledger.close().unwrap();
}

/// One message's stream at a time, none of it in memory.
pub(crate) fn timeline(store: &Path) {
    let ledger = opened(store);
    let head = ledger.head().position.0;
    let mut streams = Vec::new();
    let mut dice: u64 = 1;
    while streams.len() < usize::try_from(MESSAGES).unwrap() {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let at = Position((dice >> 33) % head + 1);
        let stream = ledger.read(at, 1).unwrap().remove(0).stream;
        if stream.category() == "message" {
            streams.push(stream);
        }
    }
    ledger.close().unwrap();
    system::cold(store);
    let ledger = opened(store);
    // Opening and settling read the live epoch; that is not what is asked for here.
    let (mut times, before) = (Vec::new(), system::read_bytes());
    let mut events = 0;
    for stream in &streams {
        let start = Instant::now();
        events += ledger.read_stream(stream).unwrap().len();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let read = system::read_bytes() - before;
    println!(
        "cold timeline of {MESSAGES} messages, {events} events, {} KiB read from the disk each",
        read / MESSAGES / 1024
    );
    let (median, p99, worst) = (
        quantile(&mut times, 500),
        quantile(&mut times, 990),
        quantile(&mut times, 1000),
    );
    println!("  median {median:.3} ms, p99 {p99:.3} ms, worst {worst:.3} ms");
    verdict("p99 in ms", p99, "<= 2", p99 <= 2.0);
    let mut warm = Vec::new();
    for stream in &streams {
        let start = Instant::now();
        ledger.read_stream(stream).unwrap();
        warm.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    println!(
        "  again, in the page cache: median {:.3} ms, p99 {:.3} ms",
        quantile(&mut warm, 500),
        quantile(&mut warm, 990)
    );
    ledger.close().unwrap();
}

/// Memory of a process that only opened, after a clean stop and after a kill with a full live epoch.
pub(crate) fn memory(store: &Path) {
    println!("memory, MiB resident");
    opened(store).close().unwrap();
    let clean = child::opened(store);
    println!(
        "  opened after a clean stop: {:.0}, settled {:.0}",
        clean.resident[0], clean.resident[1]
    );
    println!("  {}, then killed", child::killed_full(store));
    let killed = child::opened(store);
    println!(
        "  opened after that: {:.0}, settled {:.0}",
        killed.resident[0], killed.resident[1]
    );
    let most = killed.resident[0].max(killed.resident[1]);
    verdict("idle after open, killed, MiB", most, "<= 64", most <= 64.0);
    let [_, before, after] = child::scanned(store).resident;
    let limit = Options::default().cache_bytes as f64 / 1024.0 / 1024.0;
    println!("  {before:.0} before a scan of everything, {after:.0} after");
    let more = after - limit;
    verdict(
        "after a full scan, less the cache, MiB",
        more,
        "<= 64",
        more <= 64.0,
    );
}

/// Opening after a kill, nothing in memory, full live epochs in both.
pub(crate) fn open(small: &Path, large: &Path) {
    println!("opening after kill -9, cold");
    for store in [small, large] {
        println!("  {}, then killed", child::killed_full(store));
    }
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (store, took) in [small, large].into_iter().zip(&mut took) {
            system::cold(store);
            took.push(child::opened(store).millis);
        }
    }
    let [small, large] = took.map(middle);
    println!("  a tenth of the events: {small:.0} ms, all: {large:.0} ms");
    verdict("seconds", large / 1000.0, "<= 1", large <= 1000.0);
    verdict(
        "to a tenth of the events",
        large / small,
        "<= 1.3x",
        large <= small * 1.3,
    );
}

/// Rebuilding everything while somebody writes one event after the other.
pub(crate) fn rebuild(store: &Path) {
    let ledger = opened(store);
    let live = Projections::open(&ledger, Arc::new(NoCheckpoints)).unwrap();
    let head = ledger.head().position;
    println!("rebuilding beside live writes");
    let alone = rate(head.0, || rebuilt(&ledger, &live));
    println!("  without writes: {alone:.2} M events/s");
    let (mut rates, mut slowed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let quiet = written_while(&ledger, || std::thread::sleep(Duration::from_secs(3)));
        let mut speed = 0.0;
        let busy = written_while(&ledger, || speed = rate(head.0, || rebuilt(&ledger, &live)));
        println!(
            "  {:.0} appends/s alone (p50 {:.0}, p99 {:.0} us), {:.0} beside (p50 {:.0}, p99 {:.0} us), rebuilt at {speed:.2} M events/s",
            quiet.0, quiet.1, quiet.2, busy.0, busy.1, busy.2
        );
        rates.push(speed);
        slowed.push((1.0 - busy.0 / quiet.0) * 100.0);
    }
    let (fast, slowed) = (middle(rates), middle(slowed));
    verdict("M events/s", fast, ">= 1", fast >= 1.0);
    verdict("appends slowed by %", slowed, "<= 10", slowed <= 10.0);
    drop(live);
    ledger.close().unwrap();
}

fn rebuilt(ledger: &Ledger, live: &Projections) {
    let done = live.rebuild(ledger, Views::ALL, &mut |_| ControlFlow::Continue(()));
    done.unwrap();
}

/// One producer, one event at a time, while something else is done: appends a second, their
/// median and p99 in microseconds.
fn written_while(ledger: &Ledger, work: impl FnOnce()) -> (f64, f64, f64) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (start, mut times) = (Instant::now(), Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let note = Note {
                    word: "bench".to_owned(),
                    data: format!("\"{}\"", "x".repeat(300)),
                };
                let stream: StreamId = format!("note/{}", times.len() / 6).parse().unwrap();
                let part = Part {
                    stream,
                    expected: Expected::Any,
                    facts: vec![note.into()],
                };
                made::append(ledger, vec![part]);
                times.push(begun.elapsed().as_secs_f64() * 1e6);
            }
            let a_second = times.len() as f64 / start.elapsed().as_secs_f64();
            (
                a_second,
                quantile(&mut times, 500),
                quantile(&mut times, 990),
            )
        });
        work();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    })
}

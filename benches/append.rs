//! What an acknowledged append costs, alone and in batches. `cargo bench --bench append`.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that is wrong"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use switchboard::adapters::clock::SystemClock;
use switchboard::adapters::entropy::RandomIds;
use switchboard::events::envelope::Cause;
use switchboard::events::facts::ledger::Note;
use switchboard::events::ids::{AgentId, CommandId, CorrelationId};
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::handle::{Edge, Ledger};
use switchboard::events::ledger::reserve::Reserve;
use uuid::Uuid;

fn commit(nth: u64, events: usize) -> Commit {
    let id = Uuid::from_u128(u128::from(nth));
    let note = Note {
        word: "bench".to_owned(),
        data: format!("\"{}\"", "x".repeat(300)),
    };
    Commit {
        cause: Cause {
            actor: AgentId::operator(),
            correlation: CorrelationId(id),
            causation: None,
            command: CommandId(id),
        },
        parts: vec![Part {
            stream: format!("note/{}", nth % 1_000).parse().unwrap(),
            expected: Expected::Any,
            facts: vec![note.into(); events],
        }],
    }
}

fn append(bench: &mut Criterion) {
    let store = tempfile::tempdir().unwrap();
    let edge = Edge {
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        reserve: Reserve::default(),
    };
    let ledger = Ledger::create(&store.path().join("store"), edge, "bench").unwrap();
    let counter = AtomicU64::new(1);
    let mut group = bench.benchmark_group("append");
    group.sample_size(20);
    for events in [1_usize, 16, 64, 256] {
        group.throughput(Throughput::Elements(u64::try_from(events).unwrap()));
        group.bench_function(format!("{events} in a commit, durable"), |bench| {
            bench.iter(|| {
                let nth = counter.fetch_add(1, Ordering::Relaxed);
                ledger.append(commit(nth, events)).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);

//! What replaying costs: reading, decoding, folding, hashing. `cargo bench --bench replay`.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that is wrong"
)]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use switchboard::adapters::clock::SystemClock;
use switchboard::adapters::entropy::RandomIds;
use switchboard::events::envelope::Cause;
use switchboard::events::facts::attempt::{
    AttemptObserved, AttemptPasted, AttemptStarted, AttemptSubmitting, Channel, Witness,
};
use switchboard::events::facts::message::{
    MessageAccepted, MessageAcknowledged, MessageKind, Priority, Via,
};
use switchboard::events::ids::{AgentId, CommandId, CorrelationId, MessageId, Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::handle::{Edge, Ledger};
use switchboard::events::ledger::reserve::Reserve;
use switchboard::projections::canonical;
use switchboard::projections::states::States;
use switchboard::projections::view::{View, Views};
use uuid::Uuid;

const MESSAGES: u128 = 10_000;

fn cause(nth: u128) -> Cause {
    Cause {
        actor: AgentId::operator(),
        correlation: CorrelationId(Uuid::from_u128(nth)),
        causation: None,
        command: CommandId(Uuid::from_u128(nth)),
    }
}

/// A message's life in six events, with 300-byte words.
fn life(message: MessageId, to: &AgentId) -> Vec<Fact> {
    vec![
        MessageAccepted {
            message,
            from: AgentId::operator(),
            to: to.clone(),
            body: "x".repeat(300),
            kind: MessageKind::Text,
            priority: Priority::Normal,
            tags: Vec::new(),
            via: Via::Auto,
            ttl_micros: None,
            expires_at: None,
            not_before: None,
            reply_to: None,
            broadcast: None,
            hops: 0,
        }
        .into(),
        AttemptStarted {
            message,
            attempt: 1,
            channel: Channel::Gui,
            seat: None,
            place: None,
            because: None,
        }
        .into(),
        AttemptPasted {
            message,
            attempt: 1,
            changed_pixels: 900,
            needed_pixels: 300,
            read_back: true,
            sanitised: None,
        }
        .into(),
        AttemptSubmitting {
            message,
            attempt: 1,
        }
        .into(),
        AttemptObserved {
            message,
            attempt: 1,
            witness: Witness::BoxEmptied,
            presses: 1,
            window: None,
            steps: Vec::new(),
        }
        .into(),
        MessageAcknowledged {
            message,
            by: to.clone(),
        }
        .into(),
    ]
}

fn filled(store: &std::path::Path) -> Ledger {
    let edge = Edge {
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        reserve: Reserve::default(),
    };
    let ledger = Ledger::create(store, edge, "bench").unwrap();
    for first in (0..MESSAGES).step_by(500) {
        let parts = (first..first + 500).map(|nth| {
            let message = MessageId(Uuid::from_u128(nth + 1));
            let to = format!("agent-{}", nth % 8).parse().unwrap();
            Part {
                stream: StreamId::message(message),
                expected: Expected::NoStream,
                facts: life(message, &to),
            }
        });
        let parts = parts.collect();
        let cause = cause((1 << 64) + first);
        ledger.append(Commit { cause, parts }).unwrap();
    }
    ledger
}

fn replay(bench: &mut Criterion) {
    let store = tempfile::tempdir().unwrap();
    let ledger = filled(&store.path().join("store"));
    let head = ledger.head().position;
    let mut group = bench.benchmark_group("replay");
    group
        .throughput(Throughput::Elements(head.0))
        .sample_size(20);
    group.bench_function("read", |bench| {
        bench.iter(|| {
            ledger
                .scan(Position(1), head, |stored| {
                    black_box(stored.kind());
                    ControlFlow::Continue(())
                })
                .unwrap()
        });
    });
    group.bench_function("read and decode", |bench| {
        bench.iter(|| {
            ledger
                .scan(Position(1), head, |stored| {
                    black_box(stored.fact().unwrap());
                    ControlFlow::Continue(())
                })
                .unwrap()
        });
    });
    let three = Views::NONE
        .with(View::Agents)
        .with(View::Outbox)
        .with(View::Traffic);
    for (name, views) in [
        ("three projections", three),
        ("all projections", Views::ALL),
    ] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut states = States::only(views);
                states.advance_to(&ledger, head).unwrap();
                states
            });
        });
    }
    let events = ledger.read(Position(1), usize::MAX).unwrap();
    group.bench_function("three projections from memory", |bench| {
        bench.iter(|| {
            let mut states = States::only(three);
            for event in &events {
                states.apply(event);
            }
            states
        });
    });
    group.finish();
}

fn decode(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("decode");
    let to = AgentId::operator();
    for fact in life(MessageId(Uuid::from_u128(1)), &to) {
        let (kind, bytes) = (fact.kind(), fact.encode().unwrap());
        group.bench_function(fact.name(), |bench| {
            bench.iter(|| Fact::decode(kind, black_box(&bytes)).unwrap());
        });
    }
    group.finish();
}

fn hash(bench: &mut Criterion) {
    let store = tempfile::tempdir().unwrap();
    let ledger = filled(&store.path().join("store"));
    let mut states = States::default();
    // In the middle of a commit of many: hundreds of messages are open.
    states.advance_to(&ledger, Position(2_500)).unwrap();
    let json = states.to_json();
    let mut group = bench.benchmark_group("hash");
    group.bench_function("canonical", |bench| {
        bench.iter(|| canonical::hash(black_box(&json)));
    });
    group.bench_function("state and canonical", |bench| bench.iter(|| states.hash()));
    group.finish();
}

criterion_group!(benches, replay, decode, hash);
criterion_main!(benches);

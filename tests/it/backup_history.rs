//! One long history, every position and every instant of it, through every kind of chain of backups.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use switchboard::adapters::entropy::RandomIds;
use switchboard::backup::catalog::Catalog;
use switchboard::backup::error::BackupError;
use switchboard::backup::plan::{Restore, Stop, Target};
use switchboard::backup::plan_prune::Policy;
use switchboard::backup::prune;
use switchboard::backup::reading;
use switchboard::backup::restore::restore;
use switchboard::events::facts::backup::Kind;
use switchboard::events::facts::message::{
    MessageAccepted, MessageCancelled, MessageKind, Priority, Via,
};
use switchboard::events::ids::{AgentId, Ids as _, MessageId, Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::disk::OsDisk;
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::options::Options;
use switchboard::events::time::Timestamp;
use switchboard::projections::states::{Moment, States};
use tempfile::TempDir;

use super::backup_kit::{into, taken, vault};
use super::ledger_kit::{NOON, SetClock, cause, command, edge_with, note};
use super::torture_kit::{figure, times};

/// What the source says of itself: when each event was recorded, and the state hash after it.
struct Truth {
    times: Vec<u64>,
    hashes: Vec<String>,
}

impl Truth {
    fn of(ledger: &Ledger) -> Self {
        let mut states = States::default();
        let (mut times, mut hashes) = (Vec::new(), Vec::new());
        ledger
            .scan(Position(1), ledger.head().position, |stored| {
                states.apply_stored(stored);
                times.push(stored.recorded_at().micros());
                hashes.push(states.hash().to_hex().to_string());
                ControlFlow::Continue(())
            })
            .unwrap();
        // The same as asking the ledger itself.
        for position in (1..=hashes.len()).step_by(97) {
            let at = Moment::Position(Position(position as u64));
            let asked = States::as_of(ledger, at).unwrap();
            assert_eq!(asked.hash().to_hex().to_string(), hashes[position - 1]);
        }
        Self { times, hashes }
    }
}

/// Messages that are accepted and cancelled, notes, large bodies, commits of several events, and a clock
/// that jumps forwards and back.
fn grow(ledger: &Ledger, clock: &SetClock, until: u64) {
    let ids = RandomIds;
    let mut now = NOON;
    let mut open: Vec<MessageId> = Vec::new();
    while ledger.head().position.0 < until {
        let number = ledger.head().position.0;
        now = match number % 50 {
            7 => now - 30_000_000,
            33 => now + 90_000_000,
            _ => now + 700,
        };
        clock.set(now);
        let fresh = || MessageId(ids.fresh(Timestamp::from_micros(now)));
        let parts = match number % 5 {
            0 | 1 if open.len() < 12 => {
                let message = fresh();
                open.push(message);
                vec![part(StreamId::message(message), accepted(message, number))]
            }
            0..=2 if !open.is_empty() => {
                let message = open.remove(open.len() / 2);
                let cancelled = MessageCancelled {
                    message,
                    by: AgentId::operator(),
                };
                vec![part(StreamId::message(message), cancelled.into())]
            }
            3 => vec![
                part("note/a".parse().unwrap(), note(&number.to_string())),
                part("note/b".parse().unwrap(), note(&number.to_string())),
            ],
            _ => {
                let times = if number % 40 == 4 { 5_000 } else { 3 };
                vec![part("note/c".parse().unwrap(), note(&"x".repeat(times)))]
            }
        };
        ledger
            .append(Commit {
                cause: cause(command()),
                parts,
            })
            .unwrap();
    }
}

fn part(stream: StreamId, fact: Fact) -> Part {
    Part {
        stream,
        expected: Expected::Any,
        facts: vec![fact],
    }
}

fn accepted(message: MessageId, number: u64) -> Fact {
    MessageAccepted {
        message,
        from: AgentId::operator(),
        to: format!("agent-{}", number % 3).parse().unwrap(),
        body: format!("message {number}"),
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
    .into()
}

/// Every position and every instant of the truth, against what a repository would restore.
fn compare(repo: &Path, truth: &Truth, what: &str) -> u64 {
    let catalog = Catalog::open(vault(repo)).unwrap();
    let known = catalog.known();
    let mut folded: BTreeMap<Vec<u64>, Vec<(u64, u64, String)>> = BTreeMap::new();
    let mut compared = 0;
    let mut check = |target: Target, expected: Option<u64>| {
        let plan = match known.restore(&target, None) {
            Ok(plan) => plan,
            Err(BackupError::Outside { .. }) => {
                assert_eq!(expected, None, "{what}: {target}");
                return;
            }
            Err(other) => panic!("{what}: {target}: {other}"),
        };
        let key = plan.pieces.iter().map(|it| it.last).collect();
        let rows = folded.entry(key).or_insert_with(|| fold(&catalog, &plan));
        // Exactly what a restore takes, one by one.
        let last = rows
            .iter()
            .take_while(|(position, at, _)| {
                let at = Timestamp::from_micros(*at);
                plan.stop.wants(*position, at).unwrap()
            })
            .last();
        let expected = expected.expect("it was planned");
        let (position, _, hash) = last.unwrap();
        assert_eq!(*position, expected, "{what}: {target}");
        let place = usize::try_from(expected).unwrap() - 1;
        assert_eq!(hash, &truth.hashes[place], "{what}: {target}");
        compared += 1;
    };
    let end = *truth.times.last().unwrap();
    for (at, position) in truth.times.iter().zip(1_u64..) {
        check(Target::Position(position), Some(position));
        for instant in [at - 1, *at, at + 1] {
            let upto = truth.times.partition_point(|it| *it <= instant) as u64;
            let expected = (upto > 0 && instant <= end).then_some(upto);
            let at = Timestamp::from_micros(instant);
            let target = |exclusive| Target::Instant { at, exclusive };
            check(target(false), expected);
            let before = truth.times.partition_point(|it| *it < instant) as u64;
            let expected = (before > 0 && instant <= end).then_some(before);
            check(target(true), expected);
        }
    }
    assert!(known.restore(&Target::Position(0), None).is_err());
    let beyond = Target::Position(truth.times.len() as u64 + 1);
    assert!(known.restore(&beyond, None).is_err());
    compared
}

/// Position, time and state hash of every event that a plan reads.
fn fold(catalog: &Catalog, plan: &Restore) -> Vec<(u64, u64, String)> {
    let mut states = States::default();
    let mut rows = Vec::new();
    reading::parcels(&catalog.vault, &plan.pieces, |unpacked| {
        for copied in unpacked.copies() {
            let place = (copied.position(), copied.recorded_at());
            states.take(place, copied.kind(), || {
                copied.fact(&|body| {
                    reading::body(catalog.vault.as_ref(), body).map_err(|it| it.to_string())
                })
            });
            let hash = states.hash().to_hex().to_string();
            rows.push((place.0.0, place.1.micros(), hash));
        }
        Ok(true)
    })
    .unwrap();
    rows
}

fn really(repo: &Path, truth: &Truth, positions: impl Iterator<Item = usize>) -> u64 {
    let catalog = Catalog::open(vault(repo)).unwrap();
    let scratch = TempDir::new().unwrap();
    let mut restores = 0;
    for position in positions {
        let at = Timestamp::from_micros(truth.times[position - 1]);
        let exclusive = false;
        let target = Target::Instant { at, exclusive };
        let plan = catalog.known().restore(&target, None).unwrap();
        assert!(matches!(plan.stop, Stop::Before(_)));
        let into = into(&scratch.path().join(position.to_string()));
        let tell = &mut |_| ControlFlow::Continue(());
        let done = restore(&catalog, &plan, &into, tell).unwrap();
        assert_eq!(done.stopped_at.position, position as u64);
        assert_eq!(done.state.unwrap().hash, truth.hashes[position - 1]);
        let (copy, _) = super::ledger_kit::opened(&into.target);
        let asked = States::as_of(&copy, Moment::Position(Position(position as u64))).unwrap();
        assert_eq!(
            asked.hash().to_hex().to_string(),
            truth.hashes[position - 1]
        );
        drop(copy);
        std::fs::remove_dir_all(&into.target).unwrap();
        restores += 1;
    }
    restores
}

#[test]
fn every_position_and_instant_of_a_history_comes_back_through_every_chain() {
    // The whole campaign has 2,000 events and 100 restores: `scripts/torture history`.
    let events = u64::try_from(times("HISTORY", 400)).unwrap();
    let real: usize = if events < 1_000 { 5 } else { 25 };
    let folder = TempDir::new().unwrap();
    let clock = SetClock::at(NOON);
    let small = Options {
        epoch_events: 150,
        ..Options::default()
    };
    let source = Ledger::create_with(
        small,
        Arc::new(OsDisk),
        &folder.path().join("store"),
        edge_with(clock.clone()),
        "test",
    )
    .unwrap();
    let repo = |name: &str| folder.path().join(name);
    for (part, until) in (0..).zip((1..=10).map(|part| part * events / 10)) {
        grow(&source, &clock, until);
        if part == 0 {
            taken(&source, &repo("full+diff"), Kind::Full);
        }
        let kind = if part % 4 == 0 {
            Kind::Full
        } else {
            Kind::Incremental
        };
        taken(&source, &repo("increments"), Kind::Incremental);
        taken(&source, &repo("pruned"), kind);
    }
    taken(&source, &repo("full"), Kind::Full);
    taken(&source, &repo("full+diff"), Kind::Differential);
    let pruned = Catalog::open(vault(&repo("pruned"))).unwrap();
    let policy = Policy {
        last: 2,
        ..Policy::default()
    };
    let now = Timestamp::from_micros(NOON);
    let plan = prune::plan(&pruned, &policy, (now, std::time::Duration::ZERO)).unwrap();
    assert!(plan.manifests.len() > 5, "{plan:?}");
    prune::apply(&pruned, &plan, now, true).unwrap();
    let truth = Truth::of(&source);
    let (mut compared, mut restores) = (0, 0);
    for name in ["full", "full+diff", "increments", "pruned"] {
        compared += compare(&repo(name), &truth, name);
        let step = truth.times.len() / real;
        restores += really(
            &repo(name),
            &truth,
            (1..=truth.times.len()).step_by(step).take(real),
        );
    }
    figure("history", "events", events);
    figure("history", "targets compared in memory", compared);
    figure("history", "restored for real", restores);
    assert!(compared > 4 * 6 * events && restores == 4 * real as u64);
}

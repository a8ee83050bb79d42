//! Stores, clocks, ids and commits for the ledger's tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use switchboard::adapters::entropy::RandomIds;
use switchboard::events::envelope::{Cause, Event};
use switchboard::events::facts::ledger::Note;
use switchboard::events::ids::{AgentId, CommandId, CorrelationId, Ids as _, Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::disk::OsDisk;
use switchboard::events::ledger::handle::{Edge, Ledger, Opening};
use switchboard::events::ledger::options::Options;
use switchboard::events::ledger::reserve::Reserve;
use switchboard::events::time::{Clock, Timestamp};

/// 2025-01-31T12:00:00Z.
pub(crate) const NOON: u64 = 1_738_324_800_000_000;

/// A clock that stands until it is set.
#[derive(Debug)]
pub(crate) struct SetClock(pub(crate) AtomicU64);

impl SetClock {
    pub(crate) fn at(micros: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(micros)))
    }

    pub(crate) fn set(&self, micros: u64) {
        self.0.store(micros, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn edge() -> Edge {
    edge_with(SetClock::at(NOON))
}

pub(crate) fn edge_with(clock: Arc<dyn Clock>) -> Edge {
    Edge {
        clock,
        ids: Arc::new(RandomIds),
        reserve: Reserve::default(),
    }
}

pub(crate) fn created(store: &Path) -> Ledger {
    Ledger::create(store, edge(), "test").expect("a new ledger")
}

pub(crate) fn opened(store: &Path) -> (Ledger, Opening) {
    Ledger::open(store, edge()).expect("the ledger opens")
}

/// Epochs of so many events.
pub(crate) fn epochs_of(events: u64) -> Options {
    Options {
        epoch_events: events,
        ..Options::default()
    }
}

pub(crate) fn created_with(options: Options, store: &Path) -> Ledger {
    Ledger::create_with(options, Arc::new(OsDisk), store, edge(), "test").expect("a new ledger")
}

pub(crate) fn opened_with(options: Options, store: &Path) -> (Ledger, Opening) {
    Ledger::open_with(options, Arc::new(OsDisk), store, edge()).expect("the ledger opens")
}

pub(crate) fn stream(name: &str) -> StreamId {
    name.parse().expect("a stream's name")
}

pub(crate) fn note(text: &str) -> Fact {
    Note {
        word: "test".to_owned(),
        data: serde_json::to_string(text).unwrap(),
    }
    .into()
}

pub(crate) fn command() -> CommandId {
    CommandId(RandomIds.fresh(Timestamp::from_micros(NOON)))
}

pub(crate) fn cause(command: CommandId) -> Cause {
    Cause {
        actor: AgentId::operator(),
        correlation: CorrelationId(command.0),
        causation: None,
        command,
    }
}

/// One note to one stream by a fresh command.
pub(crate) fn noting(name: &str, expected: Expected, text: &str) -> Commit {
    commit(command(), name, expected, vec![note(text)])
}

pub(crate) fn commit(
    command: CommandId,
    name: &str,
    expected: Expected,
    facts: Vec<Fact>,
) -> Commit {
    Commit {
        cause: cause(command),
        parts: vec![Part {
            stream: stream(name),
            expected,
            facts,
        }],
    }
}

pub(crate) fn everything(ledger: &Ledger) -> Vec<Event> {
    ledger.read(Position(1), usize::MAX).expect("all events")
}

/// A folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

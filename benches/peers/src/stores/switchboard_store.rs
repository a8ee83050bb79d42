//! Switchboard's ledger as it is: journal, sled, stream index, ids and hash chain all on, every append
//! a command of its own with the version it expects.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use switchboard::adapters::clock::SystemClock;
use switchboard::adapters::entropy::RandomIds;
use switchboard::events::envelope::Cause;
use switchboard::events::facts::ledger::Note;
use switchboard::events::ids::{AgentId, CommandId, CorrelationId, Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::handle::{Edge, Ledger, OpenError};
use switchboard::events::ledger::reserve::Reserve;
use uuid::Uuid;

use super::{Outcome, Producer, Store};
use crate::events::Event;

pub struct Switchboard(Ledger);

impl Switchboard {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let store = folder.join("store");
        let edge = || Edge { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds), reserve: Reserve::default() };
        match Ledger::open(&store, edge()) {
            Ok((ledger, _)) => Ok(Self(ledger)),
            Err(OpenError::Absent { .. }) => Ok(Self(Ledger::create(&store, edge(), "scripts/bench")?)),
            Err(e) => Err(e.into()),
        }
    }
}

impl Switchboard {
    /// The ledger itself.
    pub fn ledger(&self) -> &Ledger {
        &self.0
    }
}

impl Store for Switchboard {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(Lane(self.0.clone())))
    }

    fn settle(&self) {
        self.0.settle();
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let (mut count, mut sum, mut failed) = (0, 0, None);
        // As a replay reads: every fact is decoded, in order, and nothing is kept.
        self.0.scan(Position(1), self.0.head().position, |stored| match stored.fact() {
            Ok(fact) => {
                count += 1;
                sum += length(&fact) as u64;
                ControlFlow::Continue(())
            }
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok((count, sum)), |e| Err(e.into()))
    }

    fn encoded(&self) -> Outcome<Option<u64>> {
        let mut sum = 0;
        self.0.scan(Position(1), self.0.head().position, |stored| {
            sum += stored.encoded_len() as u64;
            ControlFlow::Continue(())
        })?;
        Ok(Some(sum))
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        let events = self.0.read(Position(position), 1)?;
        Ok(events.first().map(|event| length(&event.fact)).ok_or("absent")?)
    }
}

/// As the other stores count it: stream, version, text.
fn length(fact: &Fact) -> usize {
    match fact {
        Fact::Note(note) => 24 + note.data.len(),
        _ => 0,
    }
}

struct Lane(Ledger);

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let command = CommandId(Uuid::now_v7());
        let mut parts: Vec<Part> = Vec::new();
        let mut last = None;
        for event in batch {
            let fact = Note { word: "bench".to_owned(), data: event.body.clone() }.into();
            match parts.last_mut() {
                Some(part) if last == Some(event.stream) => part.facts.push(fact),
                _ => {
                    let expected = match event.version.checked_sub(1) {
                        None => Expected::NoStream,
                        Some(last) => Expected::Exact(last),
                    };
                    let stream: StreamId = format!("note/{}", event.stream).parse()?;
                    parts.push(Part { stream, expected, facts: vec![fact] });
                }
            }
            last = Some(event.stream);
        }
        let cause =
            Cause { actor: AgentId::operator(), correlation: CorrelationId(command.0), causation: None, command };
        self.0.append(Commit { cause, parts })?;
        Ok(())
    }
}

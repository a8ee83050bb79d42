//! A ledger on paper: the same commands decide, the same facts are kept in the same streams, the same
//! projections fold them; only nothing is durable.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::commands::command::Command;
use crate::commands::decision::{Decision, Done, Plan};
use crate::commands::desk::{Outcome, Refused};
use crate::commands::known::Known;
use crate::delivery::letter::Letter;
use crate::delivery::office::Office;
use crate::delivery::settings::DispatchSettings;
use crate::events::envelope::{Cause, Event};
use crate::events::ids::{
    AgentId, CommandId, CorrelationId, EventId, MessageId, Position, StreamId,
};
use crate::events::ledger::append::{AppendError, Expected};
use crate::events::ledger::handle::ReadError;
use crate::events::time::Timestamp;
use crate::projections::states::States;
use crate::projections::story::Story;

/// The ledger, the projections and the inbox folders of one rehearsal.
#[derive(Debug)]
pub struct Paper {
    book: RefCell<Book>,
    settings: RefCell<Arc<DispatchSettings>>,
    now: Cell<Timestamp>,
    ids: Cell<u64>,
}

#[derive(Debug, Default)]
struct Book {
    streams: BTreeMap<StreamId, Vec<Event>>,
    /// Stream and version of every event, in the order of positions.
    places: Vec<(StreamId, usize)>,
    states: States,
    letters: Vec<MessageId>,
    last_at: Timestamp,
}

impl Paper {
    /// An empty ledger. The seed decides ids and jitter.
    pub fn new(seed: u64, settings: DispatchSettings, now: Timestamp) -> Self {
        Self {
            book: RefCell::default(),
            settings: RefCell::new(Arc::new(settings)),
            now: Cell::new(now),
            ids: Cell::new(seed),
        }
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.now.set(now);
    }

    /// Other settings from now on.
    pub fn set_settings(&self, settings: DispatchSettings) {
        self.settings.replace(Arc::new(settings));
    }

    /// Executes a command of somebody's.
    pub fn execute_as(
        &self,
        actor: AgentId,
        command: impl Into<Command>,
    ) -> Result<Outcome, Refused> {
        let id = self.fresh();
        let cause = Cause {
            actor,
            correlation: CorrelationId(id),
            causation: None,
            command: CommandId(id),
        };
        let command = command.into();
        let now = self.now();
        let mut book = self.book.borrow_mut();
        let known = Known::of_streams(book.streams.iter().map(|(id, it)| (id, it.as_slice())));
        match command.decide(&known, now) {
            // Neither is rehearsed.
            None => Ok(Outcome::Shared(Vec::new())),
            Some(Err(refusal)) => Err(refusal.into()),
            Some(Ok(Decision::Already(done))) => Ok(Outcome::Done(done)),
            Some(Ok(Decision::Write(plan))) => {
                let wrap = Outcome::of(&command, &plan);
                book.append(plan, &cause, now).map(wrap)
            }
        }
    }

    /// Every event, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.book.borrow().events().cloned().collect()
    }

    /// Every event's name and instant with what `tell` makes of it, after a position.
    pub fn tell<T>(&self, after: Position, tell: impl FnMut(&Event) -> T) -> Vec<T> {
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        self.book.borrow().events().skip(skip).map(tell).collect()
    }

    /// The newest position.
    pub fn head(&self) -> Position {
        self.book.borrow().head()
    }

    /// How many inbox files there are for the message: one, however often it was written.
    pub fn letters(&self, message: MessageId) -> usize {
        usize::from(self.book.borrow().letters.contains(&message))
    }

    /// Folds everything from zero, as a restarted owner would. False when that gives another state
    /// than the one that grew with the events.
    pub fn reopen(&self) -> bool {
        let mut book = self.book.borrow_mut();
        let mut fresh = States::default();
        book.events().for_each(|event| fresh.apply(event));
        let same = fresh == book.states;
        book.states = fresh;
        same
    }
}

impl Book {
    fn events(&self) -> impl Iterator<Item = &Event> {
        self.places
            .iter()
            .filter_map(|(stream, version)| self.streams.get(stream)?.get(*version))
    }

    fn head(&self) -> Position {
        Position(u64::try_from(self.places.len()).unwrap_or(u64::MAX))
    }

    fn append(&mut self, plan: Plan, cause: &Cause, now: Timestamp) -> Result<Done, Refused> {
        for part in &plan.parts {
            let actual = self.streams.get(&part.stream).and_then(|it| it.last());
            let actual = actual.map(|event| event.version);
            let fits = match part.expected {
                Expected::Any => true,
                Expected::NoStream => actual.is_none(),
                Expected::Exists => actual.is_some(),
                Expected::Exact(version) => actual == Some(version),
            };
            if !fits {
                return Err(Refused::Append(AppendError::WrongVersion {
                    stream: part.stream.clone(),
                    expected: part.expected,
                    actual,
                }));
            }
        }
        let cause = match plan.thread {
            None => cause.clone(),
            Some(thread) => Cause {
                correlation: thread.correlation,
                causation: cause.causation.or(Some(thread.causation)),
                ..cause.clone()
            },
        };
        let first = self.head().next();
        let mut version = 0;
        for (number, part) in plan.parts.into_iter().enumerate() {
            for fact in part.facts {
                let events = self.streams.entry(part.stream.clone()).or_default();
                let next = u64::try_from(events.len()).unwrap_or(u64::MAX);
                let position = Position(u64::try_from(self.places.len()).unwrap_or(0)).next();
                let earliest = self.last_at.after(std::time::Duration::from_micros(1));
                self.last_at = now.max(earliest);
                let event = Event {
                    position,
                    recorded_at: self.last_at,
                    clock: now,
                    id: EventId(Uuid::from_u128(u128::from(position.0))),
                    stream: part.stream.clone(),
                    version: next,
                    previous: events.last().map(|event| event.position),
                    cause: cause.clone(),
                    fact,
                };
                self.states.apply(&event);
                self.places.push((part.stream.clone(), events.len()));
                events.push(event);
                if number == 0 {
                    version = next;
                }
            }
        }
        Ok(Done {
            first,
            last: self.head(),
            version,
            repeated: false,
        })
    }
}

impl Office for Paper {
    fn execute(&self, command: impl Into<Command>) -> Result<Outcome, Refused> {
        self.execute_as(AgentId::switchboard(), command)
    }

    fn catch_up(&self) -> Result<(), Refused> {
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&States) -> T) -> T {
        look(&self.book.borrow().states)
    }

    fn event(&self, at: Position) -> Result<Option<Event>, ReadError> {
        let place = usize::try_from(at.0.saturating_sub(1)).unwrap_or(usize::MAX);
        Ok(self.book.borrow().events().nth(place).cloned())
    }

    fn story(&self, message: MessageId) -> Result<Option<Story>, ReadError> {
        let book = self.book.borrow();
        let events = book.streams.get(&StreamId::message(message));
        Ok(Story::told(events.into_iter().flatten().cloned()))
    }

    fn post(&self, letter: &Letter) -> std::io::Result<String> {
        let message = letter.message.message;
        self.book.borrow_mut().letters.push(message);
        Ok(format!("inbox/{}/{message}.md", letter.message.to))
    }

    fn now(&self) -> Timestamp {
        self.now.get().max(self.book.borrow().last_at)
    }

    fn settings(&self) -> Arc<DispatchSettings> {
        Arc::clone(&self.settings.borrow())
    }

    fn dice(&self) -> u16 {
        u16::try_from(self.fresh().as_u128() % 1001).unwrap_or(0)
    }

    fn fresh(&self) -> Uuid {
        let number = self.ids.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.ids.set(number);
        let mix = |z: u64| (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let high = u128::from(self.now.get().micros()) << 64;
        Uuid::from_u128(high | u128::from(mix(mix(number))))
    }
}

//! The one thread that writes: takes what waits as one batch, checks each commit in turn, writes
//! the journal, syncs once, and answers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use uuid::Uuid;

use super::append::{AppendError, Appended, Commit, Expected, Part};
use super::frame::{self, Draft, Frame, Sealed};
use super::handle::ReadError;
use super::index::{End, StreamHead};
use super::journal::WriteFailure;
use super::live::Live;
use super::prepare::{Ready, ReadyPart, prepare};
use super::record::{Hash, Record};
use super::rolling::Pen;
use super::shared::Shared;
use crate::events::envelope::Cause;
use crate::events::facts::ledger::ClockSteppedBack;
use crate::events::ids::{AgentId, CommandId, CorrelationId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// A batch takes no more commits once its records have this many bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Smaller steps back of the clock are not worth an event.
const STEP_BACK: Duration = Duration::from_secs(1);

/// Where an answer goes.
pub(super) type Reply = SyncSender<Result<Appended, AppendError>>;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Request {
    /// Write this.
    Append(Box<Ready>, Reply),
    /// Finish what came before, then end.
    Stop,
}

/// Runs until it is told to stop, or nobody can ask any more.
pub(super) fn run(shared: &Shared, requests: &Receiver<Request>, pen: Pen) {
    let serve = AssertUnwindSafe(|| serve(shared, requests, pen));
    if catch_unwind(serve).is_err() {
        // A listener's panic, most likely. Askers hear why they get no answer.
        shared.poison("the writer's thread panicked".to_owned());
    }
}

fn serve(shared: &Shared, requests: &Receiver<Request>, mut pen: Pen) {
    let mut stop = false;
    while !stop {
        let mut waiting = Vec::new();
        let mut bytes = 0_usize;
        let mut next = requests.recv().ok();
        while let Some(request) = next.take() {
            match request {
                Request::Append(ready, reply) => {
                    bytes = bytes.saturating_add(ready.bytes);
                    waiting.push((ready, reply));
                }
                Request::Stop => {
                    stop = true;
                    break;
                }
            }
            if bytes < BATCH_BYTES {
                next = requests.try_recv().ok();
            }
        }
        if waiting.is_empty() {
            return;
        }
        shared.lag.wait_for_room();
        if shared.poisoned().is_none() {
            pen.roll_if_full(shared);
        }
        write(shared, &mut pen, waiting, bytes);
    }
}

/// Checks, writes, syncs and answers one batch.
fn write(shared: &Shared, pen: &mut Pen, waiting: Vec<(Box<Ready>, Reply)>, bytes: usize) {
    let mut batch = Batch::new(shared, &pen.live, no_space(shared, bytes));
    let answers: Vec<_> = waiting
        .iter()
        .map(|(ready, _)| batch.answer(ready))
        .collect();
    let frames = batch.finish();
    let written = match pen.live.journal.append(&frames, pen.reserved) {
        Ok(reserved) => {
            pen.reserved = reserved;
            publish(shared, &pen.live, &frames)
        }
        Err(WriteFailure::Full(detail)) => Err(Failure::Full(detail)),
        Err(WriteFailure::Broken(reason)) => {
            shared.poison(reason.clone());
            Err(Failure::Broken(reason))
        }
    };
    for ((_, reply), answer) in waiting.into_iter().zip(answers) {
        let result = match (&written, answer) {
            (Err(failure), Answer::IfWritten(_)) => Err(failure.error()),
            (_, Answer::IfWritten(result) | Answer::Anyway(result)) => result,
        };
        // An asker that is gone needs no answer.
        drop(reply.send(result));
    }
}

/// Why a batch was not written.
#[derive(Debug)]
enum Failure {
    Full(String),
    Broken(String),
}

impl Failure {
    fn error(&self) -> AppendError {
        match self {
            Self::Full(detail) => AppendError::NoSpace {
                detail: detail.clone(),
            },
            Self::Broken(reason) => AppendError::Poisoned {
                reason: reason.clone(),
            },
        }
    }
}

fn no_space(shared: &Shared, bytes: usize) -> Option<String> {
    // The journal, sled, and what sled leaves behind until it cleans up.
    shared.no_room_for(super::bytes::len64(bytes).saturating_mul(3))
}

/// Makes durable frames visible.
fn publish(shared: &Shared, live: &Live, frames: &[Sealed]) -> Result<(), Failure> {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return Ok(());
    };
    let mut index = live.index.write().unwrap_or_else(PoisonError::into_inner);
    for sealed in frames {
        let added = Frame::again(&sealed.bytes)
            .map_err(|e| e.to_string())
            .and_then(|frame| index.add(&frame).map_err(|e| e.to_string()));
        if let Err(reason) = added {
            shared.poison(reason.clone());
            return Err(Failure::Broken(reason));
        }
    }
    drop(index);
    shared
        .lag
        .written(last.last, last.end().saturating_sub(first.offset));
    shared.announce(last.last);
    Ok(())
}

/// An answer that is decided but not yet given.
#[derive(Debug)]
enum Answer {
    /// True whatever becomes of the batch.
    Anyway(Result<Appended, AppendError>),
    /// True only if the batch is written.
    IfWritten(Result<Appended, AppendError>),
}

/// Commits on their way to the journal, and the world as it will be with them.
struct Batch<'a> {
    shared: &'a Shared,
    live: &'a Live,
    no_space: Option<String>,
    poisoned: Option<String>,
    streams: HashMap<StreamId, StreamHead>,
    commands: HashMap<Uuid, (Appended, Hash)>,
    end: End,
    synced: u64,
    draft: Draft,
    sealed: Vec<Sealed>,
}

impl<'a> Batch<'a> {
    fn new(shared: &'a Shared, live: &'a Live, no_space: Option<String>) -> Self {
        let end = live.index().end;
        Self {
            shared,
            live,
            no_space,
            poisoned: shared.poisoned(),
            streams: HashMap::new(),
            commands: HashMap::new(),
            end,
            synced: end.position,
            draft: Draft::new(end.position.saturating_add(1), end.chain),
            sealed: Vec::new(),
        }
    }

    fn answer(&mut self, ready: &Ready) -> Answer {
        match self.repeated(ready) {
            Ok(None) => {}
            Ok(Some(answer)) => return answer,
            Err(e) => return Answer::Anyway(Err(e)),
        }
        if let Some(reason) = self.poisoned.clone() {
            return Answer::Anyway(Err(AppendError::Poisoned { reason }));
        }
        let now = self.shared.edge.clock.now();
        if self.no_space.is_none() {
            self.note_step_back(now);
        }
        match self.check(ready).and_then(|()| self.stage(ready, now)) {
            // Believed only once it is on the disk, like everything that was decided because of it.
            Ok(appended) => Answer::IfWritten(Ok(appended)),
            Err(e) if self.sealed.is_empty() && self.draft.is_empty() => Answer::Anyway(Err(e)),
            Err(e) => Answer::IfWritten(Err(e)),
        }
    }

    /// The answer to a command that was carried out before.
    fn repeated(&self, ready: &Ready) -> Result<Option<Answer>, AppendError> {
        let command = ready.cause.command;
        let (found, in_batch) = match self.commands.get(&command.0) {
            Some(found) => (Some(*found), true),
            None => (self.stored(ready)?, false),
        };
        Ok(found.map(|(appended, content)| {
            let result = if content == ready.content {
                Ok(Appended {
                    repeated: true,
                    ..appended
                })
            } else {
                Err(AppendError::Conflict {
                    command,
                    at: appended.first,
                })
            };
            if in_batch {
                Answer::IfWritten(result)
            } else {
                Answer::Anyway(result)
            }
        }))
    }

    fn stored(&self, ready: &Ready) -> Result<Option<(Appended, Hash)>, AppendError> {
        // Whether it was carried out cannot be known: writing might do it twice.
        self.shared.known_command(ready).map_err(|e| unreadable(&e))
    }

    /// The head of the stream of the commit's part with this number.
    fn head(
        &self,
        ready: &Ready,
        (number, part): (usize, &ReadyPart),
    ) -> Result<Option<StreamHead>, AppendError> {
        match self.streams.get(&part.stream) {
            Some(head) => Ok(Some(*head)),
            None => self
                .shared
                .known_head(ready, number, part)
                .map_err(|e| unreadable(&e)),
        }
    }

    fn check(&self, ready: &Ready) -> Result<(), AppendError> {
        for (number, part) in ready.parts.iter().enumerate() {
            let actual = self.head(ready, (number, part))?.map(|head| head.version);
            let fits = match part.expected {
                Expected::Any => true,
                Expected::NoStream => actual.is_none(),
                Expected::Exists => actual.is_some(),
                Expected::Exact(version) => actual == Some(version),
            };
            if !fits {
                return Err(AppendError::WrongVersion {
                    stream: part.stream.clone(),
                    expected: part.expected,
                    actual,
                });
            }
        }
        if ready.bytes > frame::MAX / 2 {
            return Err(AppendError::Invalid {
                reason: format!("its {} bytes are more than one frame takes", ready.bytes),
            });
        }
        match &self.no_space {
            Some(detail) => Err(AppendError::NoSpace {
                detail: detail.clone(),
            }),
            None => Ok(()),
        }
    }

    fn note_step_back(&mut self, now: Timestamp) {
        let by = Timestamp::from_micros(self.end.clock).since(now);
        if self.end.position == 0 || by <= STEP_BACK {
            return;
        }
        let fact = ClockSteppedBack {
            by_micros: u64::try_from(by.as_micros()).unwrap_or(u64::MAX),
        };
        let ready = prepare(own_note(self.shared, now, fact));
        // A note about the clock is not worth failing somebody's commit for.
        if let Ok(ready) = ready {
            drop(self.stage(&ready, now));
        }
    }

    fn stage(&mut self, ready: &Ready, now: Timestamp) -> Result<Appended, AppendError> {
        self.check_time(ready)?;
        if !self.draft.is_empty() && !self.draft.has_room(ready.bytes) {
            self.seal();
        }
        let first = self.end.position.saturating_add(1);
        let mut place = 0_u16;
        let mut version_of_first_part = None;
        for (number, part) in ready.parts.iter().enumerate() {
            // Nothing was staged before the first part's head was known, and all of them were
            // looked for by `check`, so this fails before anything is written.
            let mut head = self.head(ready, (number, part))?;
            for body in &part.bodies {
                let position = self.end.position.saturating_add(1);
                let recorded_at = now.micros().max(self.end.recorded_at.saturating_add(1));
                let recorded = Timestamp::from_micros(recorded_at);
                let version = head.map_or(0, |head| head.version.saturating_add(1));
                self.draft.push(&Record {
                    position,
                    recorded_at,
                    clock: now.micros(),
                    id: self.shared.edge.ids.fresh(recorded),
                    version,
                    previous: head.map_or(0, |head| head.position),
                    kind: body.kind,
                    place,
                    of: ready.events,
                    key: 0,
                    correlation: ready.cause.correlation.0,
                    causation: ready.cause.causation.map(|event| event.0),
                    command: ready.cause.command.0,
                    actor: ready.cause.actor.as_str(),
                    stream: part.stream.as_str(),
                    body_len: body.len(),
                    payload_hash: body.hash,
                    kept: body.kept(),
                });
                place = place.saturating_add(1);
                head = Some(StreamHead { version, position });
                self.end.position = position;
                self.end.recorded_at = recorded_at;
                self.end.clock = now.micros();
            }
            if let Some(head) = head {
                version_of_first_part.get_or_insert(head.version);
                self.streams.insert(part.stream.clone(), head);
            }
        }
        let appended = Appended {
            first: Position(first),
            last: Position(self.end.position),
            version: version_of_first_part.unwrap_or_default(),
            repeated: false,
        };
        self.commands
            .insert(ready.cause.command.0, (appended, ready.content));
        Ok(appended)
    }

    /// Recorded time must be able to go on: nothing is after the end of the year 9999.
    fn check_time(&self, ready: &Ready) -> Result<(), AppendError> {
        let last = self.end.recorded_at.saturating_add(u64::from(ready.events));
        if Timestamp::from_micros(last).micros() == last {
            Ok(())
        } else {
            Err(AppendError::Invalid {
                reason: "recorded time has reached the end of the year 9999".to_owned(),
            })
        }
    }

    fn seal(&mut self) {
        let next = Draft::new(self.end.position.saturating_add(1), self.draft.chain());
        let draft = std::mem::replace(&mut self.draft, next);
        let sealed = draft.seal(self.end.offset, self.synced, &self.live.journal.key);
        self.end.offset = sealed.end();
        self.sealed.push(sealed);
    }

    fn finish(mut self) -> Vec<Sealed> {
        if !self.draft.is_empty() {
            self.seal();
        }
        self.sealed
    }
}

fn unreadable(why: &ReadError) -> AppendError {
    AppendError::Unreadable {
        reason: why.to_string(),
    }
}

/// What the ledger says of itself.
pub(super) fn own_note(shared: &Shared, now: Timestamp, fact: impl Into<Fact>) -> Commit {
    Commit {
        cause: Cause {
            actor: AgentId::switchboard(),
            correlation: CorrelationId(shared.edge.ids.fresh(now)),
            causation: None,
            command: CommandId(shared.edge.ids.fresh(now)),
        },
        parts: vec![Part {
            stream: StreamId::ledger(),
            expected: Expected::Any,
            facts: vec![fact.into()],
        }],
    }
}

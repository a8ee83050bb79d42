//! Writing: what waits is taken as one batch, each commit is checked in turn, the journal is written
//! and synced once, and all are answered. A thread does it, or the asker itself while it is the only
//! one; there is one pen, so one batch follows the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::append::{AppendError, Appended, Commit, Expected, Part};
use super::batch::{Answer, Batch};
use super::index::{Addition, End};
use super::journal::WriteFailure;
use super::live::Live;
use super::prepare::{Ready, prepare};
use super::rolling::Pen;
use super::shared::Shared;
use crate::events::envelope::Cause;
use crate::events::facts::ledger::ClockSteppedBack;
use crate::events::ids::{AgentId, CommandId, CorrelationId, StreamId};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// A batch takes no more commits once its records have this many bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The writer's buffer keeps at most so much between two batches.
const BUFFER_KEPT: usize = 1024 * 1024;
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

/// The pen: whoever holds it writes. None once the ledger is closed.
pub(super) type Held = Mutex<Option<Pen>>;

/// Runs until it is told to stop, or nobody can ask any more.
pub(super) fn run(shared: &Shared, requests: &Receiver<Request>, pen: &Held) {
    guarded(shared, || serve(shared, requests, pen));
    // Nobody writes any more.
    pen.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// What is cut off by a panic poisons the ledger: a listener's panic, most likely. Askers hear why
/// they get no answer.
fn guarded<T>(shared: &Shared, write: impl FnOnce() -> T) -> Option<T> {
    let written = catch_unwind(AssertUnwindSafe(write)).ok();
    if written.is_none() {
        shared.poison("writing panicked".to_owned());
    }
    written
}

fn serve(shared: &Shared, requests: &Receiver<Request>, pen: &Held) {
    let mut stop = false;
    while !stop {
        let (mut commits, mut replies) = (Vec::new(), Vec::new());
        let mut bytes = 0_usize;
        let mut next = requests.recv().ok();
        while let Some(request) = next.take() {
            match request {
                Request::Append(ready, reply) => {
                    bytes = bytes.saturating_add(ready.bytes);
                    commits.push(ready);
                    replies.push(reply);
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
        let mut pen = pen.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(pen), false) = (pen.as_mut(), commits.is_empty()) else {
            return;
        };
        let waiting: Vec<&Ready> = commits.iter().map(|ready| &**ready).collect();
        for (reply, result) in replies.iter().zip(write(shared, pen, &waiting)) {
            // An asker that is gone needs no answer.
            drop(reply.send(result));
        }
    }
}

/// Writes one commit in its asker's thread, which spares it the way to the writer's thread and back.
/// None while somebody else writes, or nobody can any more.
pub(super) fn alone(
    shared: &Shared,
    pen: &Held,
    ready: &Ready,
) -> Option<Result<Appended, AppendError>> {
    let mut pen = pen.try_lock().ok()?;
    let pen = pen.as_mut()?;
    guarded(shared, || write(shared, pen, &[ready]))?.pop()
}

/// Checks, writes and syncs one batch: the answers, one for each commit.
fn write(shared: &Shared, pen: &mut Pen, waiting: &[&Ready]) -> Vec<Result<Appended, AppendError>> {
    if shared.poisoned().is_none() {
        pen.roll_if_full(shared);
    }
    let live = Arc::clone(&pen.live);
    let note = step_back(shared, &live);
    let buffer = std::mem::take(&mut pen.buffer);
    let mut batch = Batch::new((shared, &live), buffer, note.as_ref());
    batch.no_space = no_space(shared, waiting.iter().map(|ready| ready.bytes).sum());
    let answers: Vec<_> = waiting.iter().map(|ready| batch.answer(ready)).collect();
    let begin = batch.begin;
    let (draft, addition, end) = batch.finish();
    let written = match live.journal.append(draft.sealed(), begin, pen.reserved) {
        Ok(reserved) => {
            pen.reserved = reserved;
            publish(shared, &live, addition, end);
            Ok(())
        }
        Err(WriteFailure::Full(detail)) => Err(Failure::Full(detail)),
        Err(WriteFailure::Broken(reason)) => {
            shared.poison(reason.clone());
            Err(Failure::Broken(reason))
        }
    };
    pen.buffer = draft.into_buffer();
    pen.buffer.shrink_to(BUFFER_KEPT);
    let believed = |answer| match (&written, answer) {
        (Err(failure), Answer::IfWritten(_)) => Err(failure.error()),
        (_, Answer::IfWritten(result) | Answer::Anyway(result)) => result,
    };
    answers.into_iter().map(believed).collect()
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
    // The journal, sled, and what sled leaves behind until it cleans up; and what sled did not get yet.
    let new = super::bytes::len64(bytes).saturating_mul(3);
    shared.no_room_for(new.saturating_add(shared.lag.behind()))
}

/// Makes durable frames visible.
fn publish(shared: &Shared, live: &Live, addition: Addition<'_>, end: End) {
    let mut index = live.index.write().unwrap_or_else(PoisonError::into_inner);
    let bytes = end.offset.saturating_sub(index.end.offset);
    if bytes == 0 {
        return;
    }
    index.extend(addition, end);
    drop(index);
    shared.lag.written(end.position, bytes);
    shared.announce(end.position);
}

/// What the ledger says of a clock that has stepped back.
fn step_back(shared: &Shared, live: &Live) -> Option<Ready> {
    let end = live.index().end;
    let now = shared.edge.clock.now();
    let by = Timestamp::from_micros(end.clock).since(now);
    if end.position == 0 || by <= STEP_BACK {
        return None;
    }
    let fact = ClockSteppedBack {
        by_micros: u64::try_from(by.as_micros()).unwrap_or(u64::MAX),
    };
    // A note about the clock is not worth failing somebody's commit for.
    prepare(own_note(shared, now, fact)).ok()
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

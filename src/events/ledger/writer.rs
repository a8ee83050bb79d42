//! Writing: what waits is taken as one batch, each commit is checked in turn, the journal is written
//! and synced once, and all are answered. A thread does it, or the asker itself while it is the only
//! one; there is one pen, so one batch follows the other.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::append::{AppendError, Appended, Commit, Expected, Part};
use super::closed::packing::is_timely;
use super::epochs::Epochs;
use super::frame::{self, Draft};
use super::handle::ReadError;
use super::index::{Addition, End, FrameAt, StreamHead};
use super::journal::WriteFailure;
use super::live::Live;
use super::prepare::{Body, Ready, ReadyPart, prepare};
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
/// The writer's buffer keeps at most so much between two batches.
const BUFFER_KEPT: usize = 1024 * 1024;
/// Smaller steps back of the clock are not worth an event.
const STEP_BACK: Duration = Duration::from_secs(1);

/// A stream's last event, if it has one.
type Head = Option<StreamHead>;

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
    // The journal, sled, and what sled leaves behind until it cleans up.
    shared.no_room_for(super::bytes::len64(bytes).saturating_mul(3))
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
    epochs: Arc<Epochs>,
    now: Timestamp,
    /// To be written before the first commit, if there is one.
    note: Option<&'a Ready>,
    no_space: Option<String>,
    poisoned: Option<String>,
    /// Commits of this batch by their command.
    commands: HashMap<Uuid, (Appended, &'a Ready)>,
    addition: Addition<'a>,
    /// Where in the journal it begins.
    begin: u64,
    end: End,
    synced: u64,
    draft: Draft,
    /// When the first event of the frame that is filled was recorded.
    frame_at: u64,
}

impl<'a> Batch<'a> {
    fn new(
        (shared, live): (&'a Shared, &'a Live),
        buffer: Vec<u8>,
        note: Option<&'a Ready>,
    ) -> Self {
        let end = live.index().end;
        Self {
            shared,
            live,
            epochs: shared.epochs(),
            now: shared.edge.clock.now(),
            note,
            no_space: None,
            poisoned: shared.poisoned(),
            commands: HashMap::new(),
            addition: Addition::default(),
            begin: end.offset,
            end,
            synced: end.position,
            draft: Draft::within(buffer, end.position.saturating_add(1), end.chain),
            frame_at: 0,
        }
    }

    fn answer(&mut self, ready: &'a Ready) -> Answer {
        match self.repeated(ready) {
            Ok(None) => {}
            Ok(Some(answer)) => return answer,
            Err(e) => return Answer::Anyway(Err(e)),
        }
        if let Some(reason) = self.poisoned.clone() {
            return Answer::Anyway(Err(AppendError::Poisoned { reason }));
        }
        if self.no_space.is_none()
            && let Some(note) = self.note.take()
            && let Ok(heads) = self.check(note)
        {
            drop(self.stage(note, heads));
        }
        match self.check(ready).and_then(|heads| self.stage(ready, heads)) {
            // Believed only once it is on the disk, like everything that was decided because of it.
            Ok(appended) => Answer::IfWritten(Ok(appended)),
            Err(e) if self.end.position == self.synced => Answer::Anyway(Err(e)),
            Err(e) => Answer::IfWritten(Err(e)),
        }
    }

    /// The answer to a command that was carried out before.
    fn repeated(&self, ready: &Ready) -> Result<Option<Answer>, AppendError> {
        let command = ready.cause.command;
        let (found, in_batch) = match self.commands.get(&command.0) {
            Some((appended, before)) => (Some((*appended, before.content())), true),
            None => (self.stored(ready)?, false),
        };
        Ok(found.map(|(appended, content)| {
            let result = if content == ready.content() {
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
        self.shared
            .known_command(&self.epochs, ready)
            .map_err(|e| unreadable(&e))
    }

    /// The head of the stream of the commit's part with this number.
    fn head(&self, ready: &Ready, number: usize, stream: &str) -> Result<Head, AppendError> {
        match self.addition.streams.get(stream) {
            Some(head) => Ok(Some(*head)),
            None => self
                .shared
                .known_head(&self.epochs, (ready, number), stream)
                .map_err(|e| unreadable(&e)),
        }
    }

    /// Whether the commit can be written: the heads of its streams, one for each part.
    fn check(&self, ready: &Ready) -> Result<Vec<Head>, AppendError> {
        let mut heads = Vec::with_capacity(ready.parts.len());
        for (number, part) in ready.parts.iter().enumerate() {
            let head = self.head(ready, number, part.stream.as_str())?;
            let actual = head.map(|head| head.version);
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
            heads.push(head);
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
            None => Ok(heads),
        }
    }

    fn stage(&mut self, ready: &'a Ready, heads: Vec<Head>) -> Result<Appended, AppendError> {
        self.check_time(ready)?;
        if !self.draft.is_empty() && !self.draft.has_room(ready.bytes) {
            self.seal();
        }
        let first = self.end.position.saturating_add(1);
        let mut place = 0_u16;
        let mut version_of_first_part = None;
        for (part, mut head) in ready.parts.iter().zip(heads) {
            for body in &part.bodies {
                let version = head.map_or(0, |head| head.version.saturating_add(1));
                self.push(ready, (part, body), place, (version, head));
                place = place.saturating_add(1);
                head = Some(StreamHead {
                    version,
                    position: self.end.position,
                });
            }
            if let Some(head) = head {
                version_of_first_part.get_or_insert(head.version);
                self.addition.streams.insert(part.stream.as_str(), head);
            }
        }
        let appended = Appended {
            first: Position(first),
            last: Position(self.end.position),
            version: version_of_first_part.unwrap_or_default(),
            repeated: false,
        };
        let command = ready.cause.command.0;
        self.addition.commands.push((command, first));
        self.commands.insert(command, (appended, ready));
        Ok(appended)
    }

    /// One more event.
    fn push(
        &mut self,
        ready: &Ready,
        (part, body): (&ReadyPart, &Body),
        place: u16,
        (version, before): (u64, Head),
    ) {
        let position = self.end.position.saturating_add(1);
        let clock = self.now.micros();
        let recorded_at = clock.max(self.end.recorded_at.saturating_add(1));
        let id = self
            .shared
            .edge
            .ids
            .fresh(Timestamp::from_micros(recorded_at));
        if !is_timely(id, recorded_at) {
            self.addition.strangers.push((id, position));
        }
        if self.draft.is_empty() {
            self.frame_at = recorded_at;
        }
        self.draft.push(&Record {
            position,
            recorded_at,
            clock,
            id,
            version,
            previous: before.map_or(0, |head| head.position),
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
            kept: ready.kept(body),
        });
        self.end.position = position;
        self.end.recorded_at = recorded_at;
        self.end.clock = clock;
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
        let first = self.draft.first();
        let key = &self.live.journal.key;
        let sealed = self.draft.seal(self.end.offset, self.synced, key);
        self.addition.frames.push(FrameAt {
            first,
            offset: sealed.offset,
            recorded_at: self.frame_at,
        });
        self.end.offset = sealed.end();
    }

    fn finish(mut self) -> (Draft, Addition<'a>, End) {
        if !self.draft.is_empty() {
            self.seal();
        }
        self.end.chain = self.draft.chain();
        (self.draft, self.addition, self.end)
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

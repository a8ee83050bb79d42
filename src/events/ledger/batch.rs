//! One batch: each commit checked in turn against what is known and what the batch itself brings, and
//! put together as it will stand in the journal. Decides, and writes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::append::{AppendError, Appended, Expected};
use super::closed::packing::is_timely;
use super::epochs::Epochs;
use super::frame::{self, Draft};
use super::handle::ReadError;
use super::index::{Addition, End, FrameAt, StreamHead};
use super::live::Live;
use super::prepare::{Body, Ready, ReadyPart};
use super::record::{Hash, Record};
use super::shared::Shared;
use crate::events::ids::Position;
use crate::events::time::Timestamp;

/// A stream's last event, if it has one.
type Head = Option<StreamHead>;

/// An answer that is decided but not yet given.
#[derive(Debug)]
pub(super) enum Answer {
    /// True whatever becomes of the batch.
    Anyway(Result<Appended, AppendError>),
    /// True only if the batch is written.
    IfWritten(Result<Appended, AppendError>),
}

/// Commits on their way to the journal, and the world as it will be with them.
pub(super) struct Batch<'a> {
    shared: &'a Shared,
    live: &'a Live,
    epochs: Arc<Epochs>,
    now: Timestamp,
    /// To be written before the first commit, if there is one.
    note: Option<&'a Ready>,
    pub(super) no_space: Option<String>,
    poisoned: Option<String>,
    /// Commits of this batch by their command.
    commands: HashMap<Uuid, (Appended, &'a Ready)>,
    addition: Addition<'a>,
    /// Where in the journal it begins.
    pub(super) begin: u64,
    end: End,
    synced: u64,
    draft: Draft,
    /// When the first event of the frame that is filled was recorded.
    frame_at: u64,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
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

    /// What the commit is to be answered.
    pub(super) fn answer(&mut self, ready: &'a Ready) -> Answer {
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

    /// The frames, what they add to the index, and the end they lead to.
    pub(super) fn finish(mut self) -> (Draft, Addition<'a>, End) {
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

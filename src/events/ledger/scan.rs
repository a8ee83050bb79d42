//! Reading long stretches: records as they lie in the ledger, borrowed, so that whoever looks
//! decodes only what it needs. A thread reads and checks frames ahead of the one who looks.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::blobs;
use super::frame::Frame;
use super::handle::{Ledger, ReadError};
use super::reading::{Shared, corrupt};
use super::record::{Kept, Record};
use crate::events::envelope::Event;
use crate::events::ids::{CommandId, Position};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// Shorter stretches are read without a thread.
const LONG: u64 = 8192;
/// Frames that are handed over at once.
const BUNDLE: usize = 32;
/// Bundles that are read ahead: about a megabyte, whatever the stretch.
const AHEAD: usize = 4;

/// A frame's bytes, checked.
type Bytes = Arc<[u8]>;

/// One event as it lies in the ledger. Nothing of it is decoded before it is asked for.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    record: &'a Record<'a>,
    blobs: &'a PathBuf,
}

impl fmt::Debug for Stored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("position", &self.record.position)
            .field("kind", &self.record.kind)
            .finish_non_exhaustive()
    }
}

impl Stored<'_> {
    /// Its place.
    pub const fn position(&self) -> Position {
        Position(self.record.position)
    }

    /// When it was recorded.
    pub const fn recorded_at(&self) -> Timestamp {
        Timestamp::from_micros(self.record.recorded_at)
    }

    /// Its kind's number, also of kinds this binary does not know.
    pub const fn kind(&self) -> u16 {
        self.record.kind
    }

    /// The wish behind it: events of one commit share it.
    pub const fn command(&self) -> CommandId {
        CommandId(self.record.command)
    }

    /// What it is about, unchecked.
    pub const fn stream(&self) -> &str {
        self.record.stream
    }

    /// What happened. The error says why the body cannot be read: its file is lost, or its bytes are
    /// not what this kind has.
    pub fn fact(&self) -> Result<Fact, ReadError> {
        let decode = |body: &[u8]| {
            Fact::decode(self.record.kind, body).map_err(|source| {
                let kind = self.record.kind;
                corrupt(
                    self.record.position,
                    format!("the body of kind {kind}: {source}"),
                )
            })
        };
        match self.record.kept {
            Kept::Inline(body) => decode(body),
            Kept::Blob => decode(&self.large_body()?),
        }
    }

    /// The whole event.
    pub fn event(&self) -> Result<Event, ReadError> {
        let event = match self.record.kept {
            Kept::Inline(body) => self.record.event(body),
            Kept::Blob => self.record.event(&self.large_body()?),
        };
        event.map_err(|fault| corrupt(self.record.position, fault))
    }

    fn large_body(&self) -> Result<Vec<u8>, ReadError> {
        let record = self.record;
        blobs::read(self.blobs, &record.payload_hash, record.body_len)
            .map_err(|fault| corrupt(record.position, fault))
    }
}

/// Who looks: `Break` ends the scan after the event that was shown.
type Visit<'v> = dyn FnMut(&Stored<'_>) -> ControlFlow<()> + 'v;

impl Ledger {
    /// Shows every event from `from` up to `to` (the head at most) in order, borrowed, until `visit`
    /// breaks off. Returns the last position that was shown, if any. Never blocks the writer; holds
    /// about a megabyte, however long the stretch is.
    pub fn scan(
        &self,
        from: Position,
        to: Position,
        mut visit: impl FnMut(&Stored<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Position>, ReadError> {
        let to = to.min(self.head().position);
        let mut walk = Walk {
            blobs: self.shared().layout.blobs(),
            next: from.0.max(1),
            to: to.0,
        };
        let first = walk.next;
        if to.0.saturating_sub(first) < LONG {
            walk.here(self.shared(), &mut visit)?;
        } else {
            walk.ahead(self.shared(), &mut visit)?;
        }
        Ok((walk.next > first).then(|| Position(walk.next.saturating_sub(1))))
    }
}

/// A stretch being read.
struct Walk {
    blobs: PathBuf,
    next: u64,
    to: u64,
}

impl Walk {
    /// Frame by frame, by the one who looks.
    fn here(&mut self, shared: &Shared, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        while self.next <= self.to {
            let Some(bytes) = shared.frame_holding(self.next)? else {
                break;
            };
            if self.show(&bytes, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// With frames read and checked by a thread ahead of the one who looks.
    fn ahead(&mut self, shared: &Shared, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        let (from, to) = (self.next, self.to);
        let (send, receive) = sync_channel(AHEAD);
        let read = std::thread::scope(|scope| {
            let reader = std::thread::Builder::new()
                .name("ledger-scan".to_owned())
                .spawn_scoped(scope, move || read_ahead(shared, (from, to), &send));
            if reader.is_err() {
                return None;
            }
            // Leaving early drops the receiver, and the reader stops at its next bundle.
            let receive = receive;
            for bundle in receive {
                match bundle.and_then(|bundle| self.show_all(&bundle, visit)) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => break,
                    Err(error) => return Some(Err(error)),
                }
            }
            Some(Ok(()))
        });
        // Without a thread it is slower, and the same.
        read.unwrap_or_else(|| self.here(shared, visit))
    }

    fn show_all(
        &mut self,
        bundle: &[Bytes],
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, ReadError> {
        for bytes in bundle {
            if self.show(bytes, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn show(&mut self, bytes: &Bytes, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, ReadError> {
        let before = self.next;
        let frame = Frame::again(bytes).map_err(|fault| corrupt(before, fault))?;
        for record in frame.records() {
            let (record, _) = record.map_err(|fault| corrupt(self.next, fault))?;
            if record.position < self.next {
                continue;
            }
            if record.position > self.to {
                break;
            }
            self.next = record.position.saturating_add(1);
            let stored = Stored {
                record: &record,
                blobs: &self.blobs,
            };
            if visit(&stored).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if self.next == before {
            return Err(corrupt(before, "its frame does not hold it"));
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn read_ahead(
    shared: &Shared,
    (mut next, to): (u64, u64),
    send: &SyncSender<Result<Vec<Bytes>, ReadError>>,
) {
    while next <= to {
        let mut bundle = Vec::with_capacity(BUNDLE);
        let mut failed = None;
        while next <= to && bundle.len() < BUNDLE {
            match frame_and_end(shared, next) {
                Ok(Some((bytes, last))) => {
                    next = last.saturating_add(1);
                    bundle.push(bytes);
                }
                Ok(None) => next = u64::MAX,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // Nobody listens any more when the looking was broken off.
        if send.send(Ok(bundle)).is_err() {
            return;
        }
        if let Some(error) = failed {
            drop(send.send(Err(error)));
            return;
        }
    }
}

/// The frame that holds the position, and the position of its last event.
fn frame_and_end(shared: &Shared, position: u64) -> Result<Option<(Bytes, u64)>, ReadError> {
    let Some(bytes) = shared.frame_holding(position)? else {
        return Ok(None);
    };
    let last = Frame::again(&bytes)
        .map_err(|fault| corrupt(position, fault))?
        .last();
    // A frame that ends before it begins would be read for ever.
    Ok((last >= position).then_some((bytes, last)))
}

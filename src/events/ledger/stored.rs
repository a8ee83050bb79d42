//! Reading long stretches: records as they lie in the ledger, borrowed, so that whoever looks
//! decodes only what it needs. A thread reads and checks frames ahead of the one who looks.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::blobs;
use super::closed::page::Page;
use super::epochs::Of;
use super::frame::Frame;
use super::handle::{Ledger, ReadError};
use super::reading::corrupt;
use super::record::{Kept, Malformed, Record};
use super::shared::Shared;
use crate::events::envelope::Event;
use crate::events::ids::{CommandId, Position};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// Shorter stretches are read without a thread.
const LONG: u64 = 8192;
/// Frames or pages that are handed over at once.
const BUNDLE: usize = 32;
/// Bundles that are read ahead: about a megabyte, whatever the stretch.
const AHEAD: usize = 4;

/// What is read at once, checked: of a live epoch a frame, of a closed one a page.
enum Piece {
    Frame(Vec<u8>),
    Page(Arc<Page>),
}

impl Piece {
    /// The piece that holds the position; none beyond the head.
    fn holding(shared: &Shared, position: u64) -> Result<Option<Self>, ReadError> {
        match shared.epochs().of(position) {
            Some(Of::Live(live)) => Ok(live.frame_holding(position)?.map(Self::Frame)),
            Some(Of::Past(past)) => Ok(past.page(position)?.map(Self::Page)),
            None => Ok(None),
        }
    }

    /// Position of its last event.
    fn last(&self, position: u64) -> Result<u64, ReadError> {
        match self {
            Self::Frame(bytes) => Ok(frame(bytes, position)?.last()),
            Self::Page(page) => Ok(page.last()),
        }
    }

    /// Its records in order, until `show` breaks off.
    fn each(
        &self,
        position: u64,
        mut show: impl FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ReadError> {
        let mut one = |read: Result<(Record<'_>, &[u8]), Malformed>| {
            let (record, _) = read.map_err(|fault| corrupt(position, fault))?;
            Ok(show(&record))
        };
        match self {
            Self::Frame(bytes) => {
                for read in frame(bytes, position)?.records() {
                    if one(read)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Self::Page(page) => {
                for read in page.unhashed() {
                    if one(read)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn frame(bytes: &[u8], position: u64) -> Result<Frame<'_>, ReadError> {
    Frame::again(bytes).map_err(|fault| corrupt(position, fault))
}

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
    /// The record as it lies in the ledger; a payload hash that can be made again may be zeros.
    pub(super) const fn record(&self) -> &Record<'_> {
        self.record
    }

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

    /// Bytes of its record as a journal holds it, packed nowhere: what figures of size are a share of.
    pub fn encoded_len(&self) -> usize {
        let inline = match self.record.kept {
            Kept::Inline(body) => body.len(),
            Kept::Blob => 0,
        };
        Record::size(self.record.actor.len(), self.record.stream.len(), inline)
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
    /// Piece by piece, by the one who looks.
    fn here(&mut self, shared: &Shared, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        while self.next <= self.to {
            let Some(piece) = Piece::holding(shared, self.next)? else {
                break;
            };
            if self.show(&piece, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// With pieces read and checked by a thread ahead of the one who looks.
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
        bundle: &[Piece],
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, ReadError> {
        for piece in bundle {
            if self.show(piece, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn show(&mut self, piece: &Piece, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, ReadError> {
        let before = self.next;
        let mut wanted = ControlFlow::Continue(());
        let _ended = piece.each(before, |record| {
            if record.position < self.next {
                return ControlFlow::Continue(());
            }
            if record.position > self.to {
                return ControlFlow::Break(());
            }
            self.next = record.position.saturating_add(1);
            wanted = visit(&Stored {
                record,
                blobs: &self.blobs,
            });
            wanted
        })?;
        if self.next == before {
            return Err(corrupt(before, "what should hold it does not"));
        }
        Ok(wanted)
    }
}

fn read_ahead(
    shared: &Shared,
    (mut next, to): (u64, u64),
    send: &SyncSender<Result<Vec<Piece>, ReadError>>,
) {
    while next <= to {
        let mut bundle = Vec::with_capacity(BUNDLE);
        let mut failed = None;
        while next <= to && bundle.len() < BUNDLE {
            if let Some(Of::Past(past)) = shared.epochs().of(next) {
                past.coming(next);
            }
            match piece_and_end(shared, next) {
                Ok(Some((piece, last))) => {
                    next = last.saturating_add(1);
                    bundle.push(piece);
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

/// The piece that holds the position, and the position of its last event.
fn piece_and_end(shared: &Shared, position: u64) -> Result<Option<(Piece, u64)>, ReadError> {
    let Some(piece) = Piece::holding(shared, position)? else {
        return Ok(None);
    };
    let last = piece.last(position)?;
    // What ends before it begins would be read for ever.
    Ok((last >= position).then_some((piece, last)))
}

//! Packing segments, on several threads, and writing what is not there yet: bodies first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::catalog::Catalog;
use super::digest::Digest;
use super::error::{BackupError, Progress, Tell};
use super::manifest::Piece;
use super::ports::{Shelf, Vault};
use super::reading;
use super::segment::Draft;
use crate::events::ids::Position;
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::ledger::parcel::{LargeBody, Packer};
use crate::events::ledger::priority::give_way;
use crate::events::time::Clock;

/// While somebody appends, so many times as long as a segment took nothing is done, ...
const RESTS: u32 = 2;
/// ... but never longer than this.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// Events that the ledger says it has, and does not give.
pub(super) fn lost(position: u64, reason: &str) -> BackupError {
    BackupError::Read(ReadError::Corrupt {
        position: Position(position),
        reason: reason.to_owned(),
    })
}

/// One segment that was written.
pub(super) struct Written {
    /// Which.
    pub(super) piece: Piece,
    /// Bytes that were written for it.
    pub(super) stored: u64,
}

/// The wish that all threads end, which those hear that rest, too.
#[derive(Debug, Default)]
struct Stop {
    wanted: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    fn now(&self) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Whether it is wished within so long.
    fn after(&self, rest: Duration) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = self
            .told
            .wait_timeout_while(wanted, rest, |wanted| !*wanted);
        *rested.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What the threads that pack share.
pub(super) struct Packing<'p> {
    ledger: &'p Ledger,
    vault: &'p dyn Vault,
    present: &'p BTreeMap<Digest, u64>,
    id: Uuid,
    cuts: &'p [(u64, u64)],
    next: AtomicUsize,
    stop: Stop,
    clock: &'p dyn Clock,
    /// Bodies that were looked after, so that two threads do not write one.
    bodies: Mutex<BTreeSet<LargeBody>>,
}

impl<'p> Packing<'p> {
    pub(super) fn new(
        ledger: &'p Ledger,
        catalog: &'p Catalog,
        cuts: &'p [(u64, u64)],
        clock: &'p dyn Clock,
    ) -> Self {
        Self {
            ledger,
            vault: catalog.vault.as_ref(),
            present: &catalog.present,
            id: ledger.identity().0,
            cuts,
            next: AtomicUsize::new(0),
            stop: Stop::default(),
            clock,
            bodies: Mutex::default(),
        }
    }

    /// Packs and writes all of them, in any order.
    pub(super) fn run(
        &self,
        threads: usize,
        tell: &mut Tell<'_>,
    ) -> Result<Vec<Written>, BackupError> {
        let total: u64 = self.cuts.iter().map(|(first, last)| last - first + 1).sum();
        let mut progress = Progress { done: 0, total };
        let mut written = Vec::new();
        let mut failed = None;
        let (send, receive) = mpsc::channel();
        std::thread::scope(|scope| {
            for number in 0..threads.clamp(1, self.cuts.len().max(1)) {
                let send = send.clone();
                let thread = std::thread::Builder::new().name(format!("backup-{number}"));
                // With fewer threads it takes longer; without any, the error is met below.
                drop(thread.spawn_scoped(scope, move || self.serve(&send)));
            }
            drop(send);
            for answer in receive {
                match answer {
                    Ok(one) => {
                        progress.done = progress.done.saturating_add(
                            one.piece
                                .last
                                .saturating_sub(one.piece.first)
                                .saturating_add(1),
                        );
                        written.push(one);
                        if tell(progress).is_break() {
                            failed.get_or_insert(BackupError::BrokenOff);
                            self.stop.now();
                        }
                    }
                    Err(error) => {
                        failed.get_or_insert(error);
                        self.stop.now();
                    }
                }
            }
        });
        match failed {
            Some(error) => Err(error),
            None if written.len() == self.cuts.len() => Ok(written),
            None => Err(BackupError::Read(ReadError::Io {
                step: "starting a thread",
                source: std::io::ErrorKind::WouldBlock.into(),
            })),
        }
    }

    fn serve(&self, send: &mpsc::Sender<Result<Written, BackupError>>) {
        // A backup has time; whoever appends has not.
        give_way();
        let mut packer = match Packer::new() {
            Ok(packer) => packer,
            Err(error) => {
                drop(send.send(Err(error.into())));
                return;
            }
        };
        let mut owed = Duration::ZERO;
        while !self.stop.after(owed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(cut) = self.cuts.get(number) else {
                return;
            };
            let (head, begun) = (self.ledger.head().position, self.clock.now());
            if send.send(self.segment(&mut packer, *cut)).is_err() {
                return;
            }
            // The device, unlike a core, knows no priorities.
            let somebody_appends = self.ledger.head().position != head;
            owed = if somebody_appends {
                let took = self.clock.now().since(begun);
                took.saturating_mul(RESTS).min(LONGEST_REST)
            } else {
                Duration::ZERO
            };
        }
    }

    /// Packs and writes one segment, its bodies first.
    fn segment(
        &self,
        packer: &mut Packer,
        (first, last): (u64, u64),
    ) -> Result<Written, BackupError> {
        let chain_at = |position: u64| -> Result<[u8; 32], BackupError> {
            let chain = self.ledger.chain_at(Position(position))?;
            chain.ok_or_else(|| lost(position, "it is not there"))
        };
        let mut before = chain_at(first.saturating_sub(1))?;
        let mut next = first;
        let mut draft: Option<Draft> = None;
        while next <= last {
            let parcel = packer.pack(self.ledger, (Position(next), Position(last)), before)?;
            before = parcel.after;
            next = parcel.last.saturating_add(1);
            match &mut draft {
                Some(draft) => draft.push(&parcel),
                None => draft = Some(Draft::of(self.id, &parcel)),
            }
        }
        if before != chain_at(last)? {
            return Err(lost(last, "its chain does not hold"));
        }
        let Some(draft) = draft else {
            return Err(lost(first, "it is not there"));
        };
        let (bytes, piece, large) = draft.finish(&|it| self.vault.name_of(it));
        let mut stored = 0;
        for body in &large {
            stored += self.body(packer, body)?;
        }
        if self.present.get(&piece.object) != Some(&piece.bytes)
            || reading::segment(self.vault, &piece).is_err()
        {
            let name = piece.object.to_string();
            self.vault.put(Shelf::Segments, &name, &bytes)?;
            stored += piece.bytes;
        }
        Ok(Written { piece, stored })
    }

    /// Writes a body unless it is there and whole. Returns how many bytes were written.
    fn body(&self, packer: &mut Packer, body: &LargeBody) -> Result<u64, BackupError> {
        let fresh = {
            let mut seen = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(*body)
        };
        if !fresh || reading::body(self.vault, body).is_ok() {
            return Ok(0);
        }
        let content = self.ledger.large_body(body)?;
        let bytes = packer.pack_body(&content)?;
        let name = self.vault.name_of(Digest(body.hash)).to_string();
        self.vault.put(Shelf::Blobs, &name, &bytes)?;
        Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }
}

//! Reading backed-up events in order, and bodies, each compared with what it must be.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::digest::Digest;
use super::error::BackupError;
use super::manifest::Piece;
use super::ports::{Shelf, Vault};
use super::segment::{BYTES_MAX, Segment, Steps};
use crate::events::ledger::handle::ReadError;
use crate::events::ledger::parcel::{LargeBody, Unpacked, unpack_body};

/// Parcels that each thread has ready for the next.
const AHEAD: usize = 4;
/// Unpacking and proving takes as long as all that is done with what comes out.
const UNPACKERS: usize = 2;
/// No packed body is longer.
const BODY_MAX: u64 = 4 * 1024 * 1024;

/// A segment that a manifest lists, its bytes compared with its name and with the list.
pub fn segment(vault: &dyn Vault, piece: &Piece) -> Result<Segment, BackupError> {
    let name = piece.object.to_string();
    let damaged = |problem: String| BackupError::Damaged {
        object: Shelf::Segments.object(&name),
        problem,
    };
    let bytes = vault.read(Shelf::Segments, &name, BYTES_MAX)?;
    let bytes = bytes.ok_or_else(|| damaged("it is missing".to_owned()))?;
    let segment = Segment::open(piece.object, bytes, &|it| vault.name_of(it)).map_err(damaged)?;
    segment.check(piece).map_err(damaged)?;
    Ok(segment)
}

/// A body, compared with its hash and length.
pub fn body(vault: &dyn Vault, body: &LargeBody) -> Result<Vec<u8>, BackupError> {
    let name = vault.name_of(Digest(body.hash));
    let bytes = body_of_any_length(vault, name)?;
    if u32::try_from(bytes.len()) == Ok(body.length) {
        return Ok(bytes);
    }
    Err(BackupError::Damaged {
        object: Shelf::Blobs.object(&name.to_string()),
        problem: format!("it has {} bytes, not {}", bytes.len(), body.length),
    })
}

/// A body as it is kept, compared with its hash and length.
pub fn packed_body(vault: &dyn Vault, of: &LargeBody) -> Result<Vec<u8>, BackupError> {
    body(vault, of)?;
    let name = vault.name_of(Digest(of.hash)).to_string();
    let packed = vault.read(Shelf::Blobs, &name, BODY_MAX)?;
    packed.ok_or_else(|| BackupError::Damaged {
        object: Shelf::Blobs.object(&name),
        problem: "it is missing".to_owned(),
    })
}

/// A body, compared with its name alone.
pub fn body_of_any_length(vault: &dyn Vault, of: Digest) -> Result<Vec<u8>, BackupError> {
    let name = of.to_string();
    let damaged = |problem: &str| BackupError::Damaged {
        object: Shelf::Blobs.object(&name),
        problem: problem.to_owned(),
    };
    let packed = vault.read(Shelf::Blobs, &name, BODY_MAX)?;
    let packed = packed.ok_or_else(|| damaged("it is missing"))?;
    unpack_body(&packed)
        .filter(|(_, hash)| vault.name_of(Digest(*hash)) == of)
        .map(|(body, _)| body)
        .ok_or_else(|| damaged("its content does not have the hash that its name says"))
}

/// A parcel on its way from the one who reads to the one who looks.
struct Item {
    segment: Arc<Segment>,
    object: Digest,
    place: Range<usize>,
    is_first: bool,
    is_last: bool,
    unpacked: Option<Unpacked>,
}

type Given = Result<Item, BackupError>;

/// Shows the parcels of these segments in order, each proven by the chain, until `visit` says not to go on. One
/// thread reads ahead, others unpack in turn.
pub fn parcels(
    vault: &Arc<dyn Vault>,
    pieces: &[Piece],
    mut visit: impl FnMut(&Unpacked) -> Result<bool, BackupError>,
) -> Result<(), BackupError> {
    std::thread::scope(|scope| {
        let (mut packed, mut opened) = (Vec::new(), Vec::new());
        for number in 0..UNPACKERS {
            let (to_unpack, from_reader) = sync_channel(AHEAD);
            let (to_visit, from_unpacker) = sync_channel(AHEAD);
            started(&format!("backup-unpack-{number}"), |thread| {
                thread.spawn_scoped(scope, move || unpack(from_reader, &to_visit))
            })?;
            packed.push(to_unpack);
            opened.push(from_unpacker);
        }
        started("backup-reading", |thread| {
            thread.spawn_scoped(scope, move || read_ahead(vault.as_ref(), pieces, &packed))
        })?;
        // Leaving early drops the receivers, and everybody stops at the next parcel.
        let opened = opened;
        let mut steps = None;
        for from in opened.iter().cycle() {
            // The one whose turn it is has nothing more: all is shown.
            let Ok(given) = from.recv() else {
                return Ok(());
            };
            let mut item = given?;
            let object = item.object;
            let damaged = |problem: String| BackupError::Damaged {
                object: Shelf::Segments.object(&object.to_string()),
                problem,
            };
            if item.is_first {
                steps = Some(Steps::of(&item.segment));
            }
            let Some(steps) = &mut steps else {
                return Ok(());
            };
            let unpacked = steps.take(item.unpacked.take()).map_err(damaged)?;
            if item.is_last {
                steps.end(&item.segment).map_err(damaged)?;
            }
            if !visit(&unpacked)? {
                return Ok(());
            }
        }
        Ok(())
    })
}

/// A thread, or the error that there is none.
fn started<T>(
    name: &str,
    spawn: impl FnOnce(std::thread::Builder) -> std::io::Result<T>,
) -> Result<(), BackupError> {
    match spawn(std::thread::Builder::new().name(name.to_owned())) {
        Ok(_) => Ok(()),
        Err(source) => Err(BackupError::Read(ReadError::Io {
            step: "starting a thread",
            source,
        })),
    }
}

/// Reads segments and hands their parcels out in turn.
fn read_ahead(vault: &dyn Vault, pieces: &[Piece], to: &[SyncSender<Given>]) {
    let mut turns = to.iter().cycle();
    for piece in pieces {
        let segment = match whole_number(segment(vault, piece), piece) {
            Ok(segment) => Arc::new(segment),
            Err(error) => {
                if let Some(to) = turns.next() {
                    drop(to.send(Err(error)));
                }
                return;
            }
        };
        let count = segment.header.parcels.len();
        for (number, place) in (1_usize..).zip(segment.places()) {
            let item = Item {
                segment: Arc::clone(&segment),
                object: piece.object,
                place,
                is_first: number == 1,
                is_last: number == count,
                unpacked: None,
            };
            // Nobody looks any more.
            if turns.next().is_none_or(|to| to.send(Ok(item)).is_err()) {
                return;
            }
        }
    }
}

/// Refuses a segment without any parcel, which would be passed over.
fn whole_number(
    segment: Result<Segment, BackupError>,
    piece: &Piece,
) -> Result<Segment, BackupError> {
    let segment = segment?;
    if segment.header.parcels.is_empty() {
        return Err(BackupError::Damaged {
            object: Shelf::Segments.object(&piece.object.to_string()),
            problem: "it has no events".to_owned(),
        });
    }
    Ok(segment)
}

fn unpack(from: Receiver<Given>, to: &SyncSender<Given>) {
    for given in from {
        let given = given.map(|item| Item {
            unpacked: item.segment.unpack(item.place.clone()),
            ..item
        });
        if to.send(given).is_err() {
            return;
        }
    }
}

//! Reading backed-up events in order, and bodies, each compared with what it must be.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::digest::Digest;
use super::error::BackupError;
use super::manifest::Piece;
use super::ports::{Shelf, Vault};
use super::segment::{BYTES_MAX, Segment};
use crate::events::ledger::parcel::{LargeBody, Unpacked, unpack_body};

/// Parcels that are read ahead of the one who looks.
const AHEAD: usize = 4;
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

/// Shows the parcels of these segments in order, each proven by the chain; a thread reads and unpacks
/// ahead of `visit`, which says whether to go on.
pub fn parcels(
    vault: &Arc<dyn Vault>,
    pieces: &[Piece],
    mut visit: impl FnMut(&Unpacked) -> Result<bool, BackupError>,
) -> Result<(), BackupError> {
    let (send, receive) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("backup-reading".to_owned())
            .spawn_scoped(scope, move || read_ahead(vault.as_ref(), pieces, &send));
        reader.map_err(|source| crate::events::ledger::handle::ReadError::Io {
            step: "starting a thread",
            source,
        })?;
        // Leaving early drops the receiver, and the reader stops at its next parcel.
        let receive = receive;
        for unpacked in receive {
            if !visit(&unpacked?)? {
                return Ok(());
            }
        }
        Ok(())
    })
}

fn read_ahead(
    vault: &dyn Vault,
    pieces: &[Piece],
    send: &SyncSender<Result<Unpacked, BackupError>>,
) {
    for piece in pieces {
        let segment = match segment(vault, piece) {
            Ok(segment) => segment,
            Err(error) => {
                drop(send.send(Err(error)));
                return;
            }
        };
        for unpacked in segment.parcels() {
            let failed = unpacked.is_err();
            let unpacked = unpacked.map_err(|problem| BackupError::Damaged {
                object: Shelf::Segments.object(&piece.object.to_string()),
                problem,
            });
            // Nobody looks any more, or nothing follows.
            if send.send(unpacked).is_err() || failed {
                return;
            }
        }
    }
}

//! Looking at segments, on several threads: each proves itself, whatever stands before or behind it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::catalog::Catalog;
use super::digest::Digest;
use super::error::BackupError;
use super::manifest::Piece;
use super::ports::Shelf;
use super::segment::{BYTES_MAX, HEADER_MAX, Header, Segment};
use super::verify::Depth;
use crate::events::ledger::handle::ReadError;
use crate::events::ledger::parcel::LargeBody;

/// Unpacking and hashing takes far longer than reading.
const THREADS: usize = 2;

/// A segment that was looked at.
pub(super) struct Seen {
    pub(super) name: Digest,
    /// Whether a manifest lists it.
    pub(super) listed: bool,
    /// Bytes that were read.
    pub(super) bytes: u64,
    /// The bodies that its events have elsewhere, or in words what is wrong with it.
    pub(super) large: Result<Vec<LargeBody>, String>,
}

/// Looks at all of them, in any order, and shows each. The first error ends it.
pub(super) fn at_each(
    catalog: &Catalog,
    depth: Depth,
    all: &[(Digest, Option<Piece>)],
    mut show: impl FnMut(Result<Seen, BackupError>) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let next = AtomicUsize::new(0);
    let mut shown = 0_usize;
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(THREADS);
        for number in 0..THREADS {
            let (send, next) = (send.clone(), &next);
            let thread = std::thread::Builder::new().name(format!("backup-look-{number}"));
            // With fewer threads it takes longer; without any, the error is met below.
            drop(thread.spawn_scoped(scope, move || {
                while let Some((name, piece)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody listens any more when it was ended early.
                    if send
                        .send(at(catalog, depth, *name, piece.as_ref()))
                        .is_err()
                    {
                        return;
                    }
                }
            }));
        }
        drop(send);
        for one in receive {
            shown = shown.saturating_add(1);
            show(one)?;
        }
        Ok::<(), BackupError>(())
    })?;
    if shown == all.len() {
        return Ok(());
    }
    Err(BackupError::Read(ReadError::Io {
        step: "starting a thread",
        source: std::io::ErrorKind::WouldBlock.into(),
    }))
}

fn at(
    catalog: &Catalog,
    depth: Depth,
    name: Digest,
    piece: Option<&Piece>,
) -> Result<Seen, BackupError> {
    let mut bytes = 0;
    let large = content(catalog, depth, (name, piece), &mut bytes)?;
    Ok(Seen {
        name,
        listed: piece.is_some(),
        bytes,
        large,
    })
}

/// The inner error says in words what is wrong.
fn content(
    catalog: &Catalog,
    depth: Depth,
    (name, piece): (Digest, Option<&Piece>),
    count: &mut u64,
) -> Result<Result<Vec<LargeBody>, String>, BackupError> {
    let vault = catalog.vault.as_ref();
    let Some(length) = catalog.present.get(&name) else {
        return Ok(Err("it is missing".to_owned()));
    };
    if let Some(piece) = piece.filter(|it| it.bytes != *length) {
        let wanted = piece.bytes;
        return Ok(Err(format!("it has {length} bytes, not {wanted}")));
    }
    let limit = match depth {
        Depth::Quick => HEADER_MAX,
        Depth::Full => BYTES_MAX,
    };
    let read = vault.read(Shelf::Segments, &name.to_string(), limit)?;
    let Some(bytes) = read else {
        return Ok(Err("it is missing".to_owned()));
    };
    *count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let header = match depth {
        Depth::Quick => Header::read(&bytes)
            .filter(|(header, start)| header.length(*start) == *length)
            .map(|(header, _)| header)
            .ok_or_else(|| "its header is damaged".to_owned()),
        Depth::Full => whole(name, bytes, &|it| vault.name_of(it)),
    };
    Ok(header.and_then(|header| match piece {
        Some(piece) if header.listed(piece.object, piece.bytes) != *piece => {
            Err("it is not what the manifest says".to_owned())
        }
        Some(_) | None => Ok(header.large),
    }))
}

/// Reads a segment to its last event; the chain proves every one of them.
fn whole(
    name: Digest,
    bytes: Vec<u8>,
    name_of: &dyn Fn(Digest) -> Digest,
) -> Result<Header, String> {
    let segment = Segment::open(name, bytes, name_of)?;
    let mut large = BTreeSet::new();
    for unpacked in segment.parcels() {
        let unpacked = unpacked?;
        large.extend(unpacked.copies().filter_map(|copied| copied.large()));
    }
    if large.iter().eq(segment.header.large.iter()) {
        Ok(segment.header)
    } else {
        Err("its list of bodies is not that of its events".to_owned())
    }
}

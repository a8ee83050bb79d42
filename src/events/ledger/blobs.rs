//! Bodies too large for a frame: one file each, named after the hash of its content.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::layout::{make_folder, sync_folder, write_atomic};
use super::record::Hash;

/// Bodies up to this many bytes stand in their frame.
pub(super) const INLINE_MAX: usize = 4 * 1024;

/// Where a body is.
pub(super) fn path(blobs: &Path, hash: &Hash) -> PathBuf {
    let name = blake3::Hash::from_bytes(*hash).to_hex();
    let shelf = name.get(..2).unwrap_or_default();
    blobs.join(shelf).join(name.as_str())
}

/// Returns once the body is on the disk under its name. A damaged copy is replaced.
pub(super) fn write(blobs: &Path, hash: &Hash, body: &[u8]) -> io::Result<()> {
    let path = path(blobs, hash);
    let shelf = super::layout::parent(&path);
    make_folder(shelf)?;
    if fs::read(&path).is_ok_and(|found| found == body) {
        // Another thread may have renamed it just now, with the folders not synced yet.
        fs::File::open(&path)?.sync_all()?;
        sync_folder(shelf)?;
    } else {
        write_atomic(&path, body)?;
    }
    sync_folder(blobs)
}

/// Why a body cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum BlobFault {
    #[error("its body's file blobs/…/{0} is missing")]
    Missing(blake3::Hash),
    #[error("its body's file blobs/…/{0} is damaged")]
    Damaged(blake3::Hash),
    #[error("its body's file cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The body with this hash and length.
pub(super) fn read(blobs: &Path, hash: &Hash, len: u32) -> Result<Vec<u8>, BlobFault> {
    let name = blake3::Hash::from_bytes(*hash);
    let path = path(blobs, hash);
    let found = fs::metadata(&path).and_then(|meta| {
        // A file of another size is not read, however large it is.
        (meta.len() == u64::from(len))
            .then(|| fs::read(&path))
            .transpose()
    });
    match found {
        Ok(Some(body)) if blake3::hash(&body) == name => Ok(body),
        Ok(_) => Err(BlobFault::Damaged(name)),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(BlobFault::Missing(name)),
        Err(e) => Err(e.into()),
    }
}

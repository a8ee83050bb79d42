//! How much of the disk the ledger leaves free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the disk that stay free, so that sled, blobs, the shutdown and a backup have room:
/// commits are refused before less is left. Clones share the number, so that it can be changed
/// while the ledger is open.
#[derive(Clone, Debug)]
pub struct Reserve(Arc<AtomicU64>);

impl Reserve {
    /// Where nobody says otherwise: 16 MiB.
    pub const USUAL: u64 = 16 * 1024 * 1024;

    /// So many bytes.
    pub fn of(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// So many bytes from now on.
    pub fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Reserve {
    fn default() -> Self {
        Self::of(Self::USUAL)
    }
}

//! The measures of an open ledger. Not stored: each opening may bring others.

/// How large epochs grow and how much of the disk stays free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// An epoch with at least this many events is full: the next batch begins a new one.
    pub epoch_events: u64,
    /// An epoch whose journal has at least this many bytes is full too.
    pub epoch_bytes: u64,
    /// Bytes of memory for what was read of closed epochs lately.
    pub cache_bytes: usize,
    /// Bytes of the disk that stay free: no commit is taken that would leave less, so that sled,
    /// bodies, the shutdown and a backup have room.
    pub min_free: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            epoch_events: 128 * 1024,
            epoch_bytes: 256 * 1024 * 1024,
            cache_bytes: 16 * 1024 * 1024,
            min_free: 16 * 1024 * 1024,
        }
    }
}

//! The measures of an open ledger. Not stored: each opening may bring others.

/// How large epochs grow, and how much memory reading may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// An epoch with at least this many events is full: the next batch begins a new one.
    pub epoch_events: u64,
    /// An epoch whose journal has at least this many bytes is full too.
    pub epoch_bytes: u64,
    /// Bytes of memory for what was read of closed epochs lately.
    pub cache_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            epoch_events: 128 * 1024,
            epoch_bytes: 256 * 1024 * 1024,
            cache_bytes: 16 * 1024 * 1024,
        }
    }
}

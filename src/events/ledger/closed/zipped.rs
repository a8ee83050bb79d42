//! zstd, with bounds: nothing is unpacked that claims to be larger than it may be.

use std::cell::RefCell;
use std::io;

use super::super::bytes::{Reader, len32, size};

/// Measured in `docs/decisions/closed-epochs.md`.
const LEVEL: i32 = 3;

type Packer = zstd::bulk::Compressor<'static>;
type Unpacker = zstd::bulk::Decompressor<'static>;

thread_local! {
    // A context is some hundred kilobytes; one per thread that reads, not one per page.
    static UNPACKER: RefCell<Option<Unpacker>> = const { RefCell::new(None) };
}

/// Packs sections; kept for a whole epoch.
pub(in crate::events::ledger) struct Zipper(Packer);

impl Zipper {
    pub(in crate::events::ledger) fn new() -> io::Result<Self> {
        Packer::new(LEVEL).map(Self)
    }

    /// Appends a section: raw length, packed length, packed bytes. What does not get smaller
    /// stands there as it is, and both lengths are equal.
    pub(in crate::events::ledger) fn put(
        &mut self,
        out: &mut Vec<u8>,
        raw: &[u8],
    ) -> io::Result<()> {
        let packed = self.0.compress(raw)?;
        let bytes = if packed.len() < raw.len() {
            &*packed
        } else {
            raw
        };
        out.extend_from_slice(&len32(raw.len()).to_le_bytes());
        out.extend_from_slice(&len32(bytes.len()).to_le_bytes());
        out.extend_from_slice(bytes);
        Ok(())
    }
}

impl std::fmt::Debug for Zipper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Zipper")
    }
}

/// The next section, at most `max` bytes when unpacked; none when it is not one.
pub(in crate::events::ledger) fn unzip(from: &mut Reader<'_>, max: usize) -> Option<Vec<u8>> {
    let raw_len = size(u64::from(from.u32()?));
    let packed_len = size(u64::from(from.u32()?));
    if raw_len > max || packed_len > raw_len {
        return None;
    }
    let packed = from.take(packed_len)?;
    if packed_len == raw_len {
        return Some(packed.to_vec());
    }
    UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = match unpacker {
            Some(unpacker) => unpacker,
            none => none.insert(Unpacker::new().ok()?),
        };
        let raw = unpacker.decompress(packed, raw_len).ok()?;
        (raw.len() == raw_len).then_some(raw)
    })
}

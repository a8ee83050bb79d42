//! Numbers that take as many bytes as they need, in columns of their own: a page's numbers are
//! alike from event to event, and stand beside each other.

use super::super::bytes::{Reader, len32, size};

/// Appends seven bits a byte, lowest first; all but the last have the highest bit set.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// The next such number.
pub(super) fn varint(from: &mut Reader<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = from.u8()?;
        let low = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && low > 1 {
            return None;
        }
        number |= low << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A difference, so that small ones of either sign are small numbers.
pub(super) fn zigzag(difference: u64) -> u64 {
    let sign = if difference >> 63 == 1 { u64::MAX } else { 0 };
    (difference << 1) ^ sign
}

/// The difference again.
pub(super) fn unzigzag(number: u64) -> u64 {
    let sign = if number & 1 == 1 { u64::MAX } else { 0 };
    (number >> 1) ^ sign
}

/// Columns being filled.
#[derive(Debug)]
pub(super) struct Columns<const N: usize>([Vec<u8>; N]);

impl<const N: usize> Columns<N> {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Vec::new()))
    }

    /// The column to append to. There is no other; the number is a constant of the caller.
    pub(super) fn at(&mut self, column: usize) -> &mut Vec<u8> {
        let last = N.saturating_sub(1);
        #[expect(
            clippy::indexing_slicing,
            reason = "the index is bounded just here, and N is not 0"
        )]
        &mut self.0[column.min(last)]
    }

    /// All columns: their lengths, then their bytes.
    pub(super) fn joined(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for column in &self.0 {
            out.extend_from_slice(&len32(column.len()).to_le_bytes());
        }
        for column in &self.0 {
            out.extend_from_slice(column);
        }
        out
    }
}

/// The columns of joined bytes; none when they are not exactly that.
pub(super) fn split<const N: usize>(joined: &[u8]) -> Option<[Reader<'_>; N]> {
    let mut at = Reader(joined);
    let mut lengths = [0_u32; N];
    for length in &mut lengths {
        *length = at.u32()?;
    }
    let mut columns = [Reader(&[]); N];
    for (column, length) in columns.iter_mut().zip(lengths) {
        *column = Reader(at.take(size(u64::from(length)))?);
    }
    at.0.is_empty().then_some(columns)
}

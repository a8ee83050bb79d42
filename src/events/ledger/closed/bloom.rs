//! Which ids an epoch certainly does not hold, answered from memory.

use super::super::bytes::{Reader, len32, len64, size};
use super::sought::Sought;

const BITS_PER_KEY: u64 = 12;
const BLOCK_BITS: u64 = 512;
const WORDS: usize = 8;
const PROBES: u32 = 6;

/// A blocked Bloom filter: one cache line is asked per look-up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bloom(Vec<[u64; WORDS]>);

impl Bloom {
    fn of(prints: &[u64]) -> Self {
        let bits = len64(prints.len()).saturating_mul(BITS_PER_KEY);
        let mut bloom = Self(vec![[0; WORDS]; size(bits.div_ceil(BLOCK_BITS))]);
        for print in prints {
            let at = bloom.block(*print);
            if let Some(block) = bloom.0.get_mut(at) {
                for (word, bits) in block.iter_mut().zip(mask(*print)) {
                    *word |= bits;
                }
            }
        }
        bloom
    }

    fn block(&self, print: u64) -> usize {
        let scaled = u128::from(print).saturating_mul(u128::from(len64(self.0.len()))) >> 64;
        usize::try_from(scaled).unwrap_or(usize::MAX)
    }

    fn may_hold(&self, print: u64) -> bool {
        self.0.get(self.block(print)).is_some_and(|block| {
            let wanted = mask(print);
            block
                .iter()
                .zip(wanted)
                .all(|(word, bits)| word & bits == bits)
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&len32(self.0.len()).to_le_bytes());
        for word in self.0.iter().flatten() {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let blocks = size(u64::from(from.u32()?));
        let mut bytes = Reader(from.take(blocks.checked_mul(WORDS * 8)?)?);
        let mut bloom = Vec::with_capacity(blocks);
        for _ in 0..blocks {
            let mut block = [0; WORDS];
            for word in &mut block {
                *word = bytes.u64()?;
            }
            bloom.push(block);
        }
        Some(Self(bloom))
    }
}

fn mask(print: u64) -> [u64; WORDS] {
    // The block was chosen by the high bits; these are others.
    let mut dice = print.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut mask = [0; WORDS];
    for _ in 0..PROBES {
        let bit = dice & (BLOCK_BITS - 1);
        dice >>= 9;
        if let Some(word) = mask.get_mut(size(bit / 64)) {
            *word |= 1 << (bit % 64);
        }
    }
    mask
}

/// What is known in memory of a set of ids. Nearly all of them carry the time they were made at,
/// and that time is near the epoch's: those are looked for in its own span only. So a new id costs
/// a comparison per epoch, and no filter is asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Least and greatest milliseconds of the ids of the epoch's own time.
    span: Option<(u64, u64)>,
    timely: Bloom,
    odd: Bloom,
}

/// An id of this epoch's time may differ from it by so many milliseconds.
const SLACK: u64 = 3_600_000;

impl Filter {
    /// A filter of everything in `held`, for an epoch of these milliseconds.
    pub(super) fn of(held: &[Sought], from: u64, until: u64) -> Self {
        let near = from.saturating_sub(SLACK)..=until.saturating_add(SLACK);
        let mut span: Option<(u64, u64)> = None;
        let (mut timely, mut odd) = (Vec::new(), Vec::new());
        for one in held {
            match one.millis.filter(|millis| near.contains(millis)) {
                Some(millis) => {
                    let (least, greatest) = span.unwrap_or((millis, millis));
                    span = Some((least.min(millis), greatest.max(millis)));
                    timely.push(one.print);
                }
                None => odd.push(one.print),
            }
        }
        Self {
            span,
            timely: Bloom::of(&timely),
            odd: Bloom::of(&odd),
        }
    }

    /// Whether the id may be held. "No" is certain.
    pub(super) fn may_hold(&self, sought: &Sought) -> bool {
        let inside = sought
            .millis
            .zip(self.span)
            .is_some_and(|(millis, (least, greatest))| (least..=greatest).contains(&millis));
        if inside {
            // What is inside the span is never among the odd ones.
            self.timely.may_hold(sought.print)
        } else {
            self.odd.may_hold(sought.print)
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let (least, greatest) = self.span.unwrap_or((u64::MAX, 0));
        out.extend_from_slice(&least.to_le_bytes());
        out.extend_from_slice(&greatest.to_le_bytes());
        self.timely.put(out);
        self.odd.put(out);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (least, greatest) = (from.u64()?, from.u64()?);
        Some(Self {
            span: (least <= greatest).then_some((least, greatest)),
            timely: Bloom::read(from)?,
            odd: Bloom::read(from)?,
        })
    }
}

//! Places in the ledger, in order, a byte or two each: what a list of all messages ever needs to find
//! them again.

use serde::{Deserialize, Serialize};

use crate::events::ids::Position;

/// Places in one chunk: what is unpacked at once.
const CHUNK: usize = 512;

/// Positions that only grow, packed as differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    chunks: Vec<Chunk>,
    count: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Chunk {
    first: u64,
    last: u64,
    count: u16,
    /// From each to the next, seven bits a byte, the lowest first; the high bit says that more follow.
    steps: Vec<u8>,
}

impl Positions {
    /// One more; what is not beyond the last one is there already.
    pub fn push(&mut self, position: Position) {
        let position = position.0;
        match self.chunks.last_mut() {
            Some(chunk) if position <= chunk.last => return,
            Some(chunk) if usize::from(chunk.count) < CHUNK => chunk.push(position),
            full => {
                if let Some(chunk) = full {
                    chunk.steps.shrink_to_fit();
                }
                self.chunks.push(Chunk {
                    first: position,
                    last: position,
                    count: 1,
                    steps: Vec::new(),
                });
            }
        }
        self.count = self.count.saturating_add(1);
    }

    /// How many.
    pub const fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those before a position, the last first. Costs what is taken, wherever it begins.
    pub fn newest_first(&self, before: Position) -> impl Iterator<Item = Position> {
        let end = self.chunks.partition_point(|chunk| chunk.first < before.0);
        let chunks = self.chunks.get(..end).unwrap_or_default();
        chunks
            .iter()
            .rev()
            .flat_map(|chunk| chunk.unpacked().into_iter().rev())
            .filter(move |position| *position < before.0)
            .map(Position)
    }

    /// Those up to a position.
    #[must_use]
    pub fn up_to(&self, to: Position) -> Self {
        let mut cut = Self::default();
        for chunk in self.chunks.iter().take_while(|chunk| chunk.first <= to.0) {
            if chunk.last <= to.0 {
                cut.count = cut.count.saturating_add(u64::from(chunk.count));
                cut.chunks.push(chunk.clone());
            } else {
                for position in chunk.unpacked().into_iter().filter(|it| *it <= to.0) {
                    cut.push(Position(position));
                }
            }
        }
        cut
    }

    /// About how many bytes it takes in memory.
    pub fn weight(&self) -> usize {
        let steps: usize = self.chunks.iter().map(|chunk| chunk.steps.capacity()).sum();
        steps.saturating_add(self.chunks.len().saturating_mul(size_of::<Chunk>()))
    }
}

impl Chunk {
    fn push(&mut self, position: u64) {
        let mut step = position.saturating_sub(self.last);
        while step >= 0x80 {
            self.steps.push(low_bits(step) | 0x80);
            step >>= 7;
        }
        self.steps.push(low_bits(step));
        self.last = position;
        self.count = self.count.saturating_add(1);
    }

    fn unpacked(&self) -> Vec<u64> {
        let mut all = Vec::with_capacity(usize::from(self.count));
        all.push(self.first);
        let (mut at, mut step, mut shift) = (self.first, 0_u64, 0_u32);
        for byte in &self.steps {
            step |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                at = at.saturating_add(step);
                all.push(at);
                (step, shift) = (0, 0);
            } else {
                shift = shift.saturating_add(7);
            }
        }
        all
    }
}

fn low_bits(step: u64) -> u8 {
    u8::try_from(step & 0x7f).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: &[u64]) -> Positions {
        let mut positions = Positions::default();
        for position in all {
            positions.push(Position(*position));
        }
        positions
    }

    fn newest(positions: &Positions, before: u64) -> Vec<u64> {
        let newest = positions.newest_first(Position(before));
        newest.map(|position| position.0).collect()
    }

    #[test]
    fn whatever_was_put_in_comes_out_newest_first_from_anywhere() {
        let all: Vec<u64> = (0..2_000_u64)
            .scan(0, |at, n| {
                *at += 1 + n % 7 * (n % 300) * (n % 5);
                Some(*at)
            })
            .chain([u64::MAX - 1, u64::MAX])
            .collect();
        let positions = of(&all);
        assert_eq!(positions.len(), 2_002);
        for before in [0, 1, 2, all[511], all[512], all[513], all[1999], u64::MAX] {
            let expected: Vec<u64> = all
                .iter()
                .rev()
                .filter(|it| **it < before)
                .copied()
                .collect();
            assert_eq!(newest(&positions, before), expected, "before {before}");
        }
        for to in [0, all[0], all[700], all[1023], all[1024], u64::MAX] {
            let expected: Vec<u64> = all.iter().filter(|it| **it <= to).copied().collect();
            assert_eq!(positions.up_to(Position(to)), of(&expected), "to {to}");
        }
    }

    #[test]
    fn what_is_there_already_is_not_put_in_twice() {
        assert_eq!(of(&[3, 3, 2, 4]), of(&[3, 4]));
        assert!(of(&[]).is_empty());
        assert_eq!(newest(&of(&[]), 9), [0_u64; 0]);
    }

    #[test]
    fn a_place_takes_a_byte_or_two() {
        let all: Vec<u64> = (0..100_000).map(|n| n * 6).collect();
        let weight = of(&all).weight();
        assert!(weight < 200_000, "{weight}");
    }
}

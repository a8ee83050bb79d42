//! Marks on pixels: what changed, what moves by itself, what a text drew.

use crate::events::facts::screen::{Point, Rect};

/// A mark per pixel of a region, 64 in a word, so that whole windows cost little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: usize,
    height: usize,
    /// Rows of whole words; bits behind the width are never set.
    words: Vec<u64>,
}

/// The smallest rectangle around some marks, within the mask: columns and rows, ends excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Bounds {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Bounds {
    /// Pixels across.
    pub const fn width(&self) -> usize {
        self.right.saturating_sub(self.left)
    }

    /// Pixels down.
    pub const fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top)
    }
}

impl Mask {
    /// Nothing marked, for a picture of this region.
    pub fn none(region: &Rect) -> Self {
        let side = |n: u32| usize::try_from(n).unwrap_or(0);
        Self::blank(side(region.width), side(region.height))
    }

    /// Everything but this part of the region.
    pub fn outside(region: &Rect, part: &Rect) -> Self {
        let mut mask = Self::none(region);
        let column = |x| region.x.saturating_add_unsigned(x);
        for (y, row) in (0_u32..).zip(0..mask.height) {
            let inside = |x| {
                let y = region.y.saturating_add_unsigned(y);
                part.contains(Point { x: column(x), y })
            };
            for (x, at) in (0_u32..).zip(0..mask.width) {
                if !inside(x) {
                    mask.set(at, row);
                }
            }
        }
        mask
    }

    fn blank(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            words: vec![0; width.div_ceil(64).saturating_mul(height)],
        }
    }

    /// The mask of a region from a mark per pixel, row by row; missing ones are not set.
    pub fn from_marks(region: &Rect, marks: &[bool]) -> Self {
        let mut mask = Self::none(region);
        for (at, _) in marks.iter().enumerate().filter(|(_, mark)| **mark) {
            mask.set(at % mask.width.max(1), at / mask.width.max(1));
        }
        mask
    }

    /// A mark per pixel, row by row.
    pub fn to_marks(&self) -> Vec<bool> {
        let row = |y| (0..self.width).map(move |x| self.has(x, y));
        (0..self.height).flat_map(row).collect()
    }

    /// Pixels across.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Pixels down.
    pub const fn height(&self) -> usize {
        self.height
    }

    fn stride(&self) -> usize {
        self.width.div_ceil(64)
    }

    /// Marks a pixel; one outside is nothing.
    pub fn set(&mut self, x: usize, y: usize) {
        let at = y.saturating_mul(self.stride()).saturating_add(x / 64);
        if let Some(word) = self.words.get_mut(at).filter(|_| x < self.width) {
            *word |= 1 << (x % 64);
        }
    }

    /// Whether a pixel is marked.
    pub fn has(&self, x: usize, y: usize) -> bool {
        let at = y.saturating_mul(self.stride()).saturating_add(x / 64);
        let word = self.words.get(at);
        x < self.width && word.is_some_and(|word| word >> (x % 64) & 1 == 1)
    }

    fn lines(&self) -> impl Iterator<Item = &[u64]> {
        self.words.chunks(self.stride().max(1))
    }

    /// Column and row of every marked pixel.
    pub fn marked(&self) -> impl Iterator<Item = (usize, usize)> {
        self.lines().enumerate().flat_map(|(y, row)| {
            let filled = row.iter().enumerate().filter(|(_, word)| **word != 0);
            filled.flat_map(move |(at, word)| {
                (0..64)
                    .filter(move |bit| word >> bit & 1 == 1)
                    .map(move |bit| (at * 64 + bit, y))
            })
        })
    }

    /// How many pixels are marked.
    pub fn count(&self) -> usize {
        let ones = |word: &u64| usize::try_from(word.count_ones()).unwrap_or(0);
        self.words.iter().map(ones).sum()
    }

    /// How many pixels of a hundred are marked.
    pub fn percent(&self) -> usize {
        percent(self.count(), self.width.saturating_mul(self.height))
    }

    /// Marked in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a | b)
    }

    /// Marked in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & b)
    }

    /// Marked here and not there.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & !b)
    }

    /// Masks of different regions cannot be combined; this one is left as it is.
    fn combine(&self, other: &Self, how: impl Fn(u64, u64) -> u64) -> Self {
        if (self.width, self.height) != (other.width, other.height) {
            return self.clone();
        }
        let words = self.words.iter().zip(&other.words);
        Self {
            words: words.map(|(a, b)| how(*a, *b)).collect(),
            ..*self
        }
    }

    /// Where the marks lie; none when there are none.
    pub fn bounds(&self) -> Option<Bounds> {
        let mut found: Option<Bounds> = None;
        let mut together = vec![0_u64; self.stride()];
        for (y, row) in self.lines().enumerate() {
            if row.iter().all(|word| *word == 0) {
                continue;
            }
            for (sum, word) in together.iter_mut().zip(row) {
                *sum |= word;
            }
            found.get_or_insert(Bounds {
                left: 0,
                top: y,
                right: 0,
                bottom: y,
            });
            if let Some(bounds) = &mut found {
                bounds.bottom = y + 1;
            }
        }
        let columns = Self {
            width: self.width,
            height: 1,
            words: together,
        };
        let left = columns.marked().next().map_or(0, |(x, _)| x);
        let right = columns.marked().last().map_or(0, |(x, _)| x + 1);
        found.map(|bounds| Bounds {
            left,
            right,
            ..bounds
        })
    }

    /// The marks in these rows, the last one excluded.
    #[must_use]
    pub fn rows(&self, top: usize, bottom: usize) -> Self {
        let mut within = self.clone();
        let words = top.saturating_mul(self.stride())..bottom.saturating_mul(self.stride());
        for (at, word) in within.words.iter_mut().enumerate() {
            if !words.contains(&at) {
                *word = 0;
            }
        }
        within
    }

    /// The marks within these bounds.
    #[must_use]
    pub fn within(&self, bounds: &Bounds) -> Self {
        let mut within = Self::blank(self.width, self.height);
        let columns = bounds.left..bounds.right;
        let marked = self.rows(bounds.top, bounds.bottom);
        for (x, y) in marked.marked().filter(|(x, _)| columns.contains(x)) {
            within.set(x, y);
        }
        within
    }

    /// The longest run of columns side by side with a mark in any row.
    pub fn widest(&self) -> usize {
        let mut columns = vec![false; self.width];
        for (x, _) in self.marked() {
            if let Some(column) = columns.get_mut(x) {
                *column = true;
            }
        }
        let runs = columns.split(|on| !on).map(<[bool]>::len);
        runs.max().unwrap_or(0)
    }
}

/// How many of a hundred; of nothing, none.
pub fn percent(part: usize, whole: usize) -> usize {
    part.saturating_mul(100)
        .checked_div(whole)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mask_is_its_marks(
            width in 1_u32..150, height in 1_u32..5, seed in prop::collection::vec(any::<bool>(), 600),
        ) {
            let region = Rect { x: 0, y: 0, width, height };
            let pixels = usize::try_from(width * height).unwrap();
            let marks: Vec<bool> = seed.iter().copied().take(pixels).collect();
            let mask = Mask::from_marks(&region, &marks);
            prop_assert_eq!(mask.count(), marks.iter().filter(|m| **m).count());
            prop_assert_eq!(mask.to_marks(), marks);
            prop_assert_eq!(mask.marked().count(), mask.count());
            let bounds = mask.bounds();
            prop_assert_eq!(bounds.is_none(), mask.count() == 0);
            if let Some(b) = bounds {
                let inside = |(x, y)| (b.left..b.right).contains(&x) && (b.top..b.bottom).contains(&y);
                prop_assert!(mask.marked().all(inside));
            }
            prop_assert_eq!(mask.without(&mask).count(), 0);
            prop_assert_eq!(mask.or(&mask), mask);
        }
    }
}

//! What pixels prove: pure arithmetic over pictures of the same region. The starting values are
//! reasoned in the field notes of the design (mask 25 %, kept 80 and 10 %, returned 70 %); a
//! caret is never evidence.

use super::ports::Picture;
use crate::events::facts::agent::Target;
use crate::events::facts::screen::{Point, Rect};

/// A channel must differ by more than this to count: below lies dithering.
const TOLERANCE: u8 = 10;

/// More of the region in motion than this (per cent), and nothing there can be judged.
pub const MOTION_MAX: usize = 25;

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

    fn stride(&self) -> usize {
        self.width.div_ceil(64)
    }

    fn set(&mut self, x: usize, y: usize) {
        let at = y * self.stride() + x / 64;
        if let Some(word) = self.words.get_mut(at).filter(|_| x < self.width) {
            *word |= 1 << (x % 64);
        }
    }

    /// Whether a pixel is marked.
    pub fn has(&self, x: usize, y: usize) -> bool {
        let word = self.words.get(y * self.stride() + x / 64);
        x < self.width && word.is_some_and(|word| word >> (x % 64) & 1 == 1)
    }

    fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.words.chunks(self.stride().max(1))
    }

    /// Column and row of every marked pixel.
    pub fn marked(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows().enumerate().flat_map(|(y, row)| {
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
        for (y, row) in self.rows().enumerate() {
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

    /// Marks below the last row of the other's marks.
    #[must_use]
    pub fn below(&self, other: &Self) -> Self {
        let mut below = self.clone();
        let bottom = other.bounds().map_or(0, |bounds| bounds.bottom);
        let above = self.stride().saturating_mul(bottom);
        for word in below.words.iter_mut().take(above) {
            *word = 0;
        }
        below
    }

    /// The longest run of columns side by side with a mark in any row.
    fn widest(&self) -> usize {
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

fn percent(part: usize, whole: usize) -> usize {
    part.saturating_mul(100)
        .checked_div(whole)
        .unwrap_or_default()
}

/// Whether two pictures show the same part of the screen.
pub fn same_place(a: &Picture, b: &Picture) -> bool {
    a.region == b.region && a.rgb.len() == b.rgb.len()
}

/// The pixels that differ. Pictures of different places differ everywhere.
pub fn difference(a: &Picture, b: &Picture) -> Mask {
    let mut mask = Mask::none(&a.region);
    let alike = same_place(a, b);
    let row = mask.width.max(1).saturating_mul(3);
    for (y, (row_a, row_b)) in a.rgb.chunks(row).zip(b.rgb.chunks(row)).enumerate() {
        if alike && row_a == row_b {
            continue;
        }
        let pairs = row_a.chunks_exact(3).zip(row_b.chunks_exact(3));
        for (x, (p, q)) in pairs.enumerate() {
            if !alike || differs(p, q) {
                mask.set(x, y);
            }
        }
    }
    mask
}

fn differs(p: &[u8], q: &[u8]) -> bool {
    p != q && p.iter().zip(q).any(|(a, b)| a.abs_diff(*b) > TOLERANCE)
}

/// The size a text cursor may have there: a bar in boxes, a cell in terminals. Physical pixels.
const fn caret(target: Target) -> (usize, usize) {
    match target {
        Target::Chat | Target::Editor => (4, 48),
        Target::Terminal => (16, 40),
    }
}

/// Whether the marks are no more than a cursor that came or went.
pub fn is_caret(mask: &Mask, target: Target) -> bool {
    let (width, height) = caret(target);
    mask.bounds()
        .is_none_or(|b| b.width() <= width && b.height() <= height)
}

/// Whether two pictures are equal outside what moves by itself; a cursor may have come or gone.
pub fn equal(a: &Picture, b: &Picture, volatile: &Mask, target: Target) -> bool {
    same_place(a, b) && is_caret(&difference(a, b).without(volatile), target)
}

/// The pixels that a text drew: what differs from the empty box, outside what moves by itself.
/// Nothing when it is no more than a cursor.
pub fn change(empty: &Picture, now: &Picture, volatile: &Mask, target: Target) -> Mask {
    let mask = difference(empty, now).without(volatile);
    if is_caret(&mask, target) {
        Mask::none(&empty.region)
    } else {
        mask
    }
}

/// How many pixels a text must draw before it counts as seen. A glyph of a small font has some 20
/// pixels; a quarter of that for at most a dozen glyphs.
pub fn ink_needed(text: &str) -> usize {
    let glyphs = text.chars().filter(|c| !c.is_whitespace()).count().min(12);
    (glyphs * 5).max(24)
}

/// What became of a text's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Per cent that still look as when the text was seen.
    pub kept: usize,
    /// Per cent that look empty again.
    pub returned: usize,
}

/// Compares the text's pixels with the picture in which it was seen, and with the empty box. A
/// cursor that came or went does not count.
pub fn remains(
    change: &Mask,
    empty: &Picture,
    pasted: &Picture,
    now: &Picture,
    target: Target,
) -> Remains {
    let whole = change.count();
    let left = change.and(&difference(pasted, now));
    let not_empty = change.and(&difference(empty, now));
    let kept = change.without(&left);
    let part = |mask: &Mask, rest: &Mask| {
        // What is missing is a cursor: nothing is missing.
        if is_caret(rest, target) && rest.count() * 2 <= whole {
            return 100;
        }
        // What is left is a cursor: nothing is left.
        if is_caret(mask, target) && mask.count() * 2 <= whole {
            return 0;
        }
        percent(mask.count(), whole)
    };
    Remains {
        kept: part(&kept, &left),
        returned: part(&change.without(&not_empty), &not_empty),
    }
}

/// Whether the text's pixels stand somewhat higher now, as when a transcript scrolls: at least 80
/// of 100 fit at one distance. Looks at no more than 400 of them.
pub fn scrolled(change: &Mask, pasted: &Picture, now: &Picture) -> bool {
    if !same_place(pasted, now) {
        return false;
    }
    let stride = change.count().div_ceil(400).max(1);
    let sample: Vec<(usize, usize)> = change.marked().step_by(stride).collect();
    let rows = change.height.min(400);
    (3..rows).any(|up| {
        let fits = sample
            .iter()
            .filter(|(x, y)| {
                let here = pixel(pasted, *x, *y);
                let there = y.checked_sub(up).and_then(|higher| pixel(now, *x, higher));
                matches!((here, there), (Some(p), Some(q)) if !differs(p, q))
            })
            .count();
        !sample.is_empty() && percent(fits, sample.len()) >= 80
    })
}

/// Whether what stands around the text stayed where it was. Without enough structure around it
/// (frames, labels), nothing can be said.
pub fn surroundings_stand(change: &Mask, pasted: &Picture, now: &Picture) -> Option<bool> {
    let moved = difference(pasted, now);
    let (mut edges, mut same) = (0_usize, 0_usize);
    let row = change.width.max(1).saturating_mul(3);
    let mut above: Option<&[u8]> = None;
    for (y, line) in pasted.rgb.chunks(row).enumerate() {
        let mut left: Option<&[u8]> = None;
        for (x, here) in line.chunks_exact(3).enumerate() {
            let upper = above.and_then(|above| above.get(x * 3..x * 3 + 3));
            let edge = [left, upper]
                .into_iter()
                .flatten()
                .any(|p| differs(p, here));
            if edge && !change.has(x, y) {
                edges += 1;
                same += usize::from(!moved.has(x, y));
            }
            left = Some(here);
        }
        above = Some(line);
    }
    (edges >= 40).then(|| percent(same, edges) >= 30)
}

fn pixel(picture: &Picture, x: usize, y: usize) -> Option<&[u8]> {
    let width = usize::try_from(picture.region.width).ok()?;
    let start = y.checked_mul(width)?.checked_add(x)?.checked_mul(3)?;
    picture.rgb.get(start..start.checked_add(3)?)
}

/// Ink that came after Enter, apart from a cursor that only came or went in its place.
pub fn new_ink(pasted: &Picture, now: &Picture, volatile: &Mask, target: Target) -> Mask {
    change(pasted, now, volatile, target)
}

/// Whether a selection shows: wide changes, not only cursors that moved.
pub fn selection_shows(before: &Picture, now: &Picture, volatile: &Mask) -> Option<Mask> {
    let mask = difference(before, now).without(volatile);
    let bounds = mask.bounds()?;
    // A cursor is at most four wide.
    (bounds.height() > 4 && mask.widest() > 4).then_some(mask)
}

/// The pixels of a text found standing, when nobody saw the empty box: within the area that a
/// selection covered, whatever is not the most frequent colour there. And that box, emptied.
pub fn ink_of_standing(now: &Picture, selection: &Mask) -> Option<(Mask, Picture)> {
    let bounds = selection.bounds()?;
    let mut colours: Vec<(&[u8], usize)> = Vec::new();
    let area = || {
        (bounds.top..bounds.bottom).flat_map(|y| (bounds.left..bounds.right).map(move |x| (x, y)))
    };
    for colour in area().filter_map(|(x, y)| pixel(now, x, y)) {
        if let Some((_, count)) = colours.iter_mut().find(|(known, _)| *known == colour) {
            *count += 1;
        } else if colours.len() < 64 {
            colours.push((colour, 1));
        }
    }
    let (ground, _) = colours.iter().max_by_key(|(_, count)| *count)?;
    let mut ink = Mask::none(&now.region);
    let mut emptied = now.clone();
    for (x, y) in area() {
        if pixel(now, x, y).is_some_and(|colour| differs(colour, ground)) {
            ink.set(x, y);
            let start = (y * ink.width + x) * 3;
            if let Some(there) = emptied.rgb.get_mut(start..start + 3) {
                there.copy_from_slice(ground);
            }
        }
    }
    Some((ink, emptied))
}

/// The part of the screen to watch: around the place, mostly to its left, where text begins;
/// of a terminal the whole window. None when the place is outside the window.
pub fn region_to_watch(place: Point, frame: &Rect, target: Target) -> Option<Rect> {
    let (left, right, above, below) = match target {
        Target::Chat | Target::Editor => (320, 160, 40, 40),
        Target::Terminal => (1_600, 1_600, 1_000, 1_000),
    };
    let around = Rect {
        x: place.x.saturating_sub_unsigned(left),
        y: place.y.saturating_sub_unsigned(above),
        width: left + right,
        height: above + below,
    };
    frame
        .contains(place)
        .then(|| around.intersection(frame))
        .flatten()
}

/// A part of a picture; none when it does not lie inside.
pub fn crop(picture: &Picture, part: &Rect) -> Option<Picture> {
    let (dx, dy) = offset(&picture.region, part)?;
    let width = usize::try_from(picture.region.width).ok()?;
    let (across, down) = (
        usize::try_from(part.width).ok()?,
        usize::try_from(part.height).ok()?,
    );
    let mut rgb = Vec::with_capacity(across.checked_mul(down)?.checked_mul(3)?);
    for y in dy..dy.checked_add(down)? {
        let start = y.checked_mul(width)?.checked_add(dx)?.checked_mul(3)?;
        rgb.extend_from_slice(picture.rgb.get(start..start.checked_add(across * 3)?)?);
    }
    Some(Picture { region: *part, rgb })
}

/// A part of a mask over `whole`; none when it does not lie inside.
pub fn crop_mask(mask: &Mask, whole: &Rect, part: &Rect) -> Option<Mask> {
    let (dx, dy) = offset(whole, part)?;
    let (across, down) = (
        usize::try_from(part.width).ok()?,
        usize::try_from(part.height).ok()?,
    );
    let mut cropped = Mask::blank(across, down);
    for (x, y) in mask.marked() {
        if let (Some(x), Some(y)) = (x.checked_sub(dx), y.checked_sub(dy))
            && y < down
        {
            cropped.set(x, y);
        }
    }
    Some(cropped)
}

fn offset(whole: &Rect, part: &Rect) -> Option<(usize, usize)> {
    let inside = whole.intersection(part) == Some(*part);
    let dx = usize::try_from(part.x.checked_sub(whole.x)?).ok()?;
    let dy = usize::try_from(part.y.checked_sub(whole.y)?).ok()?;
    inside.then_some((dx, dy))
}

/// The bounds as a part of the screen, with a margin, clipped to the region.
pub fn on_screen(bounds: &Bounds, region: &Rect, margin: u32) -> Option<Rect> {
    let number = |n: usize| u32::try_from(n).ok();
    Rect {
        x: region
            .x
            .checked_add_unsigned(number(bounds.left)?)?
            .checked_sub_unsigned(margin)?,
        y: region
            .y
            .checked_add_unsigned(number(bounds.top)?)?
            .checked_sub_unsigned(margin)?,
        width: number(bounds.width())?.checked_add(margin.checked_mul(2)?)?,
        height: number(bounds.height())?.checked_add(margin.checked_mul(2)?)?,
    }
    .intersection(region)
}

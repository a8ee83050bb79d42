//! What pixels prove: pure arithmetic over pictures of the same region. The starting values are
//! reasoned in the field notes of the design (mask 25 %, kept 80 and 10 %, returned 70 %); a
//! caret is never evidence.

use super::look::pixels;
use super::ports::Picture;
use crate::events::facts::agent::Target;
use crate::events::facts::screen::{Point, Rect};

/// A channel must differ by more than this to count: below lies dithering.
const TOLERANCE: u8 = 10;

/// More of the region in motion than this (per cent), and nothing there can be judged.
pub const MOTION_MAX: usize = 25;

/// A mark per pixel of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Pixels in a row.
    pub width: usize,
    /// Row by row.
    pub marks: Vec<bool>,
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

    fn holds(&self, x: usize, y: usize) -> bool {
        (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y)
    }
}

impl Mask {
    /// Nothing marked, for a picture of this region.
    pub fn none(region: &Rect) -> Self {
        Self {
            width: usize::try_from(region.width).unwrap_or(0),
            marks: vec![false; pixels(region).unwrap_or(0)],
        }
    }

    /// How many pixels are marked.
    pub fn count(&self) -> usize {
        self.marks.iter().filter(|mark| **mark).count()
    }

    /// How many pixels of a hundred are marked.
    pub fn percent(&self) -> usize {
        percent(self.count(), self.marks.len())
    }

    /// Marked in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a || b)
    }

    /// Marked in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a && b)
    }

    /// Marked here and not there.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a && !b)
    }

    fn combine(&self, other: &Self, how: impl Fn(bool, bool) -> bool) -> Self {
        Self {
            width: self.width,
            marks: self
                .marks
                .iter()
                .zip(&other.marks)
                .map(|(a, b)| how(*a, *b))
                .collect(),
        }
    }

    /// Where the marks lie; none when there are none.
    pub fn bounds(&self) -> Option<Bounds> {
        let mut found: Option<Bounds> = None;
        for (y, row) in self.marks.chunks(self.width.max(1)).enumerate() {
            let Some(left) = row.iter().position(|mark| *mark) else {
                continue;
            };
            let right = row.iter().rposition(|mark| *mark).unwrap_or(left) + 1;
            found = Some(match found {
                None => Bounds {
                    left,
                    top: y,
                    right,
                    bottom: y + 1,
                },
                Some(b) => Bounds {
                    left: b.left.min(left),
                    top: b.top,
                    right: b.right.max(right),
                    bottom: y + 1,
                },
            });
        }
        found
    }

    /// Marks inside the bounds only.
    #[must_use]
    pub fn inside(&self, bounds: &Bounds) -> Self {
        let width = self.width.max(1);
        Self {
            width: self.width,
            marks: self
                .marks
                .iter()
                .enumerate()
                .map(|(at, mark)| *mark && bounds.holds(at % width, at / width))
                .collect(),
        }
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
    let width = usize::try_from(a.region.width).unwrap_or(0);
    if !same_place(a, b) {
        return Mask {
            width,
            marks: vec![true; a.rgb.len() / 3],
        };
    }
    let mut marks = Vec::with_capacity(a.rgb.len() / 3);
    let row = width.max(1).saturating_mul(3);
    for (row_a, row_b) in a.rgb.chunks(row).zip(b.rgb.chunks(row)) {
        if row_a == row_b {
            marks.resize(marks.len() + row_a.len() / 3, false);
        } else {
            let pairs = row_a.chunks_exact(3).zip(row_b.chunks_exact(3));
            marks.extend(pairs.map(|(p, q)| differs(p, q)));
        }
    }
    Mask { width, marks }
}

fn differs(p: &[u8], q: &[u8]) -> bool {
    p.iter().zip(q).any(|(a, b)| a.abs_diff(*b) > TOLERANCE)
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
    let marked: Vec<usize> = change
        .marks
        .iter()
        .enumerate()
        .filter_map(|(at, mark)| mark.then_some(at))
        .collect();
    let stride = marked.len().div_ceil(400).max(1);
    let sample: Vec<usize> = marked.iter().copied().step_by(stride).collect();
    let width = change.width.max(1);
    let rows = (change.marks.len() / width).min(400);
    (3..rows).any(|up| {
        let fits = sample
            .iter()
            .filter(|at| {
                let here = pixel(pasted, **at);
                let there = at
                    .checked_sub(up.saturating_mul(width))
                    .and_then(|higher| pixel(now, higher));
                matches!((here, there), (Some(p), Some(q)) if !differs(p, q))
            })
            .count();
        !sample.is_empty() && percent(fits, sample.len()) >= 80
    })
}

/// Whether what stands around the text stayed where it was. Without enough structure around it
/// (frames, labels), nothing can be said.
pub fn surroundings_stand(change: &Mask, pasted: &Picture, now: &Picture) -> Option<bool> {
    let width = change.width.max(1);
    let moved = difference(pasted, now);
    let (mut edges, mut same) = (0_usize, 0_usize);
    for (at, (ink, moved)) in change.marks.iter().zip(&moved.marks).enumerate() {
        let here = pixel(pasted, at);
        let other = |back: usize| {
            let there = at.checked_sub(back).and_then(|other| pixel(pasted, other));
            matches!((here, there), (Some(p), Some(q)) if differs(p, q))
        };
        if !ink && ((at % width > 0 && other(1)) || other(width)) {
            edges += 1;
            same += usize::from(!moved);
        }
    }
    (edges >= 40).then(|| percent(same, edges) >= 30)
}

fn pixel(picture: &Picture, at: usize) -> Option<&[u8]> {
    let start = at.checked_mul(3)?;
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
    let mut columns = vec![false; mask.width];
    for row in mask.marks.chunks(mask.width.max(1)) {
        for (column, mark) in columns.iter_mut().zip(row) {
            *column |= *mark;
        }
    }
    // Columns that change side by side; a cursor is at most four wide.
    let (widest, _) = columns.iter().fold((0_usize, 0_usize), |(most, run), on| {
        let run = if *on { run + 1 } else { 0 };
        (most.max(run), run)
    });
    (widest > 4 && bounds.height() > 4).then_some(mask)
}

/// The pixels of a text found standing, when nobody saw the empty box: within the area that a
/// selection covered, whatever is not the most frequent colour there. And that box, emptied.
pub fn ink_of_standing(now: &Picture, selection: &Mask) -> Option<(Mask, Picture)> {
    let bounds = selection.bounds()?;
    let width = selection.width.max(1);
    let within = |at: usize| bounds.holds(at % width, at / width);
    let mut colours: Vec<(&[u8], usize)> = Vec::new();
    for (_, colour) in now
        .rgb
        .chunks_exact(3)
        .enumerate()
        .filter(|(at, _)| within(*at))
    {
        if let Some((_, count)) = colours.iter_mut().find(|(known, _)| *known == colour) {
            *count += 1;
        } else if colours.len() < 64 {
            colours.push((colour, 1));
        }
    }
    let (ground, _) = colours.iter().max_by_key(|(_, count)| *count)?;
    let marks: Vec<bool> = now
        .rgb
        .chunks_exact(3)
        .enumerate()
        .map(|(at, colour)| within(at) && differs(colour, ground))
        .collect();
    let rgb = now
        .rgb
        .chunks_exact(3)
        .zip(&marks)
        .flat_map(|(colour, ink)| if *ink { *ground } else { colour })
        .copied()
        .collect();
    let emptied = Picture {
        region: now.region,
        rgb,
    };
    Some((
        Mask {
            width: selection.width,
            marks,
        },
        emptied,
    ))
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
    let mut marks = Vec::with_capacity(across.checked_mul(down)?);
    for y in dy..dy.checked_add(down)? {
        let start = y.checked_mul(mask.width)?.checked_add(dx)?;
        marks.extend_from_slice(mask.marks.get(start..start.checked_add(across)?)?);
    }
    Some(Mask {
        width: across,
        marks,
    })
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

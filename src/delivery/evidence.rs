//! What pixels prove: pure arithmetic over pictures of the same region. The starting values are
//! reasoned in the field notes of the design (mask 25 %, kept 80 and 10 %, returned 70 %); a
//! caret is never evidence.

use super::mask::{Bounds, Mask, percent};
use super::ports::Picture;
use crate::events::facts::agent::Target;
use crate::events::facts::screen::{Point, Rect};

/// A channel must differ by more than this to count: below lies dithering.
const TOLERANCE: u8 = 10;

/// More of the region in motion than this (per cent), and nothing there can be judged.
pub const MOTION_MAX: usize = 25;

/// Whether two pictures show the same part of the screen.
pub fn same_place(a: &Picture, b: &Picture) -> bool {
    a.region == b.region && a.rgb.len() == b.rgb.len()
}

/// The pixels that differ. Pictures of different places differ everywhere.
pub fn difference(a: &Picture, b: &Picture) -> Mask {
    let mut mask = Mask::none(&a.region);
    let alike = same_place(a, b);
    let row = mask.width().max(1).saturating_mul(3);
    for (y, (row_a, row_b)) in a.rgb.chunks(row).zip(b.rgb.chunks(row)).enumerate() {
        if alike && row_a == row_b {
            continue;
        }
        let blocks = row_a.chunks(BLOCK * 3).zip(row_b.chunks(BLOCK * 3));
        for (block, (block_a, block_b)) in blocks.enumerate() {
            if alike && block_a == block_b {
                continue;
            }
            let pairs = block_a.chunks_exact(3).zip(block_b.chunks_exact(3));
            for (x, (p, q)) in pairs.enumerate() {
                if !alike || differs(p, q) {
                    mask.set(block * BLOCK + x, y);
                }
            }
        }
    }
    mask
}

/// Pixels that are compared at once: most of a row that changed did not.
const BLOCK: usize = 16;

pub(super) const fn differs(p: &[u8], q: &[u8]) -> bool {
    let ([red, green, blue], [other_red, other_green, other_blue]) = (p, q) else {
        return true;
    };
    red.abs_diff(*other_red) > TOLERANCE
        || green.abs_diff(*other_green) > TOLERANCE
        || blue.abs_diff(*other_blue) > TOLERANCE
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

/// Whether what changed is as wide as a text of so many glyphs at least, two pixels for each of a dozen: a
/// letter that a person typed is not, whatever its ink.
pub fn wide_enough(change: &Mask, text: &str) -> bool {
    let glyphs = text.chars().filter(|c| !c.is_whitespace()).count().min(12);
    change
        .bounds()
        .is_some_and(|bounds| bounds.width() >= glyphs * 2)
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

/// Whether the text's pixels stand somewhat higher now, as when a page scrolls: at least 80
/// of 100 fit at one distance. Looks at no more than 400 of them.
pub fn scrolled(change: &Mask, pasted: &Picture, now: &Picture) -> bool {
    if !same_place(pasted, now) {
        return false;
    }
    let stride = change.count().div_ceil(400).max(1);
    let sample: Vec<(usize, usize)> = change.marked().step_by(stride).collect();
    let rows = change.height().min(400);
    let misses_max = sample.len() - (sample.len() * 80).div_ceil(100);
    let misses = |up: usize| {
        let misses = sample.iter().filter(|(x, y)| {
            let here = pixel(pasted, *x, *y);
            let there = y.checked_sub(up).and_then(|higher| pixel(now, *x, higher));
            !matches!((here, there), (Some(p), Some(q)) if !differs(p, q))
        });
        // Most distances are out of the question after a few looks.
        misses.take(misses_max + 1).count()
    };
    !sample.is_empty() && (3..rows).any(|up| misses(up) <= misses_max)
}

/// How far around a text its box is looked for, in pixels.
const AROUND: usize = 14;

/// Whether what stood around the text before and after it came stayed where it was: first what is close
/// to it, where the box's own frame is, else everything that is watched. Without enough structure
/// (frames, labels) nothing can be said.
pub fn surroundings_stand(
    change: &Mask,
    empty: &Picture,
    pasted: &Picture,
    now: &Picture,
) -> Option<bool> {
    let bounds = change.bounds()?;
    let whole = Bounds {
        left: 0,
        top: 0,
        right: change.width(),
        bottom: change.height(),
    };
    let close = Bounds {
        left: bounds.left.saturating_sub(AROUND),
        top: bounds.top.saturating_sub(AROUND),
        right: bounds.right.saturating_add(AROUND).min(whole.right),
        bottom: bounds.bottom.saturating_add(AROUND).min(whole.bottom),
    };
    let stand = |area| edges_stand(change, [empty, pasted, now], area);
    stand(&close).or_else(|| stand(&whole))
}

/// Whether enough of the edges within these bounds are still edges there. Their colours may fade, as
/// when a window takes the focus. What was no edge before the paste is the text's own, also where it
/// was not watched.
fn edges_stand(change: &Mask, pictures: [&Picture; 3], area: &Bounds) -> Option<bool> {
    let [empty, pasted, now] = pictures;
    let edge = |picture: &Picture, (x, y), beside: Option<(usize, usize)>| {
        let here = pixel(picture, x, y);
        let there = beside.and_then(|(x, y)| pixel(picture, x, y));
        matches!((here, there), (Some(p), Some(q)) if differs(p, q))
    };
    let (mut edges, mut same) = (0_usize, 0_usize);
    for y in area.top..area.bottom {
        for x in area.left..area.right {
            if change.has(x, y) {
                continue;
            }
            let left = x.checked_sub(1).map(|left| (left, y));
            let above = y.checked_sub(1).map(|above| (x, above));
            for beside in [left, above] {
                // Edges of the text itself are none of its surroundings.
                let of_text = beside.is_some_and(|(x, y)| change.has(x, y));
                let stood = |picture| edge(picture, (x, y), beside);
                if !of_text && stood(pasted) && stood(empty) {
                    edges += 1;
                    same += usize::from(stood(now));
                }
            }
        }
    }
    (edges >= 40).then(|| percent(same, edges) >= 30)
}

/// The colour of a pixel.
pub(super) fn pixel(picture: &Picture, x: usize, y: usize) -> Option<&[u8]> {
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
            let start = (y * ink.width() + x) * 3;
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
    let mut cropped = Mask::none(part);
    for (x, y) in mask.marked() {
        if let (Some(x), Some(y)) = (x.checked_sub(dx), y.checked_sub(dy))
            && x < across
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

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Rect = Rect {
        x: 10,
        y: 20,
        width: 100,
        height: 40,
    };
    const CHAT: Target = Target::Chat;

    /// A white picture with black dots.
    fn picture(dots: impl IntoIterator<Item = (usize, usize)>) -> Picture {
        let mut rgb = vec![255; 100 * 40 * 3];
        for (x, y) in dots {
            rgb[(y * 100 + x) * 3..][..3].fill(0);
        }
        Picture {
            region: REGION,
            rgb,
        }
    }

    fn block(
        x: std::ops::Range<usize>,
        y: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (usize, usize)> + Clone {
        y.flat_map(move |y| x.clone().map(move |x| (x, y)))
    }

    /// Every other dot of a block: what text looks like from afar.
    fn text(x: usize, y: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        block(0..40, 0..8)
            .filter(|(x, y)| (x * 7 + y * 3) % 5 < 2)
            .map(move |(dx, dy)| (x + dx, y + dy))
    }

    fn none() -> Mask {
        Mask::none(&REGION)
    }

    #[test]
    fn a_caret_is_no_evidence_and_text_is() {
        let empty = picture([]);
        let caret = picture(block(5..7, 10..24));
        assert_eq!(change(&empty, &caret, &none(), CHAT).count(), 0);
        assert!(equal(&empty, &caret, &none(), CHAT));
        let typed = picture(text(5, 10));
        assert!(change(&empty, &typed, &none(), CHAT).count() >= ink_needed("hello there"));
        assert!(!equal(&empty, &typed, &none(), CHAT));
        let cell = picture(block(5..12, 10..24));
        assert_eq!(change(&empty, &cell, &none(), Target::Terminal).count(), 0);
        assert!(change(&empty, &cell, &none(), CHAT).count() > 0);
    }

    #[test]
    fn what_moves_by_itself_is_no_evidence() {
        let empty = picture([]);
        let spinner = picture(block(80..92, 5..17));
        let moving = difference(&empty, &spinner);
        assert_eq!(moving.percent(), 3);
        assert!(equal(&empty, &spinner, &moving, CHAT));
        assert_eq!(change(&empty, &spinner, &moving, CHAT).count(), 0);
    }

    #[test]
    fn pictures_of_different_places_differ_everywhere() {
        let here = picture([]);
        let there = Picture {
            region: Rect { x: 11, ..REGION },
            rgb: here.rgb.clone(),
        };
        assert_eq!(difference(&here, &there).percent(), 100);
        assert!(!equal(&here, &there, &none(), CHAT));
    }

    #[test]
    fn a_longer_text_needs_more_ink_up_to_a_dozen_glyphs() {
        for (text, needed) in [
            ("", 24),
            ("go", 24),
            ("sixsix", 30),
            ("a dozen glyphs and more", 60),
        ] {
            assert_eq!(ink_needed(text), needed, "{text}");
        }
    }

    #[test]
    fn what_became_of_a_text_is_told_apart() {
        let empty = picture([]);
        let pasted = picture(text(5, 10));
        let change = change(&empty, &pasted, &none(), CHAT);
        let after = |now: &Picture| {
            let r = remains(&change, &empty, &pasted, now, CHAT);
            (r.kept, r.returned)
        };
        assert_eq!(after(&pasted), (100, 0));
        assert_eq!(after(&empty), (0, 100));
        let caret = picture(text(5, 10).chain(block(46..48, 8..22)));
        assert_eq!(after(&caret), (100, 0), "a caret that came changes nothing");
        let half = picture(text(5, 10).filter(|(x, _)| *x < 25));
        let (kept, returned) = after(&half);
        assert!((40..60).contains(&kept) && (40..60).contains(&returned));
        let covered = picture(block(0..100, 0..40));
        let (_, returned) = after(&covered);
        assert!(returned < 70, "a dark dialog is no empty box");
    }

    #[test]
    fn scrolling_is_not_emptying() {
        let frame = || block(0..100, 30..32);
        let pasted = picture(text(5, 16).chain(frame()));
        let change = change(&picture(frame()), &pasted, &none(), CHAT);
        let scrolled_away = picture(text(5, 4).chain(block(0..100, 18..20)));
        assert!(scrolled(&change, &pasted, &scrolled_away));
        assert_eq!(
            surroundings_stand(&change, &picture(frame()), &pasted, &scrolled_away),
            Some(false)
        );
        // Sent: the text stands in the transcript above, the box's frame where it was.
        let sent = picture(text(5, 4).chain(frame()));
        assert_eq!(
            surroundings_stand(&change, &picture(frame()), &pasted, &sent),
            Some(true)
        );
        assert!(!scrolled(&change, &pasted, &pasted));
        assert_eq!(
            surroundings_stand(&change, &picture([]), &picture(text(5, 16)), &sent),
            None
        );
        // More of the text stands beside what is watched, and is no frame of anything.
        let longer = || text(5, 16).chain(text(50, 16)).chain(text(50, 4));
        let watched = difference(&picture(frame()), &picture(text(5, 16).chain(frame())));
        let pasted = picture(longer().chain(frame()));
        let empty = picture(frame());
        assert_eq!(
            surroundings_stand(&watched, &empty, &pasted, &empty),
            Some(true)
        );
    }

    #[test]
    fn a_selection_shows_and_a_moved_caret_does_not() {
        let before = picture(text(5, 10).chain(block(46..48, 8..22)));
        let moved = picture(text(5, 10).chain(block(3..5, 8..22)));
        assert_eq!(selection_shows(&before, &moved, &none()), None);
        let mut selected = picture(text(5, 10));
        for (x, y) in block(5..45, 8..22) {
            let pixel = &mut selected.rgb[(y * 100 + x) * 3..][..3];
            if pixel != [0, 0, 0] {
                pixel.copy_from_slice(&[90, 140, 240]);
            }
        }
        let selection = selection_shows(&before, &selected, &none()).unwrap();
        let (ink, emptied) = ink_of_standing(&before, &selection).unwrap();
        assert!(ink.count() >= text(5, 10).count());
        assert_eq!(change(&picture([]), &emptied, &none(), CHAT).count(), 0);
    }

    #[test]
    fn the_watched_part_lies_within_the_window() {
        let frame = Rect {
            x: -300,
            y: 50,
            width: 200,
            height: 100,
        };
        let place = Point { x: -150, y: 120 };
        for target in [Target::Chat, Target::Terminal] {
            let region = region_to_watch(place, &frame, target).unwrap();
            assert_eq!(frame.intersection(&region), Some(region));
            assert!(region.contains(place));
        }
        assert_eq!(region_to_watch(Point { x: 0, y: 0 }, &frame, CHAT), None);
    }

    #[test]
    fn a_part_is_cut_out_of_a_picture_and_of_its_mask() {
        let whole = picture([(30, 10), (31, 10)]);
        let mask = difference(&picture([]), &whole);
        let bounds = mask.bounds().unwrap();
        let part = on_screen(&bounds, &REGION, 2).unwrap();
        assert_eq!((part.x, part.y, part.width, part.height), (38, 28, 6, 5));
        let cut = crop(&whole, &part).unwrap();
        assert_eq!(cut.rgb.len(), 6 * 5 * 3);
        let cut_mask = crop_mask(&mask, &REGION, &part).unwrap();
        assert_eq!(cut_mask.marked().collect::<Vec<_>>(), [(2, 2), (3, 2)]);
        assert_eq!(crop(&whole, &Rect { x: 9, ..part }), None);
    }
}

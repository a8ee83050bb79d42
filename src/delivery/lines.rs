//! Lines: of a text, and of the frame around it.
//!
//! Whether a text left its box in every line that it stood in. A list of suggestions below a short
//! text has more pixels than the text: it may close, and nine tenths of what changed are gone while
//! the text stands.

use super::evidence::{difference, differs, is_caret, pixel};
use super::mask::Mask;
use super::ports::Picture;
use crate::events::facts::agent::Target;

/// Rows that are judged together: less than the height of small letters.
const STRIP: usize = 4;
/// Fewer pixels of a text in a strip than this say nothing.
const ENOUGH: usize = 8;

/// A glyph of a small font has some 20 pixels; of a text of several lines at least a quarter shows.
const PER_GLYPH: usize = 5;
/// What may be left of all that changed when a text counts as gone: one part of so many.
const LEFT: usize = 10;

/// Lines are at most so high, in pixels.
const LINE: usize = 24;

/// Whether a text of so many glyphs stands in several lines, and has more pixels than may be left when
/// it counts as gone. Then it cannot stand unnoticed, nor move aside as in a box of one line, and
/// something else that came up since says nothing.
pub fn cannot_hide(glyphs: usize, change: &Mask) -> bool {
    let lines = change.bounds().map_or(0, |bounds| bounds.height() / LINE);
    lines > 1 && glyphs.saturating_mul(PER_GLYPH).saturating_mul(LEFT) > change.count()
}

/// Whether every strip of the text looks empty again, or nearly: what differs from the empty box
/// there is at most half as much as the text had. A cursor does not count.
pub fn emptied_everywhere(
    change: &Mask,
    empty: &Picture,
    now: &Picture,
    volatile: &Mask,
    target: Target,
) -> bool {
    let Some(bounds) = change.bounds() else {
        return true;
    };
    let left = difference(empty, now).without(volatile);
    if is_caret(&left, target) {
        return true;
    }
    let count = |mask: &Mask, top: usize| {
        let rows = top..(top + STRIP).min(bounds.bottom);
        let places = rows.flat_map(|y| (bounds.left..bounds.right).map(move |x| (x, y)));
        places.filter(|(x, y)| mask.has(*x, *y)).count()
    };
    (bounds.top..bounds.bottom).step_by(STRIP).all(|top| {
        let had = count(change, top);
        had < ENOUGH || count(&left, top) * 2 <= had
    })
}

/// A straight edge of so many pixels is no part of any letter.
const STRAIGHT: usize = 60;
/// How far from a text the frame of its box is, at most, in pixels.
const CLOSE: usize = 16;

/// Whether the text stands between two straight horizontal edges, close above and below it, that were
/// there before it came and are still there: the frame of its box, which did not scroll away. What a
/// transcript beside the box does says nothing then.
pub fn frame_stands(change: &Mask, empty: &Picture, pasted: &Picture, now: &Picture) -> bool {
    let Some(bounds) = change.bounds() else {
        return false;
    };
    let straight = |y: usize| {
        let edge = |x: usize, picture: &Picture| {
            let above = y.checked_sub(1).and_then(|above| pixel(picture, x, above));
            matches!((pixel(picture, x, y), above), (Some(p), Some(q)) if differs(p, q))
        };
        let stands = |x: &usize| [empty, pasted, now].iter().all(|p| edge(*x, p));
        let mut run = 0;
        (bounds.left..bounds.right).any(|x| {
            run = if stands(&x) { run + 1 } else { 0 };
            run >= STRAIGHT
        })
    };
    let above = bounds.top.saturating_sub(CLOSE)..=bounds.top;
    let below = bounds.bottom..=bounds.bottom.saturating_add(CLOSE);
    above.into_iter().any(straight) && below.into_iter().any(straight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::facts::screen::Rect;

    /// A box with a frame around row 40, words in it, and a transcript above.
    fn window(words: bool, said: usize, down: usize) -> Picture {
        let region = Rect {
            x: 0,
            y: 0,
            width: 200,
            height: 80,
        };
        let mut rgb = vec![255; 200 * 80 * 3];
        let mut dot = |x: usize, y: usize| rgb[(y * 200 + x) * 3..][..3].fill(0);
        for x in 5..195 {
            dot(x, 30 + down);
            dot(x, 54 + down);
        }
        for (x, y) in (10..190).flat_map(|x| (0..10).map(move |y| (x, y))) {
            if words && (x * 7 + y * 3) % 5 < 2 {
                dot(x, y + 38 + down);
            }
            if (x * said + y * 11) % 7 < 3 {
                dot(x, y + 18 + down);
            }
        }
        Picture { region, rgb }
    }

    #[test]
    fn a_frame_stands_whatever_the_transcript_beside_it_does() {
        let (empty, pasted) = (window(false, 3, 0), window(true, 3, 0));
        let change = difference(&empty, &pasted);
        assert!(frame_stands(&change, &empty, &pasted, &window(false, 5, 0)));
        assert!(!frame_stands(
            &change,
            &empty,
            &pasted,
            &window(false, 3, 12)
        ));
    }
}

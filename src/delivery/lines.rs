//! Whether a text left its box in every line that it stood in. A list of suggestions below a short
//! text has more pixels than the text: it may close, and nine tenths of what changed are gone while
//! the text stands.

use super::evidence::{difference, is_caret};
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

//! What pixels prove in terminals, where the text stays: new ink below it, or the text standing higher.
//! Colours are no part of it. A line editor shows what was pasted in reverse until the next key, and a
//! status line at the bottom stands still while everything above it scrolls.

use super::evidence::{difference, differs, is_caret, pixel};
use super::mask::{Bounds, Mask, percent};
use super::ports::Picture;
use crate::events::facts::agent::Target;

/// Per cent of a text's edges that must be found again.
const FOUND: usize = 80;
/// Fewer edges than this have no shape.
const EDGES_MIN: usize = 16;
/// So many edges are looked at; most distances need a few of them.
const EDGES_MAX: usize = 1_600;
/// No letter has a straight edge so long, in pixels.
const RIM: usize = 16;
/// The furthest that a transcript is followed, in pixels.
const FURTHEST: usize = 400;
/// Lines are at most so far apart, in pixels; what is further away from the text is another thing.
const LINE: usize = 24;
/// Where the line after the text begins, and one or two more: in pixels below it.
const NEXT: usize = 80;
/// How far from the text's left edge lines begin at most.
const BEGINNING: usize = 200;
/// A cursor is at most so wide, in pixels.
const CURSOR: usize = 16;
/// One that is thinner may be a letter.
const THIN: usize = 5;

/// One side of a pixel: whether it looks other than its neighbour there.
#[derive(Clone, Copy, Debug)]
struct Side {
    x: usize,
    y: usize,
    /// The neighbour above; otherwise the one to the left.
    above: bool,
}

impl Side {
    /// Whether it is an edge in this picture, so much higher.
    fn is_edge(self, picture: &Picture, up: usize) -> bool {
        let edge = || {
            let y = self.y.checked_sub(up)?;
            let (left, above) = if self.above { (0, 1) } else { (1, 0) };
            let here = pixel(picture, self.x, y)?;
            let there = pixel(picture, self.x.checked_sub(left)?, y.checked_sub(above)?)?;
            Some(differs(here, there))
        };
        edge().unwrap_or(false)
    }

    /// Whether it belongs to a long straight edge: the rim of what is in reverse, and ends with it.
    fn is_straight(self, picture: &Picture) -> bool {
        let beside = |x: Option<usize>| x.is_some_and(|x| Self { x, ..self }.is_edge(picture, 0));
        let goes_on = |left: bool| {
            (1..=RIM).all(|d| {
                beside(if left {
                    self.x.checked_sub(d)
                } else {
                    self.x.checked_add(d)
                })
            })
        };
        self.above && (goes_on(true) || goes_on(false))
    }
}

/// Where the cursor behind a text begins, or the text's right end: a block of one colour. It does not go
/// along with the text, and of a short word's edges it has many.
fn cursor(change: &Mask, pasted: &Picture) -> usize {
    let Some(bounds) = change.bounds() else {
        return 0;
    };
    let colour = |x, y| pixel(pasted, x, y);
    let solid = |x: &usize| {
        let mut rows = (bounds.top..bounds.bottom).filter(|y| change.has(*x, *y));
        let first = rows.next().and_then(|y| colour(*x, y));
        let alike = |y| matches!((first, colour(*x, y)), (Some(a), Some(b)) if !differs(a, b));
        rows.clone().count() >= THIN && rows.all(alike)
    };
    let columns = (bounds.left..bounds.right).rev().take(CURSOR);
    columns.take_while(solid).last().unwrap_or(bounds.right)
}

/// The edges of what a text drew, at most so many and evenly spread.
fn shape(change: &Mask, pasted: &Picture) -> Vec<Side> {
    let sides = |(x, y)| [false, true].map(|above| Side { x, y, above });
    let cursor = cursor(change, pasted);
    let edges = || {
        change
            .marked()
            .filter(|(x, _)| *x < cursor)
            .flat_map(sides)
            .filter(|side| side.is_edge(pasted, 0))
    };
    let stride = edges().count().div_ceil(EDGES_MAX).max(1);
    let is_letters = |side: &Side| !side.is_straight(pasted);
    edges().step_by(stride).filter(is_letters).collect()
}

/// How much of the text's shape still stands in its place, per cent, whatever its colours; nothing when
/// it has too little of a shape. The outer edges are those of the reverse, and end with it.
pub fn shape_kept(change: &Mask, pasted: &Picture, now: &Picture) -> usize {
    let Some(bounds) = change.bounds() else {
        return 0;
    };
    let mut shape = shape(change, pasted);
    shape.retain(|side| {
        if side.above {
            side.y > bounds.top
        } else {
            side.x > bounds.left
        }
    });
    if shape.len() < EDGES_MIN || pasted.region != now.region {
        return 0;
    }
    let found = shape.iter().filter(|side| side.is_edge(now, 0)).count();
    percent(found, shape.len())
}

/// Whether the text stands higher than it did, as when a transcript scrolls.
pub fn scrolled(change: &Mask, pasted: &Picture, now: &Picture) -> bool {
    higher(change, [pasted, now], 0, 3)
}

/// Whether the text stands higher within its own bounds: a box that scrolls to the end of a long text
/// does so a moment after it was pasted.
pub fn scrolled_in_its_box(change: &Mask, pasted: &Picture, now: &Picture) -> bool {
    let top = change.bounds().map_or(0, |bounds| bounds.top);
    higher(change, [pasted, now], top, 1)
}

/// Whether most of the edges that could still be seen below this row are, all at one distance of at least
/// so many pixels, at which they did not stand before (a transcript may hold the same words again and
/// again).
fn higher(change: &Mask, pictures: [&Picture; 2], top: usize, nearest: usize) -> bool {
    let [pasted, now] = pictures;
    if pasted.region != now.region {
        return false;
    }
    let shape = shape(change, pasted);
    let found = |picture: &Picture, up: usize| {
        let could = shape.iter().filter(|side| side.y > top.saturating_add(up));
        let whole = could.clone().count();
        let misses_max = whole - (whole * FOUND).div_ceil(100);
        let misses = could.filter(|side| !side.is_edge(picture, up));
        whole >= EDGES_MIN && misses.take(misses_max + 1).count() <= misses_max
    };
    let furthest = change.height().min(FURTHEST);
    (nearest..furthest).any(|up| found(now, up) && !found(pasted, up))
}

/// Ink that came below the text, within a line or two and where lines begin. A cursor that blinks there
/// is none; one that left the text's last line for the next is, even when both places together are no
/// larger than a cursor. What is further away is no answer to the text: a clock in a status line.
pub fn ink_below(
    text: &Mask,
    pasted: &Picture,
    now: &Picture,
    volatile: &Mask,
    target: Target,
) -> Mask {
    let nothing = || Mask::none(&pasted.region);
    let Some(body) = body(text) else {
        return nothing();
    };
    let next = Bounds {
        left: 0,
        top: body.bottom,
        right: body.left.saturating_add(BEGINNING),
        bottom: body.bottom.saturating_add(NEXT),
    };
    let moved = difference(pasted, now).without(volatile);
    let above = moved.rows(0, body.bottom);
    let below = moved.within(&next);
    let fresh = line_begun(text, &body, &next, [pasted, now]).without(volatile);
    let fresh = if is_caret(&fresh, target) {
        nothing()
    } else {
        fresh
    };
    let both = above.or(&below);
    let height = |mask: &Mask| mask.bounds().map_or(0, |bounds| bounds.height());
    let left_the_text = above.count() >= 8
        && is_caret(&above, target)
        && (!is_caret(&both, target) || height(&below) * 2 >= height(&both));
    if is_caret(&below, target) && !left_the_text {
        return fresh;
    }
    below.or(&fresh)
}

/// The edges of a line that began where the cursor had been waiting: a text that fills its last line to
/// the end leaves the cursor on the next one, and there the next prompt comes. That what was in reverse
/// no longer is brings no edges.
fn line_begun(text: &Mask, body: &Bounds, next: &Bounds, pictures: [&Picture; 2]) -> Mask {
    let [pasted, now] = pictures;
    let mut fresh = Mask::none(&pasted.region);
    let right = next.right.min(fresh.width());
    let Some(top) = waiting_cursor(text, body, pasted) else {
        return fresh;
    };
    for y in top..next.bottom.min(fresh.height()) {
        for (x, above) in (0..right).flat_map(|x| [(x, false), (x, true)]) {
            let side = Side { x, y, above };
            if side.is_edge(now, 0) && !side.is_edge(pasted, 0) {
                fresh.set(x, y);
            }
        }
    }
    fresh
}

/// Where a filled cursor waits below the last line of the text: its first row. Letters have no eight rows
/// alike, and a line that thin may be one.
fn waiting_cursor(text: &Mask, body: &Bounds, pasted: &Picture) -> Option<usize> {
    let edges = |y: usize| {
        let side = move |x| Side { x, y, above: false };
        let columns = body.left.saturating_add(1)..=body.right;
        columns.filter(move |x| side(*x).is_edge(pasted, 0))
    };
    let is_wide = |y: usize| {
        let mut columns = edges(y).filter(|x| text.has(*x, y));
        let (first, last) = (columns.next(), columns.next_back());
        matches!((first, last), (Some(first), Some(last)) if last - first > CURSOR)
    };
    let rows = (body.top..body.bottom).rev();
    let mut inked = rows.clone().skip_while(|y| edges(*y).next().is_none());
    let bottom = inked.next()?;
    let shape: Vec<usize> = edges(bottom).collect();
    let filled = match shape.as_slice() {
        [_] => true,
        [left, right] => (THIN..=CURSOR).contains(&(right - left)),
        _ => false,
    };
    let alike = inked.take_while(|y| edges(*y).eq(shape.iter().copied()));
    let top = alike.last()?;
    let lines_end = { rows }.find(|y| is_wide(*y))?;
    (filled && bottom - top >= 7 && top > lines_end).then_some(top)
}

/// Where the text itself is: the lines close to each other that have most of the marks.
fn body(text: &Mask) -> Option<Bounds> {
    let mut parts: Vec<(usize, usize, usize)> = Vec::new();
    let mut row = None;
    for (_, y) in text.marked() {
        match parts.last_mut() {
            Some((_, bottom, count)) if row == Some(y) || y < bottom.saturating_add(LINE) => {
                *bottom = y + 1;
                *count += 1;
            }
            _ => parts.push((y, y + 1, 1)),
        }
        row = Some(y);
    }
    let (top, bottom, _) = parts.into_iter().max_by_key(|(_, _, count)| *count)?;
    text.rows(top, bottom).bounds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::evidence::{change, remains};
    use crate::events::facts::screen::Rect;

    const REGION: Rect = Rect {
        x: 10,
        y: 20,
        width: 360,
        height: 140,
    };
    const TERMINAL: Target = Target::Terminal;
    /// Rows of text on the screen; the status line is the one after them.
    const ROWS: usize = 9;
    const LINE: usize = 14;
    const WIDTH: usize = 360;

    /// A terminal of nine lines and a status line; the lines from `reversed` on are in reverse. A cursor
    /// after the last one.
    fn terminal(lines: &[&str], reversed: usize, status: &str) -> Picture {
        let mut rgb = vec![255; WIDTH * 140 * 3];
        let mut dot = |x: usize, y: usize, colour: [u8; 3]| {
            rgb[(y * WIDTH + x) * 3..][..3].copy_from_slice(&colour);
        };
        let mut line = |row: usize, text: &str, ground: [u8; 3], ink: [u8; 3]| {
            for (column, letter) in text.bytes().enumerate() {
                for (x, y) in (0..LINE).flat_map(|y| (0..7).map(move |x| (x, y))) {
                    let glyph = letter != b' ' && (2..11).contains(&y) && x < 6;
                    let inked = glyph && (usize::from(letter) * (x + 3) * (y + 7) / 5) % 3 == 0;
                    let colour = if inked { ink } else { ground };
                    dot(column * 7 + x, row * LINE + y, colour);
                }
            }
        };
        let (white, black, green) = ([255; 3], [0; 3], [0, 200, 0]);
        let first = lines.len().saturating_sub(ROWS);
        for (row, text) in lines[first..].iter().enumerate() {
            if row + first < reversed {
                line(row, text, white, black);
            } else {
                line(row, text, black, white);
            }
        }
        line(ROWS, &format!("{status:>50}"), green, black);
        let end = lines.last().map_or(0, |last| last.len()) * 7;
        let row = lines.len().min(ROWS) - 1;
        for (x, y) in (0..13).flat_map(|y| (0..6).map(move |x| (x, y))) {
            dot(end + x, row * LINE + y, black);
        }
        Picture {
            region: REGION,
            rgb,
        }
    }

    /// A transcript of so many different lines.
    fn transcript(lines: usize) -> Vec<String> {
        (0..lines)
            .map(|n| format!("> line {n} {}", n * 7))
            .collect()
    }

    fn none() -> Mask {
        Mask::none(&REGION)
    }

    /// Empty, pasted, after Enter: a text of two lines in a terminal with so many lines before it.
    fn told(before: usize, reverse: bool) -> [Picture; 3] {
        let before = transcript(before);
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        let with = |more: &[&'static str]| [before.as_slice(), more].concat();
        let reversed = if reverse { before.len() } else { usize::MAX };
        let status = "[0] sh   12:01";
        [
            terminal(&with(&["> "]), usize::MAX, status),
            terminal(
                &with(&["> a text that go", "es on below it"]),
                reversed,
                status,
            ),
            terminal(
                &with(&["> a text that go", "es on below it", "> "]),
                usize::MAX,
                status,
            ),
        ]
    }

    #[test]
    fn a_full_screen_scrolls_above_its_status_line_also_when_the_reverse_ends() {
        for (before, reverse) in [(20, false), (20, true), (7, false), (7, true)] {
            let [empty, pasted, now] = told(before, reverse);
            let text = change(&empty, &pasted, &none(), TERMINAL);
            assert!(scrolled(&text, &pasted, &now), "{before} {reverse}");
            assert!(shape_kept(&text, &pasted, &now) < FOUND);
            // Nothing happened but the end of the reverse, as a key that is no Enter makes it.
            let plain = told(before, false)[1].clone();
            for same in [&pasted, &plain] {
                assert!(!scrolled(&text, &pasted, same), "{before} {reverse}");
                assert!(shape_kept(&text, &pasted, same) >= FOUND);
                assert_eq!(
                    ink_below(&text, &pasted, same, &none(), TERMINAL).count(),
                    0
                );
            }
        }
    }

    #[test]
    fn a_text_keeps_its_place_while_its_reverse_ends() {
        let [empty, pasted, now] = told(3, true);
        let text = change(&empty, &pasted, &none(), TERMINAL);
        assert!(remains(&text, &empty, &pasted, &now, TERMINAL).kept < FOUND);
        assert!(shape_kept(&text, &pasted, &now) >= FOUND);
        assert!(ink_below(&text, &pasted, &now, &none(), TERMINAL).count() >= 24);
        assert!(!scrolled(&text, &pasted, &now));
    }

    #[test]
    fn much_output_leaves_the_end_of_a_text_on_the_screen_and_that_is_enough() {
        let [empty, pasted, _] = told(20, true);
        let text = change(&empty, &pasted, &none(), TERMINAL);
        let mut lines = transcript(20);
        lines.extend(["> a text that go", "es on below it"].map(str::to_owned));
        lines.extend((0..6).map(|n| format!("{n}{n} said {}", n * 31)));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let now = terminal(&lines, usize::MAX, "[0] sh   12:01");
        assert!(scrolled(&text, &pasted, &now));
    }

    /// An old copy of the text further up is no sign that this one went there.
    #[test]
    fn the_same_words_above_are_no_scrolling() {
        let words = "> the same words";
        let before = [words; 12];
        let status = "[0] sh   12:01";
        let with = |last| terminal(&[before.as_slice(), &[last]].concat(), usize::MAX, status);
        let (empty, pasted) = (with("> "), with(words));
        let text = change(&empty, &pasted, &none(), TERMINAL);
        assert!(!scrolled(&text, &pasted, &empty), "it was deleted");
    }

    /// The cursor waits below a text that fills its line to the end, and the next prompt comes there: what
    /// is new stands on a line that the paste had changed already.
    #[test]
    fn a_prompt_that_comes_where_the_cursor_was_waiting_is_ink_below() {
        for (before, reverse) in [(3, false), (3, true), (20, false), (20, true)] {
            let lines = transcript(before);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let with = |more: &[&'static str]| [lines.as_slice(), more].concat();
            let status = "[0] sh   12:01";
            let reversed = if reverse { before } else { usize::MAX };
            let line = "> text to the end";
            let empty = terminal(&with(&["> "]), usize::MAX, status);
            let pasted = terminal(&with(&[line, ""]), reversed, status);
            let plain = terminal(&with(&[line, ""]), usize::MAX, status);
            let now = terminal(&with(&[line, "> "]), usize::MAX, status);
            let later = terminal(&with(&[line, ""]), usize::MAX, "[0] sh   12:59");
            let text = change(&empty, &pasted, &none(), TERMINAL);
            let below = |now| ink_below(&text, &pasted, now, &none(), TERMINAL).count();
            let kept = shape_kept(&text, &pasted, &now);
            assert!(kept >= FOUND, "{before} {reverse}: {kept}");
            assert!(below(&now) >= 24, "{before} {reverse}: {}", below(&now));
            assert_eq!(below(&plain), 0, "{before} {reverse}");
            assert_eq!(below(&later), 0, "{before} {reverse}: a clock");
        }
    }

    #[test]
    fn a_clock_in_the_status_line_is_no_answer() {
        let [_, pasted, _] = told(3, false);
        let status = "[0] sh   12:59";
        let lines = transcript(3);
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let at = |lines: &[&str]| terminal(lines, usize::MAX, status);
        lines.push("> ");
        let empty = at(&lines);
        lines.pop();
        lines.extend(["> a text that go", "es on below it"]);
        let ticked = at(&lines);
        lines.push("> ");
        let answered = at(&lines);
        // The clock may tick while the text comes, and again after Enter.
        let text = change(&empty, &pasted, &none(), TERMINAL);
        let below = |now| ink_below(&text, &pasted, now, &none(), TERMINAL).count();
        assert_eq!(below(&ticked), 0);
        assert!(below(&answered) >= 24);
    }
}

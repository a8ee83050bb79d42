//! How simulated windows look.

use std::time::Duration;

use super::window::{Habit, SimulatedWindow};
use crate::delivery::ports::Picture;
use crate::events::facts::screen::{Point, Rect};
use crate::events::time::Timestamp;

const GROUND: [u8; 3] = [60, 90, 120];
const PAPER: [u8; 3] = [250, 250, 248];
const FRAME: [u8; 3] = [120, 120, 120];
const INK: [u8; 3] = [20, 20, 20];
const PALE: [u8; 3] = [170, 170, 170];
const SELECTED: [u8; 3] = [120, 170, 240];

/// Glyph cell, in pixels.
const CELL: (i32, i32) = (7, 12);

/// A picture that is painted row by row.
pub(super) struct Canvas {
    region: Rect,
    rgb: Vec<u8>,
}

impl Canvas {
    /// The bare background.
    pub(super) fn new(region: Rect) -> Self {
        let pixels = crate::delivery::look::pixels(&region).unwrap_or(0);
        Self {
            region,
            rgb: GROUND.repeat(pixels),
        }
    }

    pub(super) fn into_picture(self) -> Picture {
        Picture {
            region: self.region,
            rgb: self.rgb,
        }
    }

    fn fill(&mut self, area: &Rect, colour: [u8; 3]) {
        let Some(part) = self.region.intersection(area) else {
            return;
        };
        let offset = |n: i32, base: i32| usize::try_from(n.saturating_sub(base)).unwrap_or(0);
        let width = usize::try_from(self.region.width).unwrap_or(0);
        let (left, right) = (
            offset(part.x, self.region.x),
            offset(part.right(), self.region.x),
        );
        for y in offset(part.y, self.region.y)..offset(part.bottom(), self.region.y) {
            let row = (y * width + left) * 3..(y * width + right) * 3;
            if let Some(row) = self.rgb.get_mut(row) {
                if colour == [colour[0]; 3] {
                    row.fill(colour[0]);
                } else {
                    row.copy_from_slice(&colour.repeat(row.len() / 3));
                }
            }
        }
    }

    fn outline(&mut self, area: &Rect) {
        self.framed(area, FRAME);
    }

    fn framed(&mut self, area: &Rect, colour: [u8; 3]) {
        self.fill(area, colour);
        let inner = Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(2),
        };
        self.fill(&inner, PAPER);
    }

    /// Blobs that differ from character to character; blanks stay empty.
    fn text(&mut self, x: i32, y: i32, text: &str, colour: [u8; 3]) {
        let mut x = x;
        if y + CELL.1 < self.region.y || y > self.region.bottom() {
            return;
        }
        for c in text.chars() {
            if !c.is_whitespace() {
                let mut bits = u64::from(u32::from(c)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 0x11;
                for row in 0..8 {
                    for column in 0..5 {
                        bits = bits.rotate_left(7).wrapping_mul(0x2545_f491_4f6c_dd1d);
                        if bits >> 63 == 1 {
                            self.dot(x + column, y + 2 + row, colour);
                        }
                    }
                }
            }
            x += CELL.0;
        }
    }

    fn dot(&mut self, x: i32, y: i32, colour: [u8; 3]) {
        if !self.region.contains(Point { x, y }) {
            return;
        }
        let offset = |n: i32, base: i32| usize::try_from(n.saturating_sub(base)).unwrap_or(0);
        let width = usize::try_from(self.region.width).unwrap_or(0);
        let start = (offset(y, self.region.y) * width + offset(x, self.region.x)) * 3;
        if let Some(pixel) = self.rgb.get_mut(start..start + 3) {
            pixel.copy_from_slice(&colour);
        }
    }

    /// Paints a window over what is there.
    pub(super) fn window(&mut self, window: &SimulatedWindow, focused: bool, now: Timestamp) {
        let frame = window.fingerprint.frame;
        self.outline(&frame);
        let blink = (now.micros() / 500_000).is_multiple_of(2);
        match window.habit {
            Habit::Chat => self.chat(window, focused, focused && blink, now),
            Habit::Terminal => self.terminal(window, focused && blink),
            Habit::Dialog => self.text(frame.x + 8, frame.y + 8, "Exit or wait?", INK),
        }
    }

    fn chat(&mut self, window: &SimulatedWindow, focused: bool, caret: bool, now: Timestamp) {
        let faded = |colour| fading(window, now, colour);
        let frame = window.fingerprint.frame;
        let room = usize::try_from(frame.width / 7)
            .unwrap_or(0)
            .saturating_sub(4);
        for (line, at) in window.transcript.iter().rev().zip([28, 16, 4]) {
            let shown: String = line.chars().take(room).collect();
            self.text(frame.x + 6, frame.y + at, &shown, faded(INK));
        }
        let entry = window.entry();
        self.framed(&entry, faded(FRAME));
        if focused {
            let ring = Rect {
                x: entry.x + 1,
                y: entry.y + 1,
                width: entry.width.saturating_sub(2),
                height: 1,
            };
            self.fill(&ring, SELECTED);
        }
        let beyond = window.text.chars().count().saturating_sub(room);
        // What does not fit scrolls with the caret.
        let skip = if window.at_start { 0 } else { beyond };
        let shown: String = window.text.chars().skip(skip).collect();
        let (x, y) = (entry.x + 4, entry.y + 5);
        let end = x + CELL.0 * i32::try_from(shown.chars().count()).unwrap_or(0);
        if window.text.is_empty() {
            self.text(x, y, &window.placeholder, PALE);
        } else if window.selected {
            let band = Rect {
                x,
                y,
                width: u32::try_from(end - x).unwrap_or(0),
                height: 12,
            };
            self.fill(&band, SELECTED);
        }
        self.text(x, y, &shown, INK);
        if let Some(offer) = &window.offer {
            let list = Rect {
                x,
                y: entry.bottom(),
                width: 90,
                height: 12,
            };
            self.fill(&list, PALE);
            self.text(x, entry.bottom(), offer, INK);
        }
        if caret && !window.selected {
            let at = if window.at_start { x } else { end };
            let bar = Rect {
                x: at,
                y,
                width: 2,
                height: 12,
            };
            self.fill(&bar, INK);
        }
    }

    fn terminal(&mut self, window: &SimulatedWindow, caret: bool) {
        let frame = window.fingerprint.frame;
        let room = usize::try_from(frame.width / 7)
            .unwrap_or(1)
            .saturating_sub(2)
            .max(1);
        let mut lines: Vec<String> = Vec::new();
        let prompt = format!("$ {}", window.text);
        // A text that fills its line to the end leaves the cursor on the next.
        let full = prompt.chars().count().is_multiple_of(room);
        for line in window.transcript.iter().chain([&prompt]) {
            let letters: Vec<char> = line.chars().collect();
            lines.extend(
                letters
                    .chunks(room)
                    .map(|part| part.iter().collect::<String>()),
            );
        }
        lines.extend(full.then(String::new));
        let rows = usize::try_from(frame.height / 12)
            .unwrap_or(1)
            .saturating_sub(1 + usize::from(window.status.is_some()));
        let skip = lines.len().saturating_sub(rows);
        let mut y = frame.y + 4;
        let mut end = frame.x + 4;
        // What is in reverse ends with the last letter.
        let letters: usize = lines.iter().map(|line| line.chars().count()).sum();
        let mut plain = letters.saturating_sub(window.reversed);
        for (number, line) in lines.iter().enumerate() {
            let length = line.chars().count();
            let before = plain.min(length);
            plain -= before;
            if number < skip {
                continue;
            }
            let x = |letters: usize| frame.x + 4 + CELL.0 * i32::try_from(letters).unwrap_or(0);
            let band = Rect {
                x: x(before),
                y,
                width: u32::try_from(x(length) - x(before)).unwrap_or(0),
                height: 12,
            };
            self.fill(&band, INK);
            let reversed: String = line.chars().skip(before).collect();
            self.text(x(0), y, &line.chars().take(before).collect::<String>(), INK);
            self.text(x(before), y, &reversed, PAPER);
            end = x(length);
            y += CELL.1;
        }
        if let Some(status) = &window.status {
            let y = frame.y + 4 + CELL.1 * i32::try_from(rows).unwrap_or(0);
            self.text(frame.x + 4, y, status, INK);
        }
        if caret {
            let cell = Rect {
                x: end,
                y: y - CELL.1,
                width: 7,
                height: 12,
            };
            self.fill(&cell, INK);
        }
    }
}

/// Fading colours change so often.
pub(super) const TICK: Duration = Duration::from_millis(16);

/// A colour on its way from pale to full, frame by frame.
fn fading(window: &SimulatedWindow, now: Timestamp, colour: [u8; 3]) -> [u8; 3] {
    let whole = window.fade.as_micros();
    let spent = now.since(window.focused_at).as_micros() / TICK.as_micros() * TICK.as_micros();
    if whole <= spent {
        return colour;
    }
    let mix = |full: u8, pale: u8| {
        let sum = u128::from(full) * spent + u128::from(pale) * (whole - spent);
        sum.checked_div(whole)
            .and_then(|mixed| u8::try_from(mixed).ok())
            .unwrap_or(full)
    };
    let [red, green, blue] = colour;
    [mix(red, PALE[0]), mix(green, PALE[1]), mix(blue, PALE[2])]
}

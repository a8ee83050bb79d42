//! A whole screen from what is known, what is looked at, and how large the screen is: a pure function.

use serde_json::Value;

use super::glance;
use super::line::Line;
use super::panes::{Content, content, count};
use super::view::{Order, Pane, View};
use crate::api::web::words::{text, whole};
use crate::cli::output::paint::Tone;

/// A screen in columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub columns: usize,
    /// From top to bottom.
    pub rows: usize,
}

/// What a screen is made from.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'s> {
    /// The overview.
    pub item: &'s Value,
    /// What is looked at.
    pub view: &'s View,
    /// Why there is nothing newer, if so.
    pub trouble: Option<&'s str>,
}

/// A drawn screen.
#[derive(Clone, Debug)]
pub struct Picture {
    /// At most as many as the screen has rows, none wider than it has columns.
    pub lines: Vec<Line>,
    /// How many rows the pane has.
    pub rows: usize,
    /// How many of them are seen at a time.
    pub page: usize,
}

/// Rows that are kept for the pane and what belongs to it, before figures get more than one line.
const PANE_LEAST: usize = 9;

/// What each key does.
const HELP: [(&str, &str); 8] = [
    ("q", "leave"),
    ("p, space", "pause, and go on"),
    ("tab, shift-tab, 1-7", "another pane"),
    ("left, right", "another order of its rows"),
    ("up, down, page up, page down, home, end", "other rows"),
    ("ctrl-l", "draw everything anew"),
    ("?", "this, and back"),
    (
        "breaker",
        "channels nothing is sent through; with ? one is tried",
    ),
];

/// Draws a screen.
pub fn frame(shown: &Shown<'_>, size: Size) -> Picture {
    let mut lines = vec![title(shown, size.columns)];
    if let Some(trouble) = shown.trouble {
        lines.push(Line::default().tone(Tone::Bad, trouble));
    }
    let left = size.rows.saturating_sub(lines.len());
    let figures = left.saturating_sub(PANE_LEAST).max(1);
    lines.extend(glance::lines(shown.item).into_iter().take(figures));
    let (below, rows, page) = if shown.view.help {
        (help(), HELP.len(), HELP.len())
    } else {
        let room = size.rows.saturating_sub(lines.len());
        pane(shown, Size { rows: room, ..size })
    };
    lines.extend(below);
    lines.truncate(size.rows);
    Picture {
        lines: lines.iter().map(|line| line.cut(size.columns)).collect(),
        rows,
        page,
    }
}

/// Everything below one another, for who does not look at a screen.
pub fn whole_text(item: &Value, columns: usize) -> Vec<Line> {
    let view = View::default();
    let shown = Shown {
        item,
        view: &view,
        trouble: None,
    };
    let mut lines = vec![title(&shown, columns)];
    lines.extend(glance::lines(item));
    for pane in Pane::ALL {
        let order = pane.orders().first().copied().unwrap_or(Order::Usual);
        let content = content(item, pane, order);
        lines.push(Line::default());
        lines.push(Line::default().tone(Tone::Strong, pane.name()));
        let rows = content.rows;
        lines.extend(table(&content, columns, (0, rows)));
    }
    lines.iter().map(|line| line.cut(columns)).collect()
}

fn title(shown: &Shown<'_>, columns: usize) -> Line {
    let clock = glance::clock(glance::at(shown.item));
    let (tone, word) = match (shown.trouble, shown.view.paused) {
        (Some(_), _) => (Tone::Bad, "NO ANSWER since"),
        (None, true) => (Tone::Waiting, "PAUSED at"),
        (None, false) => (Tone::Good, "now"),
    };
    let right = Line::default()
        .tone(tone, word)
        .say(&format!(" {clock} UTC"));
    let store = Line::default()
        .tone(Tone::Strong, "switchboard ")
        .tone(Tone::Dim, text(shown.item, "store"));
    let room = columns.saturating_sub(right.width()).saturating_sub(1);
    let store = store.cut(room);
    store
        .up_to(columns.saturating_sub(right.width()))
        .then(right)
}

/// The pane with its tabs above and the keys below.
fn pane(shown: &Shown<'_>, size: Size) -> (Vec<Line>, usize, usize) {
    let content = content(shown.item, shown.view.pane, shown.view.order());
    let mut lines = vec![tabs(shown)];
    // The tabs, the keys, the headings and what stands above are no rows.
    let others = if content.above.is_some() { 4 } else { 3 };
    let page = size.rows.saturating_sub(others).max(1);
    let skipped = shown.view.skipped.min(content.rows.saturating_sub(page));
    lines.extend(table(&content, size.columns, (skipped, page)));
    lines.resize(size.rows.saturating_sub(1).max(1), Line::default());
    let end = skipped.saturating_add(page).min(content.rows);
    lines.push(keys(shown.view, (skipped, end, content.rows), size.columns));
    (lines, content.rows, page)
}

fn table(content: &Content, columns: usize, (skipped, page): (usize, usize)) -> Vec<Line> {
    let mut lines: Vec<Line> = content.above.iter().cloned().collect();
    if content.rows == 0 {
        lines.push(Line::default().tone(Tone::Dim, content.none));
        return lines;
    }
    let (heads, rows) = content.grid.lines(columns);
    lines.push(heads);
    lines.extend(rows.into_iter().skip(skipped).take(page));
    lines
}

fn tabs(shown: &Shown<'_>) -> Line {
    let mut line = Line::default();
    for (nth, pane) in Pane::ALL.into_iter().enumerate() {
        let count =
            count(shown.item, pane).map_or_else(String::new, |it| format!(" {}", whole(it)));
        let name = format!("{} {}{count}", nth.saturating_add(1), pane.name());
        line = if pane == shown.view.pane {
            line.tone(Tone::Strong, &format!("[{name}]"))
        } else {
            line.tone(Tone::Dim, &format!(" {name} "))
        };
    }
    line
}

fn keys(view: &View, (first, end, rows): (usize, usize, usize), columns: usize) -> Line {
    let order = view.order().name();
    let order = if order.is_empty() {
        String::new()
    } else {
        format!("  ←→ by {order}")
    };
    let pause = if view.paused { "go on" } else { "pause" };
    let left = Line::default().tone(
        Tone::Dim,
        &format!("q leave  p {pause}  tab pane{order}  ↑↓ rows  ? help"),
    );
    if end.saturating_sub(first) >= rows {
        return left;
    }
    let place = format!("{}–{end} of {rows}", first.saturating_add(1));
    let place = Line::default().tone(Tone::Dim, &place);
    let column = columns.saturating_sub(place.width());
    left.cut(column.saturating_sub(1)).up_to(column).then(place)
}

fn help() -> Vec<Line> {
    let mut lines = vec![Line::default().tone(Tone::Strong, "Keys")];
    lines.extend(HELP.iter().map(|(key, what)| {
        let key = Line::default().say(&format!("  {key}"));
        key.up_to(44).tone(Tone::Dim, what)
    }));
    lines
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

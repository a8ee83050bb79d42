//! `applications.<name>.*`: settings under names that people choose.

use std::time::Duration;

use super::keys::{MINUTE, TARGETS, span};
use super::shapes::Shape;

/// The applications that are shipped; others are added by naming them.
const SHIPPED: &[&str] = &[
    "browser",
    "chatgpt-web",
    "claude-desktop",
    "cursor",
    "gnome-terminal",
    "tmux",
    "vscode",
    "xterm",
];

const FIELDS: &[(&str, Shape)] = &[
    ("target", Shape::Word(TARGETS)),
    ("classes", Shape::Words),
    ("paste", Shape::Chord),
    ("submit", Shape::Chord),
    ("new_chat", Shape::Chord),
    ("select_all", Shape::Chords),
    ("copy", Shape::Chord),
    ("delete", Shape::Chord),
    ("deselect", Shape::Chord),
    ("clear", Shape::Chord),
    ("input", Shape::Word(&["paste", "type"])),
    ("newlines", Shape::Word(&["keep", "blank"])),
    ("settle", span(Duration::ZERO, MINUTE)),
];

/// The dotted names of every field of every shipped application.
pub(super) fn shipped_keys() -> impl Iterator<Item = String> {
    let fields = |name: &'static str| {
        let dotted = move |(field, _): &(&str, Shape)| format!("applications.{name}.{field}");
        FIELDS.iter().map(dotted)
    };
    SHIPPED.iter().copied().flat_map(fields)
}

/// The shape of an application's field; none when the name is no such field's.
pub(super) fn shape_of(key: &str) -> Option<Shape> {
    let (name, field) = key.strip_prefix("applications.")?.split_once('.')?;
    let known = FIELDS.iter().find(|(known, _)| *known == field);
    known.filter(|_| is_name(name)).map(|(_, shape)| *shape)
}

/// Whether an application may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
}

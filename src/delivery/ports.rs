//! What delivery asks of the world. Nothing here waits: waiting is a step of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::events::facts::screen::{Fingerprint, Point, Rect};
use crate::events::ids::NotAName;

/// One display's eyes and hands.
pub trait Desktop: fmt::Debug {
    /// What this desktop can and cannot do.
    fn abilities(&self) -> Abilities;
    /// Monitors, windows, focus, pointer and what a person did since the last survey. `at` is the
    /// point of interest.
    fn survey(&mut self, at: Point) -> Result<Survey, Trouble>;
    /// The pixels of a part of the screen, clipped to the monitors.
    fn capture(&mut self, region: Rect) -> Result<Picture, Trouble>;
    /// Moves the hands. Returns when the events were handed over, not when they had an effect.
    fn act(&mut self, act: &Act) -> Result<(), Trouble>;
    /// What the clipboard holds now, within a short bound.
    fn clipboard(&mut self) -> Result<Clip, Trouble>;
    /// Takes the clipboard over with this content, or empties it (`Clip::Empty`).
    fn set_clipboard(&mut self, clip: &Clip) -> Result<(), Trouble>;
}

/// What a desktop can do; decides how far a proof can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// What it is: `x11`, `record`, `simulated`, `windows`, `macos`.
    pub name: String,
    /// Whether windows and pixels can be seen. Without it the proof ends at `submitted`.
    pub observes: bool,
    /// Whether a person's input can be told from ours.
    pub sees_people: bool,
}

/// The desktop around a point, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Every monitor.
    pub monitors: Vec<Rect>,
    /// Every visible top-level window, lowest first, menus and tooltips included.
    pub windows: Vec<Window>,
    /// The window that gets a click at the point; none is the bare background.
    pub under: Option<u64>,
    /// The top-level window that has the keyboard focus.
    pub focus: Option<u64>,
    /// Where the pointer is.
    pub pointer: Point,
    /// Whether a modifier key or a button is held down.
    pub held: bool,
    /// Whether another program has taken keyboard or pointer for itself (a menu, a locker).
    pub grabbed: bool,
    /// Whether a person moved or typed since the last survey.
    pub person: bool,
}

/// A top-level window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The window system's number for it (on X11: the client's top-level, not the frame).
    pub id: u64,
    /// Class, title, process and frame (decorations included) in screen coordinates.
    pub fingerprint: Fingerprint,
    /// A dialog, menu, tooltip or splash: something that comes up over other windows.
    pub transient: bool,
    /// The window it belongs to, for dialogs.
    pub owner: Option<u64>,
}

/// Pixels as rows of red, green, blue.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Which part of the screen.
    pub region: Rect,
    /// `region.width * region.height * 3` bytes; in JSON runs of equal colours.
    #[serde(with = "super::runs::colours")]
    pub rgb: Vec<u8>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({:?}, {} bytes)", self.region, self.rgb.len())
    }
}

/// What the clipboard holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// Nobody owns it.
    Empty,
    /// Text.
    Text(String),
    /// Something that cannot be saved and given back as text (an image, files).
    Other,
}

/// Two clicks at one place are a double click, and three may select what is no part of the box (an empty
/// one in Chromium). A desktop where that is so clicks this far beside the place of the click just before,
/// in pixels.
pub const ASIDE: u16 = 12;

/// One movement of the hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Moves the pointer there, or at most `ASIDE` to its left, and presses the first button.
    Click(Point),
    /// The same, if a click there goes to this top-level window at that very moment; else nothing is
    /// clicked ([`Trouble::Elsewhere`]).
    ClickIn {
        /// Where.
        at: Point,
        /// The window it is for.
        window: u64,
    },
    /// Presses keys together and releases them.
    Press(Chord),
    /// The same, if this top-level window has the keyboard at that very moment; else nothing is pressed
    /// ([`Trouble::Elsewhere`]).
    PressIn {
        /// The keys.
        chord: Chord,
        /// The window they are for.
        window: u64,
    },
    /// Types text key by key.
    Type(String),
    /// Lets go of every key and button that may be held.
    ReleaseAll,
}

impl Act {
    /// The keys that it presses together, if it does.
    pub const fn chord(&self) -> Option<&Chord> {
        match self {
            Self::Press(chord) | Self::PressIn { chord, .. } => Some(chord),
            Self::Click(_) | Self::ClickIn { .. } | Self::Type(_) | Self::ReleaseAll => None,
        }
    }
}

/// Keys pressed together, written `ctrl+shift+v` or `enter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chord {
    /// `ctrl`, `shift`, `alt`, `meta`, in the order given.
    pub modifiers: Vec<Modifier>,
    /// The last key.
    pub key: Key,
}

/// A key that changes others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Modifier {
    Ctrl,
    Shift,
    Alt,
    Meta,
}

/// A key that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Key {
    Enter,
    Tab,
    Escape,
    Insert,
    Delete,
    Backspace,
    Home,
    End,
    Left,
    Right,
    /// A printable character, in lower case.
    Char(char),
}

/// Why the desktop did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The display cannot be reached any more.
    #[error("the display is gone: {0}")]
    DisplayGone(String),
    /// The system forbids it.
    #[error("the system does not allow it: {0}")]
    Permission(String),
    /// The clipboard did not answer or was refused.
    #[error("the clipboard did not work: {0}")]
    Clipboard(String),
    /// Another window had the keyboard when a key was to be pressed; it was not pressed.
    #[error("the key was not pressed: {0}")]
    Elsewhere(String),
    /// This desktop cannot do that.
    #[error("this desktop cannot do that: {0}")]
    Unsupported(String),
}

const MODIFIERS: &[(&str, Modifier)] = &[
    ("ctrl", Modifier::Ctrl),
    ("shift", Modifier::Shift),
    ("alt", Modifier::Alt),
    ("meta", Modifier::Meta),
];

const KEYS: &[(&str, Key)] = &[
    ("enter", Key::Enter),
    ("tab", Key::Tab),
    ("escape", Key::Escape),
    ("insert", Key::Insert),
    ("delete", Key::Delete),
    ("backspace", Key::Backspace),
    ("home", Key::Home),
    ("end", Key::End),
    ("left", Key::Left),
    ("right", Key::Right),
    ("plus", Key::Char('+')),
    ("space", Key::Char(' ')),
];

impl FromStr for Chord {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let refuse = || NotAName {
            name: text.to_owned(),
            rule: "keys are written like `enter`, `ctrl+v` or `ctrl+shift+v`".to_owned(),
        };
        let lower = text.trim().to_lowercase();
        let mut parts: Vec<&str> = lower.split('+').collect();
        let last = parts.pop().ok_or_else(refuse)?;
        let named = KEYS
            .iter()
            .find(|(name, _)| *name == last)
            .map(|(_, key)| *key);
        let mut chars = last.chars();
        let single = chars
            .next()
            .filter(|_| chars.next().is_none())
            .map(Key::Char);
        let modifiers = parts
            .iter()
            .map(|part| {
                MODIFIERS
                    .iter()
                    .find(|(name, _)| name == part)
                    .map(|(_, held)| *held)
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(refuse)?;
        Ok(Self {
            modifiers,
            key: named.or(single).ok_or_else(refuse)?,
        })
    }
}

impl TryFrom<String> for Chord {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for held in &self.modifiers {
            let name = MODIFIERS
                .iter()
                .find(|(_, known)| known == held)
                .map_or("?", |(n, _)| n);
            write!(f, "{name}+")?;
        }
        match (KEYS.iter().find(|(_, known)| *known == self.key), self.key) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

impl From<Chord> for String {
    fn from(chord: Chord) -> Self {
        chord.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_written_as_they_are_read() {
        for text in [
            "enter",
            "ctrl+v",
            "ctrl+shift+v",
            "shift+insert",
            "ctrl+plus",
            "ctrl+/",
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), text);
        }
        for bad in ["", "ctrl+", "hyper+v", "ctrl+foo"] {
            assert!(bad.parse::<Chord>().is_err(), "{bad}");
        }
    }
}

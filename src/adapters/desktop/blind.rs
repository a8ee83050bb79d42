//! A desktop that can act but not look: Windows, macOS, and Wayland until eyes are made for them.
//! Whoever uses it waits by the clock, and its proof ends at `submitted`.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use enigo::{
    Button, Coordinate, Direction, Enigo, InputError, Keyboard as _, Mouse as _, Settings,
};

use crate::delivery::ports::{
    Abilities, Act, Chord, Clip, Desktop, Key, Modifier, Picture, Survey, Trouble,
};
use crate::events::facts::screen::{Point, Rect};

/// How long the system may take to hand the clipboard over.
const PATIENCE: Duration = Duration::from_millis(500);

/// The main display of this process, moved blindly.
pub struct BlindDesktop {
    enigo: Enigo,
    clipboard: Option<arboard::Clipboard>,
}

impl fmt::Debug for BlindDesktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindDesktop").finish_non_exhaustive()
    }
}

impl BlindDesktop {
    /// Takes hold of the desktop that this process runs on.
    pub fn open() -> Result<Self, Trouble> {
        let enigo = Enigo::new(&Settings::default()).map_err(|error| match error {
            enigo::NewConError::NoPermission => Trouble::Permission(error.to_string()),
            enigo::NewConError::EstablishCon(_)
            | enigo::NewConError::Reply
            | enigo::NewConError::NoEmptyKeycodes => Trouble::DisplayGone(error.to_string()),
        })?;
        Ok(Self {
            enigo,
            clipboard: None,
        })
    }

    fn press(&mut self, chord: &Chord) -> Result<(), InputError> {
        let mut done = Ok(());
        let mut held = Vec::with_capacity(chord.modifiers.len());
        for modifier in &chord.modifiers {
            held.push(named(*modifier));
            done = self.enigo.key(named(*modifier), Direction::Press);
            if done.is_err() {
                break;
            }
        }
        if done.is_ok() {
            done = match key(chord.key) {
                Some(key) => self.enigo.key(key, Direction::Click),
                None => Err(InputError::InvalidInput("this keyboard has no such key")),
            };
        }
        for modifier in held.into_iter().rev() {
            // Also after a failure: a key that stays down would change everything after it.
            let released = self.enigo.key(modifier, Direction::Release);
            done = done.and(released);
        }
        done
    }

    fn release_all(&mut self) -> Result<(), InputError> {
        let (keys, codes) = self.enigo.held();
        for key in keys {
            self.enigo.key(key, Direction::Release)?;
        }
        for code in codes {
            self.enigo.raw(code, Direction::Release)?;
        }
        for modifier in [
            Modifier::Ctrl,
            Modifier::Shift,
            Modifier::Alt,
            Modifier::Meta,
        ] {
            self.enigo.key(named(modifier), Direction::Release)?;
        }
        self.enigo.button(Button::Left, Direction::Release)
    }

    fn own_clipboard(&mut self) -> Result<&mut arboard::Clipboard, Trouble> {
        match &mut self.clipboard {
            Some(clipboard) => Ok(clipboard),
            none => Ok(none.insert(arboard::Clipboard::new().map_err(|e| unusable(&e))?)),
        }
    }
}

impl Desktop for BlindDesktop {
    fn abilities(&self) -> Abilities {
        let name = match std::env::consts::OS {
            known @ ("windows" | "macos") => known,
            _ => "blind",
        };
        Abilities {
            name: name.to_owned(),
            observes: false,
            sees_people: false,
        }
    }

    fn survey(&mut self, _at: Point) -> Result<Survey, Trouble> {
        let (width, height) = self.enigo.main_display().map_err(|e| unmoved(&e))?;
        let (x, y) = self.enigo.location().map_err(|e| unmoved(&e))?;
        Ok(Survey {
            monitors: vec![Rect {
                x: 0,
                y: 0,
                width: u32::try_from(width).unwrap_or(0),
                height: u32::try_from(height).unwrap_or(0),
            }],
            windows: Vec::new(),
            under: None,
            focus: None,
            pointer: Point { x, y },
            held: false,
            grabbed: false,
            person: false,
        })
    }

    fn capture(&mut self, _region: Rect) -> Result<Picture, Trouble> {
        Err(Trouble::Unsupported("it cannot see".to_owned()))
    }

    fn act(&mut self, act: &Act) -> Result<(), Trouble> {
        let done = match act {
            // What lies over a window cannot be seen here.
            Act::Click(at) | Act::ClickIn { at, .. } => self
                .enigo
                .move_mouse(at.x, at.y, Coordinate::Abs)
                .and_then(|()| self.enigo.button(Button::Left, Direction::Click)),
            // Who has the keyboard cannot be seen here.
            Act::Press(chord) | Act::PressIn { chord, .. } => self.press(chord),
            Act::Type(text) => self.enigo.text(text),
            Act::ReleaseAll => self.release_all(),
        };
        done.map_err(|e| unmoved(&e))
    }

    /// Reads on a thread of its own: on X11 arboard waits 24 seconds for a frozen owner.
    fn clipboard(&mut self) -> Result<Clip, Trouble> {
        let (told, answer) = channel();
        let reading = move || {
            let read = arboard::Clipboard::new().and_then(|mut clipboard| clipboard.get_text());
            // Nobody listens any more when the deadline has passed.
            told.send(read).ok();
        };
        thread::Builder::new()
            .name("clipboard".to_owned())
            .spawn(reading)
            .map_err(|e| Trouble::Clipboard(format!("no thread to read it with: {e}")))?;
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(text)) => Ok(Clip::Text(text)),
            // arboard does not tell an empty clipboard from one with other things in it, so it
            // counts as something that must not be overwritten unseen.
            Ok(Err(arboard::Error::ContentNotAvailable | arboard::Error::ConversionFailure)) => {
                Ok(Clip::Other)
            }
            Ok(Err(error)) => Err(unusable(&error)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(
                Trouble::Clipboard("its owner did not answer in time".to_owned()),
            ),
        }
    }

    fn set_clipboard(&mut self, clip: &Clip) -> Result<(), Trouble> {
        let clipboard = self.own_clipboard()?;
        match clip {
            Clip::Text(text) => clipboard.set_text(text.clone()).map_err(|e| unusable(&e)),
            Clip::Empty => clipboard.clear().map_err(|e| unusable(&e)),
            Clip::Other => Err(Trouble::Unsupported(
                "only text can be put into the clipboard".to_owned(),
            )),
        }
    }
}

fn unusable(error: &arboard::Error) -> Trouble {
    Trouble::Clipboard(error.to_string())
}

fn unmoved(error: &InputError) -> Trouble {
    Trouble::Unsupported(format!("the hands did not move: {error}"))
}

fn named(modifier: Modifier) -> enigo::Key {
    match modifier {
        Modifier::Ctrl => enigo::Key::Control,
        Modifier::Shift => enigo::Key::Shift,
        Modifier::Alt => enigo::Key::Alt,
        Modifier::Meta => enigo::Key::Meta,
    }
}

#[cfg_attr(
    not(target_os = "macos"),
    expect(clippy::unnecessary_wraps, reason = "some keyboards lack some keys")
)]
fn key(key: Key) -> Option<enigo::Key> {
    Some(match key {
        Key::Enter => enigo::Key::Return,
        Key::Tab => enigo::Key::Tab,
        Key::Escape => enigo::Key::Escape,
        #[cfg(not(target_os = "macos"))]
        Key::Insert => enigo::Key::Insert,
        #[cfg(target_os = "macos")]
        Key::Insert => return None,
        Key::Delete => enigo::Key::Delete,
        Key::Backspace => enigo::Key::Backspace,
        Key::Home => enigo::Key::Home,
        Key::End => enigo::Key::End,
        Key::Left => enigo::Key::LeftArrow,
        Key::Right => enigo::Key::RightArrow,
        Key::Char(c) => enigo::Key::Unicode(c),
    })
}

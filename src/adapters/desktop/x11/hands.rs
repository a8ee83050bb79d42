//! Pointer and keyboard, moved by enigo through XTEST.

use std::fmt;
use std::time::{Duration, Instant};

use enigo::{
    Button, Coordinate, Direction, Enigo, InputError, Keyboard as _, Mouse as _, Settings,
};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask};
use x11rb::protocol::xtest::ConnectionExt as _;

use crate::delivery::ports::{ASIDE, Act, Chord, Key, Modifier, Trouble};
use crate::events::facts::screen::Point;

use super::keys::{Keys, Stroke, group_of, symbol_of, symbol_of_char};
use super::link::{Link, lost, trouble};
use super::survey::clamped;

/// enigo waits so long before every event by itself; we look instead of waiting.
const DELAY_MILLIS: u32 = 0;
/// Clicks further apart are no double click to any toolkit (400 to 500 ms).
const MULTICLICK: Duration = Duration::from_millis(650);
const BUTTONS: [(Button, KeyButMask); 3] = [
    (Button::Left, KeyButMask::BUTTON1),
    (Button::Middle, KeyButMask::BUTTON2),
    (Button::Right, KeyButMask::BUTTON3),
];

/// The hands of one display.
pub(super) struct Hands {
    display: String,
    enigo: Enigo,
    /// The keyboard when enigo learnt it.
    learnt: Keys,
    keys: Keys,
    presses: u64,
    /// Where and when clicks were that may still be counted together with the next one.
    clicked: Vec<(Point, Instant)>,
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands")
            .field("display", &self.display)
            .field("presses", &self.presses)
            .finish_non_exhaustive()
    }
}

impl Hands {
    /// Takes hold of the display that `link` is connected to.
    pub(super) fn take(display: &str, link: &Link) -> Result<Self, Trouble> {
        let keys = Keys::read(link)?;
        let enigo = new_enigo(display, link)?;
        Ok(Self {
            display: display.to_owned(),
            enigo,
            learnt: keys.clone(),
            keys,
            presses: 0,
            clicked: Vec::new(),
        })
    }

    /// The modifiers that do not count as held.
    pub(super) fn locks(&self) -> u16 {
        self.keys.locks()
    }

    /// Where the last click went.
    pub(super) fn last_clicked(&self) -> Option<Point> {
        self.clicked.last().map(|(place, _)| *place)
    }

    /// How many presses and releases of keys and buttons were made, at most.
    pub(super) fn presses(&self) -> u64 {
        self.presses
    }

    /// Counts on from here: the server may have dropped a release of a key that was not down.
    pub(super) fn set_presses(&mut self, presses: u64) {
        self.presses = presses;
    }

    /// Learns the keyboard anew if it was changed before the last answer from the server.
    pub(super) fn mind_keyboard(&mut self, link: &Link) -> Result<(), Trouble> {
        if !link.take_keyboard_changed()? {
            return Ok(());
        }
        self.keys = Keys::read(link)?;
        if !self.learnt.still_holds_in(&self.keys) {
            // enigo reads the layout only once, so it has to start again.
            self.enigo = new_enigo(&self.display, link)?;
            self.keys = Keys::read(link)?;
            self.learnt = self.keys.clone();
        }
        Ok(())
    }

    /// Does it. When this returns the server has seen all of it.
    pub(super) fn act(&mut self, link: &Link, act: &Act) -> Result<(), Trouble> {
        let done = match act {
            Act::Click(at) | Act::ClickIn { at, .. } => {
                let at = self.beside_the_last(link, *at)?;
                self.click(at)
            }
            // `PressIn` comes here when its keys are not on the keyboard, and enigo must lend them one.
            Act::Press(chord) | Act::PressIn { chord, .. } => {
                let group = group_of(state(link)?);
                self.mind_keyboard(link)?;
                self.press(chord, group)
            }
            Act::Type(text) => {
                let state = state(link)?;
                self.mind_keyboard(link)?;
                self.type_text(text, state)
            }
            Act::ReleaseAll => return self.release_all(link),
        };
        done.map_err(|error| refused(link, &error))
    }

    /// Presses keys if the keyboard belongs to this very X window, as one step that no other program
    /// can come in between of: the server serves nobody else meanwhile. enigo sits on another
    /// connection, which would have to wait, so these keys go over ours. None when the keys are not on
    /// the keyboard as it is.
    pub(super) fn press_in(
        &mut self,
        link: &Link,
        chord: &Chord,
        focus: u32,
    ) -> Result<Option<bool>, Trouble> {
        let group = group_of(state(link)?);
        self.mind_keyboard(link)?;
        let Some(codes) = self.codes(chord, group) else {
            return Ok(None);
        };
        link.conn.grab_server().map_err(lost)?;
        let pressed = guarded(link, &codes, focus);
        // Whatever came of it: nobody is served until then.
        let freed = link.conn.ungrab_server().map_err(lost).map(|_| ());
        let flushed = link.conn.flush().map_err(lost);
        let pressed = pressed?;
        freed.and(flushed)?;
        if pressed {
            let events = u64::try_from(codes.len()).unwrap_or(0).saturating_mul(2);
            self.presses = self.presses.saturating_add(events);
        }
        Ok(Some(pressed))
    }

    /// Clicks if what lies at the place is still this child of the root window, as one step like
    /// [`Self::press_in`].
    pub(super) fn click_in(&mut self, link: &Link, at: Point, top: u32) -> Result<bool, Trouble> {
        let at = self.beside_the_last(link, at)?;
        link.conn.grab_server().map_err(lost)?;
        let clicked = guarded_click(link, at, top);
        // Whatever came of it: nobody is served until then.
        let freed = link.conn.ungrab_server().map_err(lost).map(|_| ());
        let flushed = link.conn.flush().map_err(lost);
        let clicked = clicked?;
        freed.and(flushed)?;
        if clicked {
            self.presses = self.presses.saturating_add(2);
        }
        Ok(clicked)
    }

    /// The codes to press in order.
    fn codes(&self, chord: &Chord, group: u8) -> Option<Vec<u8>> {
        let Stroke { code, shift } = self.keys.stroke(symbol_of(chord.key), group)?;
        let mut modifiers = chord.modifiers.clone();
        if shift && !modifiers.contains(&Modifier::Shift) {
            modifiers.push(Modifier::Shift);
        }
        let held = modifiers.iter().map(|held| self.keys.modifier(*held));
        held.chain([Some(code)]).collect()
    }

    /// Where to click so that it does not make a double click: aside, when the last click around here was here and
    /// nothing but the same window is there.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long ago a click was is the hands' own affair, at the very edge"
    )]
    fn beside_the_last(&mut self, link: &Link, at: Point) -> Result<Point, Trouble> {
        let aside = i32::from(ASIDE);
        // Windows count the clicks that they get themselves: what was clicked elsewhere meanwhile ends no
        // series.
        self.clicked.retain(|(_, when)| when.elapsed() < MULTICLICK);
        let apart = |a: i32, b: i32| a.abs_diff(b);
        let last = self.clicked.iter().rev().find(|(place, _)| {
            apart(place.x, at.x) <= ASIDE.into() && apart(place.y, at.y) <= ASIDE.into()
        });
        let doubled = last.is_some_and(|(place, _)| apart(place.x, at.x) < ASIDE.into());
        let beside = Point {
            x: at.x.saturating_sub(aside),
            ..at
        };
        let place = if doubled && top_at(link, beside)? == top_at(link, at)? {
            beside
        } else {
            at
        };
        self.clicked.push((place, Instant::now()));
        Ok(place)
    }

    fn click(&mut self, at: Point) -> Result<(), InputError> {
        self.enigo.move_mouse(at.x, at.y, Coordinate::Abs)?;
        self.presses = self.presses.saturating_add(2);
        self.enigo.button(Button::Left, Direction::Click)
    }

    fn press(&mut self, chord: &Chord, group: u8) -> Result<(), InputError> {
        let stroke = self.keys.stroke(symbol_of(chord.key), group);
        let mut modifiers = chord.modifiers.clone();
        if stroke.is_some_and(|stroke| stroke.shift) && !modifiers.contains(&Modifier::Shift) {
            modifiers.push(Modifier::Shift);
        }
        self.while_holding(&modifiers, |hands| match stroke {
            Some(Stroke { code, .. }) => hands.raw(code, Direction::Click),
            None => hands.key(enigo_key(chord.key), Direction::Click),
        })
    }

    fn type_text(&mut self, text: &str, state: KeyButMask) -> Result<(), InputError> {
        let group = group_of(state);
        let caps = u16::from(state) & u16::from(KeyButMask::LOCK) != 0;
        for c in text.replace("\r\n", "\n").chars() {
            match self.keys.stroke(symbol_of_char(c), group) {
                Some(Stroke { code, shift }) if shift != (caps && c.is_alphabetic()) => {
                    self.while_holding(&[Modifier::Shift], |hands| {
                        hands.raw(code, Direction::Click)
                    })?;
                }
                Some(Stroke { code, .. }) => self.raw(code, Direction::Click)?,
                None => self.key(enigo::Key::Unicode(c), Direction::Click)?,
            }
        }
        Ok(())
    }

    /// Presses modifiers in their order and lets go of them in the opposite one, whatever happens
    /// in between.
    fn while_holding(
        &mut self,
        modifiers: &[Modifier],
        then: impl FnOnce(&mut Self) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let mut done = Ok(());
        let mut held = Vec::with_capacity(modifiers.len());
        for modifier in modifiers {
            held.push(*modifier);
            done = self.modifier(*modifier, Direction::Press);
            if done.is_err() {
                break;
            }
        }
        if done.is_ok() {
            done = then(self);
        }
        for modifier in held.into_iter().rev() {
            // Also after a failure: a key that stays down would change everything after it.
            let released = self.modifier(modifier, Direction::Release);
            done = done.and(released);
        }
        done
    }

    fn modifier(&mut self, modifier: Modifier, direction: Direction) -> Result<(), InputError> {
        match self.keys.modifier(modifier) {
            Some(code) => self.raw(code, direction),
            None => self.key(enigo_modifier(modifier), direction),
        }
    }

    fn raw(&mut self, code: u8, direction: Direction) -> Result<(), InputError> {
        self.count(direction);
        self.enigo.raw(code.into(), direction)
    }

    /// A key that no key code stands for: enigo lends it an unused one. A program that is slow to
    /// learn of the loan may drop the press, so pasting is the better way for such characters.
    fn key(&mut self, key: enigo::Key, direction: Direction) -> Result<(), InputError> {
        self.count(direction);
        self.enigo.key(key, direction)
    }

    fn count(&mut self, direction: Direction) {
        let events = match direction {
            Direction::Press | Direction::Release => 1,
            Direction::Click => 2,
        };
        self.presses = self.presses.saturating_add(events);
    }

    /// Lets go of whatever XTEST may hold. Keys that a person holds stay down: the server keeps
    /// them apart by device.
    fn release_all(&mut self, link: &Link) -> Result<(), Trouble> {
        let down = link.conn.query_keymap().map_err(lost)?;
        let down = down.reply().map_err(trouble)?.keys;
        for code in 8..=u8::MAX {
            let byte = down.get(usize::from(code / 8)).copied().unwrap_or(0);
            if byte >> (code % 8) & 1 == 1 {
                self.raw(code, Direction::Release)
                    .map_err(|error| refused(link, &error))?;
            }
        }
        let state = u16::from(state(link)?);
        for (button, bit) in BUTTONS {
            if state & u16::from(bit) != 0 {
                self.count(Direction::Release);
                self.enigo
                    .button(button, Direction::Release)
                    .map_err(|error| refused(link, &error))?;
            }
        }
        Ok(())
    }
}

/// The first word of an event on the wire.
const PRESS: u8 = 2;
const RELEASE: u8 = 3;
const BUTTON_PRESS: u8 = 4;
const BUTTON_RELEASE: u8 = 5;
const MOTION: u8 = 6;
const LEFT: u8 = 1;

fn guarded(link: &Link, codes: &[u8], focus: u32) -> Result<bool, Trouble> {
    let asked = link.conn.get_input_focus().map_err(lost)?;
    if asked.reply().map_err(trouble)?.focus != focus {
        return Ok(false);
    }
    let down = codes.iter().map(|code| (PRESS, *code));
    let up = codes.iter().rev().map(|code| (RELEASE, *code));
    for (kind, code) in down.chain(up) {
        let now = x11rb::CURRENT_TIME;
        link.conn
            .xtest_fake_input(kind, code, now, x11rb::NONE, 0, 0, 0)
            .map_err(lost)?;
    }
    Ok(true)
}

/// While the server serves nobody else: clicks where this window lies on top. False when another does.
fn guarded_click(link: &Link, at: Point, top: u32) -> Result<bool, Trouble> {
    if top_at(link, at)? != top {
        return Ok(false);
    }
    let (x, y) = (clamped(at.x), clamped(at.y));
    for (kind, button) in [(MOTION, 0), (BUTTON_PRESS, LEFT), (BUTTON_RELEASE, LEFT)] {
        let now = x11rb::CURRENT_TIME;
        link.conn
            .xtest_fake_input(kind, button, now, link.root, x, y, 0)
            .map_err(lost)?;
    }
    Ok(true)
}

/// The top-level window at a point; none where the screen ends.
pub(super) fn top_at(link: &Link, at: Point) -> Result<u32, Trouble> {
    let asked = link
        .conn
        .translate_coordinates(link.root, link.root, clamped(at.x), clamped(at.y));
    Ok(asked.map_err(lost)?.reply().map_err(trouble)?.child)
}

fn state(link: &Link) -> Result<KeyButMask, Trouble> {
    let pointer = link.conn.query_pointer(link.root).map_err(lost)?;
    Ok(pointer.reply().map_err(trouble)?.mask)
}

fn new_enigo(display: &str, link: &Link) -> Result<Enigo, Trouble> {
    let settings = Settings {
        linux_delay: DELAY_MILLIS,
        x11_display: Some(display.to_owned()),
        ..Settings::default()
    };
    Enigo::new(&settings).map_err(|error| {
        let alive = link.ping();
        alive.map_or_else(
            |gone| gone,
            |()| Trouble::Unsupported(format!("no hands on {display}: {error}")),
        )
    })
}

/// enigo does not say whether the server is gone; we have to ask it.
fn refused(link: &Link, error: &InputError) -> Trouble {
    match link.ping() {
        Err(gone) => gone,
        Ok(()) => Trouble::Unsupported(format!("the hands did not move: {error}")),
    }
}

fn enigo_modifier(modifier: Modifier) -> enigo::Key {
    match modifier {
        Modifier::Ctrl => enigo::Key::Control,
        Modifier::Shift => enigo::Key::Shift,
        Modifier::Alt => enigo::Key::Alt,
        Modifier::Meta => enigo::Key::Meta,
    }
}

fn enigo_key(key: Key) -> enigo::Key {
    match key {
        Key::Enter => enigo::Key::Return,
        Key::Tab => enigo::Key::Tab,
        Key::Escape => enigo::Key::Escape,
        Key::Insert => enigo::Key::Insert,
        Key::Delete => enigo::Key::Delete,
        Key::Backspace => enigo::Key::Backspace,
        Key::Home => enigo::Key::Home,
        Key::End => enigo::Key::End,
        Key::Left => enigo::Key::LeftArrow,
        Key::Right => enigo::Key::RightArrow,
        Key::Char(c) => enigo::Key::Unicode(c),
    }
}

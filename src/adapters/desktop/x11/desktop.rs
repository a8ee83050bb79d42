//! The `Desktop` port on X11.

use x11rb::protocol::xproto::{ConnectionExt as _, InputFocus};

use crate::delivery::ports::{
    Abilities, Act, Chord, Clip, Desktop, Key, Modifier, Picture, Survey, Trouble,
};
use crate::events::facts::screen::{Point, Rect};

use super::capture::{Layout, capture};
use super::clipboard::Clipboard;
use super::hands::{Hands, top_at};
use super::keeper::Holding;
use super::link::{Link, if_still_there, lost, trouble};
use super::listener::Listener;
use super::survey::{Looking, look};
use super::windows::Frames;

/// How often the keyboard's whereabouts are looked up before a key is given up.
const LOOKS: usize = 3;

/// One X display: its windows, pixels, pointer, keyboard and clipboard.
#[derive(Debug)]
pub struct X11Desktop {
    link: Link,
    listener: Listener,
    hands: Hands,
    clipboard: Clipboard,
    frames: Frames,
    /// A window that is never shown.
    hidden: u32,
    /// Where the pointer was left.
    pointer: Option<Point>,
    /// Where clicks sent it that may still wait in the server.
    sent: Vec<Point>,
    /// The X window that had the keyboard when it was last looked up, and the top-level window it is in.
    focus: Option<(u32, u64)>,
    /// Whether the last ping was sent while nothing of ours could still wait in the server.
    settled: bool,
    /// None behind Wayland, where X shows only a part of the truth.
    layout: Option<Layout>,
}

impl X11Desktop {
    /// Opens the display named like `:0`. Writing to the clipboard also needs the process to run
    /// with `DISPLAY` set to it, because arboard knows no other.
    pub fn open(display: &str) -> Result<Self, Trouble> {
        let link = Link::open(display)?;
        let hidden = link.hidden_window(x11rb::protocol::xproto::EventMask::NO_EVENT)?;
        let layout = if is_behind_wayland(&link)? {
            None
        } else {
            Some(Layout::of(&link)?)
        };
        let listener = Listener::start(display)?;
        let hands = Hands::take(display, &link)?;
        Ok(Self {
            link,
            listener,
            hands,
            clipboard: Clipboard::new(display),
            frames: Frames::default(),
            hidden,
            pointer: None,
            sent: Vec::new(),
            focus: None,
            settled: false,
            layout,
        })
    }

    /// What stands in the clipboard by our doing and would be lost with this process.
    pub fn holding(&self) -> Result<Option<Holding>, Trouble> {
        self.clipboard.holding(&self.listener)
    }

    /// Presses keys in a window that has the keyboard. Within a program the keyboard may go from one X
    /// window to another; then it is looked up anew whose it is.
    fn press_in(&mut self, chord: &Chord, window: u64) -> Result<(), Trouble> {
        for _ in 0..LOOKS {
            let asked = self.link.conn.get_input_focus().map_err(lost)?;
            let focus = asked.reply().map_err(trouble)?.focus;
            let looking = Looking {
                at: self.pointer.unwrap_or(Point { x: 0, y: 0 }),
                hidden: self.hidden,
                locks: self.hands.locks(),
            };
            // Focus that follows the pointer may be anybody's by now.
            let follows = focus == u32::from(InputFocus::POINTER_ROOT);
            if follows || self.focus != Some((focus, window)) {
                let survey = look(&self.link, &mut self.frames, looking)?;
                if survey.focus != Some(window) {
                    return Err(Trouble::Elsewhere(format!(
                        "{} has the keyboard",
                        named(&survey)
                    )));
                }
                self.focus = Some((focus, window));
            }
            match self.hands.press_in(&self.link, chord, focus)? {
                Some(true) => return Ok(()),
                // It went on in between.
                Some(false) => {}
                None => {
                    return self.hands.act(&self.link, &Act::Press(chord.clone()));
                }
            }
        }
        Err(Trouble::Elsewhere(
            "the keyboard goes from window to window".to_owned(),
        ))
    }

    /// Clicks where a window lies on top. A dialog that comes up between a survey and the click would get it,
    /// and its button would be pressed.
    fn click_in(&mut self, at: Point, window: u64) -> Result<(), Trouble> {
        for _ in 0..LOOKS {
            let top = top_at(&self.link, at)?;
            let looking = Looking {
                at,
                hidden: self.hidden,
                locks: self.hands.locks(),
            };
            let survey = look(&self.link, &mut self.frames, looking)?;
            if survey.under != Some(window) {
                let hit = survey.windows.iter().find(|w| Some(w.id) == survey.under);
                let name = hit.map_or("nothing", |w| &w.fingerprint.title);
                return Err(Trouble::Elsewhere(format!("`{name}` lies there now")));
            }
            if self.hands.click_in(&self.link, at, top)? {
                return Ok(());
            }
            // It changed in between.
        }
        Err(Trouble::Elsewhere(
            "windows come and go at the place".to_owned(),
        ))
    }

    /// Whether somebody used the devices since the last survey: a real one, or the synthetic ones
    /// in another program's name.
    fn somebody_acted(&mut self, survey: &Survey) -> Result<bool, Trouble> {
        let left = self.pointer.replace(survey.pointer);
        let moved =
            left.is_some_and(|left| left != survey.pointer) && !self.sent.contains(&survey.pointer);
        if self.settled && !survey.grabbed {
            self.sent.clear();
        }
        let mut surplus = false;
        if let Some(synthetic) = self.listener.synthetic() {
            surplus = synthetic > self.hands.presses();
            if surplus || self.settled {
                self.hands.set_presses(synthetic);
            }
        }
        // What we press waits in the server while a window manager holds the click back. Nothing
        // waits when nothing is grabbed: what a later ping does not find counted then was dropped
        // (a release of what was not down), and would hide as many keys of somebody else.
        if !self.settled && !survey.grabbed {
            self.listener.ping()?;
            self.settled = true;
        }
        // Asked last and always, so that nothing old is left for the next survey.
        let real = self.listener.take_person();
        Ok(real || moved || surplus)
    }
}

impl Desktop for X11Desktop {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "x11".to_owned(),
            observes: self.layout.is_some(),
            sees_people: self.layout.is_some() && self.listener.hears_people(),
        }
    }

    fn survey(&mut self, at: Point) -> Result<Survey, Trouble> {
        self.hands.mind_keyboard(&self.link)?;
        let looking = Looking {
            at,
            hidden: self.hidden,
            locks: self.hands.locks(),
        };
        let mut survey = look(&self.link, &mut self.frames, looking)?;
        survey.person = self.somebody_acted(&survey)?;
        Ok(survey)
    }

    fn capture(&mut self, region: Rect) -> Result<Picture, Trouble> {
        let layout = self.layout.ok_or_else(|| {
            Trouble::Unsupported("pixels cannot be read behind Wayland".to_owned())
        })?;
        capture(&self.link, layout, region)
    }

    fn act(&mut self, act: &Act) -> Result<(), Trouble> {
        if let Some(chord) = act.chord()
            && chord.key == Key::Insert
            && chord.modifiers == [Modifier::Shift]
        {
            self.clipboard.lend_to_primary(&self.listener)?;
        }
        self.settled = false;
        let done = match act {
            Act::PressIn { chord, window } => self.press_in(chord, *window),
            Act::ClickIn { at, window } => self.click_in(*at, *window),
            Act::Click(_) | Act::Press(_) | Act::Type(_) | Act::ReleaseAll => {
                self.hands.act(&self.link, act)
            }
        };
        if let Act::Click(_) | Act::ClickIn { .. } = act {
            self.sent.extend(self.hands.last_clicked());
            let pointer = self.link.conn.query_pointer(self.link.root);
            let pointer = pointer.map_err(lost)?.reply().map_err(trouble)?;
            self.pointer = Some(Point {
                x: pointer.root_x.into(),
                y: pointer.root_y.into(),
            });
        }
        self.listener.ping()?;
        done
    }

    fn clipboard(&mut self) -> Result<Clip, Trouble> {
        self.clipboard.read(&self.listener)
    }

    fn set_clipboard(&mut self, clip: &Clip) -> Result<(), Trouble> {
        self.clipboard.write(&self.listener, clip)
    }
}

/// The window that has the keyboard, in words.
fn named(survey: &Survey) -> String {
    let focus = survey.windows.iter().find(|w| Some(w.id) == survey.focus);
    focus.map_or_else(
        || "no window".to_owned(),
        |w| format!("`{}` ({})", w.fingerprint.title, w.fingerprint.class),
    )
}

/// An X server inside Wayland neither sees the other windows nor the real pixels.
fn is_behind_wayland(link: &Link) -> Result<bool, Trouble> {
    let asked = link.conn.query_extension(b"XWAYLAND").map_err(lost)?;
    Ok(if_still_there(asked.reply())?.is_some_and(|extension| extension.present))
}

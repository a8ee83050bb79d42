//! The simulated world: windows, focus, clipboard, faults, and the truth about every key.

use std::time::Duration;

use super::faults;
use super::paint::{Canvas, TICK};
use super::window::{Effect, Habit, Input, SimulatedWindow};
use crate::delivery::ports::{Act, Chord, Clip, Key, Picture, Survey, Trouble};
use crate::events::facts::screen::{Point, Rect};
use crate::events::time::Timestamp;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The window does nothing for so long.
    Stall(Duration),
    /// Another window takes the keyboard.
    FocusTheft,
    /// A dialog of the window comes up over the place and takes the keyboard.
    Modal,
    /// A dialog of the window comes up beside the place and takes the keyboard.
    ModalBeside,
    /// Another program takes the clipboard.
    ClipboardThief,
    /// The window moves.
    Moved,
    /// The window closes.
    Closed,
    /// The window loses the next paste.
    PasteLost,
    /// The window swallows the next Enter.
    EnterSwallowed,
    /// The window handles the next Enter twice.
    EnterDoubled,
    /// A person types a letter into whatever has the keyboard.
    PersonTypes,
    /// A person moves the pointer away.
    PersonMoves,
    /// The transcript grows by a line.
    Output,
    /// The clipboard takes so long to be set from now on.
    SlowClipboard(Duration),
    /// A person empties the box.
    Discarded,
    /// The window does nothing any more (its process is stopped).
    Frozen,
    /// Another agent's window comes to lie over the place, and takes the keyboard.
    Covered,
    /// The window takes in pastes in pieces so far apart.
    SlowPaste(Duration),
    /// The window offers to complete the next text, and takes Enter for a yes.
    Completes,
    /// The window swallows every Enter.
    EnterEater,
}

/// An Enter that we pressed, and where it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnterPressed {
    /// The window that had the keyboard.
    pub window: Option<u64>,
    /// The window that it was meant for.
    pub meant: u64,
    /// Whether there was a survey since the Enter before.
    pub looked: bool,
    /// Whether something changed after our last survey: nobody could have seen it.
    pub unforeseeable: bool,
}

/// The whole desktop. Every deed costs a little time.
#[derive(Clone, Debug)]
pub struct World {
    /// The present instant.
    pub now: Timestamp,
    /// The monitors.
    pub monitors: Vec<Rect>,
    /// The windows, lowest first.
    pub windows: Vec<SimulatedWindow>,
    /// Who has the keyboard.
    pub focus: Option<u64>,
    /// Where the pointer is.
    pub pointer: Point,
    /// The window that faults are about.
    pub target: u64,
    /// What strikes before which deed, counted from 0.
    pub faults: Vec<(u32, Fault)>,
    /// Deeds done so far.
    pub deeds: u32,
    /// Every Enter of ours.
    pub enters: Vec<EnterPressed>,
    /// What the clipboard holds.
    pub clip: Clip,
    /// How long the window manager holds the pointer after a click that changed the focus.
    pub click_grab: Duration,
    grabbed_until: Timestamp,
    clip_coming: Option<(Timestamp, Clip)>,
    clip_delay: Duration,
    person: bool,
    disturbed: bool,
    looked: bool,
    /// What happened, in words, for those who want to read it.
    pub diary: Option<Vec<(Timestamp, String)>>,
    /// Raised whenever something may look different.
    revision: u64,
    painted: Option<(PaintedFor, Picture)>,
}

/// Everything a picture depends on.
type PaintedFor = (Rect, Option<u64>, u64, u64);

/// What each deed costs.
const DEED: Duration = Duration::from_micros(250);

impl World {
    /// A desktop of one monitor with these windows, the first being the target.
    pub fn new(windows: Vec<SimulatedWindow>, faults: Vec<(u32, Fault)>) -> Self {
        let target = windows.first().map_or(0, |w| w.id);
        Self {
            now: Timestamp::from_micros(1_700_000_000_000_000),
            monitors: vec![Rect {
                x: 0,
                y: 0,
                width: 1_000,
                height: 700,
            }],
            focus: windows.last().map(|w| w.id),
            windows,
            pointer: Point { x: 500, y: 600 },
            target,
            faults,
            deeds: 0,
            enters: Vec::new(),
            clip: Clip::Empty,
            click_grab: Duration::ZERO,
            grabbed_until: Timestamp::EPOCH,
            clip_coming: None,
            clip_delay: Duration::from_micros(400),
            person: false,
            disturbed: false,
            looked: false,
            diary: None,
            revision: 0,
            painted: None,
        }
    }

    /// Says that something was changed from outside and may look different.
    pub const fn changed(&mut self) {
        self.revision = self.revision.wrapping_add(1);
    }

    /// Writes into the diary, if one is kept.
    pub fn note(&mut self, words: impl FnOnce() -> String) {
        if let Some(diary) = &mut self.diary {
            diary.push((self.now, words()));
        }
    }

    /// The window with this number.
    pub fn window(&self, id: u64) -> Option<&SimulatedWindow> {
        self.windows.iter().find(|w| w.id == id)
    }

    fn window_mut(&mut self, id: u64) -> Option<&mut SimulatedWindow> {
        self.windows.iter_mut().find(|w| w.id == id)
    }

    /// Lets time pass; windows handle what is due, in order.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        loop {
            let clip_due = self.clip_coming.as_ref().map(|(at, _)| *at);
            let next = self
                .windows
                .iter()
                .filter_map(|w| w.due().map(|due| (due, w.id)))
                .min();
            match (clip_due, next) {
                (Some(at), due) if at <= end && due.is_none_or(|(due, _)| at <= due) => {
                    self.now = self.now.max(at);
                    if let Some((_, clip)) = self.clip_coming.take() {
                        self.note(|| format!("window system: the clipboard holds {clip:?}"));
                        self.clip = clip;
                    }
                }
                (_, Some((due, id))) if due <= end => {
                    self.now = self.now.max(due);
                    let clip = self.clip.clone();
                    let now = self.now;
                    self.revision = self.revision.wrapping_add(1);
                    let Some(window) = self.window_mut(id) else {
                        break;
                    };
                    let effect = window.handle(&clip, now);
                    let title = window.fingerprint.title.clone();
                    for did in std::mem::take(&mut window.did) {
                        self.note(|| format!("window {title} {did}"));
                    }
                    if let Some(Effect::Copied(text)) = effect {
                        self.note(|| format!("window {title} copies {text:?}"));
                        self.clip_coming = None;
                        self.clip = Clip::Text(text);
                    }
                }
                _ => break,
            }
        }
        self.now = end;
    }

    /// A deed begins: faults strike, and time passes.
    fn deed(&mut self) {
        let number = self.deeds;
        self.deeds = self.deeds.saturating_add(1);
        let (now, later) = std::mem::take(&mut self.faults)
            .into_iter()
            .partition(|(at, _)| *at <= number);
        self.faults = later;
        let now: Vec<(u32, Fault)> = now;
        for (_, fault) in now {
            self.strike(&fault);
        }
        self.pass(DEED);
    }

    pub(super) fn survey(&mut self, at: Point) -> Survey {
        self.deed();
        self.disturbed = false;
        self.looked = true;
        Survey {
            monitors: self.monitors.clone(),
            windows: self.windows.iter().map(SimulatedWindow::seen).collect(),
            under: self.under(at),
            focus: self.focus,
            pointer: self.pointer,
            held: false,
            grabbed: self.now < self.grabbed_until,
            person: std::mem::take(&mut self.person),
        }
    }

    fn under(&self, at: Point) -> Option<u64> {
        self.windows
            .iter()
            .rev()
            .find(|w| w.fingerprint.frame.contains(at))
            .map(|w| w.id)
    }

    pub(super) fn capture(&mut self, region: Rect) -> Picture {
        self.deed();
        // The last picture that fades stands until the next frame.
        let fades = |w: &SimulatedWindow| self.now.since(w.focused_at) <= w.fade + TICK;
        let blink = self.now.micros() / 500_000 % 2;
        let needs: PaintedFor = (region, self.focus, blink, self.revision);
        if !self.windows.iter().any(fades) {
            if let Some((had, picture)) = &self.painted
                && *had == needs
            {
                return picture.clone();
            }
            let picture = self.paint(region);
            self.painted = Some((needs, picture.clone()));
            return picture;
        }
        self.paint(region)
    }

    fn paint(&self, region: Rect) -> Picture {
        let mut canvas = Canvas::new(region);
        for window in &self.windows {
            canvas.window(window, self.focus == Some(window.id), self.now);
        }
        canvas.into_picture()
    }

    pub(super) fn act(&mut self, act: &Act) -> Result<(), Trouble> {
        self.deed();
        self.revision = self.revision.wrapping_add(1);
        self.note(|| format!("hands: {act:?}"));
        if let Act::PressIn { window, .. } = act
            && self.focus != Some(*window)
        {
            return Err(Trouble::Elsewhere(format!(
                "{:?} has the keyboard",
                self.focus
            )));
        }
        if let Act::ClickIn { at, window } = act
            && self.under(*at) != Some(*window)
        {
            let hit = self.under(*at);
            return Err(Trouble::Elsewhere(format!("{hit:?} lies there")));
        }
        match act {
            Act::Click(at) | Act::ClickIn { at, .. } => {
                self.pointer = *at;
                let hit = self.under(*at);
                let modal = |id| self.windows.iter().find(|w| w.owner == Some(id));
                let focus = hit.map(|id| modal(id).map_or(id, |dialog| dialog.id));
                if self.focus != focus {
                    self.focus = focus;
                    self.grabbed_until = self.now.after(self.click_grab);
                    let now = self.now;
                    if let Some(window) = focus.and_then(|id| self.window_mut(id)) {
                        window.focused_at = now;
                    }
                }
                self.tell(hit, Input::Click);
            }
            Act::Press(chord) | Act::PressIn { chord, .. } => {
                if chord.key == Key::Enter {
                    self.enters.push(EnterPressed {
                        window: self.focus,
                        meant: self.target,
                        looked: std::mem::take(&mut self.looked),
                        unforeseeable: self.disturbed,
                    });
                }
                self.tell(self.focus, Input::Key(chord.clone()));
            }
            Act::Type(text) => {
                for c in text.chars() {
                    self.tell(self.focus, Input::Letter(c));
                }
            }
            Act::ReleaseAll => {}
        }
        Ok(())
    }

    fn tell(&mut self, id: Option<u64>, input: Input) {
        let now = self.now;
        if let Some(window) = id.and_then(|id| self.window_mut(id)) {
            window.hear(input, now);
        }
    }

    pub(super) fn clipboard(&mut self) -> Clip {
        self.deed();
        let clip = self.clip.clone();
        self.note(|| format!("hands: read the clipboard, {clip:?}"));
        clip
    }

    pub(super) fn set_clipboard(&mut self, clip: &Clip) {
        self.deed();
        self.note(|| format!("hands: set the clipboard to {clip:?}"));
        self.clip_coming = Some((self.now.after(self.clip_delay), clip.clone()));
    }

    /// Lets a fault strike now.
    pub fn strike(&mut self, fault: &Fault) {
        self.disturbed = true;
        self.revision = self.revision.wrapping_add(1);
        self.note(|| format!("FAULT: {fault}"));
        let now = self.now;
        let id = self.target;
        match fault {
            Fault::FocusTheft => {
                self.focus = self.windows.iter().map(|w| w.id).find(|other| *other != id);
            }
            Fault::Modal => self.dialog(20),
            Fault::ModalBeside => self.dialog(130),
            Fault::ClipboardThief => {
                self.clip_coming = None;
                self.clip = Clip::Text("something somebody copied".to_owned());
            }
            Fault::Closed => {
                self.windows.retain(|w| w.id != id);
                if self.focus == Some(id) {
                    self.focus = None;
                }
            }
            Fault::PersonTypes => {
                self.person = true;
                let key = Input::Key(Chord {
                    modifiers: Vec::new(),
                    key: Key::End,
                });
                self.tell(self.focus, key);
                self.tell(self.focus, Input::Letter('q'));
            }
            Fault::PersonMoves => {
                self.person = true;
                self.pointer.x = self.pointer.x.saturating_add(90);
            }
            Fault::SlowClipboard(delay) => self.clip_delay = *delay,
            Fault::Covered => {
                let over = self.window(id).map(|w| w.fingerprint.frame);
                let other = self
                    .windows
                    .iter()
                    .position(|w| w.id != id && w.owner.is_none());
                if let (Some(frame), Some(other)) = (over, other) {
                    let mut window = self.windows.remove(other);
                    window.fingerprint.frame = frame;
                    self.focus = Some(window.id);
                    self.windows.push(window);
                }
            }
            Fault::Frozen
            | Fault::SlowPaste(_)
            | Fault::Completes
            | Fault::EnterEater
            | Fault::Stall(_)
            | Fault::Moved
            | Fault::PasteLost
            | Fault::EnterSwallowed
            | Fault::EnterDoubled
            | Fault::Output
            | Fault::Discarded => {
                if fault == &Fault::Discarded {
                    self.person = true;
                }
                if let Some(window) = self.window_mut(id) {
                    faults::strike(window, fault, now);
                }
            }
        }
    }

    fn dialog(&mut self, right: i32) {
        let Some(frame) = self.window(self.target).map(|w| w.fingerprint.frame) else {
            return;
        };
        let id = 900 + u64::try_from(self.windows.len()).unwrap_or(0);
        let place = Rect {
            x: frame.x.saturating_add(right),
            y: frame.y.saturating_add(30),
            width: 110,
            height: 45,
        };
        let mut dialog = SimulatedWindow::new(id, Habit::Dialog, "Page unresponsive", place);
        dialog.owner = Some(self.target);
        self.windows.push(dialog);
        self.focus = Some(id);
    }
}

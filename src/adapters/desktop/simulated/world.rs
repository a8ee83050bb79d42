//! The simulated world: windows, focus, clipboard, faults, and the truth about every key.

use std::time::Duration;

use super::paint::Canvas;
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
}

/// An Enter that we pressed, and where it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnterPressed {
    /// The window that had the keyboard.
    pub window: Option<u64>,
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
}

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
                        self.clip = clip;
                    }
                }
                (_, Some((due, id))) if due <= end => {
                    self.now = self.now.max(due);
                    let clip = self.clip.clone();
                    let effect = self.window_mut(id).and_then(|w| w.handle(&clip));
                    if let Some(Effect::Copied(text)) = effect {
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
        let mut canvas = Canvas::new(region);
        for window in &self.windows {
            canvas.window(window, self.focus == Some(window.id), self.now);
        }
        canvas.into_picture()
    }

    pub(super) fn act(&mut self, act: &Act) -> Result<(), Trouble> {
        self.deed();
        if let Act::PressIn { window, .. } = act
            && self.focus != Some(*window)
        {
            return Err(Trouble::Elsewhere(format!(
                "{:?} has the keyboard",
                self.focus
            )));
        }
        match act {
            Act::Click(at) => {
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
        self.clip.clone()
    }

    pub(super) fn set_clipboard(&mut self, clip: &Clip) {
        self.deed();
        self.clip_coming = Some((self.now.after(self.clip_delay), clip.clone()));
    }

    /// Lets a fault strike now.
    pub fn strike(&mut self, fault: &Fault) {
        self.disturbed = true;
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
            Fault::Stall(_)
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
                    Self::strike_window(window, fault, now);
                }
            }
        }
    }

    fn strike_window(window: &mut SimulatedWindow, fault: &Fault, now: Timestamp) {
        match fault {
            Fault::Stall(span) => window.stalled_until = now.after(*span),
            Fault::Moved => window.fingerprint.frame.x += 300,
            Fault::PasteLost => window.pastes_lost = window.pastes_lost.saturating_add(1),
            Fault::EnterSwallowed => window.enters_lost = window.enters_lost.saturating_add(1),
            Fault::EnterDoubled => window.enters_doubled = window.enters_doubled.saturating_add(1),
            Fault::Output => window.transcript.push(format!("out {}", now.micros())),
            Fault::Discarded => window.text.clear(),
            Fault::FocusTheft
            | Fault::Modal
            | Fault::ModalBeside
            | Fault::ClipboardThief
            | Fault::Closed
            | Fault::PersonTypes
            | Fault::PersonMoves
            | Fault::SlowClipboard(_) => {}
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

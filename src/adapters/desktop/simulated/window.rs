//! A window that reacts to keys, late and in order, and writes down what it received.

use std::collections::VecDeque;
use std::time::Duration;

use crate::delivery::ports::{Chord, Clip, Key, Modifier, Window};
use crate::events::facts::screen::{Fingerprint, Rect};
use crate::events::time::Timestamp;

/// How a window behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// A box below a transcript; Enter moves the text up and empties the box.
    Chat,
    /// A line editor at the end of a transcript.
    Terminal,
    /// Takes every key and does nothing with it but note it down.
    Dialog,
}

/// What a window hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A click inside it.
    Click,
    /// A key.
    Key(Chord),
    /// A character typed.
    Letter(char),
    /// The rest of a paste that comes in pieces.
    Rest(String),
}

/// What it does to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It copied a text.
    Copied(String),
}

/// A window of the simulated desktop.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "habits that windows have independently of each other"
)]
pub struct SimulatedWindow {
    /// Its number.
    pub id: u64,
    /// Class, title, process, frame.
    pub fingerprint: Fingerprint,
    /// How it behaves.
    pub habit: Habit,
    /// The window it is a dialog of.
    pub owner: Option<u64>,
    /// What stands in its box or line.
    pub text: String,
    /// Shown while the box is empty.
    pub placeholder: String,
    /// Whether the whole box is selected.
    pub selected: bool,
    /// Whether the caret stands at the start (after Tk's ctrl+a).
    pub at_start: bool,
    /// Whether ctrl+a selects all; otherwise ctrl+/ does, as in Tk.
    pub ctrl_a_selects: bool,
    /// Whether the box always ends in a line end that can be copied too, as a Tk text.
    pub line_end: bool,
    /// Lines above.
    pub transcript: Vec<String>,
    /// Everything that was submitted to it.
    pub received: Vec<String>,
    /// Every key it heard, for dialogs.
    pub heard: Vec<String>,
    /// How long it takes to react to each input.
    pub reaction: Duration,
    /// It does nothing before that.
    pub stalled_until: Timestamp,
    /// So many pastes are lost.
    pub pastes_lost: u8,
    /// So many Enters are swallowed.
    pub enters_lost: u8,
    /// So many Enters are handled twice.
    pub enters_doubled: u8,
    /// Pastes come in three pieces so far apart.
    pub slow_paste: Option<Duration>,
    /// What it would complete the next text with.
    pub completes: Option<String>,
    /// The completion on offer: Enter takes it instead of submitting.
    pub offer: Option<String>,
    /// Everything it did, in words, since it was last asked.
    pub(super) did: Vec<String>,
    /// Whether a terminal shows what was pasted in reverse until the next key, as readline does.
    pub reverses: bool,
    /// A last line that stands still while the rest scrolls, as in tmux.
    pub status: Option<String>,
    /// So many letters at the end of the text are in reverse.
    pub(super) reversed: usize,
    /// How long its colours fade from pale to full once it has the focus, as GTK windows do.
    pub fade: Duration,
    /// When it got the focus last.
    pub(super) focused_at: Timestamp,
    /// What waits to be handled: when at the earliest, and what.
    pub(super) inbox: VecDeque<(Timestamp, Input)>,
}

impl SimulatedWindow {
    /// A window as it starts.
    pub fn new(id: u64, habit: Habit, title: &str, frame: Rect) -> Self {
        Self {
            id,
            fingerprint: Fingerprint {
                class: format!("sim.{habit:?}").to_lowercase(),
                title: title.to_owned(),
                process: u32::try_from(id).ok(),
                frame,
            },
            habit,
            owner: None,
            text: String::new(),
            placeholder: String::new(),
            selected: false,
            at_start: false,
            ctrl_a_selects: true,
            line_end: false,
            transcript: Vec::new(),
            received: Vec::new(),
            heard: Vec::new(),
            reaction: Duration::from_millis(2),
            stalled_until: Timestamp::EPOCH,
            pastes_lost: 0,
            enters_lost: 0,
            enters_doubled: 0,
            slow_paste: None,
            completes: None,
            offer: None,
            did: Vec::new(),
            reverses: false,
            status: None,
            reversed: 0,
            fade: Duration::ZERO,
            focused_at: Timestamp::EPOCH,
            inbox: VecDeque::new(),
        }
    }

    /// The input box of a chat.
    pub fn entry(&self) -> Rect {
        let frame = self.fingerprint.frame;
        Rect {
            x: frame.x + 4,
            y: frame.y + 44,
            width: frame.width.saturating_sub(8),
            height: 24,
        }
    }

    /// As a survey shows it.
    pub fn seen(&self) -> Window {
        Window {
            id: self.id,
            fingerprint: self.fingerprint.clone(),
            transient: self.habit == Habit::Dialog,
            owner: self.owner,
        }
    }

    /// Takes an input, to be handled later.
    pub(super) fn hear(&mut self, input: Input, now: Timestamp) {
        self.inbox.push_back((now.after(self.reaction), input));
    }

    /// When its next input is handled.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.inbox
            .front()
            .map(|(at, _)| (*at).max(self.stalled_until))
    }

    /// Handles one input, with what the clipboard holds at that moment.
    pub(super) fn handle(&mut self, clip: &Clip, now: Timestamp) -> Option<Effect> {
        let (_, input) = self.inbox.pop_front()?;
        if self.habit == Habit::Dialog {
            self.heard.push(format!("{input:?}"));
            return None;
        }
        match input {
            Input::Click => {
                self.selected = false;
                None
            }
            Input::Letter(c) => {
                self.insert(&c.to_string());
                None
            }
            Input::Rest(text) => {
                self.paste(&text, now);
                None
            }
            Input::Key(chord) => self.key(&chord, clip, now),
        }
    }

    /// Inserts a paste, or its first piece; the rest comes before any key that was pressed later.
    fn paste(&mut self, text: &str, now: Timestamp) {
        let letters = text.chars().count();
        match self.slow_paste.filter(|_| letters > 12) {
            None => {
                self.did.push(format!("takes in {text:?}"));
                self.insert(text);
                self.offer = self.completes.take();
            }
            Some(gap) => {
                let piece: String = text.chars().take(letters.div_ceil(2)).collect();
                let rest: String = text.chars().skip(letters.div_ceil(2)).collect();
                self.did.push(format!("takes in a piece, {piece:?}"));
                self.insert(&piece);
                self.inbox.push_front((now.after(gap), Input::Rest(rest)));
            }
        }
    }

    fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.selected) {
            self.text.clear();
        }
        if std::mem::take(&mut self.at_start) {
            self.text.insert_str(0, text);
        } else {
            self.text.push_str(text);
        }
        if self.reverses {
            self.reversed = text.chars().count();
        }
    }

    fn key(&mut self, chord: &Chord, clip: &Clip, now: Timestamp) -> Option<Effect> {
        let ctrl = chord.modifiers.contains(&Modifier::Ctrl);
        let shift = chord.modifiers.contains(&Modifier::Shift);
        let terminal = self.habit == Habit::Terminal;
        self.reversed = 0;
        match (chord.key, ctrl) {
            (Key::Char('v'), true) if shift == terminal => {
                if self.pastes_lost > 0 {
                    self.pastes_lost -= 1;
                    self.did.push("loses the paste".to_owned());
                } else if let Clip::Text(text) = clip {
                    self.paste(text, now);
                }
            }
            (Key::Enter, _) => self.enter(),
            (Key::Char('u'), true) if terminal => self.text.clear(),
            (Key::Char(c @ ('a' | '/')), true) if !terminal => {
                if self.ctrl_a_selects == (c == 'a') {
                    self.selected = self.line_end || !self.text.is_empty();
                } else if c == 'a' {
                    self.at_start = true;
                }
            }
            (Key::Char('c'), true) if self.selected => {
                let end = if self.line_end { "\n" } else { "" };
                return Some(Effect::Copied(format!("{}{end}", self.text)));
            }
            (Key::Delete | Key::Backspace, _) if std::mem::take(&mut self.selected) => {
                self.text.clear();
                self.at_start = false;
            }
            (Key::Backspace, _) => {
                self.text.pop();
            }
            (Key::End | Key::Right, _) => {
                self.selected = false;
                self.at_start = false;
            }
            _ => {}
        }
        None
    }

    fn enter(&mut self) {
        if self.enters_lost > 0 {
            self.enters_lost -= 1;
            self.did.push("swallows Enter".to_owned());
            return;
        }
        if let Some(offer) = self.offer.take() {
            self.did
                .push(format!("takes Enter for its completion {offer:?}"));
            self.insert(&offer);
            return;
        }
        self.submit();
        if self.enters_doubled > 0 {
            self.enters_doubled -= 1;
            self.submit();
        }
    }

    fn submit(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.selected = false;
        self.at_start = false;
        if self.habit == Habit::Terminal {
            self.transcript.push(format!("$ {text}"));
        }
        if text.is_empty() {
            return;
        }
        self.did.push(format!("RECEIVES {text:?}"));
        self.transcript.push(format!("> {text}"));
        self.received.push(text);
    }
}

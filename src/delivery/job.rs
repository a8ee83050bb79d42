//! One attempt, as data: everything a courier must know. It crosses a process boundary as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::look::Look;
use super::ports::{Chord, Key, Modifier};
use super::runs::millis;
use crate::events::facts::agent::Target;
use crate::events::facts::manners::Drafts;
use crate::events::facts::screen::{Fingerprint, Point};
use crate::events::ids::{AgentId, MessageId};
use crate::events::time::Timestamp;

/// One attempt to carry one message into one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which message.
    pub message: MessageId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// To whom.
    pub agent: AgentId,
    /// The input box, in physical pixels of the display.
    pub place: Point,
    /// What kind of program it is.
    pub target: Target,
    /// A regular expression the window's title must match.
    pub window: Option<String>,
    /// The window that stood at the place when it was declared.
    pub fingerprint: Option<Fingerprint>,
    /// The window of the last delivery that was observed.
    pub known_window: Option<Fingerprint>,
    /// What is typed: enveloped and sanitised.
    pub text: String,
    /// What was changed for this target, in words.
    pub sanitised: Option<String>,
    /// Which keys do what there.
    pub keys: Keys,
    /// How long to wait for what.
    pub patience: Patience,
    /// How the empty box looks, once learnt.
    pub look: Option<Look>,
    /// Texts of ours that may stand in the box, unsubmitted, since a crash or failure.
    pub standing: Vec<Standing>,
    /// Enter is not pressed later than this.
    pub expires_at: Option<Timestamp>,
    /// How the text gets into the box.
    pub input: Input,
    /// When the box is read back before Enter.
    pub read_back: ReadBack,
    /// How the clipboard is used.
    pub clipboard: ClipboardLimits,
    /// What it is for.
    pub aim: Aim,
    /// A new chat to begin first.
    pub new_chat: Option<NewChat>,
    /// How long the window must have been at rest first.
    pub when_idle: Option<Duration>,
    /// What becomes of somebody's unfinished words.
    pub drafts: Drafts,
}

/// A new chat in an agent's window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewChat {
    /// The keys that begin one; none where the place alone does.
    pub keys: Option<Chord>,
    /// Where its box is, on the day the window was placed.
    pub place: Point,
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// To deliver the text.
    Deliver,
    /// To see how quick the window is: the text is put into the box, taken back, and never submitted.
    Measure,
}

/// A text of ours that may stand in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose text it is.
    pub message: MessageId,
    /// The text as it was typed.
    pub text: String,
    /// Whether Enter may have been pressed on it. Then an empty box proves nothing: the window may
    /// have taken the Enter late, and pasting anew would say it twice.
    pub entered: bool,
}

/// How a text gets into a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// By the clipboard.
    Paste,
    /// Key by key; texts of one line only.
    Type,
}

/// When the box is read back (select all, copy) before Enter. Terminals are never read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadBack {
    /// Not at all, but where earlier text may arrive late.
    WhenDoubtful,
    /// Before every Enter.
    Always,
}

/// How the clipboard is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipboardLimits {
    /// Whether it gets back what it held before the attempt. Otherwise the last text of ours stays.
    pub restore: bool,
    /// How long its text is kept for others after the worker has ended.
    #[serde(with = "millis")]
    pub keep: Duration,
    /// When the clipboard holds what cannot be given back and should be, a text of at most so many characters
    /// (and one line) is typed key by key instead.
    pub type_instead_max: usize,
}

impl Default for ClipboardLimits {
    fn default() -> Self {
        Self {
            restore: true,
            keep: Duration::from_hours(1),
            type_instead_max: 200,
        }
    }
}

/// Which keys do what in a kind of program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Inserts the clipboard.
    pub paste: Chord,
    /// Other paste keys for programs whose window class contains the word (in small letters).
    pub paste_by_class: Vec<(String, Chord)>,
    /// Submits.
    pub submit: Chord,
    /// Select the whole box; tried in turn.
    pub select_all: Vec<Chord>,
    /// Copies the selection.
    pub copy: Chord,
    /// Deletes the selection.
    pub delete: Chord,
    /// Empties the line of a terminal.
    pub clear: Chord,
    /// Ends a selection and puts the caret at the end.
    pub deselect: Chord,
}

impl Keys {
    /// The usual keys of a kind of program.
    pub fn of(target: Target) -> Self {
        let chord = |modifiers: &[Modifier], key| Chord {
            modifiers: modifiers.to_vec(),
            key,
        };
        let (ctrl, shift) = (Modifier::Ctrl, Modifier::Shift);
        let insert = || chord(&[shift], Key::Insert);
        let (paste, paste_by_class) = match target {
            Target::Chat | Target::Editor => (chord(&[ctrl], Key::Char('v')), Vec::new()),
            Target::Terminal => (
                chord(&[ctrl, shift], Key::Char('v')),
                // They know no ctrl+shift+v, and paste the primary selection.
                vec![
                    ("xterm".to_owned(), insert()),
                    ("rxvt".to_owned(), insert()),
                ],
            ),
        };
        Self {
            paste,
            paste_by_class,
            submit: chord(&[], Key::Enter),
            // Tk moves to the start of the line on ctrl+a and selects on ctrl+/.
            select_all: vec![
                chord(&[ctrl], Key::Char('a')),
                chord(&[ctrl], Key::Char('/')),
            ],
            copy: chord(&[ctrl], Key::Char('c')),
            delete: chord(&[], Key::Delete),
            clear: chord(&[ctrl], Key::Char('u')),
            deselect: chord(&[], Key::End),
        }
    }

    /// The paste key for a window of this class.
    pub fn paste_for(&self, class: &str) -> &Chord {
        let class = class.to_lowercase();
        self.paste_by_class
            .iter()
            .find(|(word, _)| class.contains(word.as_str()))
            .map_or(&self.paste, |(_, chord)| chord)
    }
}

/// How long to wait for what. Every wait but `settle`, `baseline` and `blind` ends as soon as the
/// thing is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// Between two looks.
    #[serde(with = "millis")]
    pub poll: Duration,
    /// For a person to stop, and for held keys and grabs to be let go.
    #[serde(with = "millis")]
    pub quiet: Duration,
    /// For the window to take the focus.
    #[serde(with = "millis")]
    pub focus: Duration,
    /// How long an unknown box is watched for what moves by itself.
    #[serde(with = "millis")]
    pub baseline: Duration,
    /// For a known box to show its known look, and for any box to become quiet.
    #[serde(with = "millis")]
    pub calm: Duration,
    /// For the clipboard to hold what was put there.
    #[serde(with = "millis")]
    pub clipboard: Duration,
    /// For the text to show.
    #[serde(with = "millis")]
    pub paste: Duration,
    /// Between seeing the text and pressing Enter: what the program needs.
    #[serde(with = "millis")]
    pub settle: Duration,
    /// For the proof, after each Enter.
    #[serde(with = "millis")]
    pub submit: Duration,
    /// For a selection or a copy to show.
    #[serde(with = "millis")]
    pub probe: Duration,
    /// The fixed wait of each step where nothing can be observed.
    #[serde(with = "millis")]
    pub blind: Duration,
    /// How often Enter is pressed once more while the text still stands.
    pub enter_retries: u8,
}

impl Patience {
    /// What a healthy desktop needs, with room for stalls.
    pub const fn of(target: Target) -> Self {
        let settle = match target {
            Target::Chat => 5,
            Target::Editor => 30,
            // Terminal agents swallow an Enter that follows a paste closely.
            Target::Terminal => 250,
        };
        Self {
            poll: Duration::from_millis(1),
            quiet: Duration::from_millis(600),
            focus: Duration::from_secs(1),
            baseline: Duration::from_millis(120),
            calm: Duration::from_millis(600),
            clipboard: Duration::from_secs(1),
            paste: Duration::from_secs(3),
            settle: Duration::from_millis(settle),
            submit: Duration::from_secs(2),
            probe: Duration::from_millis(300),
            blind: Duration::from_millis(150),
            enter_retries: 1,
        }
    }

    /// How long an attempt may be silent before its worker is taken for stuck: a minute, or far beyond
    /// the sum of its deadlines where those were made longer.
    pub fn silence(&self) -> Duration {
        let presses = u32::from(self.enter_retries).saturating_add(1);
        let waits = [
            self.quiet,
            self.focus,
            self.baseline,
            self.calm,
            self.clipboard,
            self.paste,
            self.settle,
            self.probe,
            self.submit.saturating_mul(presses),
            self.blind.saturating_mul(10),
        ];
        let sum = waits
            .iter()
            .fold(Duration::ZERO, |sum, wait| sum.saturating_add(*wait));
        sum.saturating_mul(3).max(Duration::from_mins(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_waits_as_it_was_told_is_not_stuck() {
        let usual = Patience::of(Target::Terminal);
        assert_eq!(usual.silence(), Duration::from_mins(1));
        let patient = Patience {
            submit: Duration::from_mins(5),
            ..usual
        };
        assert!(patient.silence() > Duration::from_mins(10));
    }
}

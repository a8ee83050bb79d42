//! The words between the courier and those who move hands and write things down.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::look::Look;
use crate::delivery::ports::{Act, Clip, Picture, Survey, Trouble};
use crate::events::facts::attempt::{FailureClass, StepTime, Witness};
use crate::events::facts::screen::{Fingerprint, Point, Rect};
use crate::events::facts::timing::Measure;

/// What the courier wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Do this, then report.
    Do(Deed),
    /// Tell the owner, who writes it down durably, and bring the answer.
    Ask(Milestone),
    /// The attempt is over.
    End(Ending),
}

/// One thing to do, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Look at windows, focus and people around the point.
    Survey(Point),
    /// Take a picture.
    Capture(Rect),
    /// Move the hands.
    Act(Act),
    /// Read the clipboard.
    ReadClipboard,
    /// Fill or give up the clipboard.
    SetClipboard(Clip),
    /// Let time pass.
    Wait(Duration),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Nothing was done yet: the first report.
    Begin,
    /// An act, a set clipboard or a wait is over.
    Done,
    /// What was seen.
    Surveyed(Survey),
    /// The picture.
    Captured(Picture),
    /// What the clipboard holds.
    Read(Clip),
    /// The owner's answer.
    Answered(Answer),
    /// It could not be done.
    Trouble(Trouble),
}

/// What the owner must know before the courier goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// The text was seen, and all is ready for Enter. The owner writes `attempt.pasted` and
    /// `attempt.submitting` before it allows.
    Pasted {
        /// Pixels that changed; 0 where nothing can be observed.
        changed_pixels: u32,
        /// Pixels that had to change.
        needed_pixels: u32,
        /// Whether the clipboard (or the box itself) was read back equal.
        read_back: bool,
        /// What was changed for this target.
        sanitised: Option<String>,
    },
    /// Somebody's unfinished words were read in the box. They are taken out once they are in the ledger.
    DraftSaved {
        /// The words.
        text: String,
    },
    /// They stand in the box again.
    DraftRestored,
}

/// What the owner says to a milestone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is written down: press Enter.
    Allowed,
    /// Do not press Enter: paused, expired, cancelled. The text stays where it is.
    Refused {
        /// How the attempt is to be recorded.
        class: FailureClass,
        /// In words.
        detail: String,
    },
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// What is known.
    pub outcome: Outcome,
    /// How long each step took.
    pub steps: Vec<StepTime>,
    /// The window it was about, once it was found.
    pub window: Option<Fingerprint>,
    /// The empty look of the box, when there is something new to remember.
    pub learnt: Option<Look>,
    /// Things worth telling, like a clipboard that could not be given back.
    pub remarks: Vec<String>,
}

/// What is known at the end of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was seen to arrive.
    Observed {
        /// By what.
        witness: Witness,
        /// How often Enter was pressed.
        presses: u8,
    },
    /// Enter was pressed, and nothing more can be seen.
    Submitted {
        /// Why not.
        reason: String,
    },
    /// It did not arrive.
    Failed {
        /// Decides what follows.
        class: FailureClass,
        /// In words.
        detail: String,
        /// Whether text of ours may stand in the box, unsubmitted.
        text_may_stand: bool,
        /// Whether Enter was pressed on it, and the box could not be asked: then it must be, by another
        /// attempt, before anything else is tried.
        enter_may_come: bool,
    },
    /// Enter was pressed, and what became of it cannot be said.
    Unknown {
        /// Why not.
        reason: String,
    },
    /// The window was measured, and nothing of ours stands in it.
    Measured {
        /// In the order they were taken.
        samples: Vec<Sample>,
    },
}

/// How long something took once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What.
    pub measure: Measure,
    /// In microseconds.
    pub micros: u64,
}

//! Where an attempt stands: what the next informative report is about.

use super::after::Submission;
use super::before::Watch;
use super::clear::Clearing;
use super::draft::Redraft;
use super::measure::TakingBack;
use super::moves::Outcome;
use super::new_chat::Beginning;
use super::paste::Sighting;
use super::probe::Probe;
use super::rest::Resting;
use crate::events::facts::attempt::Witness;
use crate::events::time::Timestamp;

/// Whether the box may hold more than our text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// It was seen empty, and the clipboard was ours.
    None,
    /// Nobody knows how it looks empty: it is read back where it can be.
    Slight,
    /// Text of an earlier attempt may come late, or the clipboard changed: no Enter before the box
    /// was read back.
    Grave,
}

/// What the next informative report is about.
#[derive(Debug)]
pub(super) enum Phase {
    /// Is the right window there?
    Preflight { until: Timestamp },
    /// What does the clipboard hold?
    SaveClipboard,
    /// Has the window taken the focus?
    Focus { until: Timestamp },
    /// Are somebody's unfinished words in the ledger?
    SavingDraft(Box<Probe>),
    /// Do they stand in the box again?
    Redraft(Box<Redraft>),
    /// They do, and the ledger is told.
    DraftBack(Outcome),
    /// Has a new chat begun?
    NewChat(Beginning),
    /// Is the window at rest?
    Rest(Resting),
    /// How does the box look?
    Baseline(Watch),
    /// What stands in the box?
    Probe(Box<Probe>),
    /// Is the terminal's line clear?
    Clearing(Clearing),
    /// Does the clipboard hold our text?
    Clipboard { until: Timestamp },
    /// The last look before the paste.
    Aim { until: Timestamp },
    /// Does the text show?
    Paste(Sighting),
    /// It does not: why?
    PasteMissed { detail: String },
    /// It does: is everything still in its place?
    Landed,
    /// Is the clipboard still ours?
    Kept,
    /// Does the text stand still?
    Settle { until: Timestamp },
    /// May Enter be pressed?
    Asked,
    /// The last picture before Enter.
    LastLook { until: Timestamp },
    /// The last survey before Enter.
    LastSurvey { until: Timestamp },
    /// What became of it?
    Submit(Submission),
    /// It looks submitted: is that the window we meant?
    Confirm(Witness),
    /// It does not: may Enter be pressed once more?
    Again { until: Timestamp },
    /// Nothing more will be seen: why?
    GiveUp { kept: usize },
    /// Is the clipboard still ours to give back?
    Restore(Outcome),
    /// It was given back.
    Restored(Outcome),
    /// Are the words gone again?
    TakeBack(TakingBack),
    /// Everything was pasted blindly.
    BlindPasted,
    /// Enter was pressed blindly.
    BlindSubmitted,
    /// The courier has ended.
    Over,
}

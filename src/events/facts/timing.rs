//! What was measured of seats, machines and windows.

use serde::{Deserialize, Serialize};

use super::attempt::{FailureClass, Step};
use super::words::worded;
use crate::events::ids::{AgentId, SeatId};

worded! {
    /// What a calibration measures.
    Measure, "a measure" {
        /// From moving the pointer until it is there.
        Pointer = "pointer",
        /// From a click until the window has the keyboard.
        Focus = "focus",
        /// The same, coming from another window.
        WindowSwitch = "window_switch",
        /// From setting the clipboard until it reads back.
        Clipboard = "clipboard",
        /// From the paste key until the text shows.
        PasteVisible = "paste_visible",
        /// From Enter until the box shows empty.
        SubmitVisible = "submit_visible",
        /// One character, typed key by key, until it shows.
        TypedCharacter = "typed_character",
        /// One look at windows, focus and people.
        Survey = "survey",
        /// One picture of an input box.
        Capture = "capture",
    }
}

/// 700 `timing.calibrated`: how quick a seat and its machine are, or what was seen of one agent's
/// window: a few words were put into its box, taken back, and never submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingCalibrated {
    /// On which seat.
    pub seat: SeatId,
    /// Whose window was measured; none for the whole seat: everything that was measured on it.
    pub agent: Option<AgentId>,
    /// Who wanted it.
    pub by: AgentId,
    /// What was measured, each measure once.
    pub figures: Vec<Figure>,
    /// The machine at that moment.
    pub machine: Machine,
}

/// One measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Of what.
    pub measure: Measure,
    /// How often it was measured.
    pub samples: u32,
    /// The middle one, in microseconds.
    pub median_micros: u64,
    /// The longest, in microseconds.
    pub max_micros: u64,
}

/// A machine at one moment. What could not be read is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors.
    pub cores: u32,
    /// Processes that want one, over the last minute, in thousandths.
    pub load_per_mille: u64,
    /// Memory, in KiB.
    pub memory_kib: u64,
    /// Memory that can be had, in KiB.
    pub memory_free_kib: u64,
    /// Space on the ledger's disk, in KiB.
    pub disk_free_kib: u64,
    /// One small write made durable there, in microseconds.
    pub disk_sync_micros: u64,
}

/// 702 `timing.began`: hands are about to measure an agent's window. Durable before the first click: when
/// nothing follows, the words may stand in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingBegan {
    /// On which seat.
    pub seat: SeatId,
    /// Whose.
    pub agent: AgentId,
    /// Who wanted it.
    pub by: AgentId,
    /// The words.
    pub text: String,
}

/// 703 `timing.missed`: an agent's window could not be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingMissed {
    /// On which seat.
    pub seat: SeatId,
    /// Whose.
    pub agent: AgentId,
    /// What was in the way.
    pub class: FailureClass,
    /// In words.
    pub detail: String,
    /// Whether the words may still stand in the box.
    pub text_may_stand: bool,
}

/// 701 `timing.drifted`: a step of an agent's attempts takes much longer or shorter than it used to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingDrifted {
    /// Whose.
    pub agent: AgentId,
    /// Which step.
    pub step: Step,
    /// The middle of what it used to take, in microseconds.
    pub before_micros: u64,
    /// The middle of the last attempts, in microseconds.
    pub now_micros: u64,
    /// How many those were.
    pub attempts: u32,
}

//! What happens while a message is carried. Every attempt ends in exactly one of submitted (where
//! nothing more can be seen), observed, failed, unknown or inboxed.

use serde::{Deserialize, Serialize};

use super::screen::{Fingerprint, Point};
use super::words::worded;
use crate::events::ids::{MessageId, SeatId};
use crate::events::time::Timestamp;

worded! {
    /// A way to the agent.
    Channel, "a channel" {
        /// Its real window.
        Gui = "gui",
        /// A file in its inbox folder.
        Inbox = "inbox",
    }
}

worded! {
    /// Why an attempt failed; decides what is done next.
    FailureClass, "a failure class" {
        /// No window at the place.
        TargetNotFound = "target_not_found",
        /// Another window at the place.
        TargetMoved = "target_moved",
        /// The window did not take the focus.
        FocusFailed = "focus_failed",
        /// The window is in too much motion, or something else holds keyboard or pointer.
        WindowBusy = "window_busy",
        /// A dialog, menu or other window covers the place.
        DialogInTheWay = "dialog_in_the_way",
        /// The input box holds somebody's unfinished words.
        DraftInTheWay = "draft_in_the_way",
        /// The text did not show after pasting.
        PasteNotSeen = "paste_not_seen",
        /// The text still stood in the box after Enter.
        SubmitNotSeen = "submit_not_seen",
        /// The clipboard did not hold what was put there.
        ClipboardLost = "clipboard_lost",
        /// A person is using pointer or keyboard.
        HumanActive = "human_active",
        /// The display cannot be reached, or another program holds the seat.
        DisplayGone = "display_gone",
        /// The system forbids it.
        Permission = "permission",
        /// The message or the agent's settings cannot be used on this channel.
        Invalid = "invalid",
        /// The worker was cut off before Enter; nothing was submitted.
        Interrupted = "interrupted",
        /// The circuit breaker of this agent and channel is open; nothing was tried.
        BreakerOpen = "breaker_open",
        /// The inbox file could not be written.
        InboxFailed = "inbox_failed",
        /// The seat or the agent was paused while the attempt was under way.
        Paused = "paused",
        /// The text was given to the keyboard or clipboard of another window than the agent's, unsubmitted.
        Misdirected = "misdirected",
        /// The window is at work, and is not to be interrupted; nothing was touched.
        AgentBusy = "agent_busy",
    }
}

worded! {
    /// What was seen that proves the text was submitted.
    Witness, "a witness" {
        /// The box went back to its empty look.
        BoxEmptied = "box_emptied",
        /// The text moved up as part of a transcript.
        Scrolled = "scrolled",
        /// New ink appeared below or beside the submitted line.
        TranscriptInk = "transcript_ink",
    }
}

worded! {
    /// A part of an attempt whose time is recorded.
    Step, "a step" {
        /// Display, window, cover, focus owner, human activity.
        Preflight = "preflight",
        /// Pointer there, click, focus arrived.
        Focus = "focus",
        /// The look of the box before.
        Baseline = "baseline",
        /// Clipboard set and read back.
        Clipboard = "clipboard",
        /// Paste pressed until the text was seen.
        Paste = "paste",
        /// Last checks before Enter, and the pause the target needs.
        Settle = "settle",
        /// Enter pressed until the proof was seen.
        Submit = "submit",
        /// Clipboard given back.
        Restore = "restore",
    }
}

/// How long one step took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// Which step.
    pub step: Step,
    /// Microseconds.
    pub micros: u64,
}

/// What is done after a failed attempt. Times and dice were decided before it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The same channel again, not earlier.
    Retry {
        /// Backoff and jitter included.
        at: Timestamp,
    },
    /// The next channel, at once.
    Fallback {
        /// Which one.
        to: Channel,
    },
    /// Nothing: the message is dead.
    Dead,
}

/// 200 `attempt.started`: durable before the first click.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptStarted {
    /// Which message.
    pub message: MessageId,
    /// Number of the attempt over all channels, from 1.
    pub attempt: u32,
    /// Which way.
    pub channel: Channel,
    /// On which seat, when hands are needed.
    pub seat: Option<SeatId>,
    /// Where the click will go.
    pub place: Option<Point>,
    /// Why not the first channel, when it is a fallback.
    pub because: Option<FailureClass>,
}

/// 201 `attempt.pasted`: the text was seen in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptPasted {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// Pixels that changed, outside what moves by itself. 0 where nothing can be observed.
    pub changed_pixels: u32,
    /// Pixels that had to change for a text of this length.
    pub needed_pixels: u32,
    /// Whether the clipboard was read back equal before the paste.
    pub read_back: bool,
    /// What was taken out of the text for this target, in words.
    pub sanitised: Option<String>,
}

/// 202 `attempt.submitting`: durable before Enter. After this, silence means unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptSubmitting {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
}

/// 203 `attempt.submitted`: Enter was pressed, and nothing more can be seen here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptSubmitted {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// Why the proof ends here.
    pub reason: String,
    /// How long each step took.
    pub steps: Vec<StepTime>,
}

/// 204 `attempt.observed`: it was seen to arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptObserved {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// What was seen.
    pub witness: Witness,
    /// How often Enter was pressed.
    pub presses: u8,
    /// The window that received it.
    pub window: Option<Fingerprint>,
    /// How long each step took.
    pub steps: Vec<StepTime>,
}

/// 205 `attempt.failed`: it certainly did not arrive by this attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailed {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// Why.
    pub class: FailureClass,
    /// In words, naming the thing.
    pub detail: String,
    /// Whether our text may stand in the box, unsubmitted.
    pub text_may_stand: bool,
    /// What follows.
    pub next: Next,
    /// How long each step took.
    pub steps: Vec<StepTime>,
}

/// 206 `attempt.unknown`: it was cut off, or nothing could be seen, after Enter may have been
/// pressed. Never repeated by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptUnknown {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// In words.
    pub reason: String,
}

/// 207 `attempt.inboxed`: the file is on disk. Final for this message; only a nudge follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptInboxed {
    /// Which message.
    pub message: MessageId,
    /// Which attempt.
    pub attempt: u32,
    /// The file's path below the store folder.
    pub file: String,
    /// The nudge that tells the agent, if one was scheduled.
    pub nudge: Option<MessageId>,
}

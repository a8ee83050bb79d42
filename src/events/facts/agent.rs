//! What happens to agents: who they are and where their windows stand.

use serde::{Deserialize, Serialize};

use super::attempt::Channel;
use super::screen::{Fingerprint, Point, Rect};
use super::seat::PauseReason;
use super::words::{Bulk, Word, worded};
use crate::events::ids::{AgentId, SeatId};

worded! {
    /// What kind of program receives the keys; decides key profile, sanitising and evidence.
    Target, "a target" {
        /// A box that empties when Enter is pressed.
        Chat = "chat",
        /// An editor's chat pane.
        Editor = "editor",
        /// A terminal: the text stays in the transcript, and newlines run.
        Terminal = "terminal",
    }
}

worded! {
    /// What is typed around the body.
    Envelope, "an envelope" {
        /// The body alone.
        None = "none",
        /// The body and a short stamp that tells identical messages apart.
        Stamp = "stamp",
        /// A first line naming sender and message.
        Header = "header",
    }
}

/// Everything known of an agent by declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What it is in the fleet.
    pub roles: Vec<Word>,
    /// What it can do.
    pub capabilities: Vec<Word>,
    /// The ways to it, first choice first; never empty.
    pub channels: Vec<Channel>,
    /// The display its window is on.
    pub seat: Option<SeatId>,
    /// Its input box.
    pub place: Option<Point>,
    /// Where onboarding starts (a new chat).
    pub onboarding_place: Option<Point>,
    /// A regular expression its window's title must match.
    pub window: Option<String>,
    /// What kind of program it is.
    pub target: Target,
    /// The captain has the highest.
    pub rank: i32,
    /// What is typed around a body.
    pub envelope: Envelope,
    /// In words.
    pub description: String,
    /// Whether it takes part at all.
    pub active: bool,
    /// The window that stood at the place when it was declared.
    pub fingerprint: Option<Fingerprint>,
}

/// 300 `agent.added`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentAdded {
    /// Its name.
    pub agent: AgentId,
    /// What it was declared to be.
    pub profile: Profile,
}

/// 301 `agent.placed`: its input box was (re)located.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPlaced {
    /// Which agent.
    pub agent: AgentId,
    /// On which display.
    pub seat: SeatId,
    /// The input box.
    pub place: Point,
    /// Whether the place was compared with a readable display's monitors.
    pub checked: bool,
    /// The window found there.
    pub fingerprint: Option<Fingerprint>,
}

/// 302 `agent.changed`: the declaration as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChanged {
    /// Which agent.
    pub agent: AgentId,
    /// The whole declaration.
    pub profile: Profile,
}

/// 303 `agent.removed`: nothing is carried to it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRemoved {
    /// Which agent.
    pub agent: AgentId,
}

/// 304 `agent.paused`, as it was before it said why. Read only: it becomes [`AgentPaused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPausedAsAsked {
    /// Which agent.
    pub agent: AgentId,
    /// Who paused it.
    pub by: AgentId,
}

impl From<AgentPausedAsAsked> for AgentPaused {
    fn from(old: AgentPausedAsAsked) -> Self {
        // Nobody but a person or a script could pause an agent then.
        Self {
            agent: old.agent,
            by: old.by,
            reason: PauseReason::Asked,
        }
    }
}

/// 305 `agent.resumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentResumed {
    /// Which agent.
    pub agent: AgentId,
    /// Who resumed it.
    pub by: AgentId,
}

/// 310 `box.learnt`: how the agent's input box looks when nothing of ours stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxLearnt {
    /// Which agent.
    pub agent: AgentId,
    /// The part of the screen, relative to the agent's place.
    pub region: Rect,
    /// Rows of red, green, blue; one byte each.
    pub rgb: Bulk,
    /// One byte per pixel: 1 where it moves by itself (caret, spinner).
    pub volatile: Bulk,
    /// True once a submitted message was seen to bring the box back to this look.
    pub proven_empty: bool,
}

/// 306 `agent.paused`: its messages wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPaused {
    /// Which agent.
    pub agent: AgentId,
    /// Who paused it.
    pub by: AgentId,
    /// Why.
    pub reason: PauseReason,
}

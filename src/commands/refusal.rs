//! A refusal: the desk understood, and the answer is no.

use serde::{Deserialize, Serialize};

use crate::events::facts::words::worded;

worded! {
    /// Why the answer is no, as one stable word.
    Code, "a refusal code" {
        /// No such agent.
        UnknownAgent = "unknown_agent",
        /// The sender is no registered agent.
        UnknownSender = "unknown_sender",
        /// No such message.
        UnknownMessage = "unknown_message",
        /// No such alert.
        UnknownAlert = "unknown_alert",
        /// A broadcast that reaches nobody.
        Nobody = "nobody",
        /// The agent takes no part at present.
        AgentInactive = "agent_inactive",
        /// The agent's messages wait.
        AgentPaused = "agent_paused",
        /// The name is taken.
        AgentExists = "agent_exists",
        /// The name belongs to the desk.
        ReservedName = "reserved_name",
        /// The profile cannot be used.
        BadProfile = "bad_profile",
        /// There are no words in it.
        EmptyBody = "empty_body",
        /// Too many words.
        BodyTooLarge = "body_too_large",
        /// A lifetime of nothing.
        BadTtl = "bad_ttl",
        /// Too many tags.
        TooManyTags = "too_many_tags",
        /// The causal chain is too long.
        HopLimit = "hop_limit",
        /// The id belongs to another message.
        IdConflict = "id_conflict",
        /// The message's state does not allow it.
        WrongState = "wrong_state",
        /// Another attempt than the one under way.
        StaleAttempt = "stale_attempt",
        /// Its outcome must be found out first.
        UnknownOutcome = "unknown_outcome",
        /// Its time has not come.
        NotDue = "not_due",
        /// Its time is over.
        Expired = "expired",
        /// The way does not fit.
        WrongChannel = "wrong_channel",
        /// Hands are stopped there.
        SeatPaused = "seat_paused",
        /// Somebody said too much, and is held until it is looked at.
        Quarantined = "quarantined",
        /// One agent says too much in too short a time.
        RateLimit = "rate_limit",
        /// Two agents say too much to each other.
        PairBudget = "pair_budget",
        /// Not this one's to say.
        NotAllowed = "not_allowed",
        /// There is no way back to the sender.
        NoWayBack = "no_way_back",
        /// A note that cannot be kept.
        BadNote = "bad_note",
        /// The command's id was used for something else.
        CommandConflict = "command_conflict",
    }
}

/// The family of a refusal; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// What was named is not there: exit 4.
    NotFound,
    /// It contradicts what is there: exit 5.
    Conflict,
    /// It breaks a rule: exit 6.
    Refused,
    /// It is not this one's to do: exit 13.
    NotAllowed,
}

impl Class {
    /// The exit code of the command line.
    pub const fn exit(self) -> u8 {
        match self {
            Self::NotFound => 4,
            Self::Conflict => 5,
            Self::Refused => 6,
            Self::NotAllowed => 13,
        }
    }
}

impl Code {
    /// The family it belongs to.
    pub const fn class(self) -> Class {
        match self {
            Self::UnknownAgent
            | Self::UnknownSender
            | Self::UnknownMessage
            | Self::UnknownAlert
            | Self::Nobody => Class::NotFound,
            Self::AgentExists
            | Self::IdConflict
            | Self::WrongState
            | Self::StaleAttempt
            | Self::CommandConflict => Class::Conflict,
            Self::AgentInactive
            | Self::AgentPaused
            | Self::ReservedName
            | Self::BadProfile
            | Self::EmptyBody
            | Self::BodyTooLarge
            | Self::BadTtl
            | Self::TooManyTags
            | Self::HopLimit
            | Self::UnknownOutcome
            | Self::NotDue
            | Self::Expired
            | Self::WrongChannel
            | Self::SeatPaused
            | Self::Quarantined
            | Self::RateLimit
            | Self::PairBudget
            | Self::NoWayBack
            | Self::BadNote => Class::Refused,
            Self::NotAllowed => Class::NotAllowed,
        }
    }
}

/// An answer, not a failure: why something is not done, and what could be done instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The stable word.
    pub code: Code,
    /// One sentence, naming the thing.
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The family; decides the exit code.
    pub const fn class(&self) -> Class {
        self.code.class()
    }
}

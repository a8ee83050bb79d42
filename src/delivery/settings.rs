//! Everything about deliveries that people can set, as arguments.

use std::time::Duration;

use super::breaker::Limits;
use super::job::{ClipboardLimits, Keys, Patience, ReadBack};
use super::policy::Policy;
use super::timing::Learning;
use crate::events::facts::agent::Target;

/// How deliveries are done.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// What follows which failure.
    pub policy: Policy,
    /// When an agent's channel is left alone.
    pub breaker: Limits,
    /// For chats.
    pub chat: Manner,
    /// For editors.
    pub editor: Manner,
    /// For terminals.
    pub terminal: Manner,
    /// When the box is read back.
    pub read_back: ReadBack,
    /// How the clipboard is used.
    pub clipboard: ClipboardLimits,
    /// How deadlines are learnt from past attempts.
    pub learning: Learning,
    /// The nudge after a fallback to the inbox, if wanted.
    pub nudge: Option<Nudging>,
}

/// How one kind of program is handled.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Which keys do what.
    pub keys: Keys,
    /// How long to wait for what.
    pub patience: Patience,
}

/// When an agent is told that something lies in its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nudging {
    /// How long after the file was written.
    pub after: Duration,
    /// How long it is worth trying.
    pub ttl: Duration,
}

impl DispatchSettings {
    /// The manner for a kind of program.
    pub const fn of(&self, target: Target) -> &Manner {
        match target {
            Target::Chat => &self.chat,
            Target::Editor => &self.editor,
            Target::Terminal => &self.terminal,
        }
    }
}

impl Default for DispatchSettings {
    fn default() -> Self {
        let manner = |target| Manner {
            keys: Keys::of(target),
            patience: Patience::of(target),
        };
        Self {
            policy: Policy::default(),
            breaker: Limits::default(),
            chat: manner(Target::Chat),
            editor: manner(Target::Editor),
            terminal: manner(Target::Terminal),
            read_back: ReadBack::WhenDoubtful,
            clipboard: ClipboardLimits::default(),
            learning: Learning::default(),
            nudge: Some(Nudging {
                after: Duration::from_secs(30),
                ttl: Duration::from_hours(1),
            }),
        }
    }
}

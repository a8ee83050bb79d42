//! Why a backup, a restore or a look at them did not come about.

use super::ports::VaultError;
use super::sealed::Flaw;
use crate::events::ledger::handle::ReadError;
use crate::events::ledger::restoring::RestoreError;
use crate::events::time::Timestamp;

/// What can be restored of a timeline without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Range {
    /// Which timeline.
    pub timeline: uuid::Uuid,
    /// First position.
    pub first_position: u64,
    /// Last position.
    pub last_position: u64,
    /// When the first event was recorded.
    pub first_at: Timestamp,
    /// When the last event was recorded.
    pub last_at: Timestamp,
}

/// Why it did not come about.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no repository (exit 10).
    #[error("there is no backup repository in {0}")]
    NoRepository(String),
    /// The folder holds something else (exit 10).
    #[error("{0} is not a backup repository: {1}")]
    NotARepository(String, String),
    /// Written by a newer binary (exit 19).
    #[error("{object}: {flaw}")]
    TooNew {
        /// What.
        object: String,
        /// How new.
        flaw: Flaw,
    },
    /// Nobody gave a key for an encrypted repository (exit 20).
    #[error("the repository in {0} is encrypted")]
    NeedsKey(String),
    /// The key is another repository's (exit 20).
    #[error("the key does not open the repository in {0}")]
    WrongKey(String),
    /// A key, or the wish for one, met a repository in the clear (exit 6).
    #[error("the repository in {0} is not encrypted")]
    NotEncrypted(String),
    /// Something that is needed is damaged (exit 9).
    #[error("{object} is damaged: {problem}")]
    Damaged {
        /// What.
        object: String,
        /// In words.
        problem: String,
    },
    /// The events wanted are missing, though later ones may be there (exit 9).
    #[error(
        "{asked} cannot be restored: {why}; what is before it can be, up to position {until} at {until_at}"
    )]
    Hole {
        /// What was asked for.
        asked: String,
        /// What is missing.
        why: String,
        /// The last position that can be restored.
        until: u64,
        /// When it was recorded.
        until_at: Timestamp,
    },
    /// Nothing before the wanted events can be had either (exit 9).
    #[error("{asked} cannot be restored: {why}")]
    Nothing {
        /// What was asked for.
        asked: String,
        /// What is missing.
        why: String,
    },
    /// Beyond what was backed up (exit 15).
    #[error("{asked} lies outside of what can be restored: {}", said(.ranges))]
    Outside {
        /// What was asked for.
        asked: String,
        /// What can be restored.
        ranges: Vec<Range>,
    },
    /// No such backup, label or event (exit 4).
    #[error("there is no {what} here")]
    NotFound {
        /// What.
        what: String,
        /// Names that are there.
        known: Vec<String>,
    },
    /// The repository is another ledger's (exit 5).
    #[error("the repository in {place} keeps ledger {theirs}, not {ours}")]
    OtherLedger {
        /// Where.
        place: String,
        /// Whose backups are there.
        theirs: uuid::Uuid,
        /// Which ledger came.
        ours: uuid::Uuid,
    },
    /// The repository has another history for this timeline (exit 5).
    #[error("the repository has another history of timeline {timeline}: {reason}")]
    OtherHistory {
        /// Which timeline.
        timeline: uuid::Uuid,
        /// How they differ.
        reason: String,
    },
    /// A restored ledger took this timeline's place (exit 5).
    #[error(
        "timeline {timeline} was left at position {fork}: a ledger restored from it, timeline {child}, is \
         backed up here"
    )]
    Forked {
        /// The old timeline.
        timeline: uuid::Uuid,
        /// Where it was left.
        fork: u64,
        /// What took its place.
        child: uuid::Uuid,
    },
    /// The name is taken (exit 5).
    #[error("the label `{label}` stands at position {position} already")]
    LabelTaken {
        /// Which.
        label: String,
        /// Where it stands.
        position: u64,
    },
    /// Somebody else works in the repository (exit 11).
    #[error("{holder} works in the repository")]
    Locked {
        /// Who.
        holder: String,
    },
    /// A policy that keeps nothing (exit 6).
    #[error("a policy that keeps nothing is no policy")]
    EmptyPolicy,
    /// Somebody did not want it any more (exit 130).
    #[error("it was broken off")]
    BrokenOff,
    /// The repository could not be read or written.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The new ledger could not be made.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

fn said(ranges: &[Range]) -> String {
    let words = |range: &Range| {
        format!(
            "positions {} to {} ({} to {}) of timeline {}",
            range.first_position,
            range.last_position,
            range.first_at,
            range.last_at,
            range.timeline
        )
    };
    if ranges.is_empty() {
        return "nothing".to_owned();
    }
    ranges.iter().map(words).collect::<Vec<_>>().join("; ")
}

/// Tells how far something has come, and asks whether to go on.
pub type Tell<'t> = dyn FnMut(Progress) -> std::ops::ControlFlow<()> + Send + 't;

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Events, or objects.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

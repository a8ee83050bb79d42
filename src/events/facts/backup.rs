//! What happens around backups.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words::worded;
use crate::events::time::Timestamp;

worded! {
    /// What a backup adds.
    Kind, "a kind of backup" {
        /// Everything; shares only whole segments with others.
        Full = "full",
        /// What came since the last backup.
        Incremental = "incremental",
        /// What came since the last full one.
        Differential = "differential",
        /// Nothing: it gives a position a name.
        Label = "label",
    }
}

worded! {
    /// A disaster that is rehearsed.
    Scenario, "a scenario" {
        /// The machine is gone; only the repository is left.
        HardwareLoss = "hardware-loss",
        /// The ledger's files are damaged.
        Corruption = "corruption",
        /// Somebody did something that must not have happened.
        HumanError = "human-error",
        /// An object of the repository is lost.
        LostObject = "lost-object",
        /// Store and keys are in strange hands: everything gets other keys, and comes back with them.
        StolenStore = "stolen-store",
        /// The place is gone, with its repository; a second one is left.
        SiteLoss = "site-loss",
    }
}

worded! {
    /// What the schedule does.
    Work, "scheduled work" {
        /// A full backup.
        Full = "full",
        /// A differential one.
        Differential = "differential",
        /// An incremental one.
        Incremental = "incremental",
        /// Removing what no rule keeps.
        Prune = "prune",
    }
}

/// 720 `backup.taken`: a backup was published; what is in it ends before this event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTaken {
    /// Which.
    pub backup: Uuid,
    /// The repository.
    pub repository: Uuid,
    /// What it adds.
    pub kind: Kind,
    /// First position that it adds.
    pub first: u64,
    /// The last position that can be restored from it.
    pub last: u64,
    /// Bytes that were written.
    pub stored: u64,
    /// How long it took.
    pub micros: u64,
}

/// What a drill measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The backup that was restored, if one was.
    pub backup: Option<Uuid>,
    /// The last position that came back.
    pub position: Option<u64>,
    /// How long it took until the restored ledger was open and verified.
    pub recovery_micros: u64,
    /// How long it may take.
    pub recovery_limit_micros: u64,
    /// How much of the newest time would have been lost.
    pub lost_micros: u64,
    /// How much may be lost.
    pub lost_limit_micros: u64,
}

/// 721 `drill.passed`: a disaster was rehearsed, and the plan was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillPassed {
    /// Which disaster.
    pub scenario: Scenario,
    /// What was measured.
    pub measured: Measured,
}

/// 722 `drill.missed`: a disaster was rehearsed, and the plan was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillMissed {
    /// Which disaster.
    pub scenario: Scenario,
    /// What was measured.
    pub measured: Measured,
    /// In words.
    pub reason: String,
}

/// 723 `backup.failed`: scheduled work failed, and will be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFailed {
    /// The repository's folder.
    pub place: String,
    /// What failed.
    pub work: Work,
    /// How often by now.
    pub attempts: u32,
    /// When it is tried again.
    pub retry_at: Timestamp,
    /// In words.
    pub reason: String,
}

/// 724 `backup.pruned`: the schedule removed what no rule keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupsPruned {
    /// The repository's folder.
    pub place: String,
    /// How many backups.
    pub backups: u64,
    /// How many bytes that frees, now or later.
    pub bytes: u64,
}

/// 725 `backup.late`: more of the newest time is not backed up than the plan allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupLate {
    /// The repository's folder.
    pub place: String,
    /// Everything up to here is backed up.
    pub covered: u64,
    /// When the first event was recorded that is not.
    pub since: Timestamp,
    /// How much may be lost.
    pub limit_micros: u64,
}

/// 726 `backup.caught_up`: what was late is backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupCaughtUp {
    /// The repository's folder.
    pub place: String,
    /// Everything up to here is backed up.
    pub covered: u64,
}

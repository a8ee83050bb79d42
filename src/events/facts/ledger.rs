//! What happens to the ledger itself, to settings, and notes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// 1 `ledger.created`: always the event at position 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerCreated {
    /// This ledger, whatever its timeline.
    pub ledger: Uuid,
    /// Its first timeline.
    pub timeline: Uuid,
    /// The version of the binary that made it.
    pub made_by: String,
}

/// 2 `ledger.restored`: what stands before came out of a backup; a new timeline begins here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRestored {
    /// The timeline that begins.
    pub timeline: Uuid,
    /// The timeline that the events before belong to.
    pub parent: Uuid,
    /// The last event of the parent that is here.
    pub fork: u64,
    /// The chain hash there, in hex: what tells two forks at one position apart.
    pub chain: String,
    /// The backup that it came out of.
    pub backup: Uuid,
    /// The version of the binary that restored it.
    pub made_by: String,
}

/// 3 `ledger.rebuilt`: sled's copy of the active epoch was lost or damaged and was written anew
/// from the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRebuilt {
    /// Events written again.
    pub events: u64,
    /// What was found wrong.
    pub reason: String,
}

/// 5 `ledger.mended`: events that the journal had lost were put back from sled's copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerMended {
    /// Position of the first of them.
    pub first: u64,
    /// Position of the last of them.
    pub last: u64,
}

/// 4 `clock.stepped_back`: the machine's clock went backwards; recorded time goes on by
/// microseconds until it catches up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSteppedBack {
    /// By how much, in microseconds.
    pub by_micros: u64,
}

/// One setting and where its value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Dotted name.
    pub key: String,
    /// The value as JSON text.
    pub value: String,
    /// File, variable, flag or `default`.
    pub origin: String,
}

/// 600 `config.loaded`: the settings an owner started with (those that are not defaults).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigLoaded {
    /// Sorted by key.
    pub settings: Vec<Setting>,
}

/// 601 `config.set`: a setting was changed while running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigSet {
    /// Dotted name.
    pub key: String,
    /// The value as JSON text; none takes the setting back.
    pub value: Option<String>,
}

/// 900 `note.<word>`: somebody's own fact; the desk keeps it and does nothing with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The last part of the kind's name.
    pub word: String,
    /// JSON text.
    pub data: String,
}

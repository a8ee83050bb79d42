//! The port of the API: what it asks of the process it runs in, besides ledger and projections.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::events::time::Timestamp;
use crate::projections::states::States;

/// What only the process that owns the ledger knows. Asked for by requests, so each answers at once.
pub trait Surroundings: Send + Sync + fmt::Debug {
    /// Every setting with its origin, as `config show` prints them.
    fn settings(&self) -> Vec<Value>;
    /// Steps and calibrations of these states, as `timing` prints them; or why not, in words.
    fn timing(&self, states: &States) -> Result<Vec<Value>, String>;
    /// An event in words, as `why` tells it.
    fn told(&self, event: &str, detail: &Value) -> String;
    /// How deliveries do.
    fn deliveries(&self) -> Deliveries;
    /// What the process takes of its machine.
    fn process(&self) -> Figures;
    /// How each repository of the schedule stands, as far as this process looked at it.
    fn repositories(&self) -> Vec<Repository>;
    /// What became of spans that are sent to a collector; none when they are not.
    fn exported(&self) -> Option<Exported>;
}

/// How a repository of the schedule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its folder.
    pub place: String,
    /// The last of the ledger's positions that is in it.
    pub covered: u64,
    /// When the first event was recorded that is not.
    pub unsaved_since: Option<Timestamp>,
    /// How much of the newest time may be lost by the plan.
    pub allowed: Option<Duration>,
    /// How often in a row scheduled work failed there.
    pub failing_attempts: u64,
}

/// What became of spans that are sent to a collector, since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Spans that it has.
    pub spans: u64,
    /// Spans that it refused.
    pub dropped: u64,
    /// Requests that it did not answer, or not as it should.
    pub failures: u64,
    /// Events that were not looked at yet.
    pub behind: u64,
}

/// How deliveries do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliveries {
    /// Whether this process delivers.
    pub going: bool,
    /// Why nothing is delivered now, if deliveries ended by themselves or rest.
    pub failing: Option<String>,
    /// The desktop they use.
    pub desktop: String,
}

/// What a process takes of its machine; none where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Memory in bytes that is really there.
    pub resident: Option<u64>,
    /// Time on processors, in microseconds.
    pub busy_micros: Option<u64>,
    /// Files and sockets that are open.
    pub open_files: Option<u64>,
    /// How many may be.
    pub open_files_max: Option<u64>,
    /// When it began.
    pub begun: Option<Timestamp>,
    /// Bytes that may still be written on the store's disk.
    pub disk_free: Option<u64>,
}

//! Backups, drills and failures of the schedule, by sort: read from their streams once, and again only when
//! there is something new in them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::events::facts::backup::{Kind, Measured, Scenario, Work};
use crate::events::ids::{Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::time::Timestamp;

/// The last backup of a kind, and how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many of this kind were taken.
    pub count: u64,
    /// When the last one was.
    pub at: Timestamp,
    /// The last position in it.
    pub position: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Bytes that were written.
    pub stored: u64,
}

/// The last drill of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// When it was.
    pub at: Timestamp,
    /// Whether its plan was kept.
    pub passed: bool,
    /// What was measured.
    pub measured: Measured,
}

/// Everything that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The last backups.
    pub copied: BTreeMap<Kind, Copied>,
    /// The last drills.
    pub rehearsed: BTreeMap<Scenario, Rehearsed>,
    /// How often the schedule failed.
    pub failed: BTreeMap<Work, u64>,
}

/// What was read of each stream, and how far.
#[derive(Debug, Default)]
pub struct Copies {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    known: Known,
    read_to: [Position; 3],
}

impl Copies {
    /// As the ledger tells it now.
    pub fn known(&self, ledger: &Ledger) -> Result<Known, ReadError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { known, read_to } = &mut *kept;
        let streams = [
            StreamId::backups(),
            StreamId::drills(),
            StreamId::backup_schedule(),
        ];
        for (stream, read_to) in streams.iter().zip(read_to) {
            let newest = ledger.stream_head(stream)?;
            let newest = newest.map_or(Position::START, |(_, position)| position);
            if newest <= *read_to {
                continue;
            }
            let events = ledger.read_stream(stream)?;
            for event in events.iter().filter(|event| event.position > *read_to) {
                known.take(&event.fact, event.recorded_at);
            }
            *read_to = events.last().map_or(newest, |event| event.position);
        }
        Ok(known.clone())
    }
}

impl Known {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "few facts stand in these streams; what is not counted changes nothing"
    )]
    fn take(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::BackupTaken(taken) => {
                let before = self.copied.get(&taken.kind).map_or(0, |it| it.count);
                let copied = Copied {
                    count: before.saturating_add(1),
                    at,
                    position: taken.last,
                    micros: taken.micros,
                    stored: taken.stored,
                };
                self.copied.insert(taken.kind, copied);
            }
            Fact::DrillPassed(it) => self.rehearse(it.scenario, (at, true), it.measured.clone()),
            Fact::DrillMissed(it) => self.rehearse(it.scenario, (at, false), it.measured.clone()),
            Fact::BackupFailed(it) => {
                let count = self.failed.entry(it.work).or_default();
                *count = count.saturating_add(1);
            }
            _ => {}
        }
    }

    fn rehearse(
        &mut self,
        scenario: Scenario,
        (at, passed): (Timestamp, bool),
        measured: Measured,
    ) {
        let rehearsed = Rehearsed {
            at,
            passed,
            measured,
        };
        self.rehearsed.insert(scenario, rehearsed);
    }
}

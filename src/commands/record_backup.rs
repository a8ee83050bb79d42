//! Backups and drills reach the ledger as facts; they were done before this is asked for.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use crate::events::facts::backup::{
    BackupCaughtUp, BackupFailed, BackupLate, BackupTaken, BackupsPruned, DrillMissed, DrillPassed,
    Measured, Scenario,
};
use crate::events::ids::StreamId;
use crate::events::ledger::append::Expected;

/// Say that a backup was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordBackup {
    /// Which.
    pub taken: BackupTaken,
}

/// Say how a drill went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDrill {
    /// Which disaster.
    pub scenario: Scenario,
    /// What was measured.
    pub measured: Measured,
    /// Why the plan was missed, if something went wrong besides what was measured.
    pub problem: Option<String>,
}

/// Say how the schedule fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordSchedule {
    /// Work failed.
    Failed(BackupFailed),
    /// Old backups were removed.
    Pruned(BackupsPruned),
    /// More could be lost than the plan allows.
    Late(BackupLate),
    /// No more.
    CaughtUp(BackupCaughtUp),
}

impl RecordSchedule {
    /// Whatever happened is a fact.
    pub fn decide(&self) -> Decision {
        let stream = StreamId::backup_schedule();
        match self {
            Self::Failed(it) => Plan::one(stream, Expected::Any, it.clone()),
            Self::Pruned(it) => Plan::one(stream, Expected::Any, it.clone()),
            Self::Late(it) => Plan::one(stream, Expected::Any, it.clone()),
            Self::CaughtUp(it) => Plan::one(stream, Expected::Any, it.clone()),
        }
        .into()
    }
}

impl RecordBackup {
    /// Whatever happened is a fact.
    pub fn decide(&self) -> Decision {
        Plan::one(StreamId::backups(), Expected::Any, self.taken.clone()).into()
    }
}

impl RecordDrill {
    /// Why the plan was missed; none when it was kept.
    pub fn missed(&self) -> Option<String> {
        let Measured {
            recovery_micros,
            recovery_limit_micros,
            lost_micros,
            lost_limit_micros,
            ..
        } = self.measured;
        let seconds = |micros: u64| micros.div_ceil(1_000_000);
        self.problem.clone().or_else(|| {
            if recovery_micros > recovery_limit_micros {
                let (took, limit) = (seconds(recovery_micros), seconds(recovery_limit_micros));
                Some(format!("recovery took {took} s; the plan says {limit} s"))
            } else if lost_micros > lost_limit_micros {
                let (lost, limit) = (seconds(lost_micros), seconds(lost_limit_micros));
                Some(format!("{lost} s would be lost; the plan says {limit} s"))
            } else {
                None
            }
        })
    }

    /// Passed or missed, by what was measured.
    pub fn decide(&self) -> Decision {
        let (scenario, measured) = (self.scenario, self.measured.clone());
        let stream = StreamId::drills();
        match self.missed() {
            None => Plan::one(stream, Expected::Any, DrillPassed { scenario, measured }).into(),
            Some(reason) => {
                let missed = DrillMissed {
                    scenario,
                    measured,
                    reason,
                };
                Plan::one(stream, Expected::Any, missed).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_is_missed_by_time_by_loss_or_by_a_problem() {
        let drill = |recovery, lost, problem: Option<&str>| RecordDrill {
            scenario: Scenario::HardwareLoss,
            measured: Measured {
                backup: None,
                position: None,
                recovery_micros: recovery,
                recovery_limit_micros: 10,
                lost_micros: lost,
                lost_limit_micros: 20,
            },
            problem: problem.map(str::to_owned),
        };
        assert_eq!(drill(10, 20, None).missed(), None);
        assert!(drill(11, 20, None).missed().is_some());
        assert!(drill(10, 21, None).missed().is_some());
        assert_eq!(drill(1, 1, Some("gone")).missed().as_deref(), Some("gone"));
    }
}

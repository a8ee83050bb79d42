//! Keep what was measured.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use crate::events::facts::timing::{TimingCalibrated, TimingDrifted};
use crate::events::ids::StreamId;
use crate::events::ledger::append::Expected;

/// A calibration is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepCalibration {
    /// What came of it.
    pub calibrated: TimingCalibrated,
}

/// A step takes another time than it used to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepDrift {
    /// Whose, and which.
    pub drifted: TimingDrifted,
}

impl KeepCalibration {
    /// Never refused: a measurement is a fact.
    pub fn decide(&self) -> Decision {
        let stream = StreamId::timing_of_seat(&self.calibrated.seat);
        Plan::one(stream, Expected::Any, self.calibrated.clone()).into()
    }
}

impl KeepDrift {
    /// Never refused.
    pub fn decide(&self) -> Decision {
        let stream = StreamId::timing_of_agent(&self.drifted.agent);
        Plan::one(stream, Expected::Any, self.drifted.clone()).into()
    }
}

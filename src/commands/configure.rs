//! Settings: what an owner started with, and what was changed while running.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Plan};
use crate::events::facts::ledger::{ConfigLoaded, ConfigSet, Setting};
use crate::events::ids::StreamId;
use crate::events::ledger::append::Expected;

/// Change a setting while running. Whether it is one was checked where settings are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetConfig {
    /// Dotted name.
    pub key: String,
    /// The value as JSON text; none takes the setting back.
    pub value: Option<String>,
}

/// Say what an owner starts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadConfig {
    /// Those that are not defaults.
    pub settings: Vec<Setting>,
}

impl SetConfig {
    /// The last word counts, whoever spoke before.
    pub fn decide(&self) -> Decision {
        let fact = ConfigSet {
            key: self.key.clone(),
            value: self.value.clone(),
        };
        Plan::one(StreamId::config(), Expected::Any, fact).into()
    }
}

impl LoadConfig {
    /// Sorted by key.
    pub fn decide(&self) -> Decision {
        let mut settings = self.settings.clone();
        settings.sort_by(|a, b| a.key.cmp(&b.key));
        Plan::one(StreamId::config(), Expected::Any, ConfigLoaded { settings }).into()
    }
}

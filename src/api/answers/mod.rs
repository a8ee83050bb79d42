//! Who answers each route.

pub mod alerts;
pub mod analytics;
pub mod backups;
pub mod copies;
pub mod failures;
pub mod fleet;
pub mod health;
pub mod hours;
pub mod ledger;
pub mod logs;
pub mod messages;
pub mod metrics;
pub mod overview;
pub mod settings;
pub mod traces;

//! Who answers each route.

pub mod backups;
pub mod fleet;
pub mod health;
pub mod hours;
pub mod ledger;
pub mod messages;
pub mod metrics;
pub mod settings;

//! The one integration-test binary: a module per topic.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on says so by panicking, and it may touch the world"
)]

mod golden;
mod ledger;
mod ledger_crash;
mod ledger_damage;
mod ledger_faults;
mod ledger_kit;
mod ledger_model;
mod ledger_speed;

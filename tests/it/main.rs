//! The one integration-test binary: a module file per topic. What a topic needs of the product it
//! takes through the library or through the binary, as a user would.
//!
//! Tests that need a display have `x11`, `desktop` or `e2e` in their name (`.config/nextest.toml`
//! bounds how many of them run at once) and call themselves skipped only where `scripts/test` could
//! not install the packages; with `SWITCHBOARD_REQUIRE_DISPLAY=1` a missing display fails them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests stop at the first thing that is wrong, and measure real time"
)]

#[cfg(all(feature = "desktop", target_os = "linux"))]
mod accept;
mod alerts;
mod api;
mod api_faults;
mod api_kit;
mod api_refusals;
mod api_stream;
mod backup;
mod backup_damage;
mod backup_faults;
mod backup_history;
mod backup_keys;
mod backup_kills;
mod backup_kit;
mod backup_pages;
mod backup_prune;
mod backup_schedule;
mod backup_speed;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod calibrating;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod carried;
mod cli;
mod coordinates;
mod dashboard;
mod delivery_cases;
mod delivery_kit;
mod delivery_sim;
mod deploying;
mod desk;
mod dispatch;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod display;
mod exporting;
mod folds;
mod folds_speed;
mod golden;
mod ledger;
mod ledger_crash;
mod ledger_damage;
mod ledger_epochs;
mod ledger_faults;
mod ledger_kit;
mod ledger_model;
mod ledger_speed;
mod ledger_steps;
mod limits;
mod manners;
mod model;
mod model_kit;
mod onboarding;
mod owner;
mod projections;
mod rehearsals;
mod running;
mod running_kit;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod running_x11;
mod source;
mod tidy;
mod timing;
mod top;
mod torture_decoders;
mod torture_disks;
mod torture_faults;
mod torture_flips;
mod torture_full;
mod torture_images;
mod torture_kills;
mod torture_kit;
mod torture_power;
mod torture_record;
mod torture_trace;
mod torture_victim;
mod torture_writers;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod watching;
mod whereabouts;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod x11;

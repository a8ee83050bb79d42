//! The one integration-test binary: a module per topic.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on says so by panicking"
)]

mod ledger;
mod ledger_kit;
mod model;
mod model_kit;
mod projections;

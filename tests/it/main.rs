//! The one integration-test binary: a module file per topic.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests stop at the first thing that is wrong"
)]

mod delivery_cases;
mod delivery_kit;
mod delivery_sim;

//! The one integration-test binary: a module file per topic.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests stop at the first thing that is wrong, and measure real time"
)]

#[cfg(all(feature = "desktop", target_os = "linux"))]
mod carried;
mod delivery_cases;
mod delivery_kit;
mod delivery_sim;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod display;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod x11;

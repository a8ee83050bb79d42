//! The one integration-test binary: a module file per topic. What a topic needs of the product it
//! takes through the library or through the binary, as a user would.
//!
//! Tests that need a display have `x11`, `desktop` or `e2e` in their name (`.config/nextest.toml`
//! bounds how many of them run at once) and call themselves skipped only where `scripts/test` could
//! not install the packages; with `SWITCHBOARD_REQUIRE_DISPLAY=1` a missing display fails them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy.toml reaches test functions only"
)]
#![cfg_attr(
    all(feature = "desktop", target_os = "linux"),
    expect(
        clippy::as_conversions,
        clippy::disallowed_methods,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        reason = "tests on a display measure real time, and say so when there is none"
    )
)]

#[cfg(all(feature = "desktop", target_os = "linux"))]
mod display;
mod source;
mod tidy;
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod x11;

//! The one integration-test binary: a module file per topic.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy.toml reaches test functions only"
)]

mod cli;
mod coordinates;

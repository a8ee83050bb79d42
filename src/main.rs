//! Wiring only.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use switchboard::cli::entry;
use switchboard::config::environment::Environment;

/// What one thread allocates another one frees here, and much of it only now and then: the system's
/// allocator keeps hundreds of megabytes after a storm of appends (`docs/decisions/outside-crates.md`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    entry::run(&line, Environment::of_process()).into()
}

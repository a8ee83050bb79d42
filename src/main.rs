//! Wiring only.

use std::process::ExitCode;

use switchboard::cli::entry;
use switchboard::config::environment::Environment;

fn main() -> ExitCode {
    entry::run(std::env::args_os().collect(), Environment::of_process()).into()
}

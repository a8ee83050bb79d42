//! Wiring only.

use std::process::ExitCode;

use switchboard::cli::entry;
use switchboard::config::environment::Environment;

fn main() -> ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    entry::run(&line, Environment::of_process()).into()
}

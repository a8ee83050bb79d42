//! `switchboard doctor`: is this machine fit for it?

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::owner::request::What;
use clap::Args;

/// Check this machine: display, clipboard, store, configuration, agents' places.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard doctor")]
pub struct DoctorArgs {}

impl DoctorArgs {
    /// Has everything checked and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        run.list(What::Doctor, fleet::doctor)
    }
}

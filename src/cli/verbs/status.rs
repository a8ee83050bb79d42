//! `switchboard status`: everything at a glance.

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::owner::request::What;
use clap::Args;

/// Show the desk at a glance: head, queue, seats, agents, projections.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard status
  switchboard --json status | jq .queued")]
pub struct StatusArgs {}

impl StatusArgs {
    /// Asks how the desk is and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        run.tell(What::Status, fleet::status)
    }
}

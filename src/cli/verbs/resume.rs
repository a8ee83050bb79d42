//! `switchboard resume`: let hands move again.

use clap::Args;

use super::pause::halt;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::values::Pausable;

/// Let deliveries go on: on one seat, to one agent, or all of them.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard resume
  switchboard resume :0
  switchboard resume agent-3")]
pub struct ResumeArgs {
    /// A seat like :0, or an agent; without it, every seat
    #[arg(value_name = "SEAT|AGENT")]
    pub target: Option<Pausable>,
}

impl ResumeArgs {
    /// Lets hands move again.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let command = halt(run, self.target, false)?;
        run.execute(command, fleet::halt)
    }
}

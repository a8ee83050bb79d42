//! `switchboard resume`: let hands move again.

use clap::Args;

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

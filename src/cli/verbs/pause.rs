//! `switchboard pause`: stop hands for a while.

use clap::Args;

use crate::cli::values::Pausable;

/// Hold deliveries: on one seat, to one agent, or all of them.
///
/// Messages are still accepted and wait. An attempt under way stops before Enter.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard pause
  switchboard pause :0
  switchboard pause agent-3")]
pub struct PauseArgs {
    /// A seat like :0, or an agent; without it, every seat
    #[arg(value_name = "SEAT|AGENT")]
    pub target: Option<Pausable>,
}

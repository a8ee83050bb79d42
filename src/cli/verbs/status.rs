//! `switchboard status`: everything at a glance.

use clap::Args;

/// Show the desk at a glance: head, queue, seats, agents, projections.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard status
  switchboard --json status | jq .queued")]
pub struct StatusArgs {}

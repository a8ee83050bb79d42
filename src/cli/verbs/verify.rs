//! `switchboard verify`: is the ledger whole?

use clap::Args;

/// Read the whole ledger and compare everything with everything.
///
/// Journal against sled, chain, gaps, indexes, projections against a fold from the first event. Exit 9
/// when something is damaged.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard verify
  switchboard verify --repair")]
pub struct VerifyArgs {
    /// Write anew what can be derived from what is whole
    #[arg(long)]
    pub repair: bool,
}

//! `switchboard init`.

use clap::Args;

/// Make a new, empty ledger in the store folder.
///
/// A folder that already holds a ledger is left as it is (exit 5).
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard init
  switchboard --store ./desk init")]
pub struct InitArgs {}

//! `switchboard show`.

use clap::Args;

use crate::events::ids::MessageId;

/// Show one message: its words, its state, its proof.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard show 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11
  switchboard --json show 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11")]
pub struct ShowArgs {
    /// Which message
    #[arg(value_name = "MSG")]
    pub message: MessageId,
}

//! `switchboard cancel`: take a message back.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::commands::cancel::Cancel;
use crate::events::ids::MessageId;

/// Take a message back before it is delivered.
///
/// Refused (exit 5) once an attempt may have pressed Enter, or when it is settled.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard cancel 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11")]
pub struct CancelArgs {
    /// Which message
    #[arg(value_name = "MSG")]
    pub message: MessageId,
}

impl CancelArgs {
    /// Takes the message back.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let by = run.asker()?;
        run.execute(
            Cancel {
                message: self.message,
                by,
            },
            messages::sent,
        )
    }
}

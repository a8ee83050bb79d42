//! `switchboard show`.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::What;
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

impl ShowArgs {
    /// Asks for the message and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        run.tell(What::Show(self.message), messages::show)
    }
}

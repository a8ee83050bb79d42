//! `switchboard why`.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::story;
use crate::cli::owner::request::What;
use crate::events::ids::MessageId;

/// Tell the whole story of a message, event by event.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard why 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11
  switchboard --json why 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11")]
pub struct WhyArgs {
    /// Which message
    #[arg(value_name = "MSG")]
    pub message: MessageId,
}

impl WhyArgs {
    /// Asks for the story and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        run.list(What::Why(self.message), story::why)
    }
}

//! `switchboard resolve`: settle what is unknown.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::values::words;
use crate::commands::resolve::Resolve;
use crate::events::facts::message::Verdict;
use crate::events::ids::MessageId;

/// Settle a message whose outcome is unknown, after you looked.
///
/// A message is unknown when an attempt was cut off after Enter may have been pressed. It is never
/// repeated by itself, because that could deliver it twice.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard resolve 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11 delivered
  switchboard resolve 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11 failed")]
pub struct ResolveArgs {
    /// Which message
    #[arg(value_name = "MSG")]
    pub message: MessageId,
    /// What you found
    #[arg(value_name = "VERDICT", value_parser = words!(Verdict), ignore_case = true)]
    pub verdict: Verdict,
}

impl ResolveArgs {
    /// Settles the message.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let by = run.asker()?;
        run.execute(
            Resolve {
                message: self.message,
                by,
                verdict: self.verdict,
            },
            messages::sent,
        )
    }
}

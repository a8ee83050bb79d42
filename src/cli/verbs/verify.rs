//! `switchboard verify`: is the ledger whole?

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::past;
use crate::cli::owner::request::What;
use crate::events::ledger::handle::Ledger;
use clap::Args;
use serde_json::json;

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

impl VerifyArgs {
    /// Has the owner compare everything; a ledger that nobody can open is examined as it lies.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        match run.tell(What::Verify, past::verify) {
            Err(failure) if failure.exit == Exit::Corrupt => {
                let found = Ledger::examine(&run.store()?)?;
                run.printer.answer(&json!(found), past::verify)?;
                Err(failure)
            }
            other => other,
        }
    }
}

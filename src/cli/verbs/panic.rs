//! `switchboard panic`: stop all hands at once.

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::owner::request::What;
use clap::Args;

/// Stop all hands at once.
///
/// Every attempt under way is cut off, held keys are let go, and nothing moves until
/// `switchboard resume`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard panic
  switchboard resume")]
pub struct PanicArgs {}

impl PanicArgs {
    /// Stops all hands at once.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        run.tell(What::Panic, fleet::halt)
    }
}

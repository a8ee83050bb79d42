//! `switchboard replay`: the state as it was.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::past;
use crate::cli::owner::request::What;
use crate::cli::values::AsOf;

/// Show the state as it was, from the events alone.
///
/// Nothing is sent or clicked. The same position gives the same hash on every machine.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard replay
  switchboard replay --as-of 1200
  switchboard --json replay --as-of 2025-01-31T12:00:00Z --projection agents")]
pub struct ReplayArgs {
    /// A position, or an instant (inclusive) [default: the head]
    #[arg(long, value_name = "T|N")]
    pub as_of: Option<AsOf>,
    /// Only this projection
    #[arg(long, value_name = "P")]
    pub projection: Option<String>,
}

impl ReplayArgs {
    /// Folds the past and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let what = What::Replay {
            as_of: self.as_of,
            projection: self.projection,
        };
        run.tell(what, past::replay)
    }
}

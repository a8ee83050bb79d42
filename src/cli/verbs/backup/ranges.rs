//! `switchboard backup ranges`.

use clap::Args;
use serde_json::{Value, json};

use super::args::{RepoArgs, damage_told};
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;

/// Show what can be restored: for each timeline, from which position and instant to which.
///
/// What is missing ends a range; `backup verify` names it. Needs no ledger.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup ranges --repo /mnt/backup/desk")]
pub struct RangesArgs {
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
}

impl RangesArgs {
    /// Shows them.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let catalog = self.repo.catalog(run)?;
        let ranges = catalog.known().ranges();
        let items: Vec<Value> = ranges.iter().map(|range| json!(range)).collect();
        run.printer.list(&items, copies::ranges)?;
        damage_told(&catalog)
    }
}

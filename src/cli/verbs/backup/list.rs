//! `switchboard backup list`.

use clap::Args;
use serde_json::Value;

use super::args::{RepoArgs, damage_told};
use crate::backup::manifest::Manifest;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;

/// List backups and labels, oldest first.
///
/// Needs no ledger. Exit 9 when a manifest is damaged; the others are listed all the same.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup list --repo /mnt/backup/desk")]
pub struct ListArgs {
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
}

impl ListArgs {
    /// Lists them.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let catalog = self.repo.catalog(run)?;
        let items: Vec<Value> = catalog.manifests.iter().map(Manifest::to_json).collect();
        run.printer.list(&items, copies::backups)?;
        damage_told(&catalog)
    }
}

//! `switchboard backup list`.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::args::{RepoArgs, damage_told};
use crate::adapters::clock::SystemClock;
use crate::backup::catalog::Catalog;
use crate::backup::manifest::Manifest;
use crate::backup::plan_schedule::Past;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::cli::settings::backups;
use crate::config::layers::Config;
use crate::events::time::Clock as _;

/// List backups and labels, oldest first.
///
/// Needs no ledger. Of the repository of the schedule, a last line says what `serve` does there next. Exit 9 when a manifest is damaged; the others are listed all the same.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup list --repo /mnt/backup/desk")]
pub struct ListArgs {
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
}

impl ListArgs {
    /// What the schedule does next here, if this is its repository.
    fn scheduled(&self, catalog: &Catalog, run: &Run) -> Result<Option<Value>, Failure> {
        let config = Config::load(&run.sources())?;
        let settings = &config.settings().backup;
        let at = self.repo.at(run)?.canonicalize();
        let here = |repo: &str| {
            let repo = Path::new(repo).canonicalize();
            repo.is_ok_and(|repo| at.as_ref().is_ok_and(|at| *at == repo))
        };
        if settings.repo.is_empty() || !(here(&settings.repo) || here(&settings.second_repo)) {
            return Ok(None);
        }
        let (times, _) = backups(settings)?;
        let now = SystemClock.now();
        let mut past = Past::of(&catalog.manifests);
        past.settle(now);
        let next = times.next(&past, now);
        Ok(next.map(|(work, at)| json!({"record": "next", "work": work, "at": at})))
    }

    /// Lists them.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let catalog = self.repo.catalog(run)?;
        let mut items: Vec<Value> = catalog.manifests.iter().map(Manifest::to_json).collect();
        items.extend(self.scheduled(&catalog, run)?);
        run.printer.list(&items, copies::backups)?;
        damage_told(&catalog)
    }
}

//! `switchboard backup verify`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::args::RepoArgs;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::backup::catalog::Catalog;
use crate::backup::error::Progress;
use crate::backup::restore::Into;
use crate::backup::trial::{Trial, try_out};
use crate::backup::verify::{Depth, verify};
use crate::cli::answers::backup::Pace;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::events::facts::backup::Kind;
use crate::events::ledger::disk::OsDisk;
use crate::events::ledger::handle::Edge;
use crate::events::ledger::options::Options;
use crate::events::ledger::reserve::Reserve;
use crate::events::time::Clock as _;

/// Look whether everything in a repository is there and is what it was.
///
/// Reads every byte, and names all damage with the backups that each piece kills. Exit 9 when there is any.
/// Nothing is changed, and no ledger is needed.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup verify --repo /mnt/backup/desk
  switchboard backup verify --quick --repo /mnt/backup/desk
  switchboard backup verify --restore-test --repo /mnt/backup/desk")]
pub struct VerifyArgs {
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Only manifests, headers, names and lengths
    #[arg(long, conflicts_with = "restore_test")]
    pub quick: bool,
    /// Also restore the newest backup of every timeline for a look
    #[arg(long)]
    pub restore_test: bool,
    /// Where to restore for a look [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR", requires = "restore_test")]
    pub scratch: Option<PathBuf>,
}

impl VerifyArgs {
    /// Looks.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let catalog = self.repo.catalog(run)?;
        let depth = if self.quick {
            Depth::Quick
        } else {
            Depth::Full
        };
        let found = run.telling(|tell| verify(&catalog, depth, tell))?;
        let mut items: Vec<Value> = Vec::new();
        for damage in &found.damage {
            let mut item = json!(damage);
            if let Value::Object(fields) = &mut item {
                fields.insert("record".to_owned(), json!("damage"));
            }
            items.push(item);
        }
        let mut ok = found.damage.is_empty();
        if self.restore_test {
            for trial in self.try_all(&catalog, run)? {
                ok = ok && trial.problem.is_none();
                let mut item = json!(trial);
                if let Value::Object(fields) = &mut item {
                    fields.insert("record".to_owned(), json!("trial"));
                }
                items.push(item);
            }
        }
        let backups = catalog.manifests.iter().filter(|it| it.kind != Kind::Label);
        items.push(json!({
            "record": "summary",
            "ok": ok,
            "backups": backups.count(),
            "objects": found.objects,
            "bytes": found.bytes,
            "unneeded": found.unneeded,
            "damage": found.damage.len(),
        }));
        run.printer.list(&items, copies::verified)?;
        Ok(if ok { Exit::Done } else { Exit::Corrupt })
    }

    fn try_all(&self, catalog: &Catalog, run: &mut Run) -> Result<Vec<Trial>, Failure> {
        let given = self
            .scratch
            .clone()
            .or_else(|| run.environment.path("TMPDIR"));
        let scratch = given.unwrap_or_else(|| Path::new("/tmp").to_owned());
        let scratch = scratch.join(format!("switchboard-restore-test-{}", Run::fresh_id()));
        let timelines: std::collections::BTreeSet<_> = catalog
            .manifests
            .iter()
            .filter(|it| it.kind != Kind::Label)
            .map(|it| it.timeline)
            .collect();
        let mut trials = Vec::new();
        for timeline in timelines {
            let into = Into {
                target: scratch.join(timeline.to_string()),
                edge: Edge {
                    clock: Arc::new(SystemClock),
                    ids: Arc::new(RandomIds),
                    reserve: Reserve::default(),
                },
                disk: Arc::new(OsDisk),
                options: Options::default(),
                made_by: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let trial = run.telling(|tell| try_out(catalog, timeline, &into, tell));
            // Whatever came out of it, nothing stays behind.
            std::fs::remove_dir_all(&scratch).ok();
            trials.push(trial?);
        }
        Ok(trials)
    }
}

impl Run {
    /// Does something that takes a while, showing how far it has come.
    pub fn telling<T, E>(
        &mut self,
        work: impl FnOnce(&mut crate::backup::error::Tell<'_>) -> Result<T, E>,
    ) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        let mut pace = Pace::begun(SystemClock.now());
        let printer = &mut self.printer;
        let mut tell = |progress: Progress| {
            printer.progress(&pace.item(progress, SystemClock.now()));
            ControlFlow::Continue(())
        };
        Ok(work(&mut tell)?)
    }
}

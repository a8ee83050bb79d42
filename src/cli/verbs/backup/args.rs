//! What `switchboard backup` can do.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{drill, label, list, prune, ranges, rekey, take, verify};
use crate::backup::catalog::Catalog;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::keys::{KeyArgs, Keys};
use crate::config::layers::Config;
use crate::events::facts::backup::Kind;

/// Copies of the ledger that are proven by restoring them.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup full --repo /mnt/backup/desk
  switchboard backup incremental --repo /mnt/backup/desk
  switchboard backup ranges --repo /mnt/backup/desk
  switchboard restore --repo /mnt/backup/desk --target ./desk-again --latest")]
pub struct BackupArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: BackupVerb,
}

/// What can be done with backups.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "each verb is documented at its arguments")]
pub enum BackupVerb {
    Full(take::FullArgs),
    Incremental(take::IncrementalArgs),
    Differential(take::DifferentialArgs),
    List(list::ListArgs),
    Ranges(ranges::RangesArgs),
    Label(label::LabelArgs),
    Verify(verify::VerifyArgs),
    Prune(prune::PruneArgs),
    Drill(drill::DrillArgs),
    Rekey(rekey::RekeyArgs),
}

/// Where the backups are.
#[derive(Clone, Debug, Args)]
pub struct RepoArgs {
    /// The folder that keeps the backups [default: `backup.repo` of the configuration file]
    #[arg(long = "repo", value_name = "DIR")]
    given: Option<PathBuf>,
    /// What opens it.
    #[command(flatten)]
    pub keys: KeyArgs,
}

impl RepoArgs {
    /// The repository as it is.
    pub fn catalog(&self, run: &Run) -> Result<Catalog, Failure> {
        Ok(Catalog::open(self.keys(run)?.vault(&self.at(run)?)?)?)
    }

    /// Where it is: as said, or as set where no ledger is needed to read it. A repository must be found
    /// when the ledger is gone.
    pub fn at(&self, run: &Run) -> Result<PathBuf, Failure> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        let config = Config::load(&run.sources())?;
        match config.settings().backup.repo.as_str() {
            "" => Err(Failure::new(Exit::Usage, "usage", "no repository is named")
                .hint("say --repo DIR, or write `backup.repo` into the configuration file")),
            set => Ok(PathBuf::from(set)),
        }
    }

    /// What opens it.
    pub fn keys(&self, run: &Run) -> Result<Keys, Failure> {
        self.keys_for(run, &[])
    }

    /// The same, with whom it is to be encrypted for.
    pub fn keys_for(&self, run: &Run, encrypt_to: &[String]) -> Result<Keys, Failure> {
        let config = Config::load(&run.sources())?;
        Ok(Keys::of(&self.keys, encrypt_to, &config.settings().backup))
    }
}

impl BackupArgs {
    /// Does it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        match self.verb {
            BackupVerb::Full(args) => args.take.run(Kind::Full, run),
            BackupVerb::Incremental(args) => args.take.run(Kind::Incremental, run),
            BackupVerb::Differential(args) => args.take.run(Kind::Differential, run),
            BackupVerb::List(args) => args.run(run),
            BackupVerb::Ranges(args) => args.run(run),
            BackupVerb::Label(args) => args.run(run),
            BackupVerb::Verify(args) => args.run(run),
            BackupVerb::Prune(args) => args.run(run),
            BackupVerb::Drill(args) => args.run(run),
            BackupVerb::Rekey(args) => args.run(run),
        }
    }
}

/// Fails after the answer when what was looked at is damaged.
pub fn damage_told(catalog: &Catalog) -> Result<Exit, Failure> {
    let Some(first) = catalog.damage.first() else {
        return Ok(Exit::Done);
    };
    let more = catalog.damage.len().saturating_sub(1);
    let text = match more {
        0 => format!("{}: {}", first.object, first.problem),
        more => format!("{}: {}; and {more} more", first.object, first.problem),
    };
    Err(Failure::new(Exit::Corrupt, "corrupt", text)
        .hint("`switchboard backup verify` names all damage and what it kills"))
}

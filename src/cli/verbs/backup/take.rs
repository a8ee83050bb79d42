//! `switchboard backup full`, `incremental`, `differential`.

use clap::Args;

use super::args::RepoArgs;
use crate::cli::answers::backup::wanted;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::cli::owner::request::{Backup, What};
use crate::events::facts::backup::Kind;
use crate::events::facts::words::Word;

/// Back up everything.
///
/// The ledger goes on meanwhile; what is backed up is everything up to the moment when it began. Whole
/// segments that are there already are read once more and shared. Exit 5 when the repository is another
/// ledger's or has another history, 17 when it is full: what was there stays whole.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup full --repo /mnt/backup/desk
  switchboard backup full --repo /mnt/backup/desk --tag weekly")]
pub struct FullArgs {
    /// Where, and with which words.
    #[command(flatten)]
    pub take: TakeArgs,
}

/// Back up what came since the last backup.
///
/// Restores alone, like every backup: it lists what it builds on. Where there is nothing to build on, a
/// full one is taken, and said.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup incremental --repo /mnt/backup/desk")]
pub struct IncrementalArgs {
    /// Where, and with which words.
    #[command(flatten)]
    pub take: TakeArgs,
}

/// Back up what came since the last full backup.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup differential --repo /mnt/backup/desk")]
pub struct DifferentialArgs {
    /// Where, and with which words.
    #[command(flatten)]
    pub take: TakeArgs,
}

/// Where a backup goes, and with which words.
#[derive(Clone, Debug, Args)]
pub struct TakeArgs {
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// A word for retention: --keep-tag keeps it (repeatable)
    #[arg(long, value_name = "T")]
    pub tag: Vec<Word>,
    /// An age public key that a new repository is encrypted to (repeatable) [default: `backup.encrypt_to`]
    #[arg(long, value_name = "AGE-RECIPIENT")]
    pub encrypt_to: Vec<String>,
    /// Go on with a timeline that a restored ledger left behind
    #[arg(long)]
    pub despite_fork: bool,
}

impl TakeArgs {
    /// Takes it.
    pub fn run(self, kind: Kind, run: &mut Run) -> Result<Exit, Failure> {
        let backup = Backup {
            tags: self.tag.iter().map(ToString::to_string).collect(),
            despite_fork: self.despite_fork,
            keys: self.repo.keys_for(run, &self.encrypt_to)?,
            ..wanted(kind, &self.repo.at(run)?)?
        };
        run.list_telling(What::Backup(backup), copies::taken)
    }
}

//! `switchboard backup label`: a position gets a name.

use clap::Args;

use super::args::RepoArgs;
use crate::cli::answers::backup::wanted;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::cli::owner::request::{Backup, What};
use crate::cli::values::position;
use crate::events::facts::backup::Kind;
use crate::events::facts::words::Word;
use crate::events::ids::Position;

/// Give the ledger's present position a name, to restore to it later.
///
/// A label holds no events: `restore --label` finds them once a backup has come past it. Exit 5 when the
/// name is taken.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup label before-upgrade --repo /mnt/backup/desk
  switchboard backup label all-well --position 1200 --repo /mnt/backup/desk")]
pub struct LabelArgs {
    /// The name
    #[arg(value_name = "NAME")]
    pub name: Word,
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Another position than the present one
    #[arg(long, value_name = "N", value_parser = position)]
    pub position: Option<Position>,
}

impl LabelArgs {
    /// Sets it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let backup = Backup {
            label: Some(self.name.to_string()),
            position: self.position,
            keys: self.repo.keys(run)?,
            ..wanted(Kind::Label, &self.repo.at(run)?)?
        };
        run.list_telling(What::Backup(backup), copies::taken)
    }
}

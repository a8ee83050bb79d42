//! `switchboard backup drill`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::args::RepoArgs;
use crate::cli::answers::backup::wanted;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::cli::owner::request::{Drill, What};
use crate::cli::values::words;
use crate::events::facts::backup::{Kind, Scenario};
use crate::events::time::parse_span;

/// Rehearse a disaster: really restore, verify, and measure.
///
/// Works in a scratch folder; the ledger and the repository are only read. Measured are the time until the
/// restored ledger is open and verified, and how much of the newest time would have been lost. Each drill
/// is noted in the ledger. Exit 21 when the plan was missed. Without a scenario, site-loss is left out where
/// no second repository is named.
///
/// hardware-loss: the machine is gone, only the repository is left. corruption: the ledger's files are
/// damaged, which must be noticed. human-error: back to right before the newest event. lost-object: the
/// repository lost an object, which must be noticed, and all before it comes back. stolen-store: everything
/// is copied under fresh keys, which must shut the old ones out, and comes back with them. site-loss: only a
/// second repository is left.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup drill --repo /mnt/backup/desk
  switchboard backup drill hardware-loss --repo /mnt/backup/desk --rto 10m --rpo 1h")]
pub struct DrillArgs {
    /// Which disaster [default: each of them]
    #[arg(value_name = "SCENARIO", value_parser = words!(Scenario))]
    pub scenario: Option<Scenario>,
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// The repository at another site, for site-loss [default: `backup.second_repo`]
    #[arg(long, value_name = "DIR")]
    pub second_repo: Option<PathBuf>,
    /// Whose plan counts [default: `backup.class`]
    #[arg(long, value_name = "C", value_parser = ["critical", "high", "medium", "low"])]
    pub class: Option<String>,
    /// How long a recovery may take [default: `backup.classes.C.rto`]
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub rto: Option<Duration>,
    /// How much of the newest time may be lost [default: `backup.classes.C.rpo`]
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub rpo: Option<Duration>,
    /// Where to restore for a look [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

impl DrillArgs {
    /// Rehearses.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let given = self.scratch.or_else(|| run.environment.path("TMPDIR"));
        let scratch = given.unwrap_or_else(|| Path::new("/tmp").to_owned());
        let second = self.second_repo.map(|it| wanted(Kind::Full, &it));
        let second = second.transpose()?.map(|it| it.repo);
        let drill = Drill {
            scenario: self.scenario,
            repo: wanted(Kind::Full, &self.repo.at(run)?)?.repo,
            scratch: wanted(Kind::Full, &scratch)?.repo,
            keys: self.repo.keys(run)?,
            second_repo: second,
            class: self.class,
            rto: self.rto,
            rpo: self.rpo,
        };
        run.list_telling(What::Drill(drill), copies::drilled)
    }
}

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
/// is noted in the ledger. Exit 21 when the plan was missed.
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
    /// How long a recovery may take
    #[arg(long, value_name = "D", value_parser = parse_span, default_value = "60m")]
    pub rto: Duration,
    /// How much of the newest time may be lost
    #[arg(long, value_name = "D", value_parser = parse_span, default_value = "15m")]
    pub rpo: Duration,
    /// Where to restore for a look [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

impl DrillArgs {
    /// Rehearses.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let given = self.scratch.or_else(|| run.environment.path("TMPDIR"));
        let scratch = given.unwrap_or_else(|| Path::new("/tmp").to_owned());
        let drill = Drill {
            scenario: self.scenario,
            repo: wanted(Kind::Full, &self.repo.repo)?.repo,
            scratch: wanted(Kind::Full, &scratch)?.repo,
            rto: self.rto,
            rpo: self.rpo,
        };
        run.list_telling(What::Drill(drill), copies::drilled)
    }
}

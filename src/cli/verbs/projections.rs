//! `switchboard projections …`: the views that are folded from events.

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::owner::request::What;
use clap::{Args, Subcommand};

/// The views that are folded from events.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard projections list
  switchboard projections check
  switchboard projections rebuild inbox")]
pub struct ProjectionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ProjectionsVerb,
}

/// What can be done with projections.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "each verb is documented at its arguments")]
pub enum ProjectionsVerb {
    List(ListArgs),
    Rebuild(RebuildArgs),
    Check(CheckArgs),
}

/// List projections and how far each has come.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard projections list")]
pub struct ListArgs {}

/// Fold a projection anew beside the old one, then swap them.
///
/// The old one serves until the new one has caught up. Interrupting it changes nothing.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard projections rebuild
  switchboard projections rebuild inbox")]
pub struct RebuildArgs {
    /// Which projection [default: all]
    #[arg(value_name = "P")]
    pub projection: Option<String>,
}

/// Compare what is stored with a fold from the first event.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard projections check
  switchboard projections check inbox")]
pub struct CheckArgs {
    /// Which projection [default: all]
    #[arg(value_name = "P")]
    pub projection: Option<String>,
}

impl ProjectionsArgs {
    /// Lists, rebuilds or checks.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        match self.verb {
            ProjectionsVerb::List(_) => run.list(What::ProjectionsList, fleet::projections),
            ProjectionsVerb::Rebuild(args) => run.list_telling(
                What::ProjectionsRebuild(args.projection),
                fleet::projections,
            ),
            ProjectionsVerb::Check(args) => {
                run.tell(What::ProjectionsCheck(args.projection), fleet::checked)
            }
        }
    }
}

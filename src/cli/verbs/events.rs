//! `switchboard events`: the ledger itself.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::past;
use crate::cli::owner::request::Events;
use crate::cli::owner::request::What;
use crate::cli::values::position;
use crate::events::ids::{Position, StreamId};

/// List events as they were recorded.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard events --from 100 --to 120
  switchboard events --stream agent/agent-3
  switchboard --json events --kind attempt.failed --follow")]
pub struct EventsArgs {
    /// From this position on, inclusive
    #[arg(long, value_name = "N", value_parser = position)]
    pub from: Option<Position>,
    /// Up to this position, inclusive
    #[arg(long, value_name = "N", value_parser = position)]
    pub to: Option<Position>,
    /// Of this stream, like message/0198… or agent/agent-3
    #[arg(long, value_name = "S")]
    pub stream: Option<StreamId>,
    /// Of this kind, like attempt.failed; `attempt` or `attempt.*` means all of them
    #[arg(long, value_name = "K")]
    pub kind: Option<String>,
    /// Go on with what is recorded from now
    #[arg(long, conflicts_with = "to")]
    pub follow: bool,
}

impl EventsArgs {
    /// Prints events as they come.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let wanted = Events {
            from: self.from,
            to: self.to,
            stream: self.stream,
            kind: self.kind,
            follow: self.follow,
        };
        run.stream(What::Events(wanted), past::event)
    }
}

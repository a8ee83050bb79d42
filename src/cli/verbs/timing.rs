//! `switchboard timing`: how long things take, and the deadlines that follow.

use std::time::Duration;

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::timing;
use crate::cli::owner::request::{Timing, What};
use crate::events::facts::attempt::Step;
use crate::events::ids::AgentId;
use crate::events::time::parse_span;

/// Show how long each step of deliveries takes, agent by agent, and the deadlines learnt from it.
///
/// With `--replay` it is worked out from the recorded attempts whether another deadline would have been
/// enough: how many arrived within it, how many would have been given up, and how many were given up as
/// it was. Nothing is carried, and nothing is written down.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard timing
  switchboard timing agent-3
  switchboard timing --replay --step paste --deadline 180ms")]
pub struct TimingArgs {
    /// Of this agent only
    #[arg(value_name = "ID")]
    pub agent: Option<AgentId>,
    /// This step only
    #[arg(long, value_name = "STEP")]
    pub step: Option<Step>,
    /// Measure recorded attempts against a deadline
    #[arg(long)]
    pub replay: bool,
    /// Which deadline; the present one of each if not said
    #[arg(long, value_name = "D", value_parser = parse_span, requires = "replay")]
    pub deadline: Option<Duration>,
}

impl TimingArgs {
    /// Asks for the figures and prints them.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let words = if self.replay {
            timing::what_if
        } else {
            timing::table
        };
        let wanted = Timing {
            agent: self.agent,
            step: self.step,
            replay: self.replay,
            deadline: self.deadline,
        };
        let (exit, items) = run.ask(What::Timing(wanted))?;
        run.printer.list(&items, words)?;
        Ok(exit)
    }
}

//! `switchboard pause`: stop hands for a while.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::values::Pausable;
use crate::commands::command::Command;
use crate::commands::pause_agent::PauseAgent;
use crate::commands::pause_seat::{PauseSeat, ResumeSeat};
use crate::events::facts::seat::PauseReason;

/// Hold deliveries: on one seat, to one agent, or all of them.
///
/// Messages are still accepted and wait. An attempt under way stops before Enter.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard pause
  switchboard pause :0
  switchboard pause agent-3")]
pub struct PauseArgs {
    /// A seat like :0, or an agent; without it, every seat
    #[arg(value_name = "SEAT|AGENT")]
    pub target: Option<Pausable>,
}

impl PauseArgs {
    /// Stops hands.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let command = halt(run, self.target, true)?;
        run.execute(command, fleet::halt)
    }
}

/// The command that pauses or resumes what was named; nothing named means every seat.
pub fn halt(run: &Run, target: Option<Pausable>, pause: bool) -> Result<Command, Failure> {
    let by = run.asker()?;
    let seat = match target {
        Some(Pausable::Agent(agent)) => return Ok(PauseAgent { agent, by, pause }.into()),
        Some(Pausable::Seat(seat)) => Some(seat),
        None => None,
    };
    Ok(if pause {
        PauseSeat {
            seat,
            by,
            reason: PauseReason::Asked,
        }
        .into()
    } else {
        ResumeSeat { seat, by }.into()
    })
}

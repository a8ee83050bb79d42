//! `switchboard calibrate`: how quick windows and the machine are, before anything is delivered.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::timing;
use crate::cli::owner::request::What;
use crate::events::ids::AgentId;

/// Measure how quick agents' windows, their seats and the machine are.
///
/// A few words are pasted into each input box, seen, and taken back with as many backspaces; then they
/// are typed and taken back once. Enter is never pressed, and a box in which something stands is left
/// alone. What was measured is kept in the ledger: deadlines follow from it until there are enough
/// deliveries to learn from. Prints a line per agent and one per seat.
///
/// Exit codes: 0 all were measured, 3 some, 6 none; 4 there is no such agent.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard calibrate
  switchboard calibrate agent-3
  switchboard timing agent-3")]
pub struct CalibrateArgs {
    /// This agent only
    #[arg(value_name = "ID")]
    pub agent: Option<AgentId>,
}

impl CalibrateArgs {
    /// Has it measured and prints what came of it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let (exit, items) = run.ask(What::Calibrate(self.agent))?;
        run.printer.list(&items, timing::calibrated)?;
        Ok(exit)
    }
}

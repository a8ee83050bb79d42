//! `switchboard queue`: what is still to be carried.

use clap::Args;
use serde_json::Value;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::What;
use crate::events::ids::AgentId;

/// List what is still to be carried, in the order it will be tried.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard queue
  switchboard queue --to agent-3")]
pub struct QueueArgs {
    /// To this agent only
    #[arg(long, value_name = "ID")]
    pub to: Option<AgentId>,
}

impl QueueArgs {
    /// Asks for the queue and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let (exit, mut items) = run.ask(What::Queue)?;
        if let Some(to) = &self.to {
            items.retain(|item| item.get("to").and_then(Value::as_str) == Some(to.as_str()));
        }
        run.printer.list(&items, messages::queue)?;
        Ok(exit)
    }
}

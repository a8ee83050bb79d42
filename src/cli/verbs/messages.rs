//! `switchboard messages`: search the history.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::Messages;
use crate::cli::owner::request::What;
use crate::cli::values::words;
use crate::events::facts::words::Word;
use crate::events::ids::AgentId;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// List messages, newest first.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard messages --limit 20
  switchboard messages --to agent-3 --state dead
  switchboard messages --from operator --text deploy --since 2025-01-31T12:00:00Z")]
pub struct MessagesArgs {
    /// To this agent
    #[arg(long, value_name = "ID")]
    pub to: Option<AgentId>,
    /// From this sender
    #[arg(long, value_name = "ID")]
    pub from: Option<AgentId>,
    /// With this tag
    #[arg(long, value_name = "T")]
    pub tag: Option<Word>,
    /// With this text in the body, upper or lower case alike
    #[arg(long, value_name = "WORD")]
    pub text: Option<String>,
    /// In this state (repeatable)
    #[arg(long = "state", value_name = "S", value_parser = words!(State), ignore_case = true)]
    pub states: Vec<State>,
    /// Accepted at this instant or later
    #[arg(long, value_name = "T")]
    pub since: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "C")]
    pub cursor: Option<String>,
}

impl MessagesArgs {
    /// Asks for one page and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let wanted = Messages {
            to: self.to,
            from: self.from,
            tag: self.tag,
            text: self.text,
            states: self.states,
            since: self.since,
            limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
            cursor: self.cursor,
        };
        run.list(What::Messages(wanted), messages::list)
    }
}

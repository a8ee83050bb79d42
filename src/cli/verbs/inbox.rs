//! `switchboard inbox`: what waits for an agent.

use std::time::Duration;

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::Inbox;
use crate::cli::owner::request::What;
use crate::events::ids::AgentId;
use crate::events::time::parse_span;

/// List an agent's messages, newest last, or take the next unread one.
///
/// `--next` prints the oldest unread message and marks it read; with `--wait` it waits for one
/// (exit 8 when none came).
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard inbox agent-3
  switchboard inbox agent-3 --unread
  switchboard --json inbox agent-3 --next --wait 5m")]
pub struct InboxArgs {
    /// Whose inbox
    #[arg(value_name = "ID")]
    pub id: AgentId,
    /// Only what was not read
    #[arg(long)]
    pub unread: bool,
    /// Take the oldest unread message
    #[arg(long)]
    pub next: bool,
    /// Wait this long for one
    #[arg(long, value_name = "D", requires = "next", value_parser = parse_span)]
    pub wait: Option<Duration>,
}

impl InboxArgs {
    /// Lists the inbox, or takes the next message out of it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let next = self.next.then(|| self.wait.unwrap_or_default());
        let wanted = Inbox {
            agent: self.id,
            unread: self.unread,
            next,
        };
        if next.is_some() {
            run.tell(What::Inbox(wanted), messages::show)
        } else {
            run.list(What::Inbox(wanted), messages::inbox)
        }
    }
}

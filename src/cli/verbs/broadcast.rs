//! `switchboard broadcast`: the same words to several.

use clap::Args;

use super::send::Sending;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::What;
use crate::cli::values::Wait;
use crate::commands::broadcast as command;
use crate::events::facts::message::{Priority, Via};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId};

/// Who gets a broadcast.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Recipients {
    /// These agents, separated by commas
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    pub to: Vec<AgentId>,
    /// Every active agent with this role
    #[arg(long, value_name = "R")]
    pub role: Option<Word>,
    /// Every active agent
    #[arg(long)]
    pub all: bool,
}

/// Send the same words to several agents.
///
/// Each gets its own message; all share one correlation id. Exit 3 when they end differently.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard broadcast --all \"Wrap up and commit.\"
  switchboard broadcast --to agent-1,agent-2 --priority urgent \"Stop.\"
  switchboard broadcast --role builder --file plan.md --wait accepted")]
pub struct BroadcastArgs {
    /// Who gets it.
    #[command(flatten)]
    pub recipients: Recipients,
    /// The message this one answers
    #[arg(long, value_name = "MSG")]
    pub reply_to: Option<MessageId>,
    /// The message; `--id` names the broadcast, and each message's id is made from it.
    #[command(flatten)]
    pub sending: Sending,
}

impl BroadcastArgs {
    /// Sends to each, waits and prints the results.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let sending = &self.sending;
        let out = sending.outgoing(run, Wait::Settled)?;
        let to = match (self.recipients.role, self.recipients.all) {
            (Some(role), _) => command::Recipients::Role(role),
            (None, true) => command::Recipients::All,
            (None, false) => command::Recipients::List(self.recipients.to),
        };
        let broadcast = command::Broadcast {
            broadcast: out.id,
            from: out.from,
            to,
            body: out.body,
            priority: sending.priority.unwrap_or(Priority::Normal),
            tags: sending.tags.clone(),
            via: sending.via.unwrap_or(Via::Auto),
            ttl_micros: out.ttl_micros,
            not_before: sending.not_before,
            reply_to: self.reply_to,
            // The owner's setting takes its place.
            hops_max: u16::MAX,
            standings: std::collections::BTreeMap::new(),
        };
        let desktop = out.awaiting.desktop.clone();
        let what = What::Broadcast {
            broadcast,
            awaiting: out.awaiting,
        };
        let (exit, items) = run.ask_with(what, None, desktop)?;
        run.printer.list(&items, messages::broadcast)?;
        Ok(exit)
    }
}

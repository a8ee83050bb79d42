//! `switchboard broadcast`: the same words to several.

use clap::Args;

use super::send::Sending;
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

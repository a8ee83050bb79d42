//! `switchboard ask`: send, then wait for the answer.

use clap::Args;

use super::send::Sending;
use crate::events::ids::{AgentId, MessageId};

/// Send a message and wait for the agent's reply.
///
/// Like `send --wait answered`; prints the reply. Exit 8 when none came in time: the question stays,
/// and a later reply is found with `show`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard ask --to agent-3 --timeout 10m \"Which tests fail?\"")]
pub struct AskArgs {
    /// Who is asked
    #[arg(long, value_name = "ID")]
    pub to: AgentId,
    /// The message this one answers
    #[arg(long, value_name = "MSG")]
    pub reply_to: Option<MessageId>,
    /// The question.
    #[command(flatten)]
    pub sending: Sending,
}

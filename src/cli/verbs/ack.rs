//! `switchboard ack`: the recipient says that it read a message.

use clap::Args;

use crate::events::ids::{AgentId, MessageId};

/// Say that a message was read.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard ack 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11
  switchboard ack 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11 --as agent-3")]
pub struct AckArgs {
    /// Which message
    #[arg(value_name = "MSG")]
    pub message: MessageId,
    /// Who read it [env: SWITCHBOARD_AGENT] [default: its recipient]
    #[arg(long = "as", value_name = "ID")]
    pub by: Option<AgentId>,
}

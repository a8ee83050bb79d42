//! `switchboard reply`: answer a message.

use clap::Args;

use super::send::Sending;
use crate::events::ids::MessageId;

/// Answer a message; the answer goes to its sender.
///
/// The message becomes `answered`. Without `--from`, its recipient is the one who answers.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard reply 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11 \"Two tests fail.\"
  switchboard reply 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11 --from agent-3 --file report.md")]
pub struct ReplyArgs {
    /// The message that is answered
    #[arg(value_name = "MSG")]
    pub message: MessageId,
    /// The answer.
    #[command(flatten)]
    pub sending: Sending,
}

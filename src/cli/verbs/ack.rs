//! `switchboard ack`: the recipient says that it read a message.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::What;
use crate::commands::acknowledge::Acknowledge;
use crate::events::ids::{AgentId, MessageId};

/// Say that a message was read.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard ack 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11
  switchboard ack 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11 --as agent-3")]
#[expect(clippy::doc_markdown, reason = "help for a terminal, not Markdown")]
pub struct AckArgs {
    /// Which message
    #[arg(value_name = "MSG")]
    pub message: MessageId,
    /// Who read it [env: SWITCHBOARD_AGENT] [default: its recipient]
    #[arg(long = "as", value_name = "ID")]
    pub by: Option<AgentId>,
}

impl AckArgs {
    /// Acknowledges as whoever is named, else as `$SWITCHBOARD_AGENT`, else as the recipient.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let by = match self.by {
            Some(by) => by,
            None => run.speaker(self.message)?,
        };
        run.execute(
            Acknowledge {
                message: self.message,
                by,
            },
            messages::sent,
        )
    }
}

impl Run {
    /// Who speaks for a message's recipient: `$SWITCHBOARD_AGENT` if set, else the recipient.
    pub fn speaker(&self, message: MessageId) -> Result<AgentId, Failure> {
        if let Some(agent) = self.agent()? {
            return Ok(agent);
        }
        let (_, items) = self.ask(What::Show(message))?;
        let to = items
            .first()
            .and_then(|item| item["to"].as_str())
            .unwrap_or_default();
        to.parse().map_err(|error| {
            Failure::new(
                Exit::Failed,
                "bad_answer",
                format!("the owner's answer: {error}"),
            )
        })
    }
}

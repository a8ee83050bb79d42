//! `switchboard ask`: send, then wait for the answer.

use clap::Args;

use super::send::Sending;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::What;
use crate::cli::values::Wait;
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

impl AskArgs {
    /// Sends, waits for the reply and prints it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let out = self.sending.outgoing(run, Wait::Answered)?;
        let send = self.sending.message(self.to, self.reply_to, &out);
        let desktop = out.awaiting.desktop.clone();
        let what = What::Send {
            send,
            awaiting: out.awaiting,
        };
        let (exit, items) = run.ask_with(what, None, desktop)?;
        let answers = items
            .first()
            .and_then(|item| item.get("answers")?.as_array());
        let answer = answers.and_then(|answers| answers.last()?.as_str()?.parse().ok());
        if let Some(answer) = answer {
            return run.tell(What::Show(answer), messages::show);
        }
        run.tell_sent(exit, &items)
    }
}

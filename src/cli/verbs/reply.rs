//! `switchboard reply`: answer a message.

use clap::Args;

use super::send::Sending;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::What;
use crate::cli::values::Wait;
use crate::commands::reply::Reply;
use crate::events::facts::message::{Priority, Via};
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

impl ReplyArgs {
    /// Answers as whoever is named, else as the recipient, and waits for the answer's arrival.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let sending = &self.sending;
        let out = sending.outgoing(run, Wait::Settled)?;
        let by = match &sending.from {
            Some(from) => from.clone(),
            None => run.speaker(self.message)?,
        };
        let reply = Reply {
            message: self.message,
            answer: MessageId(out.id),
            by,
            body: out.body,
            kind: out.kind,
            priority: sending.priority.unwrap_or(Priority::Normal),
            tags: sending.tags.clone(),
            via: sending.via.unwrap_or(Via::Auto),
            ttl_micros: out.ttl_micros,
            // The owner's setting takes its place.
            hops_max: u16::MAX,
        };
        let desktop = out.awaiting.desktop.clone();
        let what = What::Reply {
            reply,
            awaiting: out.awaiting,
        };
        run.send(what, desktop)
    }
}

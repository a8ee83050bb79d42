//! `switchboard requeue`: carry dead letters once more.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::What;
use crate::cli::values::words;
use crate::commands::requeue::Requeue;
use crate::events::facts::attempt::FailureClass;
use crate::events::ids::MessageId;

/// Which messages.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// This message
    #[arg(value_name = "MSG")]
    pub message: Option<MessageId>,
    /// Every dead message
    #[arg(long)]
    pub all: bool,
}

/// Carry a dead or expired message once more, from the beginning.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard requeue 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11
  switchboard requeue --all --class target_not_found")]
pub struct RequeueArgs {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Only those that died of this
    #[arg(long, value_name = "C", requires = "all", conflicts_with = "message",
          value_parser = words!(FailureClass), ignore_case = true)]
    pub class: Option<FailureClass>,
}

impl RequeueArgs {
    /// Puts one message, or every dead one, back into the queue.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let by = run.asker()?;
        match self.which.message {
            Some(message) => run.execute(Requeue { message, by }, messages::sent),
            None => run.tell(What::RequeueAll { class: self.class }, messages::sent),
        }
    }
}

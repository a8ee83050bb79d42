//! `switchboard send`: one message to one agent.

use std::time::Duration;

use clap::Args;
use uuid::Uuid;

use crate::cli::body::BodyArgs;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Awaiting;
use crate::cli::owner::request::What;
use crate::cli::values::{DesktopChoice, Wait, words};
use crate::commands::send::SendMessage;
use crate::events::facts::manners::Mode;
use crate::events::facts::message::{MessageKind, Priority, Via};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId};
use crate::events::time::{Timestamp, parse_span};

/// How long a sender waits when nothing is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// What every verb that sends has in common.
#[derive(Clone, Debug, Args)]
#[expect(clippy::doc_markdown, reason = "help for a terminal, not Markdown")]
pub struct Sending {
    /// Who says it [env: SWITCHBOARD_AGENT] [default: operator]
    #[arg(long, value_name = "ID")]
    pub from: Option<AgentId>,
    /// How urgent it is [default: normal]
    #[arg(long, value_name = "PRIORITY", value_parser = words!(Priority), ignore_case = true)]
    pub priority: Option<Priority>,
    /// What sort of message it is [default: by its sender]
    #[arg(long, value_name = "K", value_parser = words!(MessageKind), ignore_case = true)]
    pub kind: Option<MessageKind>,
    /// A tag (repeatable)
    #[arg(long = "tag", value_name = "T")]
    pub tags: Vec<Word>,
    /// Which way to carry it [default: auto]
    #[arg(long, value_name = "WAY", value_parser = words!(Via), ignore_case = true)]
    pub via: Option<Via>,
    /// How long it is worth carrying, like 10m
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub ttl: Option<Duration>,
    /// Do not carry it earlier, like 2025-01-31T12:00:00Z
    #[arg(long, value_name = "T")]
    pub not_before: Option<Timestamp>,
    /// The message's id, chosen by you: sending it twice is harmless [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
    /// Only check, and show what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// How far it must have come before this returns [default: settled]
    #[arg(long, value_name = "STATE", value_parser = words!(Wait), ignore_case = true)]
    pub wait: Option<Wait>,
    /// How long to wait for that [default: 60s]
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub timeout: Option<Duration>,
    /// Which desktop the hands use: x11, none or record:FILE [default: x11]
    #[arg(long, value_name = "DESKTOP")]
    pub desktop: Option<DesktopChoice>,
    /// The words.
    #[command(flatten)]
    pub body: BodyArgs,
}

impl Sending {
    /// How long to wait.
    pub fn patience(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// Send a message to one agent and wait until it is settled.
///
/// It is written down first, then typed into the agent's window and looked for on the screen. Exit 0:
/// seen to arrive. 7: put into the inbox instead. 8: still under way after the timeout. 18: cut off
/// after Enter may have been pressed. 1: dead, expired or cancelled.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard send --to agent-3 \"Please run the tests.\"
  git diff | switchboard send --to agent-3 --priority urgent -
  switchboard send --to agent-3 --file plan.md --ttl 10m --wait acknowledged
  switchboard send --to agent-3 -- \"--flags in the text follow two dashes\"")]
pub struct SendArgs {
    /// Who shall read it
    #[arg(long, value_name = "ID")]
    pub to: AgentId,
    /// The message this one answers
    #[arg(long, value_name = "MSG")]
    pub reply_to: Option<MessageId>,
    /// Whether the agent's window may be interrupted [default: as `agent set --mode` says]
    #[arg(long, value_name = "MODE", value_parser = words!(Mode), ignore_case = true)]
    pub mode: Option<Mode>,
    /// The message.
    #[command(flatten)]
    pub sending: Sending,
}

/// A message on its way out, with everything that was not said filled in.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Who says it.
    pub from: AgentId,
    /// The words.
    pub body: String,
    /// What sort of message.
    pub kind: MessageKind,
    /// Its id, chosen or fresh.
    pub id: Uuid,
    /// How long it is worth carrying, in microseconds.
    pub ttl_micros: Option<u64>,
    /// How the answer is awaited.
    pub awaiting: Awaiting,
}

impl Sending {
    /// Reads the body and fills in what was not said. `usual` is what is waited for by default.
    pub fn outgoing(&self, run: &Run, usual: Wait) -> Result<Outgoing, Failure> {
        let from = run.sender(self.from.as_ref())?;
        let person = from.as_str() == AgentId::OPERATOR;
        let kind = if person {
            MessageKind::Text
        } else {
            MessageKind::AgentToAgent
        };
        let ttl_micros = self
            .ttl
            .map(|ttl| u64::try_from(ttl.as_micros()).unwrap_or(u64::MAX));
        Ok(Outgoing {
            body: self.body.read(std::io::stdin().lock())?,
            kind: self.kind.unwrap_or(kind),
            from,
            id: self.id.unwrap_or_else(Run::fresh_id),
            ttl_micros,
            awaiting: Awaiting {
                wait: self.wait.unwrap_or(usual),
                timeout: self.patience(),
                desktop: self.desktop.as_ref().map(ToString::to_string),
                dry_run: self.dry_run,
            },
        })
    }

    /// The message for one recipient.
    pub fn message(&self, to: AgentId, reply_to: Option<MessageId>, out: &Outgoing) -> SendMessage {
        SendMessage {
            message: MessageId(out.id),
            from: out.from.clone(),
            to,
            body: out.body.clone(),
            kind: out.kind,
            priority: self.priority.unwrap_or(Priority::Normal),
            tags: self.tags.clone(),
            via: self.via.unwrap_or(Via::Auto),
            ttl_micros: out.ttl_micros,
            not_before: self.not_before,
            reply_to,
            broadcast: None,
            // The owner's setting takes its place.
            hops_max: u16::MAX,
            mode: None,
        }
    }
}

impl SendArgs {
    /// Sends, waits and prints the result.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let out = self.sending.outgoing(run, Wait::Settled)?;
        let mut send = self.sending.message(self.to, self.reply_to, &out);
        send.mode = self.mode;
        let desktop = out.awaiting.desktop.clone();
        let what = What::Send {
            send,
            awaiting: out.awaiting,
        };
        run.send(what, desktop)
    }
}

//! `switchboard onboard`: first instructions, step by step.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::send::DEFAULT_TIMEOUT;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::messages;
use crate::cli::owner::request::{Awaiting, What};
use crate::cli::values::{Wait, words};
use crate::commands::send::{NEW_CHAT, SendMessage};
use crate::config::onboarding::{BadSequence, HARD, SOFT, Sequence, Step};
use crate::events::facts::message::{MessageKind, Priority, Via};
use crate::events::facts::words::{Word, worded};
use crate::events::ids::{AgentId, MessageId};
use crate::events::time::parse_span;

worded! {
    /// How an agent is onboarded.
    Style, "an onboarding style" {
        /// In the chat that is open.
        Soft = "soft",
        /// In a new chat.
        Hard = "hard",
    }
}

/// Give an agent its first instructions, step by step.
///
/// Each step of the sequence is a message of its own, carried like every other; the next one goes out
/// when the one before has arrived. `soft` speaks in the chat that is open, `hard` begins a new one.
/// A template is a sequence of steps (.toml, like config/onboarding/soft.toml) or plain words; it may
/// hold {agent_id}, {role}, {contract_info} and {custom_message}, and `{{` for a brace. What nobody fills
/// is refused with 6, and nothing is sent. Exit codes otherwise as for `send`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::doc_markdown, reason = "help for a terminal, not Markdown")]
#[command(before_help = "Examples:
  switchboard onboard agent-3
  switchboard onboard agent-3 --style hard --role builder --contract \"The parser, by Friday.\"
  switchboard onboard agent-3 --template welcome.toml --message \"Ask agent-4 for the keys.\"
  switchboard onboard agent-3 --dry-run")]
pub struct OnboardArgs {
    /// Whom
    #[arg(value_name = "ID")]
    pub agent: AgentId,
    /// In the open chat (soft) or in a new one (hard) [default: soft]
    #[arg(long, value_name = "STYLE", value_parser = words!(Style), ignore_case = true)]
    pub style: Option<Style>,
    /// Your own steps or words instead of those shipped
    #[arg(long, value_name = "F", conflicts_with = "style")]
    pub template: Option<PathBuf>,
    /// For {role} [default: the agent's first role]
    #[arg(long, value_name = "R")]
    pub role: Option<Word>,
    /// For {contract_info}
    #[arg(long, value_name = "TEXT")]
    pub contract: Option<String>,
    /// For {custom_message}
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Who says it [default: operator, or $SWITCHBOARD_AGENT]
    #[arg(long, value_name = "ID")]
    pub from: Option<AgentId>,
    /// An id of your own for the whole sequence: running it twice is harmless [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
    /// How long to wait for each step [default: 60s]
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub timeout: Option<Duration>,
    /// Only show what would be said
    #[arg(long)]
    pub dry_run: bool,
}

impl OnboardArgs {
    /// Carries the steps one after the other; stops at the first that does not arrive.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let from = run.sender(self.from.as_ref())?;
        let steps = self.steps(run)?;
        if self.dry_run {
            for (number, step) in steps.iter().enumerate() {
                let item = serde_json::json!({
                    "step": number.saturating_add(1), "name": step.name,
                    "new_chat": step.new_chat, "body": step.say,
                });
                run.printer.answer(&item, |item, _| {
                    item["body"].as_str().unwrap_or_default().to_owned()
                })?;
            }
            return Ok(Exit::Done);
        }
        let id = self.id.unwrap_or_else(Run::fresh_id);
        let mut worst = Exit::Done;
        for (number, step) in steps.iter().enumerate() {
            let what = What::Send {
                send: self.message_of(from.clone(), id, number, step)?,
                awaiting: Awaiting {
                    wait: Wait::Settled,
                    timeout: self.timeout.unwrap_or(DEFAULT_TIMEOUT),
                    desktop: None,
                    dry_run: false,
                },
            };
            let (exit, items) = run.ask(what)?;
            for mut item in items {
                if let Value::Object(fields) = &mut item {
                    fields.insert("step".to_owned(), number.saturating_add(1).into());
                    fields.insert("name".to_owned(), step.name.clone().into());
                }
                run.printer.answer(&item, messages::sent)?;
            }
            // In the inbox it lies in its order; the others follow it there or into the window.
            if exit == Exit::Inboxed {
                worst = exit;
            } else if exit != Exit::Done {
                return Ok(exit);
            }
        }
        Ok(worst)
    }

    /// The steps, everything filled in.
    fn steps(&self, run: &mut Run) -> Result<Vec<Step>, Failure> {
        let profile = run.profile(&self.agent)?;
        let mut given = BTreeMap::from([("agent_id", self.agent.to_string())]);
        let role = self.role.as_ref().or_else(|| profile.roles.first());
        given.extend(role.map(|role| ("role", role.to_string())));
        given.extend(self.contract.clone().map(|text| ("contract_info", text)));
        given.extend(self.message.clone().map(|text| ("custom_message", text)));
        let sequence = match &self.template {
            None => Sequence::parse(match self.style.unwrap_or(Style::Soft) {
                Style::Soft => SOFT,
                Style::Hard => HARD,
            }),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    let text = format!("{} cannot be read: {error}", path.display());
                    Failure::new(Exit::NotFound, "unreadable", text)
                })?;
                if path.extension().is_some_and(|it| it == "toml") {
                    Sequence::parse(&text)
                } else {
                    Ok(Sequence::of_words(text))
                }
            }
        };
        sequence
            .and_then(|sequence| sequence.filled(&given))
            .map_err(|bad| refused(&bad))
    }

    fn message_of(
        &self,
        from: AgentId,
        id: Uuid,
        number: usize,
        step: &Step,
    ) -> Result<SendMessage, Failure> {
        let new_chat = step.new_chat.then_some(NEW_CHAT);
        let tags = std::iter::once("onboarding").chain(new_chat);
        let tags = tags.map(|tag| {
            tag.parse::<Word>()
                .map_err(|error| Failure::new(Exit::Failed, "bad_tag", error.to_string()))
        });
        Ok(SendMessage {
            message: MessageId(Uuid::new_v5(&id, format!("step {number}").as_bytes())),
            from,
            to: self.agent.clone(),
            body: step.say.clone(),
            kind: MessageKind::Onboarding,
            priority: Priority::Normal,
            tags: tags.collect::<Result<_, _>>()?,
            via: Via::Auto,
            ttl_micros: None,
            not_before: None,
            reply_to: None,
            broadcast: None,
            // The owner's setting takes its place.
            hops_max: u16::MAX,
            mode: None,
        })
    }
}

fn refused(bad: &BadSequence) -> Failure {
    let (code, hint) = match bad {
        BadSequence::Unfilled { name, .. } => (
            "unfilled_placeholder",
            match name.as_str() {
                "role" => "--role gives it, or a role of the agent (`agent set ID --role R`)",
                "contract_info" => "--contract gives it",
                _ => "--message gives it",
            },
        ),
        BadSequence::Unknown { .. } => (
            "unknown_placeholder",
            "there are {agent_id}, {role}, {contract_info} and {custom_message}; {{ stands for a brace",
        ),
        BadSequence::Brace { .. } => ("stray_brace", "{{ and }} stand for plain braces"),
        BadSequence::Unreadable(_) | BadSequence::Silent(_) => (
            "bad_template",
            "config/onboarding/soft.toml shows how one is written",
        ),
    };
    Failure::new(Exit::Refused, code, bad.to_string()).hint(hint)
}

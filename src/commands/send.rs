//! Send: somebody's message for one agent.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::{Decision, Done, Plan};
use super::known::{Known, KnownMessage};
use super::refusal::{Code, Refusal};
use crate::events::facts::manners::{MessageModeChosen, Mode};
use crate::events::facts::message::{MessageAccepted, MessageKind, Priority, Via};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId, StreamId};
use crate::events::ledger::append::Part;
use crate::events::time::Timestamp;

/// The largest body, in bytes.
pub const BODY_MAX: usize = 1_048_576;
/// The tag of a message for which a new chat is begun in the agent's window.
pub const NEW_CHAT: &str = "new-chat";
/// The most tags one message may have.
pub const TAGS_MAX: usize = 64;

/// Words for one agent. The id makes it repeatable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessage {
    /// Chosen by the sender.
    pub message: MessageId,
    /// `operator`, `switchboard`, or a registered agent.
    pub from: AgentId,
    /// A registered agent, or `operator` (who has an inbox only).
    pub to: AgentId,
    /// 1 to [`BODY_MAX`] bytes, kept as they are.
    pub body: String,
    /// What sort of message.
    pub kind: MessageKind,
    /// How urgent.
    pub priority: Priority,
    /// In any order; sorted and made unique here.
    pub tags: Vec<Word>,
    /// Which way to carry it.
    pub via: Via,
    /// How long it is worth carrying, in microseconds; more than none.
    pub ttl_micros: Option<u64>,
    /// Not carried earlier.
    pub not_before: Option<Timestamp>,
    /// The message it answers; must exist.
    pub reply_to: Option<MessageId>,
    /// The broadcast it belongs to.
    pub broadcast: Option<Uuid>,
    /// How many messages may stand before it in its causal chain.
    pub hops_max: u16,
    /// When it may be carried; as its recipient's manners say, if not said.
    #[serde(default)]
    pub mode: Option<Mode>,
}

impl SendMessage {
    /// Accepts it, finds it accepted before, or refuses it.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Decision, Refusal> {
        if let Some(known) = known.messages.get(&self.message) {
            return self.again(known).map(Decision::Already);
        }
        let accepted = self.accept(known, now)?;
        let stream = StreamId::message(self.message);
        let expected = known.expected(&stream);
        let mut facts = vec![accepted.into()];
        let message = self.message;
        facts.extend(
            self.mode
                .map(|mode| MessageModeChosen { message, mode }.into()),
        );
        let plan = Plan {
            parts: vec![Part {
                stream,
                expected,
                facts,
            }],
            thread: None,
        };
        let before = self.before(known).and_then(|id| known.messages.get(&id));
        Ok(match before {
            Some(before) => plan.in_thread(before.thread()),
            None => plan,
        }
        .into())
    }

    /// The message as the ledger would keep it, or why not.
    pub(super) fn accept(&self, known: &Known, now: Timestamp) -> Result<MessageAccepted, Refusal> {
        self.check_words()?;
        self.check_sender(known)?;
        self.check_recipient(known)?;
        known.may_speak(&self.from, &self.to)?;
        if let Some(reply_to) = self.reply_to {
            known.message(reply_to)?;
        }
        let start = self.not_before.map_or(now, |at| at.max(now));
        Ok(MessageAccepted {
            message: self.message,
            from: self.from.clone(),
            to: self.to.clone(),
            body: self.body.clone(),
            kind: self.kind,
            priority: self.priority,
            tags: self.sorted_tags(),
            via: self.via,
            ttl_micros: self.ttl_micros,
            expires_at: self
                .ttl_micros
                .map(|ttl| start.after(std::time::Duration::from_micros(ttl))),
            not_before: self.not_before,
            reply_to: self.reply_to,
            broadcast: self.broadcast,
            hops: self.hops(known)?,
        })
    }

    /// The message that stands before this one in its chain.
    fn before(&self, known: &Known) -> Option<MessageId> {
        self.reply_to.or(known.caused_by)
    }

    fn hops(&self, known: &Known) -> Result<u16, Refusal> {
        let before = self.before(known).and_then(|id| known.messages.get(&id));
        let hops = before.map_or(0, |before| before.accepted.hops.saturating_add(1));
        if hops <= self.hops_max {
            return Ok(hops);
        }
        Err(Refusal::new(
            Code::HopLimit,
            format!(
                "{hops} messages stand before this one in its chain; {} may",
                self.hops_max
            ),
        )
        .hint("agents may be answering each other in a loop: begin a new conversation"))
    }

    fn check_words(&self) -> Result<(), Refusal> {
        let refuse = |code, message: String| Err(Refusal::new(code, message));
        match self.body.len() {
            0 => return refuse(Code::EmptyBody, "the message has no words".to_owned()),
            1..=BODY_MAX => {}
            size => {
                let message = format!("the message has {size} bytes; at most {BODY_MAX} are taken");
                return Err(Refusal::new(Code::BodyTooLarge, message)
                    .hint("put it into a file and send the file's name"));
            }
        }
        if self.ttl_micros == Some(0) {
            return refuse(Code::BadTtl, "the message would expire at once".to_owned());
        }
        if self.tags.len() > TAGS_MAX {
            let message = format!("{} tags; at most {TAGS_MAX} are taken", self.tags.len());
            return refuse(Code::TooManyTags, message);
        }
        Ok(())
    }

    fn check_sender(&self, known: &Known) -> Result<(), Refusal> {
        if matches!(self.from.as_str(), AgentId::OPERATOR | AgentId::SWITCHBOARD) {
            return Ok(());
        }
        match known.agents.get(&self.from) {
            Some(agent) if !agent.removed => Ok(()),
            _ => Err(known.unknown(Code::UnknownSender, "sender", &self.from)),
        }
    }

    fn check_recipient(&self, known: &Known) -> Result<(), Refusal> {
        if self.to.as_str() == AgentId::OPERATOR {
            if self.via == Via::Gui {
                let message = "the operator has an inbox, and no window".to_owned();
                return Err(Refusal::new(Code::WrongChannel, message).hint("leave out `--via gui`"));
            }
            return Ok(());
        }
        if known.agent(&self.to)?.profile.active {
            return Ok(());
        }
        Err(Refusal::new(
            Code::AgentInactive,
            format!("agent {} is not active", self.to),
        )
        .hint(format!("`switchboard agent set {} --active true`", self.to)))
    }

    fn sorted_tags(&self) -> Vec<Word> {
        let mut tags = self.tags.clone();
        tags.sort();
        tags.dedup();
        tags
    }

    /// The same message sent again, or another one under its name.
    pub(super) fn again(&self, known: &KnownMessage) -> Result<Done, Refusal> {
        let was = &known.accepted;
        let differs = [
            ("to", was.to != self.to),
            ("from", was.from != self.from),
            ("kind", was.kind != self.kind),
            ("priority", was.priority != self.priority),
            ("tags", was.tags != self.sorted_tags()),
            ("body", was.body != self.body),
            ("ttl", was.ttl_micros != self.ttl_micros),
            ("not-before", was.not_before != self.not_before),
            ("reply-to", was.reply_to != self.reply_to),
            ("via", was.via != self.via),
            ("mode", known.mode != self.mode),
        ];
        let differs: Vec<&str> = differs
            .iter()
            .filter_map(|(name, differs)| differs.then_some(*name))
            .collect();
        if differs.is_empty() {
            return Ok(Done::already(known.position, known.first_version));
        }
        Err(Refusal::new(
            Code::IdConflict,
            format!(
                "message {} was accepted before with other content ({})",
                self.message,
                differs.join(", ")
            ),
        )
        .hint("an id names one message for ever: choose a new one"))
    }
}

//! What lies in each agent's inbox folder, and what of it was read.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::by_message::ByMessage;
use super::fold::{Fold, Seen};
use super::outbox::{has_left, message_of};
use super::story::Story;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::lifecycle::Life;
use crate::events::time::Timestamp;

/// Inboxes by agent, oldest message first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    agents: BTreeMap<AgentId, BTreeMap<Position, Entry>>,
    /// Where a message lies.
    places: BTreeMap<MessageId, (AgentId, Position)>,
    /// Messages that may still come to lie in an inbox.
    open: ByMessage<(AgentId, Life)>,
}

/// One message in an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which message.
    pub message: MessageId,
    /// The file's path below the store folder.
    pub file: String,
    /// When it came to lie there.
    pub inboxed_at: Timestamp,
    /// When it was taken out.
    pub read_at: Option<Timestamp>,
    /// When its recipient said that it was read, or answered.
    pub acknowledged_at: Option<Timestamp>,
    /// The message that tells the agent to look.
    pub nudge: Option<MessageId>,
}

impl Entry {
    /// Whether its recipient has not seen it, as far as anybody knows.
    pub const fn is_unread(&self) -> bool {
        self.read_at.is_none() && self.acknowledged_at.is_none()
    }

    /// The entry as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "message": self.message,
            "file": self.file,
            "inboxed_at": self.inboxed_at,
            "read": !self.is_unread(),
            "read_at": self.read_at,
            "acknowledged_at": self.acknowledged_at,
            "nudge": self.nudge,
        })
    }
}

/// A message as `switchboard inbox` prints it: the whole message, what is known of its place in the
/// inbox, and its file in the store's folder.
pub fn shown((message, story): (MessageId, &Story), entry: Option<&Entry>, folder: &Path) -> Value {
    let mut row = story.whole(message);
    let Value::Object(fields) = &mut row else {
        return row;
    };
    if let Some(entry) = entry {
        fields.insert("inboxed_at".to_owned(), json!(entry.inboxed_at));
        fields.insert("read_at".to_owned(), json!(entry.read_at));
        fields.insert("acknowledged_at".to_owned(), json!(entry.acknowledged_at));
        fields.insert("read".to_owned(), json!(!entry.is_unread()));
    }
    if let Some(file) = fields.get_mut("file")
        && let Some(inner) = file.as_str()
    {
        *file = json!(folder.join(inner).display().to_string());
    }
    row
}

impl Fold for Inbox {
    const NAME: &'static str = "inbox";
    const VERSION: u32 = 1;
    const READS_SINCE: u32 = 1;

    fn cares(kind: u16) -> bool {
        matches!(kind, 100..=299)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        let at = event.recorded_at;
        match event.fact {
            Fact::MessageAccepted(accepted) => {
                if let Some(life) = Life::begin(event.fact, at) {
                    self.open
                        .insert_new(accepted.message, || (accepted.to.clone(), life));
                }
                return;
            }
            Fact::AttemptInboxed(inboxed) => {
                if let Some((agent, _)) = self.open.get(inboxed.message) {
                    let agent = agent.clone();
                    let entry = Entry {
                        message: inboxed.message,
                        file: inboxed.file.clone(),
                        inboxed_at: at,
                        read_at: None,
                        acknowledged_at: None,
                        nudge: inboxed.nudge,
                    };
                    let place = (agent.clone(), event.position);
                    self.places.insert(inboxed.message, place);
                    self.agents
                        .entry(agent)
                        .or_default()
                        .insert(event.position, entry);
                }
            }
            Fact::MessageRead(read) => {
                self.mark(read.message, |entry| {
                    entry.read_at.get_or_insert(at);
                });
            }
            Fact::MessageAcknowledged(acknowledged) => {
                self.mark(acknowledged.message, |entry| {
                    entry.acknowledged_at.get_or_insert(at);
                });
            }
            Fact::MessageAnswered(answered) => {
                self.mark(answered.message, |entry| {
                    entry.acknowledged_at.get_or_insert(at);
                });
            }
            _ => {}
        }
        if let Some(message) = message_of(event.fact)
            && let Some((_, life)) = self.open.get_mut(message)
        {
            life.advance(event.fact, at);
            if has_left(life) {
                self.open.remove(message);
            }
        }
    }
}

impl Inbox {
    fn mark(&mut self, message: MessageId, change: impl FnOnce(&mut Entry)) {
        if let Some((agent, position)) = self.places.get(&message)
            && let Some(inbox) = self.agents.get_mut(agent)
            && let Some(entry) = inbox.get_mut(position)
        {
            change(entry);
        }
    }

    /// An agent's inbox, oldest first.
    pub fn of(&self, agent: &AgentId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.agents
            .get(agent)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// A message's entry, whoever's inbox it lies in.
    pub fn entry(&self, message: MessageId) -> Option<&Entry> {
        let (agent, position) = self.places.get(&message)?;
        self.agents.get(agent)?.get(position)
    }

    /// The oldest that is unread.
    pub fn next_unread(&self, agent: &AgentId) -> Option<&Entry> {
        self.of(agent).find(|entry| entry.is_unread())
    }

    /// How many are unread, and since when the oldest of them lies there.
    pub fn unread(&self, agent: &AgentId) -> (u64, Option<Timestamp>) {
        let mut unread = self.of(agent).filter(|entry| entry.is_unread()).peekable();
        let oldest = unread.peek().map(|entry| entry.inboxed_at);
        (u64::try_from(unread.count()).unwrap_or(u64::MAX), oldest)
    }

    /// The state that is hashed.
    pub fn to_json(&self) -> Value {
        let agents: serde_json::Map<String, Value> = self
            .agents
            .iter()
            .map(|(agent, inbox)| {
                let entries: Vec<Value> = inbox.values().map(Entry::to_json).collect();
                (agent.to_string(), Value::Array(entries))
            })
            .collect();
        Value::Object(agents)
    }
}

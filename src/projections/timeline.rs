//! Every message's story: what it is, where it stands, and where its events stand in the ledger.
//! Bodies are not copied; they stand at the position of acceptance.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fold::Fold;
use super::outbox::message_of;
use crate::events::envelope::Event;
use crate::events::facts::message::{MessageAccepted, MessageKind, Priority};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, CommandId, CorrelationId, EventId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::lifecycle::{Life, State};
use crate::events::time::Timestamp;

/// All stories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    stories: BTreeMap<MessageId, Story>,
    order: BTreeMap<Position, MessageId>,
    /// Nudges that were announced, and the message each is for.
    nudges: BTreeMap<MessageId, MessageId>,
    /// The commit being read: what else happens in it belongs to the same story.
    commit: Option<(CommandId, MessageId)>,
}

/// One message's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Who said it.
    pub from: AgentId,
    /// Who shall read it.
    pub to: AgentId,
    /// What sort of message.
    pub kind: MessageKind,
    /// How urgent.
    pub priority: Priority,
    /// Its tags.
    pub tags: Vec<Word>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Where it was accepted: its body stands there.
    pub position: Position,
    /// What it belongs to.
    pub correlation: CorrelationId,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// The broadcast it belongs to.
    pub broadcast: Option<Uuid>,
    /// How many messages stand before it in its chain.
    pub hops: u16,
    /// Where it stands.
    pub life: Life,
    /// Messages that answer it.
    pub answers: Vec<MessageId>,
    /// Its file in the recipient's inbox.
    pub file: Option<String>,
    /// The nudge that tells of it.
    pub nudge: Option<MessageId>,
    /// When its recipient took it out of the inbox.
    pub read_at: Option<Timestamp>,
    /// Every event that concerns it, in order.
    pub positions: Vec<Position>,
}

impl Fold for Timeline {
    const NAME: &'static str = "timeline";
    const VERSION: u32 = 1;

    fn apply(&mut self, event: &Event) {
        let command = event.cause.command;
        if let Some(message) = message_of(&event.fact) {
            if let Fact::MessageAccepted(accepted) = &event.fact {
                self.begin(accepted, event);
            } else {
                self.advance(message, event);
            }
            self.commit = Some((command, message));
            return;
        }
        let concerned = match &event.fact {
            Fact::BreakerProbed(probed) => Some(probed.message),
            Fact::BreakerOpened(_) | Fact::BreakerClosed(_) | Fact::BoxLearnt(_) => self
                .commit
                .filter(|(of, _)| *of == command)
                .map(|(_, message)| message),
            Fact::Note(_) if event.stream.category() == "message" => event.stream.id().parse().ok(),
            _ => None,
        };
        if let Some(story) = concerned.and_then(|id| self.stories.get_mut(&id)) {
            story.positions.push(event.position);
        }
    }
}

impl Timeline {
    fn begin(&mut self, accepted: &MessageAccepted, event: &Event) {
        let Some(life) = Life::begin(&event.fact, event.recorded_at) else {
            return;
        };
        if self.stories.contains_key(&accepted.message) {
            return;
        }
        let story = Story {
            from: accepted.from.clone(),
            to: accepted.to.clone(),
            kind: accepted.kind,
            priority: accepted.priority,
            tags: accepted.tags.clone(),
            created_at: event.recorded_at,
            position: event.position,
            correlation: event.cause.correlation,
            causation: event.cause.causation,
            reply_to: accepted.reply_to,
            broadcast: accepted.broadcast,
            hops: accepted.hops,
            life,
            answers: Vec::new(),
            file: None,
            nudge: None,
            read_at: None,
            positions: vec![event.position],
        };
        self.stories.insert(accepted.message, story);
        self.order.insert(event.position, accepted.message);
        // A nudge's coming and going is part of the story it tells of.
        if let Some(told) = self.nudges.get(&accepted.message)
            && let Some(story) = self.stories.get_mut(told)
        {
            story.positions.push(event.position);
        }
    }

    fn advance(&mut self, message: MessageId, event: &Event) {
        let Some(story) = self.stories.get_mut(&message) else {
            return;
        };
        story.life.advance(&event.fact, event.recorded_at);
        story.positions.push(event.position);
        match &event.fact {
            Fact::MessageAnswered(answered) => story.answers.push(answered.answer),
            Fact::MessageRead(_) => story.read_at = story.read_at.or(Some(event.recorded_at)),
            Fact::AttemptInboxed(inboxed) => {
                story.file = Some(inboxed.file.clone());
                story.nudge = inboxed.nudge;
                if let Some(nudge) = inboxed.nudge {
                    self.nudges.insert(nudge, message);
                }
                return;
            }
            _ => {}
        }
        if let Some(told) = self.nudges.get(&message)
            && let Some(story) = self.stories.get_mut(told)
        {
            story.positions.push(event.position);
        }
    }

    /// One message's story.
    pub fn get(&self, message: MessageId) -> Option<&Story> {
        self.stories.get(&message)
    }

    /// How many messages there ever were.
    pub fn len(&self) -> usize {
        self.stories.len()
    }

    /// Whether there never was one.
    pub fn is_empty(&self) -> bool {
        self.stories.is_empty()
    }

    /// Messages accepted before the position (or all), newest first: a page of `messages` goes on
    /// where the last one stopped.
    pub fn newest_first(
        &self,
        before: Option<Position>,
    ) -> impl Iterator<Item = (MessageId, &Story)> {
        let end = before.unwrap_or(Position(u64::MAX));
        self.order
            .range(..end)
            .rev()
            .filter_map(|(_, id)| self.stories.get(id).map(|story| (*id, story)))
    }

    /// Messages of a broadcast or conversation, as they were accepted.
    pub fn of_correlation(&self, correlation: CorrelationId) -> Vec<MessageId> {
        let mut of: Vec<_> = self
            .stories
            .iter()
            .filter(|(_, story)| story.correlation == correlation)
            .map(|(id, story)| (story.position, *id))
            .collect();
        of.sort_unstable();
        of.into_iter().map(|(_, id)| id).collect()
    }
}

impl Story {
    /// Whether it was delivered: seen, resolved, acknowledged or answered.
    pub const fn is_delivered(&self) -> bool {
        matches!(
            self.life.state,
            State::Observed | State::Acknowledged | State::Answered
        )
    }

    /// The message as `show` and `messages` print it, without its body.
    pub fn to_json(&self, message: MessageId) -> Value {
        let life = &self.life;
        // A failure on the way is history once the message arrived; `why` tells it.
        let failure = life.failure.as_ref().filter(|_| !self.is_delivered());
        json!({
            "message": message,
            "from": self.from,
            "to": self.to,
            "kind": self.kind,
            "priority": self.priority,
            "tags": self.tags,
            "state": life.state,
            "proof": life.proof,
            "channel": life.channel,
            "attempts": life.attempts,
            "position": self.position,
            "correlation": self.correlation,
            "causation": self.causation,
            "reply_to": self.reply_to,
            "broadcast": self.broadcast,
            "hops": self.hops,
            "created_at": self.created_at,
            "due_at": life.due_at,
            "expires_at": life.expires_at,
            "settled_at": life.settled_at,
            "failure": failure,
            "because": life.because,
            "answers": self.answers,
            "file": self.file,
            "nudge": self.nudge,
            "read_at": self.read_at,
        })
    }
}

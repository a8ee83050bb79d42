//! The fleet: who is in it, how each agent stands, and what is known of its window.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::by_message::ByMessage;
use super::fold::{Fold, Seen};
use super::outbox::{has_left, message_of};
use crate::events::facts::agent::{BoxLearnt, Profile};
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::screen::{Fingerprint, Rect};
use crate::events::facts::words::worded;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::lifecycle::{Life, State};
use crate::events::time::Timestamp;

/// How many looks of an agent's box are remembered.
const LOOKS_MAX: usize = 4;

/// Every agent of the fleet. A removed agent leaves; one that comes back begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agents {
    agents: BTreeMap<AgentId, Agent>,
    /// Messages that may still change an agent's state.
    open: ByMessage<(AgentId, Life)>,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// As declared, with the place it was given last.
    pub profile: Profile,
    /// Whether its messages wait.
    pub paused: bool,
    /// How each channel does; a channel that never failed is absent.
    pub channels: BTreeMap<Channel, ChannelHealth>,
    /// Messages waiting for it or under way.
    pub queued: u64,
    /// The message whose attempt is under way.
    pub under_way: Option<MessageId>,
    /// When it last took or said something.
    pub last_seen: Option<Timestamp>,
    /// The window that last received a message, or stood at the place when it was given.
    pub window: Option<Fingerprint>,
    /// Looks of its input box, the newest last.
    pub looks: Vec<KnownLook>,
    /// Messages whose text may stand in its box unsubmitted, the newest last.
    pub texts_may_stand: Vec<MessageId>,
}

/// How one channel of one agent does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelHealth {
    /// Failures in a row that count for the breaker.
    pub failures: u32,
    /// The breaker.
    pub breaker: Breaker,
}

/// A circuit breaker as the events tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Breaker {
    /// Everything passes.
    #[default]
    Closed,
    /// Nothing passes before the instant; then one probe may.
    Open {
        /// The instant.
        until: Timestamp,
    },
    /// One message was let through to see.
    Probing {
        /// Which.
        message: MessageId,
    },
}

impl Breaker {
    /// `closed`, `open` or `probing`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::Probing { .. } => "probing",
        }
    }
}

/// Where a look of the box stands in the ledger; the pixels stay there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLook {
    /// The event that keeps it.
    pub position: Position,
    /// Which part of the screen, relative to the agent's place.
    pub region: Rect,
    /// blake3 over the pixels and the map of what moves.
    pub hash: [u8; 32],
    /// Whether a submitted message was seen to bring the box back to it.
    pub proven_empty: bool,
}

worded! {
    /// How an agent stands, in one word.
    Condition, "an agent's state" {
        /// Messages are carried to it.
        Ready = "ready",
        /// One is being carried right now.
        Busy = "busy",
        /// Its messages wait until somebody resumes it.
        Paused = "paused",
        /// It takes no part.
        Inactive = "inactive",
    }
}

/// Whether a failure says something about the agent's channel. Interruptions, pauses, people at the
/// keyboard or in the box, a breaker that is open, and a message that does not fit say nothing.
pub const fn counts_for_breaker(class: FailureClass) -> bool {
    match class {
        FailureClass::Interrupted
        | FailureClass::Paused
        | FailureClass::HumanActive
        | FailureClass::BreakerOpen
        | FailureClass::DraftInTheWay
        | FailureClass::Invalid
        | FailureClass::AgentBusy => false,
        FailureClass::TargetNotFound
        | FailureClass::TargetMoved
        | FailureClass::FocusFailed
        | FailureClass::WindowBusy
        | FailureClass::DialogInTheWay
        | FailureClass::PasteNotSeen
        | FailureClass::SubmitNotSeen
        | FailureClass::ClipboardLost
        | FailureClass::DisplayGone
        | FailureClass::Permission
        | FailureClass::InboxFailed
        | FailureClass::Misdirected => true,
    }
}

impl Fold for Agents {
    const NAME: &'static str = "agents";
    const VERSION: u32 = 1;
    const READS_SINCE: u32 = 1;

    fn cares(kind: u16) -> bool {
        matches!(kind, 100..=399 | 500..=599)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        match event.fact {
            Fact::MessageAccepted(accepted) => {
                self.seen(&accepted.from, event.recorded_at);
                if let Some(life) = Life::begin(event.fact, event.recorded_at)
                    && self
                        .open
                        .insert_new(accepted.message, || (accepted.to.clone(), life))
                {
                    self.with(&accepted.to, |it| it.queued = it.queued.saturating_add(1));
                }
            }
            Fact::MessageAcknowledged(it) => self.seen(&it.by, event.recorded_at),
            Fact::MessageAnswered(it) => self.seen(&it.by, event.recorded_at),
            Fact::MessageRead(it) => self.seen(&it.by, event.recorded_at),
            fact => self.declared(fact, event.position),
        }
        if let Some(message) = message_of(event.fact) {
            self.advance(message, event);
        }
    }
}

impl Agents {
    fn advance(&mut self, message: MessageId, event: &Seen<'_>) {
        let Some((to, life)) = self.open.get_mut(message) else {
            return;
        };
        let was_queued = is_queued(life);
        life.advance(event.fact, event.recorded_at);
        let queued = is_queued(life);
        if let Some(agent) = self.agents.get_mut(to) {
            if queued && !was_queued {
                agent.queued = agent.queued.saturating_add(1);
            } else if was_queued && !queued {
                agent.queued = agent.queued.saturating_sub(1);
            }
            agent.carried(message, life, event);
        }
        if has_left(life) {
            self.open.remove(message);
        }
    }

    fn declared(&mut self, fact: &Fact, position: Position) {
        match fact {
            Fact::AgentAdded(added) => {
                let mut agent = Agent::new(added.profile.clone());
                // Messages may wait for it from the time before it was removed.
                let waiting = self
                    .open
                    .rows()
                    .filter(|(to, life)| *to == added.agent && is_queued(life));
                agent.queued = u64::try_from(waiting.count()).unwrap_or(u64::MAX);
                agent.under_way = self
                    .open
                    .sorted()
                    .find(|(_, (to, life))| *to == added.agent && life.attempt_open)
                    .map(|(id, _)| id);
                self.agents.insert(added.agent.clone(), agent);
            }
            Fact::AgentChanged(changed) => {
                self.with(&changed.agent, |it| it.profile = changed.profile.clone());
            }
            Fact::AgentPlaced(placed) => self.with(&placed.agent, |it| {
                it.profile.seat = Some(placed.seat.clone());
                it.profile.place = Some(placed.place);
                it.profile.fingerprint.clone_from(&placed.fingerprint);
                it.window.clone_from(&placed.fingerprint);
            }),
            Fact::AgentRemoved(removed) => {
                self.agents.remove(&removed.agent);
            }
            Fact::AgentPaused(paused) => self.with(&paused.agent, |it| it.paused = true),
            Fact::AgentResumed(resumed) => self.with(&resumed.agent, |it| it.paused = false),
            Fact::BoxLearnt(learnt) => self.with(&learnt.agent, |it| it.learn(learnt, position)),
            Fact::BreakerOpened(opened) => self.with(&opened.agent, |it| {
                let health = it.channels.entry(opened.channel).or_default();
                health.breaker = Breaker::Open {
                    until: opened.until,
                };
            }),
            Fact::BreakerProbed(probed) => self.with(&probed.agent, |it| {
                let health = it.channels.entry(probed.channel).or_default();
                health.breaker = Breaker::Probing {
                    message: probed.message,
                };
            }),
            Fact::BreakerClosed(closed) => self.with(&closed.agent, |it| {
                it.channels.insert(closed.channel, ChannelHealth::default());
            }),
            _ => {}
        }
    }

    fn with(&mut self, agent: &AgentId, change: impl FnOnce(&mut Agent)) {
        if let Some(agent) = self.agents.get_mut(agent) {
            change(agent);
        }
    }

    fn seen(&mut self, agent: &AgentId, at: Timestamp) {
        self.with(agent, |it| it.last_seen = Some(at));
    }

    /// One agent of the fleet.
    pub fn get(&self, agent: &AgentId) -> Option<&Agent> {
        self.agents.get(agent)
    }

    /// The fleet, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AgentId, &Agent)> {
        self.agents.iter()
    }

    /// The state that is hashed: every agent as [`Agent::to_json`] shows it, by name.
    pub fn to_json(&self) -> Value {
        let agents: serde_json::Map<String, Value> = self
            .agents
            .iter()
            .map(|(id, agent)| (id.to_string(), agent.to_json(id)))
            .collect();
        Value::Object(agents)
    }
}

const fn is_queued(life: &Life) -> bool {
    life.attempt_open || matches!(life.state, State::Accepted)
}

impl Agent {
    fn new(profile: Profile) -> Self {
        Self {
            window: profile.fingerprint.clone(),
            profile,
            paused: false,
            channels: BTreeMap::new(),
            queued: 0,
            under_way: None,
            last_seen: None,
            looks: Vec::new(),
            texts_may_stand: Vec::new(),
        }
    }

    fn carried(&mut self, message: MessageId, life: &Life, event: &Seen<'_>) {
        match event.fact {
            Fact::AttemptStarted(started) => {
                self.under_way = Some(message);
                if started.channel == Channel::Gui {
                    self.text_stands(message);
                }
            }
            Fact::AttemptObserved(observed) => {
                self.last_seen = Some(event.recorded_at);
                if observed.window.is_some() {
                    self.window.clone_from(&observed.window);
                }
                // The box was seen empty: nothing of anybody stands in it.
                self.texts_may_stand.clear();
                self.arrived(message, life.channel);
            }
            Fact::AttemptSubmitted(_) => {
                self.text_gone(message);
                self.arrived(message, life.channel);
            }
            Fact::AttemptInboxed(_) => self.arrived(message, life.channel),
            Fact::AttemptUnknown(_) => self.rest(message),
            Fact::AttemptFailed(failed) => {
                self.rest(message);
                if failed.text_may_stand {
                    self.text_stands(message);
                } else if life.channel == Some(Channel::Gui) {
                    self.text_gone(message);
                }
                if counts_for_breaker(failed.class)
                    && let Some(channel) = life.channel
                {
                    let health = self.channels.entry(channel).or_default();
                    health.failures = health.failures.saturating_add(1);
                }
            }
            Fact::MessageResolved(_) if !life.text_may_stand => self.text_gone(message),
            _ => {}
        }
    }

    fn arrived(&mut self, message: MessageId, channel: Option<Channel>) {
        self.rest(message);
        if let Some(health) = channel.and_then(|channel| self.channels.get_mut(&channel)) {
            health.failures = 0;
        }
    }

    fn rest(&mut self, message: MessageId) {
        if self.under_way == Some(message) {
            self.under_way = None;
        }
    }

    fn text_stands(&mut self, message: MessageId) {
        self.text_gone(message);
        self.texts_may_stand.push(message);
    }

    fn text_gone(&mut self, message: MessageId) {
        self.texts_may_stand.retain(|other| *other != message);
    }

    fn learn(&mut self, learnt: &BoxLearnt, position: Position) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&learnt.rgb.0);
        hasher.update(&learnt.volatile.0);
        let look = KnownLook {
            position,
            region: learnt.region,
            hash: hasher.finalize().into(),
            proven_empty: learnt.proven_empty,
        };
        self.looks
            .retain(|known| known.hash != look.hash || known.region != look.region);
        self.looks.push(look);
        if self.looks.len() > LOOKS_MAX {
            self.looks.remove(0);
        }
    }

    /// The last message whose text may stand in its box.
    pub fn text_may_stand(&self) -> Option<MessageId> {
        self.texts_may_stand.last().copied()
    }

    /// How one channel does.
    pub fn health(&self, channel: Channel) -> ChannelHealth {
        self.channels.get(&channel).copied().unwrap_or_default()
    }

    /// How it stands, in one word.
    pub const fn condition(&self) -> Condition {
        match (self.profile.active, self.paused, self.under_way.is_some()) {
            (false, _, _) => Condition::Inactive,
            (true, true, _) => Condition::Paused,
            (true, false, true) => Condition::Busy,
            (true, false, false) => Condition::Ready,
        }
    }
}

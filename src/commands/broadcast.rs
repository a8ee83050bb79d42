//! Broadcast: the same words to several, one message each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::{Decision, Done};
use super::known::Known;
use super::refusal::{Code, Refusal};
use super::send::SendMessage;
use crate::events::facts::message::{MessageKind, Priority, Via};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId};
use crate::events::time::Timestamp;

/// Words for several agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// Names it, and with each recipient its message: repeating it is harmless.
    pub broadcast: Uuid,
    /// Who speaks.
    pub from: AgentId,
    /// Who shall read it.
    pub to: Recipients,
    /// The words.
    pub body: String,
    /// How urgent; decides the order too.
    pub priority: Priority,
    /// Tags of every message.
    pub tags: Vec<Word>,
    /// Which way to carry each.
    pub via: Via,
    /// How long each is worth carrying, in microseconds.
    pub ttl_micros: Option<u64>,
    /// Not carried earlier.
    pub not_before: Option<Timestamp>,
    /// The message they answer.
    pub reply_to: Option<MessageId>,
    /// How many messages may stand before them.
    pub hops_max: u16,
    /// How the recipients stand, as far as the caller knows; used for the order.
    pub standings: BTreeMap<AgentId, Standing>,
}

/// Who shall read a broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    /// These; each one unknown is an outcome of its own.
    List(Vec<AgentId>),
    /// Every active agent with the role, but the sender.
    Role(Word),
    /// Every active agent, but the sender.
    All,
}

/// How an agent stands at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether its circuit breaker is open or it is paused.
    pub troubled: bool,
    /// Messages waiting for it.
    pub backlog: u64,
}

/// One message of a broadcast: accepted now, before, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// For whom.
    pub to: AgentId,
    /// Its id.
    pub message: MessageId,
    /// What is decided about it.
    pub decision: Result<Decision, Refusal>,
}

/// What became of one recipient's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// For whom.
    pub to: AgentId,
    /// Its id.
    pub message: MessageId,
    /// Where it stands in the ledger, or why it was refused.
    pub outcome: Result<Done, Refusal>,
    /// Why it stands where it stands in the order.
    pub why: String,
}

impl Broadcast {
    /// Every recipient's share, in the order of delivery. Refused as a whole only when it reaches
    /// nobody.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Result<Vec<(Share, String)>, Refusal> {
        let places = self.order(known)?;
        Ok(places
            .into_iter()
            .map(|place| {
                let message = MessageId::of_broadcast(self.broadcast, &place.agent);
                let decision = self.send(message, &place.agent).decide(known, now);
                let share = Share {
                    to: place.agent,
                    message,
                    decision,
                };
                (share, place.why)
            })
            .collect())
    }

    fn send(&self, message: MessageId, to: &AgentId) -> SendMessage {
        SendMessage {
            message,
            from: self.from.clone(),
            to: to.clone(),
            body: self.body.clone(),
            kind: MessageKind::Broadcast,
            priority: self.priority,
            tags: self.tags.clone(),
            via: self.via,
            ttl_micros: self.ttl_micros,
            not_before: self.not_before,
            reply_to: self.reply_to,
            broadcast: Some(self.broadcast),
            hops_max: self.hops_max,
            mode: None,
        }
    }

    fn order(&self, known: &Known) -> Result<Vec<Place>, Refusal> {
        let fleet = || {
            known.agents.iter().filter(|(name, agent)| {
                !agent.removed && agent.profile.active && **name != self.from
            })
        };
        let (names, nobody): (BTreeSet<AgentId>, String) = match &self.to {
            Recipients::List(names) => (
                names.iter().cloned().collect(),
                "no recipient was named".to_owned(),
            ),
            Recipients::Role(role) => (
                fleet()
                    .filter(|(_, agent)| agent.profile.roles.contains(role))
                    .map(|(name, _)| name.clone())
                    .collect(),
                format!("no other active agent has the role `{role}`"),
            ),
            Recipients::All => (
                fleet().map(|(name, _)| name.clone()).collect(),
                "there is no other active agent".to_owned(),
            ),
        };
        if names.is_empty() {
            return Err(Refusal::new(Code::Nobody, nobody)
                .hint("`switchboard agent list` shows every agent and its roles"));
        }
        let candidates = names.into_iter().map(|agent| {
            let rank = known
                .agents
                .get(&agent)
                .map_or(0, |known| known.profile.rank);
            let standing = self.standings.get(&agent).copied().unwrap_or_default();
            Candidate {
                agent,
                rank,
                standing,
            }
        });
        let captain = known
            .agents
            .values()
            .filter(|agent| !agent.removed && agent.profile.active)
            .map(|agent| agent.profile.rank)
            .max();
        Ok(order_of_broadcast(
            candidates.collect(),
            captain,
            self.priority,
        ))
    }

    /// Every message id it would make for the names it lists.
    pub(super) fn listed(&self) -> Vec<AgentId> {
        match &self.to {
            Recipients::List(names) => names.clone(),
            Recipients::Role(_) | Recipients::All => Vec::new(),
        }
    }
}

/// A recipient before the order is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub agent: AgentId,
    /// As declared.
    pub rank: i32,
    /// How it stands.
    pub standing: Standing,
}

/// A recipient at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who.
    pub agent: AgentId,
    /// Why here.
    pub why: String,
}

/// The order of a broadcast. Whoever has the fleet's highest rank is its captain, unless that is
/// nobody in particular (rank 0 or below): in a normal broadcast the captain comes last, so that it
/// finds everybody informed; in an urgent or critical one it comes first. Between the others: the
/// healthy before the troubled, a short backlog before a long one, higher rank first, then by name.
pub fn order_of_broadcast(
    mut candidates: Vec<Candidate>,
    fleet_rank_max: Option<i32>,
    priority: Priority,
) -> Vec<Place> {
    let captain = |it: &Candidate| it.rank > 0 && Some(it.rank) == fleet_rank_max;
    let captain_last = priority == Priority::Normal;
    candidates.sort_by_cached_key(|it| {
        (
            captain(it) == captain_last,
            it.standing.troubled,
            it.standing.backlog,
            std::cmp::Reverse(it.rank),
            it.agent.clone(),
        )
    });
    candidates
        .into_iter()
        .map(|it| {
            let health = if it.standing.troubled {
                "troubled"
            } else {
                "healthy"
            };
            let (backlog, rank) = (it.standing.backlog, it.rank);
            let role = match (captain(&it), captain_last) {
                (true, true) => "captain, last when normal; ",
                (true, false) => "captain, first when urgent; ",
                (false, _) => "",
            };
            Place {
                agent: it.agent,
                why: format!("{role}{health}, backlog {backlog}, rank {rank}"),
            }
        })
        .collect()
}

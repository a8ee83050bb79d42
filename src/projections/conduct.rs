//! How agents behave and are to be treated: how much they say, to all and to each other, who is held because it
//! was too much, and whether their windows may be interrupted. People, scripts and the desk itself are not
//! counted: only agents can fall into talking without end.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fold::{Fold, Seen};
use crate::events::facts::limits::{Excess, Limit};
use crate::events::facts::manners::Manners;
use crate::events::ids::{AgentId, Position};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// So many of the last messages of an agent or a pair are remembered; no limit is higher.
pub const REMEMBERED: usize = 1_000;

/// Who said how much lately, and who is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    said: BTreeMap<AgentId, VecDeque<Timestamp>>,
    /// By the one whose name sorts first, then the other.
    between: BTreeMap<AgentId, BTreeMap<AgentId, VecDeque<Timestamp>>>,
    held: BTreeMap<AgentId, Held>,
    pairs_held: BTreeMap<AgentId, BTreeMap<AgentId, Held>>,
    manners: BTreeMap<AgentId, Manners>,
}

/// A quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The event that says so.
    pub position: Position,
    /// Since when.
    pub since: Timestamp,
    /// By how much it was too much.
    pub excess: Excess,
}

/// What somebody is about to say.
#[derive(Clone, Copy, Debug)]
pub struct Words<'w> {
    /// Who.
    pub from: &'w AgentId,
    /// To whom; none for several.
    pub to: Option<&'w AgentId>,
    /// How many messages.
    pub more: u32,
}

/// How much may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// By one agent; 0 for any number.
    pub rate: u32,
    /// In how long.
    pub rate_span: Duration,
    /// By two to each other; 0 for any number.
    pub budget: u32,
    /// In how long.
    pub budget_span: Duration,
}

impl Fold for Conduct {
    const NAME: &'static str = "conduct";
    const VERSION: u32 = 1;
    const READS_SINCE: u32 = 1;

    fn cares(kind: u16) -> bool {
        matches!(kind, 100 | 303 | 311..=315)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        let at = event.recorded_at;
        let held = |excess| Held {
            position: event.position,
            since: at,
            excess,
        };
        match event.fact {
            Fact::MessageAccepted(accepted) if is_counted(&accepted.from) => {
                remember(self.said.entry(accepted.from.clone()).or_default(), at);
                if is_counted(&accepted.to) {
                    let (first, second) = in_order(&accepted.from, &accepted.to);
                    let with = self.between.entry(first.clone()).or_default();
                    remember(with.entry(second.clone()).or_default(), at);
                }
            }
            Fact::AgentQuarantined(it) => {
                self.held.insert(it.agent.clone(), held(it.excess));
            }
            Fact::AgentReleased(it) => {
                self.held.remove(&it.agent);
                // What was too much then is not counted again.
                self.said.remove(&it.agent);
            }
            Fact::PairQuarantined(it) => {
                let with = self.pairs_held.entry(it.first.clone()).or_default();
                with.insert(it.second.clone(), held(it.excess));
            }
            Fact::PairReleased(it) => {
                if let Some(with) = self.pairs_held.get_mut(&it.first) {
                    with.remove(&it.second);
                }
                if let Some(with) = self.between.get_mut(&it.first) {
                    with.remove(&it.second);
                }
            }
            Fact::AgentMannersSet(it) => {
                self.manners.insert(it.agent.clone(), it.manners);
            }
            Fact::AgentRemoved(it) => {
                self.said.remove(&it.agent);
                self.held.remove(&it.agent);
                self.manners.remove(&it.agent);
            }
            _ => {}
        }
    }
}

/// Whether it is an agent that says it.
fn is_counted(from: &AgentId) -> bool {
    !matches!(from.as_str(), AgentId::OPERATOR | AgentId::SWITCHBOARD)
}

fn in_order<'a>(one: &'a AgentId, other: &'a AgentId) -> (&'a AgentId, &'a AgentId) {
    if one <= other {
        (one, other)
    } else {
        (other, one)
    }
}

fn remember(times: &mut VecDeque<Timestamp>, at: Timestamp) {
    times.push_back(at);
    if times.len() > REMEMBERED {
        times.pop_front();
    }
}

/// How many more messages than before there would be within the span.
fn within(times: Option<&VecDeque<Timestamp>>, span: Duration, now: Timestamp, more: u32) -> u32 {
    let times = times.into_iter().flatten().rev();
    let recent = times.take_while(|at| now.since(**at) < span).count();
    u32::try_from(recent)
        .unwrap_or(u32::MAX)
        .saturating_add(more)
}

impl Conduct {
    /// The limit that these words would pass; to one recipient, also the budget of the two.
    pub fn excess(&self, words: &Words<'_>, allowed: &Allowed, now: Timestamp) -> Option<Excess> {
        let Words { from, to, more } = *words;
        if !is_counted(from) {
            return None;
        }
        let excess = |limit, count, allowed, span: Duration| Excess {
            limit,
            count,
            allowed,
            span_micros: u64::try_from(span.as_micros()).unwrap_or(u64::MAX),
        };
        let said = within(self.said.get(from), allowed.rate_span, now, more);
        if allowed.rate > 0 && said > allowed.rate {
            return Some(excess(Limit::Rate, said, allowed.rate, allowed.rate_span));
        }
        let to = to.filter(|to| is_counted(to))?;
        let (first, second) = in_order(from, to);
        let times = self.between.get(first).and_then(|with| with.get(second));
        let said = within(times, allowed.budget_span, now, more);
        (allowed.budget > 0 && said > allowed.budget)
            .then(|| excess(Limit::Budget, said, allowed.budget, allowed.budget_span))
    }

    /// The quarantine that holds what one says to the other.
    pub fn holds(&self, from: &AgentId, to: &AgentId) -> Option<&Held> {
        let (first, second) = in_order(from, to);
        let pair = || self.pairs_held.get(first)?.get(second);
        self.held.get(from).or_else(pair)
    }

    /// An agent's own quarantine.
    pub fn of(&self, agent: &AgentId) -> Option<&Held> {
        self.held.get(agent)
    }

    /// The quarantines of an agent with others.
    pub fn with_others<'a>(
        &'a self,
        agent: &'a AgentId,
    ) -> impl Iterator<Item = (&'a AgentId, &'a Held)> {
        self.pairs().filter_map(move |(first, second, held)| {
            if first == agent {
                Some((second, held))
            } else {
                (second == agent).then_some((first, held))
            }
        })
    }

    /// How an agent's window wants to be treated.
    pub fn manners(&self, agent: &AgentId) -> Manners {
        self.manners.get(agent).copied().unwrap_or_default()
    }

    /// Every agent in quarantine.
    pub const fn agents(&self) -> &BTreeMap<AgentId, Held> {
        &self.held
    }

    /// Every pair in quarantine.
    pub fn pairs(&self) -> impl Iterator<Item = (&AgentId, &AgentId, &Held)> {
        self.pairs_held
            .iter()
            .flat_map(|(first, with)| with.iter().map(move |(second, held)| (first, second, held)))
    }

    /// Who is held; for people and `projections check`, not part of the hash.
    pub fn to_json(&self) -> Value {
        let pairs: Vec<Value> = self
            .pairs()
            .map(|(first, second, held)| json!({"first": first, "second": second, "held": held}))
            .collect();
        let said: BTreeMap<_, _> = self.said.iter().map(|(who, it)| (who, it.len())).collect();
        json!({"agents": self.held, "pairs": pairs, "remembered": said,
            "manners": self.manners})
    }
}

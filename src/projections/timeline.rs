//! Where messages were accepted: of everybody, for each recipient, from each sender. The messages
//! themselves, their words and their stories stay in the ledger ([`super::story`] reads them there),
//! so that this takes a few bytes a message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fold::{Fold, Seen};
use super::positions::Positions;
use crate::events::ids::{AgentId, Position};
use crate::events::kind::{Fact, MESSAGE_ACCEPTED};

/// Every message's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    all: Positions,
    to: BTreeMap<AgentId, Positions>,
    from: BTreeMap<AgentId, Positions>,
}

impl Fold for Timeline {
    const NAME: &'static str = "timeline";
    // 1 kept every story in memory.
    const VERSION: u32 = 2;
    const READS_SINCE: u32 = 2;

    fn cares(kind: u16) -> bool {
        kind == MESSAGE_ACCEPTED
    }

    fn apply(&mut self, event: &Seen<'_>) {
        if let Fact::MessageAccepted(accepted) = event.fact {
            self.all.push(event.position);
            put(&mut self.to, &accepted.to, event.position);
            put(&mut self.from, &accepted.from, event.position);
        }
    }
}

fn put(places: &mut BTreeMap<AgentId, Positions>, agent: &AgentId, position: Position) {
    match places.get_mut(agent) {
        Some(positions) => positions.push(position),
        None => places.entry(agent.clone()).or_default().push(position),
    }
}

impl Timeline {
    /// How many messages there ever were.
    pub const fn len(&self) -> u64 {
        self.all.len()
    }

    /// Whether there never was one.
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Where messages were accepted before a position, the newest first. With a recipient or a sender
    /// only theirs; with both, those of whoever has fewer, and the reader picks.
    pub fn newest_first(
        &self,
        before: Position,
        to: Option<&AgentId>,
        from: Option<&AgentId>,
    ) -> impl Iterator<Item = Position> {
        let to = to.map(|agent| self.to.get(agent));
        let from = from.map(|agent| self.from.get(agent));
        let places = match (to, from) {
            (None, None) => Some(&self.all),
            (Some(places), None) | (None, Some(places)) => places,
            (Some(to), Some(from)) => shorter(to, from),
        };
        places
            .into_iter()
            .flat_map(move |places| places.newest_first(before))
    }

    /// The timeline as it was after a position: it only ever grows.
    #[must_use]
    pub fn up_to(&self, to: Position) -> Self {
        let cut = |places: &BTreeMap<AgentId, Positions>| {
            places
                .iter()
                .map(|(agent, positions)| (agent.clone(), positions.up_to(to)))
                .filter(|(_, positions)| !positions.is_empty())
                .collect()
        };
        Self {
            all: self.all.up_to(to),
            to: cut(&self.to),
            from: cut(&self.from),
        }
    }
}

/// Of two lists the shorter one; a list that is not there has nothing in it.
fn shorter<'a>(one: Option<&'a Positions>, other: Option<&'a Positions>) -> Option<&'a Positions> {
    let (one, other) = (one?, other?);
    Some(if one.len() <= other.len() { one } else { other })
}

//! Messages page by page, newest first: which may be wanted is known in memory, their stories are read
//! from the ledger one by one, and nothing is folded.

use serde_json::{Value, json};

use super::states::States;
use super::story::Story;
use crate::events::facts::message::MessageAccepted;
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// How many places are taken at one look, so that a long search holds nobody up.
const PLACES: usize = 1_000;

/// Which messages.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Recipient.
    pub to: Option<AgentId>,
    /// Sender.
    pub from: Option<AgentId>,
    /// Tag.
    pub tag: Option<Word>,
    /// A word of the body, any case.
    pub text: Option<String>,
    /// States; any if empty.
    pub states: Vec<State>,
    /// Not older.
    pub since: Option<Timestamp>,
}

/// Which part of them.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Only what was accepted before this position.
    pub before: Position,
    /// At most so many.
    pub limit: usize,
    /// At most so many messages are looked at, wanted or not.
    pub looks: usize,
    /// At most so many bytes of bodies, and the one that exceeds them.
    pub weight: usize,
    /// As they stood right after this position.
    pub as_of: Position,
}

/// Some messages, the newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// The messages.
    pub messages: Vec<(MessageId, Story)>,
    /// Where to go on: before this position. None when there are no more.
    pub next: Option<Position>,
}

/// Looks at states for as long as it takes to note a few places.
pub type Look<'l> = dyn Fn(&dyn Fn(&States) -> Vec<Position>) -> Vec<Position> + 'l;

/// Where the search is.
struct Search<'s> {
    ledger: &'s Ledger,
    look: &'s Look<'s>,
    wanted: &'s Wanted,
    part: Part,
}

/// A page of messages. It can hold fewer than wanted and still not be the last one, when enough were
/// looked at.
pub fn page(
    ledger: &Ledger,
    look: &Look<'_>,
    wanted: &Wanted,
    part: Part,
) -> Result<Page, ReadError> {
    let search = Search {
        ledger,
        look,
        wanted,
        part,
    };
    search.page()
}

impl Search<'_> {
    fn page(&self) -> Result<Page, ReadError> {
        let mut before = self.part.before;
        let mut messages = Vec::new();
        let mut last = None;
        let mut looks = self.part.looks;
        let mut weight = 0_usize;
        loop {
            let places = (self.look)(&|states| self.places(states, before));
            let Some(oldest) = places.last() else {
                return Ok(Page {
                    messages,
                    next: None,
                });
            };
            before = *oldest;
            for place in places {
                if looks == 0 {
                    return Ok(Page {
                        messages,
                        next: Some(Position(place.0.saturating_add(1))),
                    });
                }
                looks = looks.saturating_sub(1);
                let Some((at, accepted)) = self.accepted(place)? else {
                    continue;
                };
                if self.wanted.since.is_some_and(|since| at < since) {
                    return Ok(Page {
                        messages,
                        next: None,
                    });
                }
                if let Some(story) = self.fitting(&accepted)? {
                    if messages.len() >= self.part.limit || weight >= self.part.weight {
                        return Ok(Page {
                            messages,
                            next: last,
                        });
                    }
                    weight = weight.saturating_add(story.body.len());
                    messages.push((accepted.message, story));
                    last = Some(place);
                }
            }
        }
    }

    /// Where messages that may be wanted were accepted, the newest first.
    fn places(&self, states: &States, before: Position) -> Vec<Position> {
        let wanted = self.wanted;
        let before = before.min(self.part.as_of.next());
        // What may still move, or come back, is all in the outbox.
        if !wanted.states.is_empty() && wanted.states.iter().all(|state| stays_in_outbox(*state)) {
            let kept = states.outbox.messages();
            let mut places: Vec<Position> = kept
                .filter(|(_, kept)| wanted.states.contains(&kept.life.state))
                .map(|(_, kept)| kept.position)
                .filter(|place| *place < before)
                .collect();
            places.sort_unstable_by(|one, other| other.cmp(one));
            places.truncate(PLACES);
            return places;
        }
        let (to, from) = (wanted.to.as_ref(), wanted.from.as_ref());
        let places = states.timeline.newest_first(before, to, from);
        places.take(PLACES).collect()
    }

    /// The message that was accepted at a place, and when.
    fn accepted(&self, place: Position) -> Result<Option<(Timestamp, MessageAccepted)>, ReadError> {
        let events = self.ledger.read(place, 1)?;
        Ok(events.into_iter().find_map(|event| {
            let Fact::MessageAccepted(accepted) = event.fact else {
                return None;
            };
            Some((event.recorded_at, accepted))
        }))
    }

    /// The message's story, if it is wanted.
    fn fitting(&self, accepted: &MessageAccepted) -> Result<Option<Story>, ReadError> {
        let wanted = self.wanted;
        let holds = |text: &String| accepted.body.to_lowercase().contains(&text.to_lowercase());
        let fits = wanted.to.as_ref().is_none_or(|to| *to == accepted.to)
            && wanted.from.as_ref().is_none_or(|it| *it == accepted.from)
            && wanted
                .tag
                .as_ref()
                .is_none_or(|tag| accepted.tags.contains(tag))
            && wanted.text.as_ref().is_none_or(holds);
        if !fits {
            return Ok(None);
        }
        let story = Story::up_to(self.ledger, accepted.message, self.part.as_of)?;
        let in_state =
            |story: &Story| wanted.states.is_empty() || wanted.states.contains(&story.life.state);
        Ok(story.filter(in_state))
    }
}

const fn stays_in_outbox(state: State) -> bool {
    match state {
        State::Accepted
        | State::Attempting
        | State::Pasted
        | State::Submitted
        | State::Expired
        | State::Cancelled
        | State::Unknown
        | State::Dead => true,
        State::Observed | State::Inboxed | State::Acknowledged | State::Answered => false,
    }
}

impl Story {
    /// Everything with the body, as `show` and `messages` print it.
    pub fn whole(&self, message: MessageId) -> Value {
        let mut whole = self.to_json(message);
        if let Value::Object(fields) = &mut whole {
            fields.insert("body".to_owned(), json!(self.body));
        }
        whole
    }
}

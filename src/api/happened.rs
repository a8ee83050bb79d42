//! Events as the API gives them out: filtered, a page at a time.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "few facts hold words; kinds to come are looked at when they do"
)]

use std::ops::ControlFlow;

use super::answer::Answer;
use super::house::House;
use super::problem::Problem;
use super::query::Asked;
use crate::events::envelope::Event;
use crate::events::ids::{Position, StreamId};
use crate::events::kind::{Fact, name_of};
use crate::events::ledger::stored::Stored;

/// How many events are looked at for one page, wanted or not.
const LOOKS: u64 = 50_000;

/// How many are read at a time for those who take all of them.
pub const BATCH: u64 = 512;

/// How many bytes of words are held at a time, about: one event can have a body of a megabyte.
pub const WEIGHT: usize = 4 * 1024 * 1024;

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    stream: Option<StreamId>,
    kind: Option<String>,
}

impl Filter {
    /// Those that a request asks for.
    pub fn of(asked: &Asked) -> Result<Self, Problem> {
        Ok(Self {
            stream: asked.stream("stream")?,
            kind: asked.kind()?.map(str::to_owned),
        })
    }

    /// Those of one kind, or of a group of kinds.
    pub fn kind(kind: &str) -> Self {
        Self {
            stream: None,
            kind: Some(kind.to_owned()),
        }
    }

    /// Whether an event is wanted.
    pub fn fits(&self, stream: &str, kind: &str) -> bool {
        let kind_fits = self.kind.as_deref().is_none_or(|wanted| {
            wanted.strip_suffix(".*").map_or(kind == wanted, |group| {
                kind.strip_prefix(group)
                    .is_some_and(|rest| rest.starts_with('.'))
            })
        });
        kind_fits && self.stream.as_ref().is_none_or(|it| it.as_str() == stream)
    }

    /// Whether an event that was not decoded yet may be wanted: only then it is.
    fn may_fit(&self, stored: &Stored<'_>) -> bool {
        match name_of(stored.kind()) {
            // A note's word stands inside.
            None | Some("note") => true,
            Some(name) => self.fits(stored.stream(), name),
        }
    }
}

/// Some events, and how far was looked.
#[derive(Clone, Debug)]
pub struct Found {
    /// Those that are wanted, in order.
    pub events: Vec<Event>,
    /// The last one that was looked at; none when there was none.
    pub last: Option<Position>,
}

/// Events of a range that are wanted: at most `limit` of them, and no more than can be held at a time.
pub fn find(
    house: &House,
    filter: &Filter,
    (from, to): (Position, Position),
    limit: usize,
) -> Result<Found, Problem> {
    let mut found = Found {
        events: Vec::new(),
        last: None,
    };
    let mut failed = None;
    let mut weight: usize = 0;
    house.reads.ledger.scan(from, to, |stored| {
        found.last = Some(stored.position());
        if filter.may_fit(stored) {
            match stored.event() {
                Ok(event) => {
                    if filter.fits(event.stream.as_str(), &event.fact.name()) {
                        weight = weight.saturating_add(words_in(&event.fact));
                        found.events.push(event);
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        if found.events.len() >= limit || weight >= WEIGHT {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    failed.map_or(Ok(found), |error| Err(error.into()))
}

/// The newest events up to a position that are wanted, newest first, and where older ones would be looked
/// for; none when there are none.
pub fn newest(
    house: &House,
    filter: &Filter,
    to: Position,
    limit: usize,
) -> Result<(Vec<Event>, Option<Position>), Problem> {
    let mut events = Vec::new();
    let (mut end, lowest) = (to, to.0.saturating_sub(LOOKS));
    while end.0 > lowest && events.len() < limit {
        let from = Position(end.0.saturating_sub(BATCH - 1).max(1));
        let mut part = Vec::new();
        let mut at = from;
        // A batch that is too heavy is given in parts.
        while at <= end {
            let found = find(house, filter, (at, end), usize::MAX)?;
            part.extend(found.events);
            at = found.last.map_or(end, |last| last).next();
        }
        events.extend(part.into_iter().rev());
        end = Position(from.0 - 1);
    }
    if events.len() > limit {
        events.truncate(limit);
        end = events
            .last()
            .map_or(end, |last| Position(last.position.0.saturating_sub(1)));
    }
    Ok((events, (end.0 > 0).then_some(end)))
}

/// Bytes of an event that people or programs wrote; all else is small.
fn words_in(fact: &Fact) -> usize {
    match fact {
        Fact::MessageAccepted(accepted) => accepted.body.len(),
        Fact::Note(note) => note.data.len(),
        Fact::BoxLearnt(_) => 16 * 1024,
        _ => 256,
    }
}

/// The first and the last position that a request asks for.
pub fn range(asked: &Asked) -> Result<(Position, Position), Problem> {
    let from = asked.position("from")?.unwrap_or_default();
    let to = asked.position("to")?.unwrap_or(Position(u64::MAX));
    Ok((from.max(Position(1)), to))
}

/// Whether all events are wanted, one a line.
pub fn wants_lines(asked: &Asked, accept: Option<&str>) -> Result<bool, Problem> {
    match asked.text("format") {
        Some("ndjson") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Problem::malformed("format", "it is json or ndjson")),
        None => Ok(accept.is_some_and(|accept| accept.contains("application/x-ndjson"))),
    }
}

/// `GET /api/v1/events`, as a page.
pub fn page(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let filter = Filter::of(asked)?;
    let (from, to) = range(asked)?;
    let limit = asked.limit()?;
    let head = house.reads.ledger.head().position;
    let from = match asked.after()? {
        Some(key) => {
            let last = key
                .parse()
                .map_err(|_never_sealed| Problem::internal("cursor"))?;
            from.max(Position(last).next())
        }
        None => from,
    };
    let end = to.min(head);
    // Far enough to fill most pages, and not so far that one request takes long.
    let looked = Position(from.0.saturating_add(LOOKS)).min(end);
    let found = find(house, &filter, (from, looked), limit)?;
    let items: Vec<_> = found.events.iter().map(Event::to_json).collect();
    let more = found.last.filter(|last| *last < end);
    let more = more.map(|last| last.to_string());
    Ok(Answer::page(head, asked, &items, more.as_deref()))
}

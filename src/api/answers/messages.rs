//! Messages and their stories.

use serde_json::Value;

use crate::api::answer::{Answer, cut};
use crate::api::happened::WEIGHT;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::ids::{MessageId, Position};
use crate::projections::pages::{self, Page, Part, Wanted};
use crate::projections::states::States;
use crate::projections::story::{Story, events_of, line};
use crate::projections::view::View;

/// How many messages are looked at for one page, wanted or not. A search that finds little goes on
/// with the next page.
const LOOKS: usize = 5_000;

/// Messages, newest first.
pub fn list(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let wanted = Wanted {
        to: asked.agent("to")?,
        from: asked.agent("from")?,
        tag: asked.word("tag")?,
        text: asked.text("text").map(str::to_owned),
        states: asked.states()?,
        since: asked.instant("since")?,
    };
    let (position, page) = find(house, asked, &wanted)?;
    let rows = page.messages.iter().map(|(id, story)| story.whole(*id));
    let next = page.next.map(|next| next.to_string());
    Ok(Answer::page(
        position,
        asked,
        &rows.collect::<Vec<_>>(),
        next.as_deref(),
    ))
}

/// A page of messages, newest first, from where the question goes on; with the position it is of.
pub fn find(house: &House, asked: &Asked, wanted: &Wanted) -> Result<(Position, Page), Problem> {
    let before = match asked.after()? {
        Some(key) => key
            .parse()
            .map_err(|_never_sealed| Problem::internal("cursor"))?,
        None => u64::MAX,
    };
    let limit = asked.limit()?;
    let seen = house.states(asked, &[View::Timeline, View::Outbox])?;
    let position = house.look(&seen, |states| states.position);
    let part = Part {
        before: Position(before),
        limit,
        looks: LOOKS,
        weight: WEIGHT,
        as_of: position,
    };
    let look = |take: &dyn Fn(&States) -> Vec<Position>| house.look(&seen, take);
    let page = pages::page(&house.reads.ledger, &look, wanted, part)?;
    Ok((position, page))
}

/// One message, whole.
pub fn show(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let message = asked.message_in_path()?;
    let ledger = &house.reads.ledger;
    let position = match asked.as_of()? {
        Some(moment) => moment.resolve(ledger)?,
        None => ledger.head().position,
    };
    let story = Story::up_to(ledger, message, position)?;
    let story = story.ok_or_else(|| unknown(message))?;
    Ok(Answer::item(position, &story.whole(message)))
}

/// Every event that concerns a message, in order.
pub fn timeline(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let message = asked.message_in_path()?;
    let (after, limit) = (asked.after()?, asked.limit()?);
    let ledger = &house.reads.ledger;
    let position = match asked.as_of()? {
        Some(moment) => moment.resolve(ledger)?,
        None => ledger.head().position,
    };
    let events = events_of(ledger, message)?;
    if events.first().is_none_or(|first| first.position > position) {
        return Err(unknown(message));
    }
    let events = events.iter().filter(|event| event.position <= position);
    let rows = events.map(|event| (format!("{:020}", event.position.0), event));
    let (rows, last) = cut(rows, after.as_deref(), limit);
    let rows: Vec<Value> = rows.into_iter().map(line).collect();
    Ok(Answer::page(position, asked, &rows, last.as_deref()))
}

fn unknown(message: MessageId) -> Problem {
    Problem::not_found("unknown_message", format!("there is no message {message}"))
        .hint("/api/v1/messaging/messages lists them")
}

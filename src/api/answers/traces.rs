//! Traces of messages, made from the ledger itself.

use serde_json::Value;

use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::envelope::Event;
use crate::events::ids::{MessageId, Position};
use crate::events::ledger::handle::Ledger;
use crate::projections::pages::{self, Part, Wanted};
use crate::projections::spans;
use crate::projections::states::States;
use crate::projections::story::events_of;
use crate::projections::view::View;

/// How many messages are looked at for one page, wanted or not.
const LOOKS: usize = 5_000;

/// How many bytes of words are held at a time, about.
const WEIGHT: usize = crate::api::happened::WEIGHT;

/// Traces, the newest message first.
pub fn list(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let wanted = Wanted {
        to: asked.agent("to")?,
        from: asked.agent("from")?,
        tag: None,
        text: None,
        states: asked.states()?,
        since: asked.instant("since")?,
    };
    let before = match asked.after()? {
        Some(key) => key
            .parse()
            .map_err(|_never_sealed| Problem::internal("cursor"))?,
        None => u64::MAX,
    };
    let limit = asked.limit()?;
    let seen = house.states(asked, &[View::Timeline, View::Outbox])?;
    let position = house.look(&seen, |states| states.position);
    let ledger = &house.reads.ledger;
    let part = Part {
        before: Position(before),
        limit,
        looks: LOOKS,
        weight: WEIGHT,
        as_of: position,
    };
    let look = |take: &dyn Fn(&States) -> Vec<Position>| house.look(&seen, take);
    let page = pages::page(ledger, &look, &wanted, part)?;
    let mut rows = Vec::new();
    for (message, _) in &page.messages {
        rows.extend(traced(ledger, *message, position)?);
    }
    let next = page.next.map(|next| next.to_string());
    Ok(Answer::page(position, asked, &rows, next.as_deref()))
}

/// One message's trace.
pub fn show(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let message = asked.message_in_path()?;
    let ledger = &house.reads.ledger;
    let position = match asked.as_of()? {
        Some(moment) => moment.resolve(ledger)?,
        None => ledger.head().position,
    };
    let found = traced(ledger, message, position)?;
    let found = found.ok_or_else(|| {
        Problem::not_found("unknown_message", format!("there is no message {message}"))
            .hint("/api/v1/messaging/messages lists them")
    })?;
    Ok(Answer::item(position, &found))
}

fn traced(ledger: &Ledger, message: MessageId, to: Position) -> Result<Option<Value>, Problem> {
    let mut events: Vec<Event> = events_of(ledger, message)?;
    events.retain(|event| event.position <= to);
    Ok(spans::trace(message, &events).map(|it| it.to_json()))
}

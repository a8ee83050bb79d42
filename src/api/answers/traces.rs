//! Traces of messages, made from the ledger itself.

use serde_json::Value;

use super::messages::find;
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::envelope::Event;
use crate::events::ids::{MessageId, Position};
use crate::events::ledger::handle::Ledger;
use crate::projections::pages::Wanted;
use crate::projections::spans;
use crate::projections::story::events_of;

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
    let (position, page) = find(house, asked, &wanted)?;
    let ledger = &house.reads.ledger;
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

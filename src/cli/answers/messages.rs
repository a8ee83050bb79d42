//! `messages`, `show`, `why` and `queue`.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story::{self, set};
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::open::Owner;
use crate::cli::owner::request::Messages;
use crate::events::envelope::Event;
use crate::events::facts::message::MessageAccepted;
use crate::events::ids::{MessageId, Position};
use crate::events::kind::Fact;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;
use crate::projections::view::View;

/// How many places are taken under one lock, so that a long search holds nobody up.
const PAGE: usize = 1_000;

/// Newest first, filtered; the last object names the cursor of the next page, if there is one.
pub async fn list(asked: Asked, wanted: Messages) -> Result<Exit, Failure> {
    let before = wanted.cursor.as_deref().map(cursor).transpose()?;
    let (rows, next) = asked
        .off_thread(move |asked| page(asked, &wanted, before))
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    if let Some(next) = next {
        asked
            .items
            .say(json!({"record": "page", "next_cursor": next.to_string()}))
            .await?;
    }
    Ok(Exit::Done)
}

fn cursor(text: &str) -> Result<Position, Failure> {
    text.parse().map(Position).map_err(|_not_a_number| {
        let text = format!("`{text}` is no cursor of `messages`");
        Failure::new(Exit::Usage, "bad_cursor", text)
            .hint("take the `next_cursor` of the page before")
    })
}

fn page(
    asked: &Asked,
    wanted: &Messages,
    before: Option<Position>,
) -> Result<(Vec<Value>, Option<Position>), Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    owner.holds(View::Timeline)?;
    let mut before = before.unwrap_or(Position(u64::MAX));
    let mut rows = Vec::new();
    let mut last = None;
    loop {
        let places = places(owner, wanted, before);
        let Some(oldest) = places.last() else {
            return Ok((rows, None));
        };
        before = *oldest;
        for place in places {
            let Some(accepted) = accepted(owner, place)? else {
                continue;
            };
            if wanted.since.is_some_and(|since| accepted.0 < since) {
                return Ok((rows, None));
            }
            if let Some(row) = row(owner, wanted, &accepted.1)? {
                if rows.len() >= wanted.limit {
                    return Ok((rows, last));
                }
                rows.push(row);
                last = Some(place);
            }
        }
    }
}

/// Where messages that may be wanted were accepted, the newest first.
fn places(owner: &Owner, wanted: &Messages, before: Position) -> Vec<Position> {
    owner.projections.read(|states| {
        // What may still move, or come back, is all in the outbox.
        if !wanted.states.is_empty() && wanted.states.iter().all(|state| stays_in_outbox(*state)) {
            let kept = states.outbox.messages();
            let mut places: Vec<Position> = kept
                .filter(|(_, kept)| wanted.states.contains(&kept.life.state))
                .map(|(_, kept)| kept.position)
                .filter(|place| *place < before)
                .collect();
            places.sort_unstable_by(|one, other| other.cmp(one));
            places.truncate(PAGE);
            return places;
        }
        let (to, from) = (wanted.to.as_ref(), wanted.from.as_ref());
        let places = states.timeline.newest_first(before, to, from);
        places.take(PAGE).collect()
    })
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

/// The message that was accepted at a place, and when.
fn accepted(
    owner: &Owner,
    place: Position,
) -> Result<Option<(Timestamp, MessageAccepted)>, Failure> {
    let events = owner.desk.ledger().read(place, 1)?;
    Ok(events.into_iter().find_map(|event| {
        let Fact::MessageAccepted(accepted) = event.fact else {
            return None;
        };
        Some((event.recorded_at, accepted))
    }))
}

/// The message as it is printed, if it is wanted.
fn row(
    owner: &Owner,
    wanted: &Messages,
    accepted: &MessageAccepted,
) -> Result<Option<Value>, Failure> {
    let said = || accepted.body.to_lowercase();
    let fits = wanted.to.as_ref().is_none_or(|to| *to == accepted.to)
        && wanted
            .from
            .as_ref()
            .is_none_or(|from| *from == accepted.from)
        && wanted
            .tag
            .as_ref()
            .is_none_or(|tag| accepted.tags.contains(tag))
        && wanted
            .text
            .as_ref()
            .is_none_or(|text| said().contains(&text.to_lowercase()));
    if !fits {
        return Ok(None);
    }
    let story = story::find(owner, accepted.message)?;
    let in_state = wanted.states.is_empty() || wanted.states.contains(&story.life.state);
    Ok(in_state.then(|| story::whole(accepted.message, &story)))
}

/// One message, whole.
pub async fn show(asked: Asked, message: MessageId) -> Result<Exit, Failure> {
    let row = asked
        .off_thread(move |asked| {
            let story = story::find(&asked.owner, message)?;
            Ok(story::whole(message, &story))
        })
        .await?;
    asked.items.say(row).await?;
    Ok(Exit::Done)
}

/// Every event that concerns the message, in order.
pub async fn why(asked: Asked, message: MessageId) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(move |asked| {
            let mut rows = Vec::new();
            for event in story::events(&asked.owner, message)? {
                rows.push(event_row(&event));
            }
            rows.extend(held(asked, message)?);
            Ok(rows)
        })
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    Ok(Exit::Done)
}

/// The quarantine that keeps a waiting message back, as the event that it is.
fn held(asked: &Asked, message: MessageId) -> Result<Option<Value>, Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    let position = owner.projections.read(|states| {
        let kept = states.outbox.get(message)?;
        let waits = kept.life.state == State::Accepted;
        let held = states.conduct.holds(&kept.from, &kept.to).filter(|_| waits);
        held.map(|held| held.position)
    });
    let Some(position) = position else {
        return Ok(None);
    };
    let found = owner.desk.ledger().read(position, 1)?;
    Ok(found.first().map(event_row))
}

fn event_row(event: &Event) -> Value {
    let mut row = json!({
        "position": event.position,
        "recorded_at": event.recorded_at,
        "event": event.fact.name(),
        "detail": event.fact.to_json(),
    });
    set(&mut row, "actor", json!(event.cause.actor));
    set(&mut row, "stream", json!(event.stream));
    row
}

/// What waits or is being carried, in the order of turns.
pub async fn queue(asked: Asked) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(|asked| {
            asked.owner.catch_up()?;
            asked.owner.holds(View::Outbox)?;
            Ok(asked.owner.projections.read(|states| states.outbox.queue()))
        })
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    Ok(Exit::Done)
}

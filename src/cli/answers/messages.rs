//! `messages`, `show`, `why` and `queue`.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Messages;
use crate::events::ids::{MessageId, Position};
use crate::events::lifecycle::State;
use crate::projections::pages::{self, Part, Wanted};
use crate::projections::states::States;
use crate::projections::story::line;
use crate::projections::view::View;

/// Newest first, filtered; the last object names the cursor of the next page, if there is one.
pub async fn list(asked: Asked, wanted: Messages) -> Result<Exit, Failure> {
    let before = wanted.cursor.as_deref().map(cursor).transpose()?;
    let (rows, next) = asked
        .off_thread(move |asked| page(asked, wanted, before))
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
    wanted: Messages,
    before: Option<Position>,
) -> Result<(Vec<Value>, Option<Position>), Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    owner.holds(View::Timeline)?;
    let part = Part {
        before: before.unwrap_or(Position(u64::MAX)),
        limit: wanted.limit,
        looks: usize::MAX,
        weight: usize::MAX,
        as_of: Position(u64::MAX),
    };
    let wanted = Wanted {
        to: wanted.to,
        from: wanted.from,
        tag: wanted.tag,
        text: wanted.text,
        states: wanted.states,
        since: wanted.since,
    };
    let look = |take: &dyn Fn(&States) -> Vec<Position>| owner.projections.read(take);
    let page = pages::page(owner.desk.ledger(), &look, &wanted, part)?;
    let rows = page
        .messages
        .iter()
        .map(|(message, story)| story.whole(*message));
    Ok((rows.collect(), page.next))
}

/// One message, whole.
pub async fn show(asked: Asked, message: MessageId) -> Result<Exit, Failure> {
    let row = asked
        .off_thread(move |asked| {
            let story = story::find(&asked.owner, message)?;
            Ok(story.whole(message))
        })
        .await?;
    asked.items.say(row).await?;
    Ok(Exit::Done)
}

/// Every event that concerns the message, in order.
pub async fn why(asked: Asked, message: MessageId) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(move |asked| {
            let events = story::events(&asked.owner, message)?;
            let mut rows: Vec<Value> = events.iter().map(line).collect();
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
    Ok(found.first().map(line))
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

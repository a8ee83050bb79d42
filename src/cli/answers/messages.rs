//! `messages`, `show`, `why` and `queue`.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story::{self, set};
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Messages;
use crate::events::ids::{MessageId, Position};
use crate::projections::timeline::Story;

/// How many stories are looked at under one lock, so that a long search holds nobody up.
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
    mut before: Option<Position>,
) -> Result<(Vec<Value>, Option<Position>), Failure> {
    asked.owner.catch_up()?;
    let needle = wanted.text.as_ref().map(|text| text.to_lowercase());
    let mut rows = Vec::new();
    loop {
        let stories: Vec<(MessageId, Story)> = asked.owner.projections.read(|states| {
            let newest = states.timeline.newest_first(before).take(PAGE);
            newest.map(|(id, story)| (id, story.clone())).collect()
        });
        let Some((_, last)) = stories.last() else {
            return Ok((rows, None));
        };
        before = Some(last.position);
        for (message, story) in &stories {
            if wanted.since.is_some_and(|since| story.created_at < since) {
                return Ok((rows, None));
            }
            if !fits(wanted, story) {
                continue;
            }
            let row = story::whole(&asked.owner, *message, story)?;
            let said = row.get("body").and_then(Value::as_str).unwrap_or_default();
            if needle
                .as_ref()
                .is_some_and(|needle| !said.to_lowercase().contains(needle))
            {
                continue;
            }
            if rows.len() >= wanted.limit {
                let next = rows.last().and_then(|row: &Value| row["position"].as_u64());
                return Ok((rows, next.map(Position)));
            }
            rows.push(row);
        }
    }
}

fn fits(wanted: &Messages, story: &Story) -> bool {
    wanted.to.as_ref().is_none_or(|to| *to == story.to)
        && wanted.from.as_ref().is_none_or(|from| *from == story.from)
        && wanted
            .tag
            .as_ref()
            .is_none_or(|tag| story.tags.contains(tag))
        && (wanted.states.is_empty() || wanted.states.contains(&story.life.state))
}

/// One message, whole.
pub async fn show(asked: Asked, message: MessageId) -> Result<Exit, Failure> {
    let row = asked
        .off_thread(move |asked| {
            let story = story::find(&asked.owner, message)?;
            story::whole(&asked.owner, message, &story)
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
            for position in story::find(&asked.owner, message)?.positions {
                for event in asked.owner.desk.ledger().read(position, 1)? {
                    let mut row = json!({
                        "position": event.position,
                        "recorded_at": event.recorded_at,
                        "event": event.fact.name(),
                        "detail": event.fact.to_json(),
                    });
                    set(&mut row, "actor", json!(event.cause.actor));
                    set(&mut row, "stream", json!(event.stream));
                    rows.push(row);
                }
            }
            Ok(rows)
        })
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    Ok(Exit::Done)
}

/// What waits or is being carried, in the order of turns.
pub async fn queue(asked: Asked) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(|asked| {
            asked.owner.catch_up()?;
            Ok(asked.owner.projections.read(|states| states.outbox.queue()))
        })
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    Ok(Exit::Done)
}

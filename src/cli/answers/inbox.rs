//! `inbox`: what lies in an agent's inbox, and taking the next one out.

use serde_json::Value;
use tokio::time::Instant;

use super::agents;
use super::answer::Asked;
use super::story;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Inbox;
use crate::commands::mark_read::MarkRead;
use crate::events::ids::{AgentId, CommandId, MessageId};
use crate::projections::inbox::shown;

/// Lists the inbox, or takes the next unread message out of it.
pub async fn answer(asked: Asked, wanted: Inbox) -> Result<Exit, Failure> {
    let agent = wanted.agent.clone();
    asked.off_thread(move |asked| exists(asked, &agent)).await?;
    match wanted.next {
        Some(patience) => next(asked, wanted.agent, Instant::now() + patience).await,
        None => list(asked, wanted).await,
    }
}

fn exists(asked: &Asked, agent: &AgentId) -> Result<(), Failure> {
    asked.owner.catch_up()?;
    let known = agent.as_str() == AgentId::OPERATOR
        || asked
            .owner
            .projections
            .read(|states| states.agents.get(agent).is_some());
    if known {
        Ok(())
    } else {
        Err(agents::unknown(asked, agent))
    }
}

async fn list(asked: Asked, wanted: Inbox) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(move |asked| {
            let entries: Vec<MessageId> = asked.owner.projections.read(|states| {
                let of = states.inbox.of(&wanted.agent);
                let wanted = of.filter(|entry| !wanted.unread || entry.is_unread());
                wanted.map(|entry| entry.message).collect()
            });
            entries
                .into_iter()
                .map(|message| row(asked, message))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    Ok(Exit::Done)
}

async fn next(asked: Asked, agent: AgentId, deadline: Instant) -> Result<Exit, Failure> {
    let mut head = asked.owner.head.clone();
    loop {
        head.mark_unchanged();
        let of = agent.clone();
        let taken = asked.off_thread(move |asked| take(asked, &of)).await?;
        if let Some(row) = taken {
            asked.items.say(row).await?;
            return Ok(Exit::Done);
        }
        tokio::select! {
            _ = head.changed() => {}
            () = tokio::time::sleep_until(deadline) => {
                let text = format!("nothing unread came into the inbox of {agent}");
                return Err(Failure::new(Exit::TimedOut, "inbox_empty", text));
            }
        }
    }
}

fn take(asked: &Asked, agent: &AgentId) -> Result<Option<Value>, Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    let unread = owner
        .projections
        .read(|states| states.inbox.next_unread(agent).map(|entry| entry.message));
    let Some(message) = unread else {
        return Ok(None);
    };
    let mut cause = asked.cause.clone();
    // A wish to take one more is new each time, but asked again after a lost answer it is not.
    cause.command = CommandId(uuid::Uuid::new_v5(&cause.command.0, message.0.as_bytes()));
    let read = MarkRead {
        message,
        by: agent.clone(),
    };
    owner.desk.execute(&read.into(), &cause, owner.now())?;
    row(asked, message).map(Some)
}

fn row(asked: &Asked, message: MessageId) -> Result<Value, Failure> {
    let story = story::find(&asked.owner, message)?;
    asked.owner.catch_up()?;
    Ok(asked.owner.projections.read(|states| {
        let entry = states.inbox.entry(message);
        shown((message, &story), entry, &asked.owner.store)
    }))
}

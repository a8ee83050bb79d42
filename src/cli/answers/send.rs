//! `send` and `broadcast`: accept, then wait as far as the sender wants.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::Asked;
use super::story::Story;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Awaiting;
use crate::cli::values::Wait;
use crate::commands::broadcast::{Broadcast, Shared, Standing};
use crate::commands::command::Command;
use crate::commands::decision::Decision;
use crate::commands::desk::Outcome;
use crate::commands::send::SendMessage;
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::message::Via;
use crate::events::ids::MessageId;
use crate::events::lifecycle::{Proof, State};

/// One message.
pub async fn one(asked: Asked, send: SendMessage, awaiting: Awaiting) -> Result<Exit, Failure> {
    let delivery = &asked.owner.config.settings().delivery;
    let send = SendMessage {
        hops_max: delivery.hop_limit,
        ttl_micros: send.ttl_micros.or_else(|| default_ttl(&asked)),
        ..send
    };
    asked.owner.same_desktop(awaiting.desktop.as_deref())?;
    if awaiting.dry_run {
        return weigh(asked, send).await;
    }
    let message = send.message;
    let cause = asked.cause.clone();
    let repeated = asked
        .off_thread(move |asked| {
            let now = asked.owner.now();
            let outcome = asked.owner.desk.execute(&Command::SendMessage(send), &cause, now)?;
            Ok(outcome.done().is_some_and(|done| done.repeated))
        })
        .await?;
    let story = follow(&asked, message, &awaiting).await?;
    let exit = exit_of(&story, awaiting.wait);
    asked.items.say(story.result(repeated)).await?;
    Ok(exit)
}

/// One message each to several.
pub async fn many(
    asked: Asked,
    broadcast: Broadcast,
    awaiting: Awaiting,
) -> Result<Exit, Failure> {
    let delivery = &asked.owner.config.settings().delivery;
    asked.owner.same_desktop(awaiting.desktop.as_deref())?;
    let mut broadcast = Broadcast {
        hops_max: delivery.hop_limit,
        ttl_micros: broadcast.ttl_micros.or_else(|| default_ttl(&asked)),
        ..broadcast
    };
    let correlation = broadcast.broadcast;
    let mut cause = asked.cause.clone();
    cause.correlation = crate::events::ids::CorrelationId(correlation);
    let dry_run = awaiting.dry_run;
    let shares = asked
        .off_thread(move |asked| {
            let now = asked.owner.now();
            asked.owner.catch_up()?;
            broadcast.standings = asked.owner.projections.agents(|agents| {
                let rows = agents.rows();
                rows.map(|(name, troubled, backlog)| (name, Standing { troubled, backlog }))
                    .collect()
            });
            if dry_run {
                return weigh_shares(asked, broadcast, &cause);
            }
            match asked.owner.desk.execute(&Command::Broadcast(broadcast), &cause, now)? {
                Outcome::Shared(shares) => Ok(shares),
                Outcome::Done(_) | Outcome::Expired(_) | Outcome::Imported(_) => Ok(Vec::new()),
            }
        })
        .await?;
    if dry_run {
        return say_shares(&asked, shares).await;
    }
    let deadline = Instant::now() + awaiting.timeout;
    let mut exits = Vec::new();
    for share in shares {
        let left = deadline.saturating_duration_since(Instant::now());
        let one = Awaiting { timeout: left, ..awaiting.clone() };
        exits.push(tell_share(&asked, share, &one).await?);
    }
    let failed = exits.iter().filter(|exit| **exit != Exit::Done).count();
    let sent = exits.len().saturating_sub(failed);
    let summary = json!({
        "record": "summary", "correlation": correlation, "sent": sent, "failed": failed,
    });
    asked.items.say(summary).await?;
    let first = exits.first().copied().unwrap_or(Exit::Done);
    let alike = exits.iter().all(|exit| *exit == first);
    Ok(if alike { first } else { Exit::Partly })
}

async fn tell_share(asked: &Asked, share: Shared, awaiting: &Awaiting) -> Result<Exit, Failure> {
    match share.outcome {
        Ok(done) => {
            let story = follow(asked, share.message, awaiting).await?;
            let mut result = story.result(done.repeated);
            add(&mut result, "order", json!(share.why));
            asked.items.say(result).await?;
            Ok(exit_of(&story, awaiting.wait))
        }
        Err(refusal) => {
            let failure = Failure::from(refusal);
            let mut result = failure.to_json();
            add(&mut result, "record", json!("refused"));
            add(&mut result, "message_id", json!(share.message));
            add(&mut result, "to", json!(share.to));
            asked.items.say(result).await?;
            Ok(failure.exit)
        }
    }
}

fn add(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(key.to_owned(), value);
    }
}

/// Waits until the message is where the sender wants it, or nothing more can come, or time is up.
/// Begins deliveries unless only acceptance is wanted.
async fn follow(
    asked: &Asked,
    message: MessageId,
    awaiting: &Awaiting,
) -> Result<Story, Failure> {
    let read = move |asked: &Asked| Story::find(asked.owner.desk.ledger(), message);
    let mut head = asked.owner.head.clone();
    head.mark_unchanged();
    let mut story = asked.off_thread(read).await?;
    if awaiting.wait == Wait::Accepted {
        return Ok(story);
    }
    asked.owner.begin_deliveries().await?;
    let deadline = Instant::now() + awaiting.timeout;
    while !is_there(&story, awaiting.wait) {
        if let Some(failure) = asked.owner.deliveries_failed().await {
            return Err(failure);
        }
        tokio::select! {
            _ = head.changed() => {}
            () = tokio::time::sleep_until(deadline) => return Ok(story),
            // A desk that fails says so nowhere else.
            () = tokio::time::sleep(Duration::from_secs(1)) => continue,
        }
        story = asked.off_thread(read).await?;
    }
    Ok(story)
}

/// Whether the wanted point is reached, or can no longer be.
fn is_there(story: &Story, wait: Wait) -> bool {
    let life = &story.known.life;
    let over = matches!(
        life.state,
        State::Expired | State::Cancelled | State::Dead | State::Unknown
    );
    match wait {
        Wait::Accepted => true,
        Wait::Submitted => over || life.proof >= Proof::Submitted || life.state.is_settled(),
        Wait::Observed | Wait::Settled => life.state.is_settled(),
        Wait::Acknowledged => over || life.proof >= Proof::Acknowledged,
        Wait::Answered => over || life.proof >= Proof::Answered,
    }
}

/// The exit code of a sending (CONTRACT: `send`).
fn exit_of(story: &Story, wait: Wait) -> Exit {
    let life = &story.known.life;
    let class = life.failure.as_ref().map(|failure| failure.class);
    match life.state {
        _ if wait == Wait::Accepted => Exit::Done,
        _ if !is_there(story, wait) => Exit::TimedOut,
        State::Observed | State::Submitted | State::Acknowledged | State::Answered => Exit::Done,
        State::Inboxed if story.known.accepted.via == Via::Inbox => Exit::Done,
        State::Inboxed => Exit::Inboxed,
        State::Dead if no_way(story, class) => Exit::Refused,
        State::Dead | State::Expired | State::Cancelled => Exit::Failed,
        State::Unknown => Exit::Unknown,
        State::Accepted | State::Attempting | State::Pasted => Exit::Done,
    }
}

/// `--via gui` where no display is: the sender asked for what cannot be.
fn no_way(story: &Story, class: Option<FailureClass>) -> bool {
    story.known.accepted.via == Via::Gui
        && matches!(class, Some(FailureClass::DisplayGone | FailureClass::Invalid))
}

fn default_ttl(asked: &Asked) -> Option<u64> {
    let ttl = asked.owner.config.settings().delivery.default_ttl.0?;
    u64::try_from(ttl.as_micros()).ok()
}

/// `send --dry-run`: everything is checked, nothing written.
async fn weigh(asked: Asked, send: SendMessage) -> Result<Exit, Failure> {
    let item = asked
        .off_thread(move |asked| {
            let (message, to) = (send.message, send.to.clone());
            let command = Command::SendMessage(send);
            let now = asked.owner.now();
            let decision = asked.owner.desk.weigh(&command, &asked.cause, now)?;
            let repeated = matches!(decision, Some(Decision::Already(_)));
            Ok(json!({
                "message": message, "to": to, "dry_run": true, "repeated": repeated,
                "would": if repeated { "change nothing" } else { "be accepted" },
            }))
        })
        .await?;
    asked.items.say(item).await?;
    Ok(Exit::Done)
}

fn weigh_shares(
    asked: &Asked,
    broadcast: Broadcast,
    cause: &crate::events::envelope::Cause,
) -> Result<Vec<Shared>, Failure> {
    let now = asked.owner.now();
    let command = Command::Broadcast(broadcast.clone());
    let known = asked.owner.desk.known(&command, cause)?;
    let at = asked.owner.desk.ledger().head().position;
    Ok(broadcast
        .decide(&known, now)?
        .into_iter()
        .map(|(share, why)| Shared {
            to: share.to,
            message: share.message,
            outcome: share.decision.map(|decision| match decision {
                Decision::Already(done) => done,
                Decision::Write(_) => crate::commands::decision::Done::already(at, 0),
            }),
            why,
        })
        .collect())
}

/// `broadcast --dry-run`: the order, and why.
async fn say_shares(asked: &Asked, shares: Vec<Shared>) -> Result<Exit, Failure> {
    for (place, share) in shares.into_iter().enumerate() {
        let refused = share.outcome.as_ref().err().map(ToString::to_string);
        let item = json!({
            "place": place.saturating_add(1), "to": share.to, "message": share.message,
            "dry_run": true, "order": share.why, "refused": refused,
        });
        asked.items.say(item).await?;
    }
    Ok(Exit::Done)
}

//! `send` and `broadcast`: accept, then wait as far as the sender wants.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::answer::Asked;
use super::limits::{self, Said};
use super::story::{self, set};
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Awaiting;
use crate::cli::values::Wait;
use crate::commands::broadcast::{Broadcast, Shared, Standing};
use crate::commands::command::Command;
use crate::commands::decision::{Decision, Done};
use crate::commands::desk::Outcome;
use crate::commands::reply::Reply;
use crate::commands::send::SendMessage;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::Via;
use crate::events::ids::{CorrelationId, MessageId};
use crate::events::lifecycle::{Proof, State};
use crate::projections::agents::Breaker;
use crate::projections::story::Story;

/// How often a waiting sender looks whether deliveries still run.
const PULSE: Duration = Duration::from_secs(1);

/// One message.
pub async fn one(asked: Asked, mut send: SendMessage, awaiting: Awaiting) -> Result<Exit, Failure> {
    asked.owner.delivers_with(awaiting.desktop.as_deref())?;
    send.hops_max = asked.owner.config().settings().delivery.hop_limit;
    send.ttl_micros = send.ttl_micros.or_else(|| default_ttl(&asked));
    if awaiting.dry_run {
        return weigh(asked, send).await;
    }
    let (message, via) = (send.message, send.via);
    let said = Said {
        from: send.from.clone(),
        to: Some(send.to.clone()),
        more: 1,
        id: message.0,
    };
    carry(asked, send.into(), (message, via), said, awaiting).await
}

/// An answer to a message.
pub async fn reply(asked: Asked, mut reply: Reply, awaiting: Awaiting) -> Result<Exit, Failure> {
    asked.owner.delivers_with(awaiting.desktop.as_deref())?;
    reply.hops_max = asked.owner.config().settings().delivery.hop_limit;
    reply.ttl_micros = reply.ttl_micros.or_else(|| default_ttl(&asked));
    let (answer, via) = (reply.answer, reply.via);
    let (by, answered) = (reply.by.clone(), reply.message);
    let to = asked
        .off_thread(move |asked| Ok(story::find(&asked.owner, answered)?.from))
        .await?;
    let said = Said {
        from: by,
        to: Some(to),
        more: 1,
        id: answer.0,
    };
    carry(asked, reply.into(), (answer, via), said, awaiting).await
}

/// Accepts the message and follows it.
async fn carry(
    asked: Asked,
    command: Command,
    (message, via): (MessageId, Via),
    said: Said,
    awaiting: Awaiting,
) -> Result<Exit, Failure> {
    let repeated = asked
        .off_thread(move |asked| {
            let now = asked.owner.now();
            limits::pass(asked, &said)?;
            let outcome = asked.owner.desk.execute(&command, &asked.cause, now);
            let outcome = limits::mind_hops(asked, &said, outcome)?;
            Ok(outcome.done().is_some_and(|done| done.repeated))
        })
        .await?;
    let story = follow(&asked, message, &awaiting).await?;
    asked
        .items
        .say(story::result(message, &story, repeated))
        .await?;
    Ok(exit_of(&story, via, awaiting.wait))
}

/// One message each to several.
pub async fn many(
    asked: Asked,
    mut broadcast: Broadcast,
    awaiting: Awaiting,
) -> Result<Exit, Failure> {
    asked.owner.delivers_with(awaiting.desktop.as_deref())?;
    broadcast.hops_max = asked.owner.config().settings().delivery.hop_limit;
    broadcast.ttl_micros = broadcast.ttl_micros.or_else(|| default_ttl(&asked));
    let (correlation, via) = (broadcast.broadcast, broadcast.via);
    let dry_run = awaiting.dry_run;
    let shares = asked
        .off_thread(move |asked| {
            if !dry_run {
                let said = Said {
                    from: broadcast.from.clone(),
                    to: None,
                    more: 1,
                    id: broadcast.broadcast,
                };
                limits::pass(asked, &said)?;
            }
            share(asked, broadcast, dry_run)
        })
        .await?;
    if dry_run {
        return say_order(&asked, shares).await;
    }
    let deadline = Instant::now() + awaiting.timeout;
    let mut exits = Vec::new();
    for share in shares {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let awaiting = Awaiting {
            timeout,
            ..awaiting.clone()
        };
        exits.push(tell(&asked, share, via, &awaiting).await?);
    }
    let failed = exits.iter().filter(|exit| **exit != Exit::Done).count();
    let sent = exits.len().saturating_sub(failed);
    asked
        .items
        .say(json!({
            "record": "summary", "correlation": correlation, "sent": sent, "failed": failed,
        }))
        .await?;
    let first = exits.first().copied().unwrap_or(Exit::Done);
    Ok(if exits.iter().all(|exit| *exit == first) {
        first
    } else {
        Exit::Partly
    })
}

/// Accepts the messages, or only says in which order and which not.
fn share(asked: &Asked, mut broadcast: Broadcast, dry_run: bool) -> Result<Vec<Shared>, Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    broadcast.standings = owner.projections.read(|states| {
        states
            .agents
            .iter()
            .map(|(name, agent)| {
                let breaker = agent.health(Channel::Gui).breaker;
                let troubled = agent.paused || breaker != Breaker::Closed;
                (
                    name.clone(),
                    Standing {
                        troubled,
                        backlog: agent.queued,
                    },
                )
            })
            .collect()
    });
    let mut cause = asked.cause.clone();
    cause.correlation = CorrelationId(broadcast.broadcast);
    let now = owner.now();
    if dry_run {
        let known = owner
            .desk
            .known(&Command::Broadcast(broadcast.clone()), &cause)?;
        let head = owner.desk.ledger().head().position;
        let shares = broadcast.decide(&known, now)?.into_iter();
        return Ok(shares
            .map(|(share, why)| Shared {
                to: share.to,
                message: share.message,
                outcome: share.decision.map(|decision| match decision {
                    Decision::Already(done) => done,
                    Decision::Write(_) => Done::already(head, 0),
                }),
                why,
            })
            .collect());
    }
    match owner.desk.execute(&broadcast.into(), &cause, now)? {
        Outcome::Shared(shares) => Ok(shares),
        Outcome::Done(_) | Outcome::Expired(_) | Outcome::Died(_) | Outcome::Imported(_) => {
            Ok(Vec::new())
        }
    }
}

async fn tell(
    asked: &Asked,
    share: Shared,
    via: Via,
    awaiting: &Awaiting,
) -> Result<Exit, Failure> {
    let (mut item, exit) = match share.outcome {
        Ok(done) => {
            let story = follow(asked, share.message, awaiting).await?;
            let exit = exit_of(&story, via, awaiting.wait);
            (story::result(share.message, &story, done.repeated), exit)
        }
        Err(refusal) => {
            let failure = Failure::from(refusal);
            let item = json!({
                "message": null, "to": share.to, "position": null, "state": "refused",
                "channel": null, "repeated": false, "attempts": 0,
                "failure": {"class": failure.code, "detail": failure.message},
                "hint": failure.hint,
            });
            (item, failure.exit)
        }
    };
    set(&mut item, "order", json!(share.why));
    asked.items.say(item).await?;
    Ok(exit)
}

/// Waits until the message is where the sender wants it, or nothing more can come, or time is up.
/// Begins deliveries unless only acceptance is wanted.
async fn follow(asked: &Asked, message: MessageId, awaiting: &Awaiting) -> Result<Story, Failure> {
    let read = move |asked: &Asked| story::find(&asked.owner, message);
    let mut head = asked.owner.head.clone();
    if awaiting.wait == Wait::Accepted {
        return asked.off_thread(read).await;
    }
    asked.owner.begin_deliveries().await?;
    let deadline = Instant::now() + awaiting.timeout;
    loop {
        head.mark_unchanged();
        let story = asked.off_thread(read).await?;
        if is_there(&story, awaiting.wait) || Instant::now() >= deadline {
            return Ok(story);
        }
        if let Some(failure) = asked.owner.deliveries_failed() {
            return Err(failure);
        }
        tokio::select! {
            _ = head.changed() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = tokio::time::sleep(PULSE) => {}
        }
    }
}

/// Whether the wanted point is reached, or can no longer be.
fn is_there(story: &Story, wait: Wait) -> bool {
    let life = &story.life;
    let over = matches!(
        life.state,
        State::Expired | State::Cancelled | State::Dead | State::Unknown
    );
    match wait {
        Wait::Accepted => true,
        Wait::Submitted | Wait::Observed | Wait::Settled if life.state.is_settled() => true,
        Wait::Submitted => life.proof >= Proof::Submitted,
        Wait::Observed | Wait::Settled => false,
        Wait::Acknowledged => over || life.proof >= Proof::Acknowledged,
        Wait::Answered => over || life.proof >= Proof::Answered,
    }
}

/// The exit code of a sending (CONTRACT: `send`).
fn exit_of(story: &Story, via: Via, wait: Wait) -> Exit {
    let life = &story.life;
    if wait == Wait::Accepted {
        return Exit::Done;
    }
    if !is_there(story, wait) {
        return Exit::TimedOut;
    }
    match life.state {
        State::Inboxed if via == Via::Inbox => Exit::Done,
        State::Inboxed => Exit::Inboxed,
        State::Dead if via == Via::Gui && never_had_a_way(life.failure.as_ref()) => Exit::Refused,
        State::Dead | State::Expired | State::Cancelled => Exit::Failed,
        State::Unknown => Exit::Unknown,
        State::Observed
        | State::Submitted
        | State::Acknowledged
        | State::Answered
        // What was waited for came before it settled.
        | State::Accepted
        | State::Attempting
        | State::Pasted => Exit::Done,
    }
}

/// `--via gui` where no display is: the sender asked for what cannot be.
fn never_had_a_way(failure: Option<&crate::events::lifecycle::Failure>) -> bool {
    failure.is_some_and(|it| matches!(it.class, FailureClass::DisplayGone | FailureClass::Invalid))
}

fn default_ttl(asked: &Asked) -> Option<u64> {
    let ttl = asked.owner.config().settings().delivery.default_ttl.0?;
    u64::try_from(ttl.as_micros()).ok()
}

/// `send --dry-run`: everything is checked, nothing written.
async fn weigh(asked: Asked, send: SendMessage) -> Result<Exit, Failure> {
    let item = asked
        .off_thread(move |asked| {
            let (message, to) = (send.message, send.to.clone());
            let now = asked.owner.now();
            let decision = asked.owner.desk.weigh(&send.into(), &asked.cause, now)?;
            let repeated = matches!(decision, Some(Decision::Already(_)));
            let would = if repeated {
                "change nothing: it was sent before"
            } else {
                "be accepted"
            };
            Ok(json!({
                "message": message, "to": to, "dry_run": true, "repeated": repeated,
                "would": would,
            }))
        })
        .await?;
    asked.items.say(item).await?;
    Ok(Exit::Done)
}

/// `broadcast --dry-run`: the order, and why.
async fn say_order(asked: &Asked, shares: Vec<Shared>) -> Result<Exit, Failure> {
    for (place, share) in shares.into_iter().enumerate() {
        let refused = share.outcome.as_ref().err().map(ToString::to_string);
        asked
            .items
            .say(json!({
                "place": place.saturating_add(1), "to": share.to, "message": share.message,
                "dry_run": true, "order": share.why, "refused": refused,
            }))
            .await?;
    }
    Ok(Exit::Done)
}

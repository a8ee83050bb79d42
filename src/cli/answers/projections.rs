//! `projections …`, `replay` and `verify`.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::cli::values::AsOf;
use crate::events::ids::Position;
use crate::events::kind::Fact;
use crate::projections::rebuilding::{Progress, Rebuilt};
use crate::projections::states::{AsOfError, Moment, States};
use crate::projections::story::Story;
use crate::projections::view::{View, Views};

/// How many events lie between two reports of progress.
const REPORT: u64 = 64 * 1024;

/// What there is, and how far each has come.
pub async fn list(asked: Asked) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(|asked| {
            let ledger = asked.owner.desk.ledger();
            asked.owner.projections.catch_up_serving(ledger)?;
            Ok(asked.owner.projections.list(ledger.head()))
        })
        .await?;
    for row in rows {
        asked.items.say(json!(row)).await?;
    }
    Ok(Exit::Done)
}

/// Folds one or all anew, beside those that serve.
pub async fn rebuild(asked: Asked, name: Option<String>) -> Result<Exit, Failure> {
    let views = name.as_deref().map_or(Ok(Views::ALL), |name| {
        Ok::<_, Failure>(Views::NONE.with(known(name)?))
    })?;
    let rebuilt = asked
        .off_thread(move |asked| {
            let ledger = asked.owner.desk.ledger();
            let projections = &asked.owner.projections;
            let mut told = Position::START;
            let rebuilt =
                projections.rebuild(ledger, views, &mut |it| report(asked, it, &mut told))?;
            if rebuilt != Rebuilt::BrokenOff {
                projections.save(ledger)?;
            }
            Ok(rebuilt)
        })
        .await?;
    match rebuilt {
        Rebuilt::Swapped => list(asked).await,
        Rebuilt::BrokenOff => {
            let text = "the rebuilding was broken off; the old projections serve on";
            Err(Failure::new(Exit::Interrupted, "broken_off", text))
        }
        Rebuilt::Stopped(stops) => {
            list(asked).await?;
            let names: Vec<&str> = stops.iter().map(|stop| stop.view.name()).collect();
            let text = format!(
                "{} cannot be folded past an event; the old state serves on",
                names.join(", ")
            );
            Err(Failure::new(Exit::Corrupt, "projection_stopped", text)
                .hint("`switchboard verify` names what is damaged"))
        }
    }
}

/// Says how far it has come; breaks it off when nobody listens any more or this process goes away.
fn report(asked: &Asked, progress: Progress, told: &mut Position) -> ControlFlow<()> {
    let Progress { done, total } = progress;
    let going = *asked.owner.leaving().borrow();
    if going || asked.items.0.is_closed() {
        return ControlFlow::Break(());
    }
    if done.0.saturating_sub(told.0) < REPORT && done < total {
        return ControlFlow::Continue(());
    }
    *told = done;
    let item = json!({"record": "progress", "done": done, "total": total});
    match asked.items.0.blocking_send(item) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_nobody_listens) => ControlFlow::Break(()),
    }
}

/// Compares what is kept with a fold from the first event.
pub async fn check(asked: Asked, name: Option<String>) -> Result<Exit, Failure> {
    name.as_deref().map(known).transpose()?;
    let checked = asked
        .off_thread(|asked| Ok(asked.owner.projections.check(asked.owner.desk.ledger())?))
        .await?;
    let ok = checked.ok;
    asked.items.say(json!(checked)).await?;
    Ok(if ok { Exit::Done } else { Exit::Corrupt })
}

fn known(name: &str) -> Result<View, Failure> {
    View::named(name).ok_or_else(|| {
        let names = View::ALL.map(View::name);
        let text = format!("there is no projection `{name}`");
        Failure::new(Exit::NotFound, "unknown_projection", text)
            .hint(format!("there are {}", names.join(", ")))
    })
}

/// The state as it was, from the events alone.
pub async fn replay(
    asked: Asked,
    as_of: Option<AsOf>,
    projection: Option<String>,
) -> Result<Exit, Failure> {
    let view = projection.as_deref().map(known).transpose()?;
    let item = asked
        .off_thread(move |asked| {
            let ledger = asked.owner.desk.ledger();
            let moment = match as_of {
                Some(AsOf::Position(position)) => Moment::Position(position),
                Some(AsOf::Instant(at)) => Moment::Instant(at),
                None => Moment::Position(ledger.head().position),
            };
            let states = asked.owner.projections.as_of(ledger, moment);
            let states = states.map_err(|error| match error {
                AsOfError::Read(error) => Failure::from(error),
                stopped @ AsOfError::Stopped(_) => {
                    Failure::new(Exit::Corrupt, "projection_stopped", stopped.to_string())
                        .hint("`switchboard verify` names what is damaged")
                }
                beyond @ AsOfError::Beyond { .. } => {
                    Failure::new(Exit::OutOfRange, "beyond_head", beyond.to_string())
                        .hint("leave --as-of out for the present state")
                }
            })?;
            let state = match view {
                Some(view) => json!({ view.name(): shown(asked, &states, view)? }),
                None => states.to_json(),
            };
            Ok::<Value, Failure>(json!({
                "position": states.position,
                "at": states.at,
                "state": state,
                "hash": states.hash().to_hex().to_string(),
                "schema": crate::projections::canonical::SCHEMA,
                "projections": View::ALL
                    .map(|view| format!("{}@{}", view.name(), view.version())),
            }))
        })
        .await?;
    asked.items.say(item).await?;
    Ok(Exit::Done)
}

/// One projection's state. The timeline's is every message as it stood then, newest first.
fn shown(asked: &Asked, states: &States, view: View) -> Result<Value, Failure> {
    let ledger = asked.owner.desk.ledger();
    if matches!(view, View::Timing | View::Conduct | View::Alerts) {
        // It is in no snapshot: folded from the first event.
        let mut then = States::only(Views::NONE.with(view));
        then.advance_to(ledger, states.position)?;
        return Ok(then.projection(view));
    }
    if view != View::Timeline {
        return Ok(states.projection(view));
    }
    let mut stories = Vec::new();
    for place in states.timeline.newest_first(Position(u64::MAX), None, None) {
        for event in ledger.read(place, 1)? {
            if let Fact::MessageAccepted(accepted) = event.fact {
                let story = Story::up_to(ledger, accepted.message, states.position)?;
                stories.extend(story.map(|story| story.to_json(accepted.message)));
            }
        }
    }
    Ok(Value::Array(stories))
}

/// Journal against sled, chain, gaps, indexes, and projections against a fold from zero.
pub async fn verify(asked: Asked) -> Result<Exit, Failure> {
    let (mut verified, checked) = asked
        .off_thread(|asked| {
            let ledger = asked.owner.desk.ledger();
            Ok((ledger.verify()?, asked.owner.projections.check(ledger)?))
        })
        .await?;
    if !checked.ok {
        let name = checked.projection.as_deref().unwrap_or("?");
        let detail = checked.detail.as_deref().unwrap_or_default();
        verified.ok = false;
        verified.damage.push(format!(
            "projection {name}: {detail} (`switchboard projections rebuild {name}` mends it)"
        ));
    }
    let ok = verified.ok;
    asked.items.say(json!(verified)).await?;
    Ok(if ok { Exit::Done } else { Exit::Corrupt })
}

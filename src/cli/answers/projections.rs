//! `projections …`, `replay` and `verify`.

use serde_json::{Value, json};

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::cli::values::AsOf;
use crate::projections::host::PROJECTIONS;
use crate::projections::states::{AsOfError, Moment, States};

/// What there is, and how far each has come.
pub async fn list(asked: Asked) -> Result<Exit, Failure> {
    let rows = asked
        .off_thread(|asked| {
            asked.owner.catch_up()?;
            Ok(asked
                .owner
                .projections
                .list(asked.owner.desk.ledger().head()))
        })
        .await?;
    for row in rows {
        asked.items.say(json!(row)).await?;
    }
    Ok(Exit::Done)
}

/// Folds one or all anew.
pub async fn rebuild(asked: Asked, name: Option<String>) -> Result<Exit, Failure> {
    known(name.as_deref())?;
    asked
        .off_thread(move |asked| {
            let ledger = asked.owner.desk.ledger();
            asked.owner.projections.rebuild(ledger, name.as_deref())?;
            Ok(asked.owner.projections.save(ledger)?)
        })
        .await?;
    list(asked).await
}

/// Compares what is kept with a fold from the first event.
pub async fn check(asked: Asked, name: Option<String>) -> Result<Exit, Failure> {
    known(name.as_deref())?;
    let checked = asked
        .off_thread(|asked| Ok(asked.owner.projections.check(asked.owner.desk.ledger())?))
        .await?;
    let ok = checked.ok;
    asked.items.say(json!(checked)).await?;
    Ok(if ok { Exit::Done } else { Exit::Corrupt })
}

fn known(name: Option<&str>) -> Result<(), Failure> {
    let names: Vec<&str> = PROJECTIONS.iter().map(|(name, _)| *name).collect();
    match name {
        Some(name) if !names.contains(&name) => {
            let text = format!("there is no projection `{name}`");
            Err(Failure::new(Exit::NotFound, "unknown_projection", text)
                .hint(format!("there are {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}

/// The state as it was, from the events alone.
pub async fn replay(
    asked: Asked,
    as_of: Option<AsOf>,
    projection: Option<String>,
) -> Result<Exit, Failure> {
    known(projection.as_deref())?;
    let item = asked
        .off_thread(move |asked| {
            let ledger = asked.owner.desk.ledger();
            let moment = match as_of {
                Some(AsOf::Position(position)) => Moment::Position(position),
                Some(AsOf::Instant(at)) => Moment::Instant(at),
                None => Moment::Position(ledger.head().position),
            };
            let states = States::as_of(ledger, moment).map_err(|error| match error {
                AsOfError::Read(error) => Failure::from(error),
                beyond @ AsOfError::Beyond { .. } => {
                    Failure::new(Exit::OutOfRange, "beyond_head", beyond.to_string())
                        .hint("leave --as-of out for the present state")
                }
            })?;
            let state = match &projection {
                Some(name) => json!({ name.as_str(): states.projection(name) }),
                None => states.to_json(),
            };
            Ok::<Value, Failure>(json!({
                "position": states.position,
                "at": states.at,
                "state": state,
                "hash": states.hash().to_hex().to_string(),
                "schema": crate::projections::canonical::SCHEMA,
                "projections": PROJECTIONS
                    .iter()
                    .map(|(name, version)| format!("{name}@{version}"))
                    .collect::<Vec<_>>(),
            }))
        })
        .await?;
    asked.items.say(item).await?;
    Ok(Exit::Done)
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

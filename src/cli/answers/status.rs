//! `status`, and the runtime layer of the configuration.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story::set;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::open::runtime_settings;
use crate::events::ids::{AgentId, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::Ledger;
use crate::events::lifecycle::State;
use crate::projections::conduct::Conduct;

/// A ledger up to here is folded from zero in a tenth of a second.
const SOON: Position = Position(100_000);

/// The desk at a glance.
pub async fn answer(asked: Asked) -> Result<Exit, Failure> {
    let item = asked
        .off_thread(|asked| {
            let owner = &asked.owner;
            let ledger = owner.desk.ledger();
            // What is folded in a moment is waited for; a long fold is shown as one that is under way.
            if ledger.head().position <= SOON {
                owner.projections.catch_up(ledger)?;
            } else {
                owner.projections.catch_up_serving(ledger)?;
            }
            let head = ledger.head();
            let rows = owner.projections.list(head);
            let last_backup = newest(ledger, &StreamId::backups())?;
            let last_drill = newest(ledger, &StreamId::drills())?;
            let backups = owner.backup_standings()?;
            let paused = all_paused(ledger)?;
            Ok(owner.projections.read(|states| {
                let seats: Vec<Value> = states
                    .outbox
                    .seats()
                    .into_iter()
                    .map(|seat| json!({"seat": seat, "paused": states.outbox.is_paused(&seat)}))
                    .collect();
                json!({
                    "head": head.position,
                    "recorded_at": head.recorded_at,
                    "agents": states.agents.iter().count(),
                    "queued": states.outbox.queued(),
                    "unknown": states.outbox.count(State::Unknown),
                    "dead": states.outbox.count(State::Dead),
                    "daemon": owner.daemon,
                    "pid": std::process::id(),
                    "delivering": owner.serves(),
                    "desktop": owner.desktop,
                    // Right after a restore the outbox is still being folded; the ledger knows.
                    "paused": paused.unwrap_or_else(|| states.outbox.all_paused()),
                    "quarantine": quarantine(&states.conduct),
                    "seats": seats,
                    "projections": rows,
                    "traffic": states.traffic.to_json(),
                    "last_backup": last_backup,
                    "last_drill": last_drill,
                    "backups": backups,
                })
            }))
        })
        .await?;
    asked.items.say(item).await?;
    Ok(Exit::Done)
}

/// Who is held because too much was said: agents, and pairs of them.
fn quarantine(conduct: &Conduct) -> Value {
    let agents: Vec<&AgentId> = conduct.agents().keys().collect();
    let pairs: Vec<Value> = conduct.pairs().map(|(a, b, _)| json!([a, b])).collect();
    json!({"agents": agents, "pairs": pairs})
}

/// Whether all hands are stopped, as the ledger says; none when nobody ever said anything.
fn all_paused(ledger: &Ledger) -> Result<Option<bool>, Failure> {
    let Some((_, position)) = ledger.stream_head(&StreamId::all_seats())? else {
        return Ok(None);
    };
    let events = ledger.read(position, 1)?;
    let newest = events.first().map(|event| &event.fact);
    Ok(newest.map(|fact| matches!(fact, Fact::SeatPaused(_))))
}

/// A stream's last event, with what it says and when it was recorded; null when there is none.
fn newest(ledger: &Ledger, stream: &StreamId) -> Result<Value, Failure> {
    let Some((_, position)) = ledger.stream_head(stream)? else {
        return Ok(Value::Null);
    };
    let events = ledger.read(position, 1)?;
    Ok(events.first().map_or(Value::Null, |event| {
        let mut item = event.fact.to_json();
        set(&mut item, "event", json!(event.fact.name()));
        set(&mut item, "recorded_at", json!(event.recorded_at));
        set(&mut item, "position", json!(event.position));
        item
    }))
}

/// Every setting that was set at run time.
pub async fn config_runtime(asked: Asked) -> Result<Exit, Failure> {
    let settings = asked
        .off_thread(|asked| runtime_settings(asked.owner.desk.ledger()))
        .await?;
    for (key, value) in settings {
        asked.items.say(json!({"key": key, "value": value})).await?;
    }
    Ok(Exit::Done)
}

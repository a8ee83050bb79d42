//! Backups and drills, as the ledger tells them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::answer::{Answer, cut};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::envelope::Event;
use crate::events::facts::backup::BackupTaken;
use crate::events::ids::{Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::Ledger;
use crate::events::time::Timestamp;

/// Every backup that was taken, newest first. What is still in the repository, `switchboard backup
/// list` knows.
pub fn list(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let (after, limit) = (asked.after()?, asked.limit()?);
    let ledger = &house.reads.ledger;
    let position = match asked.as_of()? {
        Some(moment) => moment.resolve(ledger)?,
        None => ledger.head().position,
    };
    let taken = ledger.read_stream(&StreamId::backups())?;
    let taken = taken.iter().filter(|event| event.position <= position);
    let newest_first = taken.rev().filter_map(|event| {
        let Fact::BackupTaken(taken) = &event.fact else {
            return None;
        };
        let key = u64::MAX.saturating_sub(event.position.0);
        Some((format!("{key:020}"), (event, taken)))
    });
    let (rows, last) = cut(newest_first, after.as_deref(), limit);
    let mut items = Vec::new();
    for (event, taken) in rows {
        items.push(backup(ledger, event, taken)?);
    }
    Ok(Answer::page(position, asked, &items, last.as_deref()))
}

fn backup(ledger: &Ledger, event: &Event, taken: &BackupTaken) -> Result<Value, Problem> {
    Ok(json!({
        "id": taken.backup,
        "kind": taken.kind,
        "repository": taken.repository,
        "first_position": taken.first,
        "last_position": taken.last,
        "first_at": recorded(ledger, Position(taken.first))?,
        "last_at": recorded(ledger, Position(taken.last))?,
        "bytes_stored": taken.stored,
        "seconds": Duration::from_micros(taken.micros).as_secs_f64(),
        "taken_at": event.recorded_at,
        "position": event.position,
    }))
}

fn recorded(ledger: &Ledger, position: Position) -> Result<Option<Timestamp>, Problem> {
    let events = ledger.read(position, 1)?;
    let event = events.first().filter(|event| event.position == position);
    Ok(event.map(|event| event.recorded_at))
}

/// What is known of the last backup and the last drill.
#[derive(Clone, Debug, Default)]
pub struct Safety {
    /// When the last backup was taken, and the last instant that can be restored from it.
    pub backup: Option<(Timestamp, Option<Timestamp>)>,
    /// The last position that can be restored.
    pub restorable: Option<Position>,
    /// When the last drill was, and whether its plan was kept.
    pub drill: Option<(Timestamp, bool)>,
}

/// The last backup and the last drill as they were known at a position.
pub fn last_at(ledger: &Ledger, to: Position) -> Result<Safety, Problem> {
    let newest = |stream: &StreamId| -> Result<Option<Event>, Problem> {
        let events = ledger.read_stream(stream)?;
        Ok(events.into_iter().rev().find(|it| it.position <= to))
    };
    safety(ledger, newest)
}

/// The last backup and the last drill.
pub fn last(ledger: &Ledger) -> Result<Safety, Problem> {
    let newest = |stream: &StreamId| -> Result<Option<Event>, Problem> {
        let Some((_, position)) = ledger.stream_head(stream)? else {
            return Ok(None);
        };
        Ok(ledger.read(position, 1)?.into_iter().next())
    };
    safety(ledger, newest)
}

fn safety(
    ledger: &Ledger,
    newest: impl Fn(&StreamId) -> Result<Option<Event>, Problem>,
) -> Result<Safety, Problem> {
    let (mut backup, mut restorable) = (None, None);
    if let Some(event) = newest(&StreamId::backups())?
        && let Fact::BackupTaken(taken) = &event.fact
    {
        let last = recorded(ledger, Position(taken.last))?;
        backup = Some((event.recorded_at, last));
        restorable = Some(Position(taken.last));
    }
    let drill = newest(&StreamId::drills())?.map(|event| {
        (
            event.recorded_at,
            matches!(event.fact, Fact::DrillPassed(_)),
        )
    });
    Ok(Safety {
        backup,
        restorable,
        drill,
    })
}

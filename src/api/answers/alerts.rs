//! What is wrong, and what was.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::answer::{Answer, cut};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::ledger::handle::Ledger;
use crate::projections::alerts::Alerts;
use crate::projections::fold::{Fold as _, Seen};
use crate::projections::view::View;

/// Every alert that is not over, the worst first; on request also the last ones that are.
pub fn list(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let (after, limit) = (asked.after()?, asked.limit()?);
    let resolved = asked.switch("resolved")?;
    let ledger = &house.reads.ledger;
    let (position, items) = match asked.as_of()? {
        None => {
            house.holds(View::Alerts)?;
            house
                .reads
                .projections
                .read(|states| (states.position, states.alerts.shown(resolved)))
        }
        Some(moment) => {
            let to = moment.resolve(ledger)?;
            (to, as_of(ledger, to)?.shown(resolved))
        }
    };
    // Alerts are few, and their order changes with every event: a page begins where the last one ended.
    let rows = items.into_iter().enumerate();
    let rows = rows.map(|(number, item): (usize, Value)| (format!("{number:08}"), item));
    let (rows, last) = cut(rows, after.as_deref(), limit);
    Ok(Answer::page(position, asked, &rows, last.as_deref()))
}

/// Alerts as they stood right after a position, folded from their own streams.
fn as_of(ledger: &Ledger, to: Position) -> Result<Alerts, Problem> {
    let mut events: BTreeMap<Position, Event> = BTreeMap::new();
    for stream in ledger.streams("alert")? {
        for event in ledger.read_stream(&stream)? {
            if event.position <= to {
                events.insert(event.position, event);
            }
        }
    }
    let mut alerts = Alerts::default();
    for event in events.values() {
        alerts.apply(&Seen {
            position: event.position,
            recorded_at: event.recorded_at,
            fact: &event.fact,
        });
    }
    Ok(alerts)
}

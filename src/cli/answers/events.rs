//! `events`: the ledger as it is, and as it grows.

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Events;
use crate::cli::owner::serve::turned;
use crate::events::envelope::Event;
use crate::events::ids::Position;

/// How many events are read at a time.
const BATCH: usize = 512;

/// Every event in the range that fits, in order; with `follow` it goes on until nobody listens.
pub async fn list(asked: Asked, wanted: Events) -> Result<Exit, Failure> {
    let mut from = wanted.from.unwrap_or(Position(1)).max(Position(1));
    let to = wanted.to.unwrap_or(Position(u64::MAX));
    let mut head = asked.owner.head.clone();
    let mut leaving = asked.owner.leaving();
    while from <= to {
        head.mark_unchanged();
        let events = asked
            .off_thread(move |asked| Ok(asked.owner.desk.ledger().read(from, BATCH)?))
            .await?;
        let Some(last) = events.last().map(|event| event.position) else {
            if !wanted.follow {
                break;
            }
            tokio::select! {
                _ = head.changed() => continue,
                () = turned(&mut leaving) => break,
                () = asked.items.0.closed() => break,
            }
        };
        for event in events.iter().filter(|event| event.position <= to) {
            if fits(&wanted, event) {
                asked.items.say(event.to_json()).await?;
            }
        }
        from = last.next();
    }
    Ok(Exit::Done)
}

fn fits(wanted: &Events, event: &Event) -> bool {
    let name = event.fact.name();
    let kind = wanted.kind.as_deref().is_none_or(|kind| {
        kind.strip_suffix(".*").map_or(name == kind, |group| {
            name.strip_prefix(group)
                .is_some_and(|rest| rest.starts_with('.'))
        })
    });
    kind && wanted
        .stream
        .as_ref()
        .is_none_or(|stream| *stream == event.stream)
}

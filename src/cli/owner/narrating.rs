//! What happens to messages, as log lines: one for each event, with everything that ties it to others. No words of
//! messages are in it.

use tokio::task::JoinError;

use super::open::Owner;
use super::serve::turned;
use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::ledger::handle::ReadError;
use crate::projections::outbox::message_of;

/// What these lines are filed under.
pub const TARGET: &str = "switchboard::event";

/// So many events are read at once.
const BATCH: usize = 1_000;

/// Who is further behind leaves out what lies between: the ledger has it, and writing must not wait for a log.
const BEHIND_MAX: u64 = 10_000;

/// Writes lines until the owner goes away.
async fn narrate(owner: Owner) {
    let mut leaving = owner.leaving();
    let mut head = owner.head.clone();
    let mut next = head.borrow_and_update().next();
    loop {
        tokio::select! {
            () = turned(&mut leaving) => return,
            moved = head.changed() => if moved.is_err() { return },
        }
        let to = *head.borrow_and_update();
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            next = to.next();
            continue;
        }
        let behind = to.next().0.saturating_sub(next.0);
        if behind > BEHIND_MAX {
            tracing::warn!(
                from = next.0,
                events = behind,
                "too many events at once for the log"
            );
            next = to.next();
            continue;
        }
        while next <= to {
            let own = owner.clone();
            let from = next;
            let read = tokio::task::spawn_blocking(move || own.narrate_from(from)).await;
            match read {
                Ok(Ok(then)) if then > next => next = then,
                Ok(Ok(_)) => break,
                Ok(Err(error)) => {
                    tracing::error!(%error, "events cannot be read for the log");
                    next = to.next();
                }
                Err(error) => return broke(&error),
            }
        }
    }
}

fn broke(error: &JoinError) {
    tracing::error!(%error, "events are not logged any more");
}

impl Owner {
    /// Begins to log what happens.
    pub fn begin_narrating(&self) {
        self.narrating.begin(narrate(self.clone()));
    }

    /// Waits until nothing is logged any more.
    pub(super) async fn end_narrating(&self) {
        self.narrating.end().await;
    }

    /// Logs a batch of events; where the next one begins.
    fn narrate_from(&self, from: Position) -> Result<Position, ReadError> {
        let events = self.desk.ledger().read(from, BATCH)?;
        for event in &events {
            tell(event);
        }
        Ok(events.last().map_or(from, |event| event.position.next()))
    }
}

/// Beginnings and steps on the way are details.
const DETAILS: [&str; 3] = ["attempt.started", "attempt.pasted", "attempt.submitting"];

fn tell(event: &Event) {
    let Some(message_id) = message_of(&event.fact) else {
        return;
    };
    let kind = event.fact.name();
    let (position, actor) = (event.position.0, &event.cause.actor);
    let (correlation, request) = (event.cause.correlation, event.cause.command);
    if DETAILS.contains(&kind.as_str()) {
        tracing::debug!(target: TARGET, kind, position, %message_id, %correlation, %request, %actor, "happened");
    } else {
        tracing::info!(target: TARGET, kind, position, %message_id, %correlation, %request, %actor, "happened");
    }
}

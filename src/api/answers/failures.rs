//! The newest failed attempts, kept as they come: what was looked at once is not looked at again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::kind::name_of;
use crate::events::ledger::handle::{Ledger, ReadError};

/// How many are kept.
const KEPT: usize = 300;

/// How many events are looked through at first.
const LOOKS: u64 = 50_000;

/// Failed attempts that were read.
#[derive(Debug, Default)]
pub struct Failures {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    read_to: Position,
    events: VecDeque<Event>,
}

impl Failures {
    /// Those up to the head, newest first: at most `limit` of the newest 300.
    pub fn newest(
        &self,
        ledger: &Ledger,
        head: Position,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.read_on(ledger, head)?;
        let newest_first = kept.events.iter().rev();
        let seen = newest_first.filter(|event| event.position <= head);
        Ok(seen.take(limit).cloned().collect())
    }
}

impl Kept {
    fn read_on(&mut self, ledger: &Ledger, head: Position) -> Result<(), ReadError> {
        if head <= self.read_to {
            return Ok(());
        }
        let lowest = Position(head.0.saturating_sub(LOOKS));
        let from = self.read_to.max(lowest).next();
        let mut found = Vec::new();
        ledger.scan(from, head, |stored| {
            if name_of(stored.kind()) == Some("attempt.failed") {
                match stored.event() {
                    Ok(event) => found.push(event),
                    // Told by the projections that stop there; here it is one failure fewer.
                    Err(error) => tracing::debug!(%error, "a failure that is not listed"),
                }
            }
            ControlFlow::Continue(())
        })?;
        self.events.extend(found);
        let surplus = self.events.len().saturating_sub(KEPT);
        self.events.drain(..surplus);
        self.read_to = head;
        Ok(())
    }
}

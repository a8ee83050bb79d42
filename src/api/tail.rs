//! New events, read once for all who follow.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{broadcast, watch};

use super::happened::{BATCH, Filter, find};
use super::house::House;
use crate::events::envelope::Event;
use crate::events::ids::Position;

/// How many events a client may be behind before it has to read the ledger itself.
const BEHIND: usize = 1_024;

/// An event on its way to everybody.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its position.
    pub position: Position,
    /// Its stream.
    pub stream: String,
    /// Its kind's name.
    pub kind: String,
    /// As server-sent event.
    pub frame: Bytes,
}

impl Told {
    /// The event, ready to be sent.
    pub fn of(event: &Event) -> Self {
        let position = event.position;
        Self {
            position,
            stream: event.stream.to_string(),
            kind: event.fact.name(),
            frame: format!("id: {position}\ndata: {}\n\n", event.to_json()).into(),
        }
    }

    /// Whether it is wanted.
    pub fn fits(&self, filter: &Filter) -> bool {
        filter.fits(&self.stream, &self.kind)
    }
}

/// Where new events are told.
#[derive(Clone, Debug)]
pub struct Tail {
    sender: broadcast::Sender<Arc<Told>>,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(BEHIND),
        }
    }
}

impl Tail {
    /// Hears everything that is told from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Told>> {
        self.sender.subscribe()
    }
}

/// Tells new events until no more is served. What nobody listens to is not read; whoever misses
/// something reads the ledger, so that nothing depends on what is told here.
pub async fn tell(house: Arc<House>) {
    let mut head = house.reads.head.clone();
    let mut leaving = house.leaving.clone();
    let mut next = house.head().next();
    loop {
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = turned(&mut leaving) => return,
        }
        let newest = *head.borrow_and_update();
        if house.tail.sender.receiver_count() == 0 {
            next = newest.next();
        }
        while next <= newest {
            let own = Arc::clone(&house);
            let mut to = Position(next.0.saturating_add(BATCH - 1)).min(newest);
            let read = tokio::task::spawn_blocking(move || {
                find(&own, &Filter::default(), (next, to), usize::MAX)
            });
            match read.await {
                Ok(Ok(found)) => {
                    to = found.last.unwrap_or(to);
                    for event in &found.events {
                        // Nobody listens any more: fine.
                        house
                            .tail
                            .sender
                            .send(Arc::new(Told::of(event)))
                            .unwrap_or_default();
                    }
                }
                Ok(Err(problem)) => tracing::warn!(detail = problem.detail, "events unread"),
                Err(error) => tracing::error!(%error, "reading events broke off"),
            }
            next = to.next();
        }
    }
}

/// Resolves once the switch is on, or nobody can turn it any more.
pub async fn turned(switch: &mut watch::Receiver<bool>) {
    // An error means that whoever could turn it is gone: the same.
    switch
        .wait_for(|on| *on)
        .await
        .map(|_| ())
        .unwrap_or_default();
}

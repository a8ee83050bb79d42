//! The desk's hands: takes what is due, carries it by one lane per seat and one for the inbox, and
//! writes down every step. Decides nothing itself: what is due is suggested by the outbox, what may
//! happen is decided by commands, how it is done by the courier, what follows a failure by the
//! route.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

use super::carriage::cut_off;
use super::gauging::Calls;
use super::lane::{Lane, Track};
use super::letter::Letter;
use super::office::Office;
use super::settings::DispatchSettings;
use super::wire::{FromWorker, ToWorker};
use crate::commands::command::Command;
use crate::commands::desk::{Desk, Outcome, Refused};
use crate::commands::expire::Expire;
use crate::events::envelope::{Cause, Event};
use crate::events::ids::{AgentId, CommandId, CorrelationId, Ids, MessageId, Position, SeatId};
use crate::events::ledger::handle::ReadError;
use crate::events::time::{Clock, Timestamp};
use crate::projections::host::Projections;
use crate::projections::states::States;
use crate::projections::story::Story;

/// How long a lane sleeps at most without a reason to look; a safety net, not a schedule.
pub const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A seat's worker process, as the owner sees it.
#[derive(Debug)]
pub struct Hands {
    /// What the owner says. Closing it ends the worker.
    pub say: mpsc::Sender<ToWorker>,
    /// What the worker says. Closed when the worker is gone, however it went.
    pub hear: mpsc::Receiver<FromWorker>,
}

/// Gets a worker for a seat. Called on the runtime.
pub trait Hire: Send + Sync + fmt::Debug {
    /// Starts it. The worker's first word is [`FromWorker::Ready`] or [`FromWorker::Unable`]. A
    /// worker whose [`Hands`] are dropped is stopped at once.
    fn hire(&self, seat: &SeatId) -> std::io::Result<Hands>;
}

/// Writes messages into agents' inbox folders.
pub trait Letters: Send + Sync + fmt::Debug {
    /// Returns the file's path below the store folder once it is durable. Writing the same message
    /// again gives the same file.
    fn put(&self, letter: &Letter) -> std::io::Result<String>;
}

/// Everything a lane needs from outside.
#[derive(Clone, Debug)]
pub struct World {
    /// Where commands are executed.
    pub desk: Desk,
    /// What is true now.
    pub projections: Projections,
    /// The ledger's head, as it moves.
    pub head: watch::Receiver<Position>,
    /// Becomes true when no new attempt may start.
    pub leaving: watch::Receiver<bool>,
    /// Counts the calls to stop all hands at once.
    pub panic: watch::Receiver<u64>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids, and dice.
    pub ids: Arc<dyn Ids>,
    /// Where workers come from.
    pub hire: Arc<dyn Hire>,
    /// Where inbox files go.
    pub inbox: Arc<dyn Letters>,
    /// Patience, policy, keys, as they change. Each attempt takes them as it begins.
    pub settings: watch::Receiver<Arc<DispatchSettings>>,
    /// Windows that somebody wants to have measured.
    pub calls: Calls,
}

/// Why deliveries ended.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The ledger could not be read or written.
    #[error("the ledger does not take what deliveries do")]
    Ledger(#[from] Refused),
    /// A part of this program broke.
    #[error("a delivery task broke off")]
    Broke(#[from] JoinError),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self::Ledger(error.into())
    }
}

impl World {
    /// Runs a piece of work that waits for the disk off the async threads.
    pub async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Stopped> {
        let world = self.clone();
        Ok(tokio::task::spawn_blocking(move || work(&world)).await??)
    }
}

impl Office for World {
    fn execute(&self, command: impl Into<Command>) -> Result<Outcome, Refused> {
        let now = self.now();
        let id = self.ids.fresh(now);
        let cause = Cause {
            actor: AgentId::switchboard(),
            correlation: CorrelationId(id),
            causation: None,
            command: CommandId(id),
        };
        self.desk.execute(&command.into(), &cause, now)
    }

    fn catch_up(&self) -> Result<(), Refused> {
        self.projections.catch_up(self.desk.ledger())?;
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&States) -> T) -> T {
        self.projections.read(look)
    }

    fn event(&self, at: Position) -> Result<Option<Event>, ReadError> {
        Ok(self.desk.ledger().read(at, 1)?.into_iter().next())
    }

    fn story(&self, message: MessageId) -> Result<Option<Story>, ReadError> {
        Story::of(self.desk.ledger(), message)
    }

    fn post(&self, letter: &Letter) -> std::io::Result<String> {
        self.inbox.put(letter)
    }

    fn now(&self) -> Timestamp {
        self.clock.now().max(self.desk.ledger().head().recorded_at)
    }

    fn settings(&self) -> Arc<DispatchSettings> {
        Arc::clone(&self.settings.borrow())
    }

    fn dice(&self) -> u16 {
        let bits = self.ids.fresh(self.clock.now()).as_u128() % 1001;
        u16::try_from(bits).unwrap_or(0)
    }

    fn fresh(&self) -> Uuid {
        self.ids.fresh(self.now())
    }
}

/// Settles what a crash left under way, then runs the lanes until `world.leaving` turns true.
/// Returns when every attempt under way has ended, and then the first failure. A lane that fails ends
/// all: better silent hands than blind ones.
pub async fn run(world: World) -> Result<(), Stopped> {
    world.off_thread(settle_cut_off).await?;
    let (stop, stopped) = watch::channel(false);
    let mut lanes = JoinSet::new();
    let in_lanes = World {
        leaving: stopped,
        ..world.clone()
    };
    let mut outcome = attend(&world, &in_lanes, &mut lanes).await;
    stop.send_replace(true);
    // None is broken off: what it is about to write must not come after what settles it.
    while let Some(ended) = lanes.join_next().await {
        outcome = outcome.and_then(|()| ended?);
    }
    outcome
}

/// Expires what is over and opens a lane for every seat, until it is time to leave or a lane fails.
async fn attend(
    world: &World,
    in_lanes: &World,
    lanes: &mut JoinSet<Result<(), Stopped>>,
) -> Result<(), Stopped> {
    let mut seats = BTreeSet::new();
    lanes.spawn(Lane::new(in_lanes.clone(), Track::Inbox).run());
    let mut head = world.head.clone();
    let mut leaving = world.leaving.clone();
    let mut called = world.calls.told();
    while !*leaving.borrow() {
        called.mark_unchanged();
        let next_due = world.off_thread(expire).await?;
        let to_measure = world.calls.seats();
        let known = world.projections.read(|states| states.outbox.seats());
        for seat in known.into_iter().chain(to_measure) {
            if seats.insert(seat.clone()) {
                lanes.spawn(Lane::new(in_lanes.clone(), Track::Seat(seat)).run());
            }
        }
        let rest = next_due.map_or(LOOK_AGAIN, |at| at.since(world.now()).min(LOOK_AGAIN));
        tokio::select! {
            _ = head.changed() => {}
            _ = leaving.changed() => {}
            _ = called.changed() => {}
            () = tokio::time::sleep(rest) => {}
            Some(ended) = lanes.join_next() => ended??,
        }
    }
    Ok(())
}

/// No attempt is under way when deliveries begin: what the ledger calls so was cut off.
pub fn settle_cut_off(world: &impl Office) -> Result<(), Refused> {
    world.catch_up()?;
    let under_way: Vec<_> = world.read(|states| {
        states
            .outbox
            .under_way()
            .map(|(message, _)| message)
            .collect()
    });
    for message in under_way {
        cut_off(world, message)?;
    }
    Ok(())
}

/// Expires what is over. Returns when something falls due or expires next.
pub fn expire(world: &impl Office) -> Result<Option<Timestamp>, Refused> {
    world.catch_up()?;
    let now = world.now();
    let expired: Vec<_> = world.read(|states| states.outbox.expired(now).collect());
    for message in expired {
        match world.execute(Expire { message }) {
            // It settled or came under way meanwhile.
            Ok(_) | Err(Refused::Refusal(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(world.read(|states| states.outbox.next_due_at(now)))
}

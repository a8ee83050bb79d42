//! The desk's hands: takes what is due, carries it by one lane per seat and one for the inbox, and
//! writes down every step. Decides nothing itself: what is due is suggested by the outbox, what may
//! happen is decided by commands, how it is done by the courier, what follows a failure by the
//! route.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::lane::Lane;
use super::wire::{FromWorker, ToWorker};
use crate::commands::attempt;
use crate::commands::desk::{Desk, ExecuteError};
use crate::delivery::settings::DispatchSettings;
use crate::events::facts::message::MessageAccepted;
use crate::events::ids::{Ids, Position, SeatId};
use crate::events::time::{Clock, Timestamp};
use crate::projections::host::Projections;

/// How long a lane sleeps at most without a reason to look; a safety net, not a schedule.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A seat's worker process, as the owner sees it.
#[derive(Debug)]
pub struct Hands {
    /// What the owner says. Closing it ends the worker.
    pub say: mpsc::Sender<ToWorker>,
    /// What the worker says. Closed when the worker is gone, however it went.
    pub hear: mpsc::Receiver<FromWorker>,
    /// The worker's process, where it has one of its own.
    pub pid: Option<u32>,
}

/// Gets a worker for a seat. Must be called on the runtime.
pub trait Hire: Send + Sync + fmt::Debug {
    /// Starts it. The worker's first word is [`FromWorker::Ready`] or [`FromWorker::Unable`].
    fn hire(&self, seat: &SeatId) -> std::io::Result<Hands>;
}

/// Writes a message into an agent's inbox folder.
pub trait Inbox: Send + Sync + fmt::Debug {
    /// Returns the file's path below the store folder once it is durable. Writing the same message
    /// again gives the same file.
    fn put(&self, letter: &Letter) -> std::io::Result<String>;
}

/// What an inbox file holds.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The message as it was accepted.
    pub message: MessageAccepted,
    /// Its correlation.
    pub correlation: crate::events::ids::CorrelationId,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// Everything a lane needs from outside.
#[derive(Clone, Debug)]
pub struct World {
    /// Where commands are executed.
    pub desk: Desk,
    /// What is true now.
    pub projections: Arc<Projections>,
    /// The ledger's head, as it moves.
    pub head: watch::Receiver<Position>,
    /// Becomes true when no new attempt may start.
    pub leaving: watch::Receiver<bool>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids, and dice.
    pub ids: Arc<dyn Ids>,
    /// Where workers come from.
    pub hire: Arc<dyn Hire>,
    /// Where inbox files go.
    pub inbox: Arc<dyn Inbox>,
    /// Patience, policy, keys.
    pub settings: Arc<DispatchSettings>,
}

impl World {
    /// Runs a blocking piece of work (a commit waits for the disk) off the async threads.
    pub(super) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, ExecuteError> {
        let world = self.clone();
        tokio::task::spawn_blocking(move || work(&world))
            .await
            .map_err(|error| ExecuteError::Cut {
                reason: error.to_string(),
            })
    }

    /// Number from 0 to 999, for jitter.
    pub(super) fn dice(&self) -> u16 {
        let bits = self.ids.fresh(self.clock.now()).as_u128() % 1000;
        u16::try_from(bits).unwrap_or(0)
    }
}

/// Settles what a crash left under way, then runs lanes until `world.leaving` turns true; returns
/// when every attempt under way has ended.
pub async fn run(world: World) -> Result<(), ExecuteError> {
    settle_cut_off(&world).await?;
    let mut lanes: BTreeMap<SeatId, ()> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(Lane::inbox(world.clone()).run());
    let mut head = world.head.clone();
    let mut leaving = world.leaving.clone();
    while !*leaving.borrow() {
        let seats = world
            .off_thread(|world| {
                world.projections.catch_up(world.desk.ledger())?;
                expire(world)?;
                Ok::<_, ExecuteError>(world.projections.seats())
            })
            .await??;
        for seat in seats {
            if lanes.insert(seat.clone(), ()).is_none() {
                tasks.spawn(Lane::seat(world.clone(), seat).run());
            }
        }
        tokio::select! {
            _ = head.changed() => {}
            _ = leaving.changed() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            // A lane that stops with an error stops the desk: better silent hands than blind ones.
            Some(ended) = tasks.join_next() => {
                ended.map_err(|error| ExecuteError::Cut { reason: error.to_string() })??;
            }
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| ExecuteError::Cut {
            reason: error.to_string(),
        })??;
    }
    Ok(())
}

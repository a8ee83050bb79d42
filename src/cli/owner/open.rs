//! Becoming the owner: lock, ledger, projections, settings.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, mpsc, watch};
use tokio::task::JoinHandle;

use crate::adapters::checkpoints::CheckpointFiles;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::adapters::inbox::InboxFiles;
use crate::adapters::seat_process::SeatProcesses;
use crate::cli::carrying;
use crate::cli::output::Failure;
use crate::commands::desk::{Desk, ExecuteError};
use crate::config::{Config, Sources};
use crate::delivery::dispatch::{self, World};
use crate::events::envelope::Cause;
use crate::events::ids::{AgentId, CommandId, CorrelationId, Ids, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Edge, Ledger, OpenError, Opening};
use crate::events::time::{Clock, Timestamp};
use crate::projections::host::Projections;

/// What is needed to become the owner.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The store's folder.
    pub store: PathBuf,
    /// The layers of settings below and above the runtime layer, which is in the ledger.
    pub sources: Sources,
    /// How long to try when somebody else is in the way.
    pub patience: Duration,
    /// The desktop to deliver with, instead of the one in the settings.
    pub desktop: Option<String>,
}

/// Why this process did not become the owner.
#[derive(Debug)]
pub enum OpenFailed {
    /// The ledger did not open.
    Ledger(OpenError),
    /// Something else went wrong.
    Other(Failure),
}

/// The open ledger and everything that answers are made from. Cloning shares it.
#[derive(Clone)]
pub struct Owner {
    /// The store's folder.
    pub store: PathBuf,
    /// Where commands are executed.
    pub desk: Desk,
    /// What is true now.
    pub projections: Arc<Projections>,
    /// Every setting with its origin, as of the opening.
    pub config: Arc<Config>,
    /// What opening found and did.
    pub opening: Arc<Opening>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// The ledger's head, as it moves.
    pub head: watch::Receiver<Position>,
    /// The desktop deliveries use.
    pub desktop: String,
    pub(super) leaving: Arc<watch::Sender<bool>>,
    pub(super) hands: Arc<OnceCell<Carrying>>,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Deliveries going on in this process.
#[derive(Debug)]
pub(super) struct Carrying {
    /// Ends after the attempts under way, once the owner is leaving.
    pub(super) task: std::sync::Mutex<Option<JoinHandle<Result<(), ExecuteError>>>>,
    /// Stops all hands at once.
    pub(super) stop: mpsc::Sender<()>,
}

impl Owner {
    /// Locks and opens the ledger in the plan's store.
    pub async fn open(plan: &Plan) -> Result<Self, OpenFailed> {
        let own = plan.clone();
        tokio::task::spawn_blocking(move || Self::open_blocking(&own))
            .await
            .map_err(|error| OpenFailed::Other(Failure::internal(&error)))?
    }

    fn open_blocking(plan: &Plan) -> Result<Self, OpenFailed> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let edge = Edge { clock: Arc::clone(&clock), ids: Arc::clone(&ids) };
        let (ledger, opening) =
            Ledger::open(&plan.store, edge).map_err(OpenFailed::Ledger)?;
        let other = OpenFailed::Other;
        let runtime = runtime_settings(&ledger).map_err(other)?;
        let config = Config::load(&plan.sources, &runtime)
            .map_err(|error| OpenFailed::Other(Failure::from(error)))?;
        let files = CheckpointFiles::in_store(&plan.store);
        let projections = Projections::open(Box::new(files), &ledger)
            .map_err(|error| OpenFailed::Other(Failure::from(error)))?;
        let (moved, head) = watch::channel(ledger.head().position);
        ledger.on_commit(Box::new(move |position| {
            moved.send_replace(position);
        }));
        let desktop =
            plan.desktop.clone().unwrap_or_else(|| config.settings().delivery.desktop.clone());
        Ok(Self {
            store: plan.store.clone(),
            desk: Desk::new(ledger),
            projections: Arc::new(projections),
            config: Arc::new(config),
            opening: Arc::new(opening),
            clock,
            ids,
            head,
            desktop,
            leaving: Arc::new(watch::channel(false).0),
            hands: Arc::new(OnceCell::new()),
        })
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A cause for something this process itself wants.
    pub fn own_cause(&self) -> Cause {
        let id = self.ids.fresh(self.now());
        Cause {
            actor: AgentId::switchboard(),
            correlation: CorrelationId(id),
            causation: None,
            command: CommandId(id),
        }
    }
}

/// The runtime layer: every `config set`, the last one of a key counts.
pub fn runtime_settings(ledger: &Ledger) -> Result<Vec<(String, String)>, Failure> {
    let mut set = std::collections::BTreeMap::new();
    for event in ledger.read_stream(&StreamId::config()).map_err(Failure::from)? {
        if let Fact::ConfigSet(fact) = event.fact {
            match fact.value {
                Some(value) => set.insert(fact.key, value),
                None => set.remove(&fact.key),
            };
        }
    }
    Ok(set.into_iter().collect())
}

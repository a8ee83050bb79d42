//! Becoming the owner: lock, ledger, projections, settings.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, watch};

use super::alerting::Alarm;
use super::background::Background;
use super::backing_up::Watch;
use super::carrying::Carrying;
use super::exporting::Export;
use super::tuning::Tuning;
use crate::adapters::checkpoints::FolderCheckpoints;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::api::house::Memory;
use crate::cli::exit::{Exit, Failure};
use crate::commands::desk::Desk;
use crate::config::layers::{Config, Layers, Sources};
use crate::delivery::gauging::Calls;
use crate::events::ids::{Ids, Position, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Edge, Ledger, OpenError, Opening};
use crate::events::ledger::reserve::Reserve;
use crate::events::time::{Clock, Timestamp};
use crate::projections::host::Projections;
use crate::projections::view::View;

/// What is needed to become the owner.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The store's folder.
    pub store: PathBuf,
    /// The layers of settings; the runtime layer is added from the ledger.
    pub sources: Sources,
    /// How long to try when somebody else is in the way.
    pub patience: Duration,
    /// The desktop to deliver with, instead of the one in the settings.
    pub desktop: Option<String>,
    /// Whether this process stays until it is told to go.
    pub daemon: bool,
}

/// Why this process did not become the owner.
#[derive(Debug)]
pub enum NotOpened {
    /// Another process holds the ledger.
    Locked,
    /// Something else is in the way.
    Failed(Failure),
}

impl<E> From<E> for NotOpened
where
    Failure: From<E>,
{
    fn from(error: E) -> Self {
        Self::Failed(Failure::from(error))
    }
}

/// The open ledger and everything that answers are made from. Cloning shares it.
#[derive(Clone)]
pub struct Owner {
    /// The store's folder.
    pub store: PathBuf,
    /// Where commands are executed.
    pub desk: Desk,
    /// What is true now.
    pub projections: Projections,
    /// The settings in force.
    pub tuning: Arc<Tuning>,
    /// What opening found and did.
    pub opening: Arc<Opening>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// The ledger's head, as it moves.
    pub head: watch::Receiver<Position>,
    /// The desktop that deliveries use.
    pub desktop: String,
    /// Whether this process stays until it is told to go.
    pub daemon: bool,
    pub(super) watch: Arc<Watch>,
    pub(super) alarm: Arc<Alarm>,
    pub(super) narrating: Arc<Background>,
    pub(super) export: Arc<Export>,
    pub(super) leaving: Arc<watch::Sender<bool>>,
    pub(super) panic: Arc<watch::Sender<u64>>,
    pub(super) carrying: Arc<OnceCell<Carrying>>,
    /// Wishes to measure, for the lanes.
    pub calls: Calls,
    /// What follows from events that were read once.
    pub memory: Memory,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Owner {
    /// Locks and opens the ledger in the plan's store.
    pub async fn open(plan: &Plan) -> Result<Self, NotOpened> {
        let plan = plan.clone();
        let owner = tokio::task::spawn_blocking(move || Self::open_blocking(plan)).await??;
        if owner.projections.needs_filling() {
            let own = owner.clone();
            tokio::task::spawn_blocking(move || own.fill_projections());
        }
        Ok(owner)
    }

    /// Folds from zero what no checkpoint was there for, while the others serve.
    fn fill_projections(&self) {
        let leaving = self.leaving();
        let filled = self.projections.fill(self.desk.ledger(), &mut |_| {
            if *leaving.borrow() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if let Err(error) = filled {
            tracing::error!(%error, "projections could not be folded anew");
        }
    }

    fn open_blocking(plan: Plan) -> Result<Self, NotOpened> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        // What `config set` says is known only once the ledger is open, and counts from then on.
        let layers = Layers::read(&plan.sources)?;
        let reserve = Reserve::of(layers.with_runtime(&[])?.settings().store.min_free.0);
        let edge = Edge {
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            reserve: reserve.clone(),
        };
        let (ledger, opening) = Ledger::open(&plan.store, edge).map_err(|error| {
            if matches!(error, OpenError::Locked { .. }) {
                NotOpened::Locked
            } else {
                NotOpened::Failed(Failure::from(error))
            }
        })?;
        let tuning = Tuning::new(layers, &runtime_settings(&ledger)?, reserve)?;
        let checkpoints = Arc::new(FolderCheckpoints::of_store(&plan.store));
        let projections = Projections::open_behind(&ledger, checkpoints)?;
        let (moved, head) = watch::channel(ledger.head().position);
        ledger.on_commit(Box::new(move |position| {
            moved.send_replace(position);
        }));
        let desktop = plan
            .desktop
            .unwrap_or_else(|| tuning.config().settings().delivery.desktop.clone());
        Ok(Self {
            store: plan.store,
            desk: Desk::new(ledger),
            projections,
            tuning: Arc::new(tuning),
            opening: Arc::new(opening),
            clock,
            ids,
            head,
            desktop,
            daemon: plan.daemon,
            watch: Arc::default(),
            alarm: Arc::default(),
            narrating: Arc::default(),
            export: Arc::default(),
            leaving: Arc::new(watch::channel(false).0),
            panic: Arc::new(watch::channel(0).0),
            carrying: Arc::new(OnceCell::new()),
            calls: Calls::default(),
            memory: Memory::default(),
        })
    }

    /// Every setting with its origin, as of now.
    pub fn config(&self) -> Arc<Config> {
        self.tuning.config()
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Brings the projections up to the ledger's head: whoever wrote something reads it afterwards.
    pub fn catch_up(&self) -> Result<(), Failure> {
        let ledger = self.desk.ledger();
        let newest = ledger.head().position;
        self.projections.reach(ledger, newest, Duration::ZERO)?;
        Ok(())
    }

    /// Refuses to answer from a projection that is stopped: what it lacks would go unsaid.
    pub fn holds(&self, view: View) -> Result<(), Failure> {
        let stop = self
            .projections
            .read(|states| states.stop_of(view).cloned());
        let Some(stop) = stop else {
            return Ok(());
        };
        let name = view.name();
        let text = format!(
            "the projection {name} is stopped before position {}: {}",
            stop.position, stop.reason
        );
        let hint = format!(
            "what the event needs (a newer binary, a lost body), then `switchboard projections \
             rebuild {name}`"
        );
        Err(Failure::new(Exit::Corrupt, "projection_stopped", text).hint(hint))
    }

    /// Turns true when this process goes away.
    pub fn leaving(&self) -> watch::Receiver<bool> {
        self.leaving.subscribe()
    }

    /// Refuses a sender that insists on another desktop than the one deliveries use here.
    pub fn delivers_with(&self, wanted: Option<&str>) -> Result<(), Failure> {
        match wanted {
            Some(wanted) if wanted != self.desktop => {
                let text = format!(
                    "the process that owns the ledger delivers with {}, not with {wanted}",
                    self.desktop
                );
                Err(Failure::new(Exit::Refused, "other_desktop", text)
                    .hint("leave --desktop out, or stop that process first"))
            }
            _ => Ok(()),
        }
    }
}

/// The runtime layer: every `config set`, the last one of a key counts.
pub fn runtime_settings(ledger: &Ledger) -> Result<Vec<(String, String)>, Failure> {
    let mut settings = std::collections::BTreeMap::new();
    for event in ledger.read_stream(&StreamId::config())? {
        if let Fact::ConfigSet(fact) = event.fact {
            match fact.value {
                Some(value) => settings.insert(fact.key, value),
                None => settings.remove(&fact.key),
            };
        }
    }
    Ok(settings.into_iter().collect())
}

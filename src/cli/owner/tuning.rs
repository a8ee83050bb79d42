//! Settings in force: those an owner started with, and those that were changed since.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use tokio::sync::watch;

use super::open::{Owner, runtime_settings};
use crate::cli::alarms::alarms;
use crate::cli::exit::Failure;
use crate::cli::logging::Logging;
use crate::cli::settings;
use crate::commands::configure::SetConfig;
use crate::config::error::Origin;
use crate::config::keys::{Applied, applied, real_name};
use crate::config::layers::{Config, Layers};
use crate::delivery::settings::DispatchSettings;
use crate::events::ledger::reserve::Reserve;

/// The settings of one owner, as they change.
#[derive(Debug)]
pub struct Tuning {
    /// Every layer but the runtime one, as read when the owner started: a file that is being edited
    /// must not change anything because of a `config set`.
    layers: Layers,
    reserve: Reserve,
    config: RwLock<Arc<Config>>,
    dispatch: watch::Sender<Arc<DispatchSettings>>,
    /// None where nothing is logged.
    logging: OnceLock<Logging>,
    /// One change at a time, so that an older one never wins.
    changing: Mutex<()>,
}

/// What became of a setting that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether the running owner goes by it.
    pub applied: Applied,
    /// The layer above that decides instead, if one does.
    pub overridden: Option<String>,
}

impl Tuning {
    /// What the layers and the ledger's own settings give.
    pub fn new(
        layers: Layers,
        runtime: &[(String, String)],
        reserve: Reserve,
    ) -> Result<Self, Failure> {
        let config = layers.with_runtime(runtime)?;
        reserve.set(config.settings().store.min_free.0);
        let dispatch = settings::dispatch(config.settings())?;
        settings::backups(&config.settings().backup)?;
        alarms(&config.settings().alerts)?;
        Ok(Self {
            layers,
            reserve,
            config: RwLock::new(Arc::new(config)),
            dispatch: watch::channel(Arc::new(dispatch)).0,
            logging: OnceLock::new(),
            changing: Mutex::new(()),
        })
    }

    /// Whether the settings would still be usable with this one; a client may be of another version.
    pub fn try_with(
        &self,
        mut runtime: Vec<(String, String)>,
        set: &SetConfig,
    ) -> Result<(), Failure> {
        runtime.retain(|(key, _)| *key != set.key);
        runtime.extend(set.value.clone().map(|value| (set.key.clone(), value)));
        let config = self.layers.with_runtime(&runtime)?;
        settings::backups(&config.settings().backup)?;
        alarms(&config.settings().alerts)?;
        settings::dispatch(config.settings()).map(|_usable| ())
    }

    /// Every setting with its origin, as of now.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has the log follow `log.level` from now on.
    pub fn turns(&self, logging: Logging) {
        // One process logs in one way; the first one stays.
        self.logging.set(logging).unwrap_or_default();
    }

    /// How deliveries are done, as it changes.
    pub fn dispatch(&self) -> watch::Receiver<Arc<DispatchSettings>> {
        self.dispatch.subscribe()
    }
}

impl Owner {
    /// Goes by what the ledger says of settings, from now on. Called after a `config.set` is durable.
    pub fn retune(&self, key: &str) -> Result<Change, Failure> {
        let tuning = &self.tuning;
        let one = tuning
            .changing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let config = tuning
            .layers
            .with_runtime(&runtime_settings(self.desk.ledger())?)?;
        let dispatch = settings::dispatch(config.settings())?;
        tuning.reserve.set(config.settings().store.min_free.0);
        let change = Change {
            applied: applied(key),
            overridden: hidden_by(&config, key),
        };
        tuning.dispatch.send_replace(Arc::new(dispatch));
        if let Some(logging) = tuning.logging.get() {
            logging.turn_to(&config.settings().log.level);
        }
        *tuning
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        tracing::info!(
            key,
            applied = change.applied.word(),
            "a setting was changed"
        );
        drop(one);
        Ok(change)
    }
}

fn hidden_by(config: &Config, key: &str) -> Option<String> {
    let key = real_name(key);
    let (_, _, origin) = config.origins().find(|(name, ..)| *name == key)?;
    matches!(origin, Origin::Environment(_) | Origin::Flag(_)).then(|| origin.to_string())
}

//! Log lines of a daemon on stderr, as `log.*` says, and in the store's files. Message bodies are never logged.

use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, reload};

use crate::adapters::log_files::LogFiles;
use crate::config::settings::{Log, LogFormat};

/// Log lines that can be turned up and down.
pub struct Logging {
    turn: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl std::fmt::Debug for Logging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logging").finish_non_exhaustive()
    }
}

impl Logging {
    /// Logs as much as the level says from now on.
    pub fn turn_to(&self, level: &str) {
        (self.turn)(filter(level));
    }
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_new(level).unwrap_or_else(|_unknown| EnvFilter::new("info"))
}

/// Begins to log, to stderr as the settings say, and to files as JSON; a second call changes nothing.
pub fn begin(log: &Log, files: LogFiles) -> Logging {
    let (filter, handle) = reload::Layer::new(filter(&log.level));
    let (text, json) = match log.format {
        LogFormat::Text => (Some(fmt::layer().with_writer(std::io::stderr)), None),
        LogFormat::Json => (None, Some(fmt::layer().json().with_writer(std::io::stderr))),
    };
    let kept = fmt::layer().json().with_writer(Arc::new(files));
    // Somebody else logs already, or logs no more: their choice stands.
    tracing_subscriber::registry()
        .with(filter)
        .with(kept)
        .with(text)
        .with(json)
        .try_init()
        .unwrap_or_default();
    Logging {
        turn: Box::new(move |filter| handle.reload(filter).unwrap_or_default()),
    }
}

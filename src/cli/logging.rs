//! Log lines of a daemon on stderr, as `log.*` says. Message bodies are never logged.

use std::fmt;

use tracing_subscriber::EnvFilter;

use crate::config::settings::{Log, LogFormat};

/// Log lines that can be turned up and down.
pub struct Logging {
    turn: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// Begins to log; a second call changes nothing.
pub fn begin(log: &Log) -> Logging {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level))
        .with_writer(std::io::stderr);
    // Somebody else logs already, or logs no more: their choice stands.
    match log.format {
        LogFormat::Text => {
            let lines = lines.with_filter_reloading();
            let handle = lines.reload_handle();
            lines.try_init().unwrap_or_default();
            Logging {
                turn: Box::new(move |filter| handle.reload(filter).unwrap_or_default()),
            }
        }
        LogFormat::Json => {
            let lines = lines.json().with_filter_reloading();
            let handle = lines.reload_handle();
            lines.try_init().unwrap_or_default();
            Logging {
                turn: Box::new(move |filter| handle.reload(filter).unwrap_or_default()),
            }
        }
    }
}

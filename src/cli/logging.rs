//! Log lines of a daemon on stderr, as `log.*` says. Message bodies are never logged.

use tracing_subscriber::EnvFilter;

use crate::config::settings::{Log, LogFormat};

/// Begins to log; a second call changes nothing.
pub fn begin(log: &Log) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_unknown| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let begun = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    // Somebody else logs already; their choice stands.
    begun.unwrap_or_default();
}

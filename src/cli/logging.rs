//! Log lines of a daemon on stderr, as `log.*` says, and in the store's files. Message bodies are never logged.

use std::fmt as text;
use std::sync::Arc;

use tracing::{Event, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, reload};

use super::owner::narrating;
use crate::adapters::log_files::LogFiles;
use crate::config::settings::{Log, LogFormat};

/// Log lines that can be turned up and down.
pub struct Logging {
    turn: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl text::Debug for Logging {
    fn fmt(&self, f: &mut text::Formatter<'_>) -> text::Result {
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

/// The library's line of JSON with one more field: which running of the desk wrote it.
#[derive(Clone, Debug)]
struct InSession {
    session: String,
    line: Format<Json>,
}

impl<S, N> FormatEvent<S, N> for InSession
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> text::Result {
        let mut line = String::new();
        self.line
            .format_event(context, Writer::new(&mut line), event)?;
        let rest = line.strip_prefix('{').ok_or(text::Error)?;
        write!(to, "{{\"session\":\"{}\",{rest}", self.session)
    }
}

/// Begins to log, to stderr as the settings say, and to files as JSON; a second call changes nothing. Lines of
/// JSON name the session: one running of the desk.
pub fn begin(log: &Log, files: LogFiles, session: uuid::Uuid) -> Logging {
    let (filter, handle) = reload::Layer::new(filter(&log.level));
    let lines = InSession {
        session: session.to_string(),
        line: Format::default().json(),
    };
    let (text, json) = match log.format {
        // People at a terminal are told what should be looked at; what happens to each message is in the files.
        LogFormat::Text => {
            let text = fmt::layer().with_writer(std::io::stderr);
            let calm = filter_fn(|line| line.target() != narrating::TARGET);
            (Some(text.with_filter(calm)), None)
        }
        LogFormat::Json => {
            let json = fmt::layer()
                .fmt_fields(JsonFields::new())
                .event_format(lines.clone());
            (None, Some(json.with_writer(std::io::stderr)))
        }
    };
    let kept = fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(lines)
        .with_writer(Arc::new(files));
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

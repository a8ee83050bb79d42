//! Sending spans of messages to a collector (OTLP over HTTP). At least once: where it goes on is written down after
//! the collector has said that it has them. Nothing waits for it, and what it has not had yet is in the ledger.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::background::Background;
use super::open::Owner;
use super::serve::turned;
use crate::adapters::files;
use crate::adapters::loopback::Target;
use crate::api::surroundings::Exported;
use crate::cli::exit::{Exit, Failure};
use crate::config::layers::Config;
use crate::events::ids::Position;
use crate::projections::otlp;
use crate::projections::outbox::message_of;
use crate::projections::spans::{self, Trace};
use crate::projections::story::events_of;

/// So many events are read at once.
const BATCH: usize = 512;

/// So many messages are sent in one request: some hundred kilobytes.
const MESSAGES: usize = 128;

/// Between two requests, so that messages that settle together are sent together.
const PAUSE: Duration = Duration::from_secs(1);

/// After a request that failed; each further time twice as long …
const AGAIN: Duration = Duration::from_secs(1);

/// … but not longer than this.
const AGAIN_MAX: Duration = Duration::from_mins(1);

/// Where requests go when nothing is said (OTLP/HTTP).
const PATH: &str = "/v1/traces";

/// Who sends, and what came of it.
#[derive(Debug, Default)]
pub struct Export {
    task: Background,
    going: AtomicBool,
    spans: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    next: AtomicU64,
}

/// What became of a request.
enum Sent {
    /// The collector has it.
    Taken,
    /// It will never take it.
    Refused(String),
    /// It may take it later.
    Later(String),
}

/// Where spans are sent, if anywhere; or what is wrong with the setting.
pub fn target(config: &Config) -> Result<Option<Target>, Failure> {
    let url = &config.settings().telemetry.otlp;
    if url.is_empty() {
        return Ok(None);
    }
    let target = Target::read(url).ok_or_else(|| {
        let text = format!(
            "telemetry.otlp: `{url}` is not http://127.0.0.1:PORT (or localhost, or [::1])"
        );
        Failure::new(Exit::BadConfig, "config_invalid", text)
            .hint("a collector on this machine can pass spans on to others")
    })?;
    Ok(Some(target.or_path(PATH)))
}

/// Sends until the owner goes away.
async fn export(owner: Owner, target: Target, mut next: Position) {
    let mut leaving = owner.leaving();
    let mut head = owner.head.clone();
    loop {
        owner.export.next.store(next.0, Ordering::Relaxed);
        tokio::select! {
            () = turned(&mut leaving) => return,
            moved = head.wait_for(|head| *head >= next) => if moved.is_err() { return },
        }
        let own = owner.clone();
        let from = next;
        let gathered = tokio::task::spawn_blocking(move || own.gather(from)).await;
        let (traces, then) = match gathered {
            Ok(Ok(gathered)) => gathered,
            Ok(Err(failure)) => {
                tracing::error!(reason = failure.message, "spans are not exported any more");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "spans are not exported any more");
                return;
            }
        };
        if !traces.is_empty() {
            tokio::select! {
                () = turned(&mut leaving) => return,
                () = owner.deliver(&target, &traces) => {}
            }
            if let Err(failure) = owner.remember_export(then) {
                tracing::warn!(
                    reason = failure.message,
                    "spans may be exported a second time"
                );
            }
        }
        next = then;
        if traces.len() < MESSAGES && next > *head.borrow() {
            tokio::select! {
                () = turned(&mut leaving) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

impl Owner {
    /// Begins to send spans, if the settings say where to. What settled before it was first said is not sent.
    pub fn begin_exporting(&self) -> Result<(), Failure> {
        let Some(target) = target(&self.config())? else {
            return Ok(());
        };
        let after_head = self.head.borrow().next();
        let next = match self.remembered_export() {
            Some(next) if next <= after_head => next,
            _ => {
                self.remember_export(after_head)?;
                after_head
            }
        };
        self.export.going.store(true, Ordering::Relaxed);
        self.export.task.begin(export(self.clone(), target, next));
        Ok(())
    }

    /// Waits until nothing is sent any more.
    pub(super) async fn end_exporting(&self) {
        self.export.task.end().await;
    }

    /// What came of it; none when nothing is sent.
    pub fn exported(&self) -> Option<Exported> {
        let Export {
            going,
            spans,
            dropped,
            failures,
            next,
            ..
        } = &*self.export;
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        going.load(Ordering::Relaxed).then(|| Exported {
            spans: of(spans),
            dropped: of(dropped),
            failures: of(failures),
            behind: self.head.borrow().next().0.saturating_sub(of(next)),
        })
    }

    /// Traces of messages that settled from a position on, and where the next ones begin. Blocks.
    fn gather(&self, from: Position) -> Result<(Vec<Trace>, Position), Failure> {
        let ledger = self.desk.ledger();
        let mut traces = Vec::new();
        let mut next = from;
        for event in ledger.read(from, BATCH)? {
            if traces.len() >= MESSAGES {
                break;
            }
            next = event.position.next();
            let Some(message) = message_of(&event.fact) else {
                continue;
            };
            let mut events = events_of(ledger, message)?;
            events.retain(|it| it.position <= event.position);
            if otlp::settles(message, &events, event.position) {
                traces.extend(spans::trace(message, &events));
            }
        }
        Ok((traces, next))
    }

    /// Sends traces until the collector has them, or never will.
    async fn deliver(&self, target: &Target, traces: &[Trace]) {
        let (request, count) = otlp::request(&self.source(), traces);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let body = request.to_string();
        let within = self.config().settings().telemetry.within.0;
        let mut pause = AGAIN;
        let mut failed = 0_u32;
        loop {
            match post(target, &body, within).await {
                Sent::Taken => {
                    self.export.spans.fetch_add(count, Ordering::Relaxed);
                    if failed > 0 {
                        tracing::info!(failed, "the collector takes spans again");
                    }
                    return;
                }
                Sent::Refused(reason) => {
                    self.export.dropped.fetch_add(count, Ordering::Relaxed);
                    tracing::error!(
                        reason,
                        spans = count,
                        "the collector refuses spans; they are left out"
                    );
                    return;
                }
                Sent::Later(reason) => {
                    self.export.failures.fetch_add(1, Ordering::Relaxed);
                    failed = failed.saturating_add(1);
                    if failed == 1 {
                        tracing::warn!(
                            reason,
                            "the collector takes no spans; they are kept for it"
                        );
                    }
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(AGAIN_MAX);
                }
            }
        }
    }

    /// What spans come from, by OpenTelemetry's names.
    fn source(&self) -> Map<String, Value> {
        let (ledger, timeline) = self.desk.ledger().identity();
        let fields = [
            ("service.name", json!(env!("CARGO_PKG_NAME"))),
            ("service.version", json!(env!("CARGO_PKG_VERSION"))),
            ("service.instance.id", json!(ledger)),
            ("switchboard.timeline", json!(timeline)),
        ];
        let named = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        named.collect()
    }

    fn export_file(&self) -> PathBuf {
        self.store.join("telemetry").join("otlp.json")
    }

    /// Where it goes on; none when it never began with this ledger's timeline.
    fn remembered_export(&self) -> Option<Position> {
        let text = std::fs::read_to_string(self.export_file()).ok()?;
        let kept: Value = serde_json::from_str(&text).ok()?;
        let (_, timeline) = self.desk.ledger().identity();
        let fits = kept.get("timeline") == Some(&json!(timeline));
        let next = kept.get("next").and_then(Value::as_u64);
        next.filter(|_| fits).map(Position)
    }

    fn remember_export(&self, next: Position) -> Result<(), Failure> {
        let (_, timeline) = self.desk.ledger().identity();
        let text = json!({"timeline": timeline, "next": next}).to_string();
        let not_kept = |error: &dyn std::fmt::Display| {
            let text = format!("where exporting goes on cannot be written down: {error}");
            Failure::new(Exit::Failed, "io", text)
        };
        files::make_folder(&self.store.join("telemetry"), 0o700).map_err(|e| not_kept(&e))?;
        files::write_atomic(&self.export_file(), text.as_bytes(), 0o600).map_err(|e| not_kept(&e))
    }
}

async fn post(target: &Target, body: &str, within: Duration) -> Sent {
    let answered = match tokio::time::timeout(within, target.post(&[], body)).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(error)) => return Sent::Later(error.to_string()),
        Err(_) => return Sent::Later(format!("no answer within {} ms", within.as_millis())),
    };
    match answered.status {
        // Spans that it took only in part must not be sent again (OTLP, partial success).
        200..=299 => Sent::Taken,
        408 | 429 | 500..=599 => Sent::Later(format!("it answered {}", answered.status)),
        status => Sent::Refused(format!("it answered {status}")),
    }
}

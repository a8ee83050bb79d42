//! The query API in the owner's process: where it listens, and what it may know.

use std::io::ErrorKind;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;

use super::answers::timing;
use super::exit::{Exit, Failure};
use super::output::story;
use super::owner::open::Owner;
use super::owner::request::Timing;
use super::settings;
use super::verbs::config;
use crate::adapters::{machine, processes};
use crate::api::house::{Limits, Reads};
use crate::api::serving::Serving;
use crate::api::surroundings::{Deliveries, Exported, Figures, Repository, Surroundings};
use crate::config::error::Origin;
use crate::config::layers::Config;
use crate::projections::states::States;

/// Requests that read at the same time: enough to keep the disk busy, few enough to leave the cores to
/// deliveries.
const READS: usize = 16;

/// Connections beside those of clients that follow.
const CONNECTIONS: usize = 1_000;

/// Listens and serves. None when nobody named an address and the default one is taken: a second desk
/// on this machine does without.
pub async fn serve(owner: &Owner) -> Result<Option<Serving>, Failure> {
    let config = owner.config();
    let listen = config.settings().serve.listen;
    let refused = |error: &std::io::Error| {
        let text = format!("serve.listen: {listen} cannot be listened on: {error}");
        Failure::new(Exit::Failed, "no_listen", text)
            .hint("is another desk there? --listen 127.0.0.1:0 takes any free port")
    };
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == ErrorKind::AddrInUse && !is_named(&config) => {
            tracing::warn!(%listen, %error, "no HTTP is served; --listen names another address");
            return Ok(None);
        }
        Err(error) => return Err(refused(&error)),
    };
    processes::allow_many_files();
    let serving = Serving::start(listener, reads(owner), limits(&config));
    serving.map(Some).map_err(|error| refused(&error))
}

/// What is read, as the API and everything like it reads it.
pub fn reads(owner: &Owner) -> Reads {
    Reads {
        ledger: owner.desk.ledger().clone(),
        projections: owner.projections.clone(),
        head: owner.head.clone(),
        clock: Arc::clone(&owner.clock),
        ids: Arc::clone(&owner.ids),
        store: owner.store.clone(),
        surroundings: Arc::new(OwnersWord(owner.clone())),
        memory: owner.memory.clone(),
    }
}

/// Whether somebody counts on this address.
fn is_named(config: &Config) -> bool {
    let mut origins = config.origins();
    origins.any(|(key, _, origin)| key == "serve.listen" && *origin != Origin::Default)
}

fn limits(config: &Config) -> Limits {
    let serve = &config.settings().serve;
    let streams = usize::try_from(serve.streams_max).unwrap_or(usize::MAX);
    Limits {
        hosts: serve.hosts.clone(),
        reads: READS,
        connections: streams.saturating_add(CONNECTIONS),
        streams,
        request_within: serve.request_within.0,
        answer_within: serve.answer_within.0,
        read_within: serve.read_within.0,
        keep_alive: serve.keep_alive.0,
    }
}

/// What the owner says of itself.
#[derive(Debug)]
struct OwnersWord(Owner);

impl Surroundings for OwnersWord {
    fn settings(&self) -> Vec<Value> {
        config::items(&self.0.config())
    }

    fn timing(&self, states: &States) -> Result<Vec<Value>, String> {
        let everything = Timing {
            agent: None,
            step: None,
            replay: false,
            deadline: None,
        };
        let dispatch = settings::dispatch(self.0.config().settings());
        let dispatch = dispatch.map_err(|failure| failure.message)?;
        Ok(timing::shown(states, &dispatch, &everything))
    }

    fn told(&self, event: &str, detail: &Value) -> String {
        story::sentence(event, detail)
    }

    fn deliveries(&self) -> Deliveries {
        let failing = self.0.deliveries_failed();
        Deliveries {
            going: self.0.serves(),
            failing: failing.map(|failure| failure.message),
            desktop: self.0.desktop.clone(),
        }
    }

    fn process(&self) -> Figures {
        let usage = processes::usage();
        Figures {
            resident: usage.resident,
            busy_micros: usage.busy_micros,
            open_files: usage.open_files,
            open_files_max: usage.open_files_max,
            begun: usage.begun,
            disk_free: machine::disk_free_kib(&self.0.store).map(|kib| kib.saturating_mul(1_024)),
        }
    }

    fn repositories(&self) -> Vec<Repository> {
        self.0.repositories_seen().unwrap_or_else(|failure| {
            tracing::warn!(message = failure.message, "repositories are not told of");
            Vec::new()
        })
    }

    fn exported(&self) -> Option<Exported> {
        self.0.exported()
    }
}

//! `serve`: owning the ledger until somebody says stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exit::{Exit, Failure};
use super::logging;
use super::owner::exporting;
use super::owner::open::{NotOpened, Owner, Plan};
use super::owner::serve::Serving;
use super::reach;
use super::stop::Stop;
use super::web;
use crate::adapters::log_files::LogFiles;
use crate::commands::configure::LoadConfig;
use crate::config::error::Origin;
use crate::config::layers::Config;
use crate::events::facts::ledger::Setting;
use crate::events::ids::{AgentId, CommandId, CorrelationId, StreamId};
use crate::events::kind::Fact;

/// How often projections are saved, so that a crash costs little folding.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// How long clients that wait may go on waiting once the end was asked for.
const LINGER: Duration = Duration::from_millis(200);

/// How often a lock in the way is tried again.
const AGAIN: Duration = Duration::from_millis(25);

/// Refuses an address that other machines can reach, unless that is insisted on.
pub fn check_listen(config: &Config, exposed: bool) -> Result<(), Failure> {
    let listen = config.settings().serve.listen;
    if exposed || listen.ip().is_loopback() {
        return Ok(());
    }
    let text = format!("serve.listen: {listen} can be reached by other machines");
    Err(Failure::new(Exit::NotAllowed, "insecure_listen", text)
        .hint("listen on 127.0.0.1, or insist with --insecure-listen"))
}

/// Opens, serves, delivers, and leaves on SIGINT or SIGTERM. `exposed` allows an address that other
/// machines can reach. `ready` is called once requests are taken, with how many settings are not
/// defaults and where HTTP is served.
pub async fn run(
    plan: &Plan,
    exposed: bool,
    ready: impl FnOnce(usize, Option<SocketAddr>) -> Result<(), Failure> + Send,
) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    let serving = Serving::start(open(plan).await?)?;
    let owner = serving.owner().clone();
    let files = LogFiles::of_store(&owner.store, Arc::clone(&owner.clock));
    let session = owner.ids.fresh(owner.now());
    let logging = logging::begin(&owner.config().settings().log, files, session);
    owner.tuning.turns(logging);
    let config = owner.config();
    let checked = check_listen(&config, exposed).and_then(|()| exporting::target(&config));
    if let Err(refused) = checked {
        drop(owner);
        serving.leave(LINGER, stop.asked()).await?;
        return Err(refused);
    }
    let web = match web::serve(&owner).await {
        Ok(web) => web,
        Err(failure) => {
            drop(owner);
            serving.leave(LINGER, stop.asked()).await?;
            return Err(failure);
        }
    };
    let settings = load_config(&owner).await?;
    owner.begin_deliveries().await?;
    owner.begin_backups();
    owner.begin_alerts();
    owner.begin_narrating();
    owner.begin_exporting()?;
    tracing::info!(
        store = %owner.store.display(),
        pid = std::process::id(),
        version = env!("CARGO_PKG_VERSION"),
        head = owner.head.borrow().0,
        "the desk serves"
    );
    ready(settings, web.as_ref().map(|web| web.address))?;
    let mut save = tokio::time::interval(SAVE_EVERY);
    let ended = loop {
        tokio::select! {
            exit = stop.asked() => break Ok(exit),
            failure = owner.until_deliveries_fail() => break Err(failure),
            _ = save.tick() => save_projections(&owner).await,
        }
    };
    drop(owner);
    let web = async {
        if let Some(web) = web {
            web.leave().await;
        }
    };
    // A second signal does not wait for attempts under way.
    let ((), left) = tokio::join!(web, serving.leave(LINGER, stop.asked()));
    left?;
    ended
}

/// The ledger, as soon as whoever has it for a moment lets go. Another daemon does not: exit 11.
async fn open(plan: &Plan) -> Result<Owner, Failure> {
    let give_up = Instant::now() + plan.patience;
    loop {
        match Owner::open(plan).await {
            Ok(owner) => return Ok(owner),
            Err(NotOpened::Failed(failure)) => return Err(failure),
            Err(NotOpened::Locked) => {}
        }
        let daemon = reach::daemon_of(plan).await;
        if daemon.is_some() || Instant::now() >= give_up {
            let store = plan.store.display();
            let by = daemon.map_or_else(String::new, |pid| format!(" (a daemon, process {pid})"));
            let text = format!("the ledger in {store} is in use by another process{by}");
            return Err(Failure::new(Exit::Locked, "locked", text)
                .hint("one daemon per store: stop the other one first"));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Writes down the settings in force, unless they are those of the last time.
async fn load_config(owner: &Owner) -> Result<usize, Failure> {
    let own = owner.clone();
    tokio::task::spawn_blocking(move || {
        let config = own.config();
        let settings: Vec<Setting> = config
            .origins()
            .filter(|(_, _, origin)| **origin != Origin::Default)
            .map(|(key, value, origin)| Setting {
                key: key.to_owned(),
                value: value.to_string(),
                origin: origin.to_string(),
            })
            .collect();
        let count = settings.len();
        let events = own.desk.ledger().read_stream(&StreamId::config())?;
        let last = events.iter().rev().find_map(|event| {
            let Fact::ConfigLoaded(loaded) = &event.fact else {
                return None;
            };
            Some(&loaded.settings)
        });
        if last != Some(&settings) {
            let now = own.now();
            let id = own.ids.fresh(now);
            let cause = crate::events::envelope::Cause {
                actor: AgentId::switchboard(),
                correlation: CorrelationId(id),
                causation: None,
                command: CommandId(id),
            };
            own.desk
                .execute(&LoadConfig { settings }.into(), &cause, now)?;
        }
        Ok(count)
    })
    .await?
}

async fn save_projections(owner: &Owner) {
    for stop in owner.projections.read(|states| states.stops().to_vec()) {
        tracing::error!(
            projection = stop.view.name(),
            position = stop.position.0,
            reason = stop.reason,
            "a projection is stopped"
        );
    }
    let own = owner.clone();
    let saved = tokio::task::spawn_blocking(move || {
        own.catch_up()?;
        own.projections
            .save_what_is_worth_it(own.desk.ledger())
            .map_err(Failure::from)
    })
    .await;
    match saved {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => tracing::warn!(reason = failure.message, "no checkpoint was saved"),
        Err(error) => tracing::warn!(%error, "saving checkpoints broke off"),
    }
}

//! From a request to its answer.

use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    agents, alerts, backup, calibrate, doctor, drill, events, execute, inbox, messages, overview,
    panic, projections, send, status, timing,
};
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::open::Owner;
use crate::cli::owner::request::{Request, What};
use crate::events::envelope::Cause;
use crate::events::ids::CorrelationId;

/// Where an answer's objects go. Saying waits for a slow reader, and fails when nobody reads.
#[derive(Clone, Debug)]
pub struct Items(pub mpsc::Sender<Value>);

impl Items {
    /// Says one object. A reader that is gone ends the answer.
    pub async fn say(&self, item: Value) -> Result<(), Failure> {
        self.0.send(item).await.map_err(|_gone| {
            Failure::new(
                Exit::Failed,
                "nobody_reads",
                "nobody reads the answer any more",
            )
        })
    }
}

/// A request on its way to an answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who owns the ledger.
    pub owner: Owner,
    /// Who asks, as part of what.
    pub cause: Cause,
    /// Where the answer goes.
    pub items: Items,
}

impl Asked {
    /// Runs a piece of work that waits for the disk off the async threads.
    pub async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let own = self.clone();
        tokio::task::spawn_blocking(move || work(&own))
            .await
            .map_err(|error| Failure::new(Exit::Failed, "internal", error.to_string()))?
    }
}

/// Answers one request.
pub async fn answer(owner: &Owner, request: Request, items: Items) -> Result<Exit, Failure> {
    let Request { by, command, what } = request;
    let cause = Cause {
        actor: by,
        correlation: CorrelationId(command.0),
        causation: None,
        command,
    };
    let asked = Asked {
        owner: owner.clone(),
        cause,
        items,
    };
    match what {
        What::Send { send, awaiting } => send::one(asked, send, awaiting).await,
        What::Reply { reply, awaiting } => send::reply(asked, reply, awaiting).await,
        What::Broadcast {
            broadcast,
            awaiting,
        } => send::many(asked, broadcast, awaiting).await,
        What::Execute(command) => execute::answer(asked, *command).await,
        What::Agents => agents::list(asked).await,
        What::Agent(agent) => agents::show(asked, agent).await,
        What::Inbox(wanted) => inbox::answer(asked, wanted).await,
        What::Messages(wanted) => messages::list(asked, wanted).await,
        What::Show(message) => messages::show(asked, message).await,
        What::Why(message) => messages::why(asked, message).await,
        What::Queue => messages::queue(asked).await,
        What::Alerts { all } => alerts::answer(asked, all).await,
        What::RequeueAll { class } => execute::requeue_all(asked, class).await,
        What::Calibrate(agent) => calibrate::answer(asked, agent).await,
        What::Timing(wanted) => timing::answer(asked, wanted).await,
        What::Panic => panic::answer(asked).await,
        What::Overview => overview::answer(asked).await,
        What::Status => status::answer(asked).await,
        What::Doctor => doctor::answer(asked).await,
        What::Events(wanted) => events::list(asked, wanted).await,
        What::Replay { as_of, projection } => projections::replay(asked, as_of, projection).await,
        What::ProjectionsList => projections::list(asked).await,
        What::ProjectionsRebuild(name) => projections::rebuild(asked, name).await,
        What::ProjectionsCheck(name) => projections::check(asked, name).await,
        What::Verify => projections::verify(asked).await,
        What::Backup(wanted) => backup::take_one(asked, wanted).await,
        What::Drill(wanted) => drill::rehearse(asked, wanted).await,
        What::ConfigRuntime => status::config_runtime(asked).await,
    }
}

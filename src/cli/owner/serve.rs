//! Serving: the accept loop, one request a connection, and going away.

use std::time::Duration;

use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::open::Owner;
use super::request::Request;
use super::socket::{FromOwner, Listening, Talk};
use crate::cli::answers::answer::{Items, answer};
use crate::cli::exit::{Exit, Failure};

/// How many items wait for a slow reader before the answer itself waits.
const ITEMS_AHEAD: usize = 64;

/// How long a process that is done with its own request goes on for those who already wait.
const LINGER: Duration = Duration::from_secs(2);

/// An owner that listens.
#[derive(Debug)]
pub struct Serving {
    owner: Owner,
    stop_accepting: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Serving {
    /// Begins to listen on the control socket.
    pub fn start(owner: Owner) -> Result<Self, Failure> {
        let listening = Listening::at(&owner.store).map_err(|error| {
            let text = format!("the control socket cannot be made: {error}");
            Failure::new(Exit::Failed, "no_socket", text)
        })?;
        let (stop_accepting, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(owner.clone(), listening, stopped));
        Ok(Self {
            owner,
            stop_accepting,
            accepting,
        })
    }

    /// The owner that listens.
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Answers this process's own request and goes away.
    pub async fn serve_one(
        self,
        request: Request,
        show: &mut (dyn FnMut(Value) -> Result<(), Failure> + Send),
    ) -> Result<Exit, Failure> {
        let answered = answer_here(&self.owner, request, show).await;
        let left = self.leave(LINGER).await;
        let exit = answered?;
        left.map(|()| exit)
    }

    /// Stops accepting, lets attempts under way end, tells whoever still waits, and closes the
    /// ledger.
    pub async fn leave(self, linger: Duration) -> Result<(), Failure> {
        let Self {
            owner,
            stop_accepting,
            mut accepting,
        } = self;
        stop_accepting.send_replace(true);
        let patient = tokio::time::timeout(linger, &mut accepting).await.is_ok();
        owner.leaving.send_replace(true);
        owner.end_deliveries().await;
        if !patient {
            accepting.await?;
        }
        tokio::task::spawn_blocking(move || {
            let ledger = owner.desk.ledger().clone();
            owner.projections.save_what_is_worth_it(&ledger)?;
            drop(owner);
            Ok(ledger.close()?)
        })
        .await?
    }
}

async fn answer_here(
    owner: &Owner,
    request: Request,
    show: &mut (dyn FnMut(Value) -> Result<(), Failure> + Send),
) -> Result<Exit, Failure> {
    let (items, mut heard) = mpsc::channel(ITEMS_AHEAD);
    let answering = answer(owner, request, Items(items));
    tokio::pin!(answering);
    let answered = loop {
        tokio::select! {
            Some(item) = heard.recv() => show(item)?,
            answered = &mut answering => break answered,
        }
    };
    while let Ok(item) = heard.try_recv() {
        show(item)?;
    }
    answered
}

/// Accepts until told to stop, then waits for the connections that are open.
async fn accept(owner: Owner, listening: Listening, mut stopped: watch::Receiver<bool>) {
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            () = turned(&mut stopped) => break,
            Some(_ended) = talks.join_next(), if !talks.is_empty() => {}
            accepted = listening.accept() => match accepted {
                Ok(stream) => {
                    talks.spawn(talk(owner.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    // The socket goes first: whoever connects now must find nobody and try the lock.
    drop(listening);
    while talks.join_next().await.is_some() {}
}

/// Resolves once the switch is on, or nobody can turn it any more.
pub async fn turned(switch: &mut watch::Receiver<bool>) {
    while !*switch.borrow_and_update() {
        if switch.changed().await.is_err() {
            return;
        }
    }
}

async fn talk(owner: Owner, stream: UnixStream) {
    let mut talk = Talk::over(stream);
    let request = match talk.welcome().await {
        Ok(Some(request)) => request,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%error, "a client could not be understood");
            return;
        }
    };
    let mut leaving = owner.leaving.subscribe();
    let (items, mut heard) = mpsc::channel(ITEMS_AHEAD);
    let answering = answer(&owner, request, Items(items));
    tokio::pin!(answering);
    let end = loop {
        tokio::select! {
            biased;
            Some(item) = heard.recv() => {
                if talk.say(&FromOwner::Item(item)).await.is_err() {
                    return;
                }
            }
            answered = &mut answering => break match answered {
                Ok(exit) => FromOwner::Done { exit },
                Err(failure) => FromOwner::Failed(failure),
            },
            () = turned(&mut leaving) => break FromOwner::Leaving,
            // Nobody reads the answer any more; what was accepted stays accepted.
            () = talk.hung_up() => return,
        }
    };
    while let Ok(item) = heard.try_recv() {
        if talk.say(&FromOwner::Item(item)).await.is_err() {
            return;
        }
    }
    // A client that hung up asks again or does not care.
    talk.say(&end).await.unwrap_or_default();
}

//! Serving: the accept loop, one request a connection, deliveries on demand, and going away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::open::{Carrying, Owner};
use super::request::Request;
use super::socket::{FromOwner, Listening, Talk};
use crate::cli::answers;
use crate::cli::output::Failure;
use crate::delivery::dispatch;

/// How many items wait for a slow reader before the answer itself waits.
const ITEMS_AHEAD: usize = 64;

/// How long a process that is done with its own request goes on for those who already wait.
const LINGER: Duration = Duration::from_secs(2);

/// Where an answer's items go.
pub type Items = mpsc::Sender<Value>;

/// An owner that listens.
#[derive(Debug)]
pub struct Serving {
    owner: Owner,
    stop_accepting: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Serving {
    /// Begins to listen on the control socket.
    pub fn start(owner: Owner) -> Result<Self, Failure> {
        let listening = Listening::at(&owner.store)
            .map_err(|error| Failure::io("listening on the control socket", &error))?;
        let (stop_accepting, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(owner.clone(), listening, stopped));
        Ok(Self { owner, stop_accepting, accepting })
    }

    /// The owner that listens.
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Answers this process's own request and goes away.
    pub async fn serve_one(
        self,
        request: Request,
        show: &mut (dyn FnMut(Value) + Send),
    ) -> Result<i32, Failure> {
        let (items, mut heard) = mpsc::channel(ITEMS_AHEAD);
        let answer = {
            let answering = answers::answer(&self.owner, request, items);
            tokio::pin!(answering);
            loop {
                tokio::select! {
                    Some(item) = heard.recv() => show(item),
                    answer = &mut answering => break answer,
                }
            }
        };
        while let Some(item) = heard.recv().await {
            show(item);
        }
        self.leave(LINGER).await?;
        answer
    }

    /// Stops accepting, lets attempts under way end, tells whoever still waits, and closes the
    /// ledger.
    pub async fn leave(self, linger: Duration) -> Result<(), Failure> {
        let Self { owner, stop_accepting, mut accepting } = self;
        stop_accepting.send_replace(true);
        let patient = tokio::time::timeout(linger, &mut accepting).await.is_ok();
        owner.leaving.send_replace(true);
        owner.end_deliveries().await;
        if !patient {
            accepting.await.unwrap_or_default();
        }
        owner.close().await
    }
}

/// Accepts until told to stop, then waits for the connections that are open.
async fn accept(owner: Owner, listening: Listening, mut stopped: watch::Receiver<bool>) {
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
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
    let answering = answers::answer(&owner, request, items);
    tokio::pin!(answering);
    let end = loop {
        tokio::select! {
            biased;
            Some(item) = heard.recv() => {
                if talk.say(&FromOwner::Item(item)).await.is_err() {
                    return;
                }
            }
            answer = &mut answering => break match answer {
                Ok(exit) => FromOwner::Done { exit },
                Err(failure) => FromOwner::Failed(failure),
            },
            _ = leaving.wait_for(|leaving| *leaving) => break FromOwner::Leaving,
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

impl Owner {
    /// Begins deliveries in this process, if they have not begun.
    pub async fn begin_deliveries(&self) -> Result<(), Failure> {
        self.hands
            .get_or_try_init(|| async {
                let (stop, stopped) = mpsc::channel(1);
                let world = self.world(stopped)?;
                let task = tokio::spawn(dispatch::run(world));
                Ok(Carrying { task: std::sync::Mutex::new(Some(task)), stop })
            })
            .await
            .map(|_begun| ())
    }

    /// Why deliveries ended by themselves, if they did.
    pub async fn deliveries_failed(&self) -> Option<Failure> {
        let carrying = self.hands.get()?;
        let task = {
            let mut slot = carrying.task.lock().ok()?;
            if !slot.as_ref()?.is_finished() {
                return None;
            }
            slot.take()?
        };
        match task.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Failure::from(error)),
            Err(error) => Some(Failure::internal(&error)),
        }
    }

    async fn end_deliveries(&self) {
        let Some(carrying) = self.hands.get() else { return };
        let task = carrying.task.lock().ok().and_then(|mut slot| slot.take());
        if let Some(task) = task
            && let Ok(Err(error)) = task.await
        {
            tracing::error!(%error, "deliveries ended with an error");
        }
    }

    async fn close(self) -> Result<(), Failure> {
        tokio::task::spawn_blocking(move || {
            let ledger = self.desk.ledger().clone();
            self.projections.save(&ledger).map_err(Failure::from)?;
            drop(self);
            ledger.close().map_err(Failure::from)
        })
        .await
        .map_err(|error| Failure::internal(&error))?
    }
}

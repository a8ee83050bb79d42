//! Serving: the accept loop, one request a connection, and going away.

use std::time::Duration;

use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::open::Owner;
use super::request::Request;
use super::socket::{FromOwner, Listening, SIGN_OF_LIFE, Talk};
use crate::cli::answers::answer::{Items, answer};
use crate::cli::exit::{Exit, Failure};
use crate::cli::stop::{Stop, Subject};

/// How many items wait for a slow reader before the answer itself waits.
const ITEMS_AHEAD: usize = 64;

/// How long an attempt under way may take to end once this process was asked to stop. It has deadlines
/// of its own; beyond this it is cut off.
const GRACE: Duration = Duration::from_secs(20);

/// How long cutting off may take.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How long a process that is done with its own request goes on for those who already wait.
const LINGER: Duration = Duration::from_secs(2);

/// How long a client may take for what is said to it while the owner goes away.
const LAST_WORDS: Duration = Duration::from_secs(1);

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

    /// Answers this process's own request and goes away. Asked to stop, it begins no new attempt,
    /// lets the one under way end, and says what became of its message.
    pub async fn serve_one(
        self,
        request: Request,
        show: &mut (dyn FnMut(Value) -> Result<(), Failure> + Send),
        stop: &mut Stop,
    ) -> Result<Exit, Failure> {
        let subject = Subject::of(&request.what);
        let answered = tokio::select! {
            answered = answer_here(&self.owner, request, show) => Ok(answered),
            exit = stop.asked() => Err(exit),
        };
        match answered {
            Ok(answered) => {
                let left = self.leave(LINGER, stop.asked()).await;
                let exit = answered?;
                left.map(|()| exit)
            }
            Err(exit) => {
                let hurry = tokio::time::timeout(GRACE, stop.asked());
                let owner = self.settle(Duration::ZERO, hurry).await?;
                let told = subject.told(&owner, exit).await;
                close(owner).await?;
                told
            }
        }
    }

    /// Stops accepting, lets attempts under way end, tells whoever still waits, and closes the
    /// ledger. When `hurry` is over, attempts are cut off instead, honestly.
    pub async fn leave<H: Future>(self, linger: Duration, hurry: H) -> Result<(), Failure> {
        close(self.settle(linger, hurry).await?).await
    }

    /// Everything about leaving but closing the ledger.
    async fn settle<H: Future>(self, linger: Duration, hurry: H) -> Result<Owner, Failure> {
        let Self {
            owner,
            stop_accepting,
            mut accepting,
        } = self;
        stop_accepting.send_replace(true);
        {
            let ending = async {
                let patient = tokio::time::timeout(linger, &mut accepting).await.is_ok();
                owner.leaving.send_replace(true);
                owner.end_deliveries().await;
                owner.end_backups().await;
                owner.end_alerts().await;
                owner.end_exporting().await;
                owner.end_narrating().await;
                if !patient {
                    accepting.await?;
                }
                Ok::<_, Failure>(())
            };
            tokio::pin!(ending);
            tokio::select! {
                ended = &mut ending => ended?,
                _ = hurry => {
                    owner.leaving.send_replace(true);
                    owner.stop_hands();
                    // What does not end now ends with the process; the ledger knows how far it came.
                    if let Ok(ended) = tokio::time::timeout(AT_ONCE, &mut ending).await {
                        ended?;
                    }
                }
            }
        }
        Ok(owner)
    }
}

async fn close(owner: Owner) -> Result<(), Failure> {
    tokio::task::spawn_blocking(move || {
        let ledger = owner.desk.ledger().clone();
        owner.projections.save_what_is_worth_it(&ledger)?;
        drop(owner);
        Ok(ledger.close()?)
    })
    .await?
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

/// One client, from its greeting to the last word. Once the owner goes away, a client that says
/// nothing or reads nothing is left behind: it must not keep the ledger locked.
async fn talk(owner: Owner, stream: UnixStream) {
    let mut leaving = owner.leaving.subscribe();
    let too_late = async {
        turned(&mut leaving).await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        () = converse(&owner, stream) => {}
        () = too_late => tracing::warn!("a client neither spoke nor read when the owner left"),
    }
}

async fn converse(owner: &Owner, stream: UnixStream) {
    let mut talk = Talk::over(stream);
    let request = match talk.welcome().await {
        Ok(Some(request)) => request,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%error, "a client could not be understood");
            return;
        }
    };
    let (id, by, begun) = (request.command, request.by.clone(), Instant::now());
    let mut leaving = owner.leaving.subscribe();
    let (items, mut heard) = mpsc::channel(ITEMS_AHEAD);
    let answering = answer(owner, request, Items(items));
    tokio::pin!(answering);
    let mut sign = tokio::time::interval(SIGN_OF_LIFE);
    sign.reset();
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
            _ = sign.tick() => {
                if talk.say(&FromOwner::Working).await.is_err() {
                    return;
                }
            }
        }
    };
    while let Ok(item) = heard.try_recv() {
        if talk.say(&FromOwner::Item(item)).await.is_err() {
            return;
        }
    }
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(request = %id, %by, micros, "a command was answered");
    // A client that hung up asks again or does not care.
    talk.say(&end).await.unwrap_or_default();
}

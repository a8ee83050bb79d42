//! What every request shares: the ledger, its projections, and the limits of serving.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::answers::copies::Copies;
use super::answers::failures::Failures;
use super::answers::hours::Hours;
use super::meter::Meter;
use super::problem::Problem;
use super::query::Asked;
use super::shelf::Shelf;
use super::surroundings::Surroundings;
use super::tail::Tail;
use crate::events::ids::{Ids, Position};
use crate::events::ledger::handle::Ledger;
use crate::events::time::Clock;
use crate::projections::host::Projections;
use crate::projections::states::{Moment, States};
use crate::projections::view::View;

/// How many states of the past are kept for those who look there again.
const PASTS: usize = 4;

/// What the API reads and whom it asks.
#[derive(Clone, Debug)]
pub struct Reads {
    /// The events.
    pub ledger: Ledger,
    /// What is true now.
    pub projections: Projections,
    /// The newest position, as it moves.
    pub head: watch::Receiver<Position>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Ids of requests.
    pub ids: Arc<dyn Ids>,
    /// The store's folder.
    pub store: PathBuf,
    /// The process.
    pub surroundings: Arc<dyn Surroundings>,
    /// What was read before, for who asks again.
    pub memory: Memory,
}

/// What follows from events that were read once. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What happened hour by hour.
    pub hours: Arc<Hours>,
    /// The newest failed attempts.
    pub failures: Arc<Failures>,
    /// Backups and drills.
    pub copies: Arc<Copies>,
}

/// How much is served at once, and how long anything may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Host names that are answered besides those of this machine's own addresses.
    pub hosts: Vec<String>,
    /// Requests that read at the same time.
    pub reads: usize,
    /// Open connections.
    pub connections: usize,
    /// Clients that follow events, or take them as a file.
    pub streams: usize,
    /// How long a request may take to be sent, and how long a connection may be idle.
    pub request_within: Duration,
    /// How long an answer may take to be made.
    pub answer_within: Duration,
    /// How long a client may read nothing of what is sent to it.
    pub read_within: Duration,
    /// How often a silent stream says that it is alive.
    pub keep_alive: Duration,
}

/// Everything that requests share.
#[derive(Debug)]
pub struct House {
    /// What is read.
    pub reads: Reads,
    /// How much, and how long.
    pub limits: Limits,
    /// Who reads now.
    desks: Arc<Semaphore>,
    /// Who follows now.
    pub streams: Arc<Semaphore>,
    /// Turns true when no more is served.
    pub leaving: watch::Receiver<bool>,
    /// Kept answers.
    pub shelf: Shelf,
    /// What was asked, and how long it took.
    pub meter: Meter,
    /// New events for those who follow.
    pub tail: Tail,
    pasts: Mutex<Vec<Arc<States>>>,
}

/// The states that a request looks at.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Those of now.
    Live,
    /// Those of a moment.
    Past(Arc<States>),
}

impl House {
    /// Nothing was asked yet.
    pub fn new(reads: Reads, limits: Limits, leaving: watch::Receiver<bool>) -> Self {
        Self {
            desks: Arc::new(Semaphore::new(limits.reads)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            reads,
            limits,
            leaving,
            shelf: Shelf::default(),
            meter: Meter::default(),
            tail: Tail::default(),
            pasts: Mutex::default(),
        }
    }

    /// The newest position.
    pub fn head(&self) -> Position {
        *self.reads.head.borrow()
    }

    /// A place among those who read; 503 when there is none for too long.
    pub async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let desks = Arc::clone(&self.desks);
        let patience = self.limits.answer_within / 4;
        match tokio::time::timeout(patience, desks.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Problem::later(
                "busy",
                "too many requests are being answered at the moment",
            )),
        }
    }

    /// A place among those who read, for who can wait.
    pub async fn patient_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.desks).acquire_owned().await.ok()
    }

    /// Waits until the ledger has a position; 503 when it does not come in time.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> Result<(), Problem> {
        let mut head = self.reads.head.clone();
        let there = head.wait_for(|head| *head >= position);
        match tokio::time::timeout(patience, there).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(self.behind(position)),
        }
    }

    /// The problem that a position is not there yet.
    pub fn behind(&self, position: Position) -> Problem {
        let text = format!(
            "position {position} is not there yet; the newest is {}",
            self.head()
        );
        Problem::later("projection_lag", text)
    }

    /// Brings the projections up to the head, as far as they serve. Blocks.
    pub fn catch_up(&self) -> Result<Position, Problem> {
        let Reads {
            ledger,
            projections,
            ..
        } = &self.reads;
        Ok(projections.catch_up_serving(ledger)?)
    }

    /// Refuses to answer from a projection that does not hold what it should.
    pub fn holds(&self, view: View) -> Result<(), Problem> {
        match self.reads.projections.away(view) {
            None => Ok(()),
            Some(away) => Err(away.into()),
        }
    }

    /// The states that a request asks for: those of now, or of its `as_of`.
    pub fn states(&self, asked: &Asked, views: &[View]) -> Result<Seen, Problem> {
        for view in views {
            self.holds(*view)?;
        }
        let Some(moment) = asked.as_of()? else {
            return Ok(Seen::Live);
        };
        let to = moment.resolve(&self.reads.ledger)?;
        let pasts = || self.pasts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pasts().iter().find(|it| it.position == to).cloned();
        if let Some(known) = known {
            return Ok(Seen::Past(known));
        }
        let Reads {
            ledger,
            projections,
            ..
        } = &self.reads;
        let states = Arc::new(projections.as_of(ledger, Moment::Position(to))?);
        let mut pasts = pasts();
        if pasts.len() >= PASTS {
            pasts.remove(0);
        }
        pasts.push(Arc::clone(&states));
        Ok(Seen::Past(states))
    }

    /// Looks at states. Whoever looks at those of now keeps the next events out meanwhile.
    pub fn look<R>(&self, seen: &Seen, look: impl FnOnce(&States) -> R) -> R {
        match seen {
            Seen::Live => self.reads.projections.read(look),
            Seen::Past(states) => look(states),
        }
    }
}

//! One lane: a seat with its worker, or the inbox. Takes the first message due for it, carries it
//! to an end, writes down what happened, and looks again.

use std::time::Duration;

use tokio::sync::watch;

use super::carriage::Carriage;
use super::courier::moves::{Ending, Outcome};
use super::dispatch::{Hands, LOOK_AGAIN, Stopped, World};
use super::errand::{self, Errand};
use super::gauging::Calls;
use super::office::Office as _;
use super::wire::{FromWorker, ToWorker};
use crate::commands::pause_seat::PauseSeat;
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::seat::PauseReason;
use crate::events::ids::{AgentId, SeatId};
use crate::events::time::Timestamp;

/// How long a worker may take to claim its seat and open its desktop.
const CLAIM: Duration = Duration::from_secs(20);

/// How long a worker that is not needed any more may take to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long a lane leaves an errand alone that was refused before it began, unless something happens.
pub const REFUSED_REST: Duration = Duration::from_millis(200);

/// Which messages a lane carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Track {
    /// Those for agents on this seat, by hand.
    Seat(SeatId),
    /// Those that end as files, and those that no seat can take.
    Inbox,
}

/// A track and the worker that serves it.
#[derive(Debug)]
pub struct Lane {
    world: World,
    track: Track,
    hands: Option<Hands>,
    /// A person was at the seat: hands stay off until then.
    rests_until: Option<Timestamp>,
}

/// How an attempt by hand came to an end.
#[derive(Debug)]
pub enum Told {
    /// The worker said so.
    Ended(Box<Ending>),
    /// The worker is gone; what is in the ledger decides what that means.
    Gone(String),
}

impl Lane {
    /// A lane with nothing in hand.
    pub const fn new(world: World, track: Track) -> Self {
        Self {
            world,
            track,
            hands: None,
            rests_until: None,
        }
    }

    /// Carries until the owner leaves. Fails only when the ledger does.
    pub async fn run(mut self) -> Result<(), Stopped> {
        let mut head = self.world.head.clone();
        let mut leaving = self.world.leaving.clone();
        let mut called = self.world.calls.told();
        while !*leaving.borrow() {
            head.mark_unchanged();
            called.mark_unchanged();
            if self.answer_call().await {
                continue;
            }
            let Some(rest) = self.step().await? else {
                continue;
            };
            tokio::select! {
                _ = head.changed() => {}
                _ = leaving.changed() => {}
                _ = called.changed() => {}
                word = heard(&mut self.hands) => self.heard_at_rest(word.as_ref()).await?,
                () = tokio::time::sleep(rest) => {}
            }
        }
        self.let_go().await;
        Ok(())
    }

    /// Carries the next message, if there is one. None: look again at once; else how long there is
    /// nothing to do.
    async fn step(&mut self) -> Result<Option<Duration>, Stopped> {
        let mut look_at = self.resting();
        if look_at.is_none() {
            let track = self.track.clone();
            let next = move |world: &World| errand::next(world, &track);
            let (errand, due) = self.world.off_thread(next).await?;
            if let Some(errand) = errand {
                let came = self.go(errand).await?;
                return Ok((!came).then_some(REFUSED_REST));
            }
            look_at = due;
        }
        let now = self.world.now();
        Ok(Some(
            look_at.map_or(LOOK_AGAIN, |at| at.since(now).min(LOOK_AGAIN)),
        ))
    }

    /// Lets the worker end by itself: it has a clipboard to hand on. Dropping it would stop it.
    pub async fn let_go(&mut self) {
        let Some(Hands { say, mut hear }) = self.hands.take() else {
            return;
        };
        drop(say);
        // Closed once the process is gone.
        let gone = async { while hear.recv().await.is_some() {} };
        tokio::time::timeout(FAREWELL, gone)
            .await
            .unwrap_or_default();
    }

    /// A worker speaks unasked only when its person wants all hands to stop, or when it goes away.
    async fn heard_at_rest(&mut self, word: Option<&FromWorker>) -> Result<(), Stopped> {
        self.hands = None;
        if matches!(word, Some(FromWorker::Corner)) {
            self.cornered().await?;
        }
        Ok(())
    }

    /// All hands stop until somebody resumes them. Those at work are refused their Enter; this lane's
    /// own worker is gone already.
    pub(super) async fn cornered(&self) -> Result<(), Stopped> {
        tracing::warn!(track = ?self.track, "the pointer is in the corner: all hands stop");
        let pause = PauseSeat {
            seat: None,
            by: AgentId::operator(),
            reason: PauseReason::Panic,
        };
        self.world
            .off_thread(move |world| world.execute(pause).map(|_| ()))
            .await
    }

    pub(super) const fn seat(&self) -> Option<&SeatId> {
        match &self.track {
            Track::Seat(seat) => Some(seat),
            Track::Inbox => None,
        }
    }

    pub(super) const fn calls(&self) -> &Calls {
        &self.world.calls
    }

    pub(super) fn panic(&self) -> watch::Receiver<u64> {
        self.world.panic.clone()
    }

    pub(super) const fn hands_mut(&mut self) -> Option<&mut Hands> {
        self.hands.as_mut()
    }

    pub(super) fn lose_hands(&mut self) {
        self.hands = None;
    }

    /// Makes sure of a worker; or says what an attempt would fail as.
    pub(super) async fn ready(&mut self) -> Result<(), (FailureClass, String)> {
        self.claim().await.map_err(Unready::reason)
    }

    /// True when something came of it; false when the errand was refused before it began.
    async fn go(&mut self, errand: Errand) -> Result<bool, Stopped> {
        match errand {
            Errand::Skip(skip) => self.world.off_thread(move |world| skip.write(world)).await,
            Errand::Inbox(post) => self.world.off_thread(move |world| post.carry(world)).await,
            Errand::Gui(carriage) => self.carry(*carriage).await,
        }
    }

    /// Carries one message by hand. `attempt.started` is durable before the worker hears of it.
    async fn carry(&mut self, carriage: Carriage) -> Result<bool, Stopped> {
        let mut leaving = self.world.leaving.clone();
        let ready = tokio::select! {
            ready = self.claim() => ready,
            // Nothing was begun yet.
            _ = leaving.wait_for(|leaving| *leaving) => return Ok(false),
        };
        // Heard from before the attempt begins: a call to stop in between counts.
        let mut panic = self.world.panic.clone();
        panic.mark_unchanged();
        let own = carriage.clone();
        if !self.world.off_thread(move |world| own.begin(world)).await? {
            return Ok(false);
        }
        let told = match ready {
            Ok(()) => self.work(&carriage, panic).await?,
            Err(unready) => Told::Ended(Box::new(unready.ending(&carriage))),
        };
        match &told {
            Told::Gone(_) => self.hands = None,
            Told::Ended(ending) => self.rest_after(ending),
        }
        self.world
            .off_thread(move |world| carriage.end(world, told))
            .await?;
        Ok(true)
    }

    /// Until when hands stay off, if they do.
    fn resting(&self) -> Option<Timestamp> {
        let now = self.world.now();
        self.rests_until.filter(|until| *until > now)
    }

    /// A person at the seat goes first, whatever message is next.
    fn rest_after(&mut self, ending: &Ending) {
        let Outcome::Failed { class, .. } = &ending.outcome else {
            return;
        };
        let rest = self.world.settings().policy.seat_rest(*class);
        if !rest.is_zero() {
            tracing::info!(track = ?self.track, ?rest, "a person is at the seat");
            self.rests_until = Some(self.world.now().after(rest));
        }
    }

    /// Has the worker work until the attempt ends, writing every milestone down before it goes on.
    async fn work(
        &mut self,
        carriage: &Carriage,
        mut panic: watch::Receiver<u64>,
    ) -> Result<Told, Stopped> {
        let stopped = || Told::Gone("all hands were stopped".to_owned());
        let gone = || Told::Gone("the seat's worker process ended in the middle".to_owned());
        let Some(hands) = self.hands.as_mut() else {
            return Ok(gone());
        };
        if panic.has_changed().unwrap_or(false) {
            return Ok(stopped());
        }
        let silence = carriage.job.patience.silence();
        if hands
            .say
            .send(ToWorker::Carry(Box::new(carriage.job.clone())))
            .await
            .is_err()
        {
            return Ok(gone());
        }
        loop {
            let word = tokio::select! {
                word = hands.hear.recv() => word,
                _ = panic.changed() => return Ok(stopped()),
                () = tokio::time::sleep(silence) => {
                    return Ok(Told::Gone(format!("the worker was silent for {silence:?}")));
                }
            };
            match word {
                None => return Ok(gone()),
                Some(FromWorker::Ended(ending)) => return Ok(Told::Ended(ending)),
                Some(FromWorker::Corner) => {
                    self.hands = None;
                    self.cornered().await?;
                    return Ok(stopped());
                }
                Some(FromWorker::Reached(milestone)) => {
                    let own = carriage.clone();
                    let reached = move |world: &World| own.reach(world, milestone);
                    let answer = self.world.off_thread(reached).await?;
                    if hands.say.send(ToWorker::Answer(answer)).await.is_err() {
                        return Ok(gone());
                    }
                }
                Some(FromWorker::Ready(_) | FromWorker::Unable { .. }) => {}
            }
        }
    }

    /// Makes sure of a worker that has claimed the seat; or says why there is none.
    async fn claim(&mut self) -> Result<(), Unready> {
        if self
            .hands
            .as_ref()
            .is_some_and(|hands| !hands.hear.is_closed())
        {
            return Ok(());
        }
        self.hands = None;
        match self.hire().await {
            // It was cut off while it started. No attempt has begun, so another one costs none.
            Err(Unready::Ended(_)) => self.hire().await,
            other => other,
        }
    }

    async fn hire(&mut self) -> Result<(), Unready> {
        let Track::Seat(seat) = &self.track else {
            return Err(Unready::Seat("this is no seat".to_owned()));
        };
        let mut hands = self.world.hire.hire(seat).map_err(|error| {
            Unready::Seat(format!(
                "the worker of seat {seat} could not be started: {error}"
            ))
        })?;
        match tokio::time::timeout(CLAIM, hands.hear.recv()).await {
            Ok(Some(FromWorker::Ready(_))) => {
                self.hands = Some(hands);
                Ok(())
            }
            Ok(Some(FromWorker::Unable { reason })) => Err(Unready::Seat(reason)),
            Ok(Some(FromWorker::Reached(_) | FromWorker::Ended(_) | FromWorker::Corner) | None) => {
                Err(Unready::Ended(format!(
                    "the worker of seat {seat} ended before it was ready"
                )))
            }
            Err(_elapsed) => Err(Unready::Slow(format!(
                "the worker of seat {seat} was not ready in {CLAIM:?}"
            ))),
        }
    }
}

/// What a worker says while it has nothing to do; for ever silent without one.
async fn heard(hands: &mut Option<Hands>) -> Option<FromWorker> {
    match hands {
        Some(hands) => hands.hear.recv().await,
        None => std::future::pending().await,
    }
}

/// Why there is no worker. Nothing was touched.
#[derive(Debug)]
enum Unready {
    /// The seat cannot be had: trying again soon will not help.
    Seat(String),
    /// The worker's process went away: another one may do.
    Ended(String),
    /// The worker's process did not say that it is ready.
    Slow(String),
}

impl Unready {
    fn reason(self) -> (FailureClass, String) {
        match self {
            Self::Seat(detail) => (FailureClass::DisplayGone, detail),
            Self::Ended(detail) | Self::Slow(detail) => (FailureClass::Interrupted, detail),
        }
    }

    fn ending(self, carriage: &Carriage) -> Ending {
        let (class, detail) = self.reason();
        Ending {
            outcome: Outcome::Failed {
                class,
                detail,
                text_may_stand: carriage.text_stood_before(),
                enter_may_come: false,
            },
            steps: Vec::new(),
            window: None,
            learnt: None,
            remarks: Vec::new(),
        }
    }
}

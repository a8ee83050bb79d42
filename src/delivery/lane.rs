//! One lane: a seat with its worker, or the inbox. Takes the first message due for it, carries it
//! to an end, writes down what happened, and looks again.

use std::collections::HashMap;
use std::time::Duration;

use super::courier::{Answer, Ending, Milestone};
use super::dispatch::{Hands, LOOK_AGAIN, World};
use super::errand::{self, Errand};
use super::look::Look;
use super::ports::Abilities;
use super::wire::{FromWorker, ToWorker};
use crate::commands::desk::ExecuteError;
use crate::events::facts::attempt::FailureClass;
use crate::events::ids::{AgentId, Position, SeatId};
use crate::events::time::Timestamp;

/// How long a worker may take to claim its seat and open its desktop.
const CLAIM: Duration = Duration::from_secs(20);

/// How long a worker may be silent in the middle of an attempt before it is taken for stuck. Far
/// beyond the sum of the courier's own deadlines.
const SILENCE: Duration = Duration::from_secs(60);

/// Which messages a lane carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Track {
    /// Those for agents on this seat, by hand.
    Seat(SeatId),
    /// Those that end as files, and those that no seat can take.
    Inbox,
}

/// A track, the worker that serves it, and what it remembers between messages.
#[derive(Debug)]
pub struct Lane {
    world: World,
    track: Track,
    hands: Option<Hands>,
    abilities: Option<Abilities>,
    looks: HashMap<AgentId, (Position, Look)>,
}

impl Lane {
    /// A lane with nothing in hand.
    pub fn new(world: World, track: Track) -> Self {
        Self {
            world,
            track,
            hands: None,
            abilities: None,
            looks: HashMap::new(),
        }
    }

    /// Carries until the owner leaves. Fails only when the ledger does.
    pub async fn run(mut self) -> Result<(), ExecuteError> {
        let mut head = self.world.head.clone();
        let mut leaving = self.world.leaving.clone();
        while !*leaving.borrow() {
            let (errand, look_at) = self.next_errand().await?;
            if let Some(errand) = errand {
                self.run_errand(errand).await?;
                continue;
            }
            let rest = look_at.since(self.world.clock.now()).min(LOOK_AGAIN);
            tokio::select! {
                _ = head.changed() => {}
                _ = leaving.changed() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
        Ok(())
    }

    /// The first errand due on this track, or when to look again.
    async fn next_errand(&mut self) -> Result<(Option<Errand>, Timestamp), ExecuteError> {
        let track = self.track.clone();
        self.world
            .off_thread(move |world| errand::next(world, &track))
            .await?
    }

    async fn run_errand(&mut self, errand: Errand) -> Result<(), ExecuteError> {
        match errand {
            Errand::Skip(skip) => {
                self.world
                    .off_thread(move |world| skip.write(world))
                    .await?
            }
            Errand::Inbox(letter) => {
                self.world
                    .off_thread(move |world| letter.carry(world))
                    .await?
            }
            Errand::Gui(carriage) => self.carry(*carriage).await,
        }
    }

    /// Carries one message by hand. `attempt.started` is durable before the worker hears of it.
    async fn carry(&mut self, mut carriage: Carriage) -> Result<(), ExecuteError> {
        let ready = self.claim().await;
        let known = self.looks.remove(&carriage.agent());
        let begun = self
            .world
            .off_thread(move |world| carriage.begin(world, known).map(|begun| (carriage, begun)))
            .await??;
        let (carriage, Some(job)) = begun else {
            return Ok(());
        };
        if let Some((position, look)) = carriage.look() {
            self.looks
                .insert(carriage.agent(), (position, look.clone()));
        }
        let told = match ready {
            Ok(()) => self.work(&carriage, ToWorker::Carry(Box::new(job))).await?,
            Err(reason) => Told::Ended(Ending::unable(FailureClass::DisplayGone, reason)),
        };
        if matches!(told, Told::Gone(_)) {
            self.hands = None;
        }
        self.world
            .off_thread(move |world| carriage.end(world, told))
            .await?
    }

    /// Has the worker work until the attempt ends, writing every milestone down before it goes on.
    async fn work(&mut self, carriage: &Carriage, job: ToWorker) -> Result<Told, ExecuteError> {
        let Some(hands) = self.hands.as_mut() else {
            return Ok(Told::Gone("the seat's worker was never there".to_owned()));
        };
        let gone = || Told::Gone("the seat's worker process ended in the middle".to_owned());
        if hands.say.send(job).await.is_err() {
            return Ok(gone());
        }
        loop {
            let word = tokio::select! {
                word = tokio::time::timeout(SILENCE, hands.hear.recv()) => word,
                () = self.world.panicked() => return Ok(Told::Gone("all hands were stopped".to_owned())),
            };
            match word {
                Err(_elapsed) => {
                    let silent = format!("the seat's worker said nothing for {SILENCE:?}");
                    return Ok(Told::Gone(silent));
                }
                Ok(None) => return Ok(gone()),
                Ok(Some(FromWorker::Ended(ending))) => return Ok(Told::Ended(*ending)),
                Ok(Some(FromWorker::Reached(milestone))) => {
                    let own = carriage.clone();
                    let answer = self
                        .world
                        .off_thread(move |world| own.reach(world, milestone))
                        .await??;
                    if hands.say.send(ToWorker::Answer(answer)).await.is_err() {
                        return Ok(gone());
                    }
                }
                Ok(Some(FromWorker::Ready(_) | FromWorker::Unable { .. })) => {}
            }
        }
    }

    /// A worker that has claimed the seat; or why there is none.
    async fn claim(&mut self) -> Result<(), String> {
        if self
            .hands
            .as_ref()
            .is_some_and(|hands| !hands.hear.is_closed())
        {
            return Ok(());
        }
        let Track::Seat(seat) = &self.track else {
            return Err("no seat".to_owned());
        };
        let mut hands =
            self.world.hire.hire(seat).map_err(|error| {
                format!("the worker of seat {seat} could not be started: {error}")
            })?;
        match tokio::time::timeout(CLAIM, hands.hear.recv()).await {
            Ok(Some(FromWorker::Ready(abilities))) => {
                self.abilities = Some(abilities);
                self.hands = Some(hands);
                Ok(())
            }
            Ok(Some(FromWorker::Unable { reason })) => Err(reason),
            Ok(Some(FromWorker::Reached(_) | FromWorker::Ended(_)) | None) => Err(format!(
                "the worker of seat {seat} ended before it was ready"
            )),
            Err(_elapsed) => Err(format!(
                "the worker of seat {seat} was not ready in {CLAIM:?}"
            )),
        }
    }
}

/// How an attempt by hand came to an end.
#[derive(Debug)]
pub enum Told {
    /// The worker said so.
    Ended(Ending),
    /// The worker is gone; what is in the ledger decides what that means.
    Gone(String),
}

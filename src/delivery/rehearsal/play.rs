//! Deliveries played through on paper, as lanes do it: whose turn it is, begin, carry, end, look again.

use std::time::Duration;

use super::paper::Paper;
use crate::commands::desk::Refused;
use crate::commands::pause_seat::ResumeSeat;
use crate::delivery::carriage::Carriage;
use crate::delivery::courier::moves::{Answer, Ending, Milestone, Outcome};
use crate::delivery::dispatch;
use crate::delivery::errand::{self, Errand};
use crate::delivery::job::Job;
use crate::delivery::lane::{REFUSED_REST, Told, Track};
use crate::delivery::office::Office as _;
use crate::events::ids::{AgentId, SeatId};
use crate::events::time::Timestamp;

/// Where a rehearsal is played: a desktop, its time, and everything that may go wrong.
pub trait Theatre: std::fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Lets time pass.
    fn pass(&mut self, span: Duration);
    /// Carries as a seat's worker does, until the attempt ends or something is cut off.
    fn carry(&mut self, job: Job, ask: &mut dyn FnMut(Timestamp, Milestone) -> Answer) -> Carried;
    /// Between two steps of the owner: people and agents may do something to the ledger.
    fn between(&mut self, paper: &Paper);
}

/// How the carrying of one attempt came to an end.
#[derive(Debug)]
pub enum Carried {
    /// The worker said how.
    Ended(Box<Ending>),
    /// The worker was gone.
    WorkerGone,
    /// The owner was gone, and came back with nothing but its ledger.
    OwnerGone,
    /// The worker went on and on.
    Endless(Duration),
}

/// A rehearsal that did not go as it must.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The paper ledger refused what a real one would have taken, or the other way round.
    #[error("the paper ledger broke off: {0}")]
    Ledger(#[from] Refused),
    /// Folding from zero gave another state.
    #[error("folded from zero, the projections are others than those that grew with the events")]
    Folds,
    /// Deliveries did not come to rest.
    #[error("still not settled after {0:?} of virtual time")]
    Endless(Duration),
    /// An attempt did not end.
    #[error("an attempt had not ended after {0:?} of virtual time")]
    EndlessAttempt(Duration),
    /// The same instant over and over.
    #[error("{0} turns without time passing")]
    Spinning(u32),
}

/// Turns that may pass without time passing: far more than there are messages and channels.
const TURNS_MAX: u32 = 1_000;

/// One seat's lane and the inbox's, in turns.
#[derive(Debug)]
pub struct Lanes<'p> {
    paper: &'p Paper,
    seat: SeatId,
    rests_until: Timestamp,
}

impl<'p> Lanes<'p> {
    /// Lanes with nothing in hand.
    pub const fn new(paper: &'p Paper, seat: SeatId) -> Self {
        Self {
            paper,
            seat,
            rests_until: Timestamp::EPOCH,
        }
    }

    /// Carries until nothing is queued any more. Who paused a seat and forgot it is taken to resume
    /// everything once nothing else happens.
    pub fn play(&mut self, theatre: &mut dyn Theatre, bound: Duration) -> Result<(), Broken> {
        let began = theatre.now();
        let mut turns = 0;
        let mut last = began;
        loop {
            let now = theatre.now();
            if now.since(began) > bound {
                return Err(Broken::Endless(bound));
            }
            turns = if now == last { turns + 1 } else { 0 };
            last = now;
            if turns > TURNS_MAX {
                return Err(Broken::Spinning(turns));
            }
            self.paper.set_now(now);
            theatre.between(self.paper);
            let next_due = dispatch::expire(self.paper)?;
            let (errand, look_at) = self.next()?;
            let look_at = look_at.into_iter().chain(next_due).min();
            match (errand, look_at) {
                (Some(errand), _) => self.go(theatre, errand)?,
                (None, Some(at)) => theatre.pass(at.since(now)),
                (None, None) if self.paper.read(|states| states.outbox.queued()) == 0 => {
                    return Ok(());
                }
                (None, None) => self.resume(theatre)?,
            }
        }
    }

    /// The inbox's errand or the seat's; else when to look again.
    fn next(&self) -> Result<(Option<Errand>, Option<Timestamp>), Refused> {
        let (errand, inbox_at) = errand::next(self.paper, &Track::Inbox)?;
        if errand.is_some() {
            return Ok((errand, None));
        }
        if self.rests_until > self.paper.now() {
            return Ok((None, Some(self.rests_until)));
        }
        let (errand, seat_at) = errand::next(self.paper, &Track::Seat(self.seat.clone()))?;
        Ok((errand, inbox_at.into_iter().chain(seat_at).min()))
    }

    fn go(&mut self, theatre: &mut dyn Theatre, errand: Errand) -> Result<(), Broken> {
        let came = match errand {
            Errand::Skip(skip) => skip.write(self.paper)?,
            Errand::Inbox(post) => post.carry(self.paper)?,
            Errand::Gui(carriage) => self.carry(theatre, *carriage)?,
        };
        // Writing costs a little.
        theatre.pass(if came {
            Duration::from_micros(200)
        } else {
            REFUSED_REST
        });
        Ok(())
    }

    fn carry(&mut self, theatre: &mut dyn Theatre, carriage: Carriage) -> Result<bool, Broken> {
        if !carriage.begin(self.paper)? {
            return Ok(false);
        }
        theatre.between(self.paper);
        let mut broke = None;
        let carried = theatre.carry(carriage.job.clone(), &mut |now, milestone| {
            self.paper.set_now(now);
            carriage
                .reach(self.paper, milestone)
                .unwrap_or_else(|error| {
                    let detail = error.to_string();
                    broke = Some(error);
                    let class = crate::events::facts::attempt::FailureClass::Interrupted;
                    Answer::Refused { class, detail }
                })
        });
        if let Some(error) = broke {
            return Err(error.into());
        }
        self.paper.set_now(theatre.now());
        theatre.between(self.paper);
        match carried {
            Carried::Endless(span) => return Err(Broken::EndlessAttempt(span)),
            Carried::Ended(ending) => {
                self.rest_after(&ending);
                carriage.end(self.paper, Told::Ended(ending))?;
            }
            Carried::WorkerGone => {
                let reason = "the seat's worker process ended in the middle".to_owned();
                carriage.end(self.paper, Told::Gone(reason))?;
            }
            Carried::OwnerGone => {
                if !self.paper.reopen() {
                    return Err(Broken::Folds);
                }
                self.rests_until = Timestamp::EPOCH;
                dispatch::settle_cut_off(self.paper)?;
            }
        }
        Ok(true)
    }

    fn rest_after(&mut self, ending: &Ending) {
        if let Outcome::Failed { class, .. } = &ending.outcome {
            let rest = self.paper.settings().policy.seat_rest(*class);
            self.rests_until = self.rests_until.max(self.paper.now().after(rest));
        }
    }

    fn resume(&self, theatre: &mut dyn Theatre) -> Result<(), Broken> {
        theatre.pass(Duration::from_secs(1));
        self.paper.set_now(theatre.now());
        let operator: AgentId = AgentId::operator();
        let by = operator.clone();
        self.paper
            .execute_as(operator, ResumeSeat { seat: None, by })?;
        Ok(())
    }
}

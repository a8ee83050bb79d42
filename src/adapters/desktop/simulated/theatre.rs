//! The simulated desktop as a theatre for rehearsals: the worker's work is done here, cut off where
//! the script says so, while people meddle with the ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::desktop::{SimulatedDesktop, SimulatedPace, enter};
use super::world::World;
use crate::delivery::courier::machine::Courier;
use crate::delivery::courier::moves::{Answer, Deed, Ending, Milestone, Move, Report};
use crate::delivery::hands::{Pace as _, perform};
use crate::delivery::job::Job;
use crate::delivery::ports::{Abilities, Act, Desktop as _};
use crate::delivery::rehearsal::meddling::Meddling;
use crate::delivery::rehearsal::paper::Paper;
use crate::delivery::rehearsal::play::{Carried, Theatre};
use crate::delivery::wire::{FromWorker, ToWorker};
use crate::events::ids::AgentId;
use crate::events::time::Timestamp;

/// What goes on between courier and hands. A broken one shows whether anybody notices.
pub trait Conduct: fmt::Debug {
    /// The courier's next move.
    fn next(&mut self, courier: &mut Courier, report: Report, now: Timestamp) -> Move;
    /// What the desktop said to a deed, on its way to the courier.
    fn heard(&mut self, deed: &Deed, report: Report) -> Report;
    /// The deed as it is really done, so many times.
    fn times(&mut self, deed: &Deed) -> u32;
}

/// Nothing is changed on the way.
#[derive(Clone, Copy, Debug)]
pub struct Honest;

impl Conduct for Honest {
    fn next(&mut self, courier: &mut Courier, report: Report, now: Timestamp) -> Move {
        courier.next(report, now)
    }

    fn heard(&mut self, _deed: &Deed, report: Report) -> Report {
        report
    }

    fn times(&mut self, _deed: &Deed) -> u32 {
        1
    }
}

/// No attempt may take longer, in virtual time.
const ATTEMPT: Duration = Duration::from_secs(30);

/// More moves than any rehearsal makes.
const MOVES_MAX: u32 = 1_000_000;

/// What cuts an attempt off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The worker's process dies before its next move.
    Worker,
    /// The owner's process dies; the worker goes on to the end, and nobody hears of it. It gets no
    /// answer that it did not have.
    Owner,
}

/// The stage with its script.
#[derive(Debug)]
pub struct SimulatedTheatre<'c> {
    /// The truth.
    pub world: Rc<RefCell<World>>,
    /// What strikes between two steps of the owner, counted from 0.
    pub meddling: BTreeMap<u32, Meddling>,
    /// What is cut off before which move, counted over everything.
    pub cuts: BTreeMap<u32, Cut>,
    /// Which window is whose, and so whom the faults are about.
    pub windows: BTreeMap<AgentId, u64>,
    /// Whether jobs go through JSON, as between two processes.
    pub by_wire: bool,
    desktop: SimulatedDesktop,
    pace: SimulatedPace,
    conduct: &'c mut dyn Conduct,
    moves: u32,
    pauses: u32,
}

impl<'c> SimulatedTheatre<'c> {
    /// A stage in this world with nothing in its script.
    pub fn new(world: World, conduct: &'c mut dyn Conduct) -> Self {
        let (desktop, pace, world) = enter(world);
        Self {
            world,
            meddling: BTreeMap::new(),
            cuts: BTreeMap::new(),
            windows: BTreeMap::new(),
            by_wire: false,
            desktop,
            pace,
            conduct,
            moves: 0,
            pauses: 0,
        }
    }

    /// Attempts and meddling count from here.
    pub fn rewind(&mut self) {
        self.moves = 0;
        self.pauses = 0;
    }

    fn note(&self, words: impl FnOnce() -> String) {
        self.world.borrow_mut().note(words);
    }

    /// Does the deed as often as the conduct has it done; the last report counts.
    fn perform(&mut self, deed: &Deed) -> Report {
        let mut report = Report::Done;
        for _ in 0..self.conduct.times(deed) {
            report = perform(deed, &mut self.desktop, &mut self.pace);
        }
        self.conduct.heard(deed, report)
    }

    fn work(
        &mut self,
        job: Job,
        ask: &mut dyn FnMut(Timestamp, Milestone) -> Answer,
    ) -> (Option<Ending>, bool) {
        let began = self.pace.now();
        let abilities: Abilities = self.desktop.abilities();
        let mut courier = Courier::new(job, abilities, self.pace.now());
        let mut report = Report::Begin;
        let mut alone = false;
        loop {
            match self.cuts.remove(&self.moves) {
                Some(Cut::Worker) if !alone => return (None, false),
                Some(Cut::Owner) => alone = true,
                Some(Cut::Worker) | None => {}
            }
            self.moves = self.moves.saturating_add(1);
            let now = self.pace.now();
            if now.since(began) > ATTEMPT || self.moves > MOVES_MAX {
                return (None, alone);
            }
            report = match self.conduct.next(&mut courier, report, now) {
                Move::Do(deed) => self.perform(&deed),
                Move::Ask(_) if alone => Report::Answered(Answer::Refused {
                    class: crate::events::facts::attempt::FailureClass::Interrupted,
                    detail: "the ledger's owner is gone".to_owned(),
                }),
                Move::Ask(milestone) => {
                    let answer = ask(self.pace.now(), milestone);
                    self.note(|| format!("owner answers the worker: {answer:?}"));
                    Report::Answered(answer)
                }
                Move::End(ending) => return (Some(ending), alone),
            };
        }
    }
}

/// As it arrives on the other side of a pipe.
fn by_wire(job: Job) -> Option<Job> {
    let line = serde_json::to_vec(&ToWorker::Carry(Box::new(job))).ok()?;
    match serde_json::from_slice(&line).ok()? {
        ToWorker::Carry(job) => Some(*job),
        ToWorker::Answer(_) => None,
    }
}

fn back_by_wire(ending: Ending) -> Option<Ending> {
    let line = serde_json::to_vec(&FromWorker::Ended(Box::new(ending))).ok()?;
    match serde_json::from_slice(&line).ok()? {
        FromWorker::Ended(ending) => Some(*ending),
        FromWorker::Ready(_)
        | FromWorker::Unable { .. }
        | FromWorker::Reached(_)
        | FromWorker::Corner => None,
    }
}

impl Theatre for SimulatedTheatre<'_> {
    fn now(&self) -> Timestamp {
        self.world.borrow().now
    }

    fn pass(&mut self, span: Duration) {
        self.world.borrow_mut().pass(span);
    }

    fn carry(&mut self, job: Job, ask: &mut dyn FnMut(Timestamp, Milestone) -> Answer) -> Carried {
        if let Some(window) = self.windows.get(&job.agent) {
            self.world.borrow_mut().target = *window;
        }
        let job = if self.by_wire {
            by_wire(job)
        } else {
            Some(job)
        };
        let Some(job) = job else {
            return Carried::WorkerGone;
        };
        let began = self.now();
        let (ending, alone) = self.work(job, ask);
        let spent = self.now().since(began);
        if spent > ATTEMPT || self.moves > MOVES_MAX {
            return Carried::Endless(spent);
        }
        // Whatever ends a worker, it lets go of every key.
        let _trouble = perform(
            &Deed::Act(Act::ReleaseAll),
            &mut self.desktop,
            &mut self.pace,
        );
        match ending {
            _ if alone => {
                self.note(|| "CUT: the owner's process was gone, and begins anew".to_owned());
                Carried::OwnerGone
            }
            None => {
                self.note(|| "CUT: the worker's process is gone".to_owned());
                Carried::WorkerGone
            }
            Some(ending) if self.by_wire => {
                back_by_wire(ending).map_or(Carried::WorkerGone, |it| Carried::Ended(Box::new(it)))
            }
            Some(ending) => Carried::Ended(Box::new(ending)),
        }
    }

    fn between(&mut self, paper: &Paper) {
        let meddling = self.meddling.remove(&self.pauses);
        self.pauses = self.pauses.saturating_add(1);
        if let Some(meddling) = meddling {
            paper.set_now(self.now());
            let done = meddling.strike(paper);
            self.note(|| match done {
                Ok(_) => format!("MEANWHILE: {meddling}"),
                Err(refused) => format!("MEANWHILE: {meddling}; refused: {refused}"),
            });
        }
    }
}

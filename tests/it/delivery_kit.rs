//! A stage for the courier: the simulated desktop, a job for it, and attempts that may be cut off.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use switchboard::adapters::desktop::simulated::desktop::{SimulatedDesktop, SimulatedPace, enter};
use switchboard::adapters::desktop::simulated::window::{Habit, SimulatedWindow};
use switchboard::adapters::desktop::simulated::world::World;
use switchboard::delivery::courier::machine::Courier;
use switchboard::delivery::courier::moves::{Answer, Ending, Move, Outcome, Report};
use switchboard::delivery::hands::{Pace as _, perform};
use switchboard::delivery::job::{Aim, ClipboardLimits, Input, Job, Keys, Patience, ReadBack};
use switchboard::delivery::look::Look;
use switchboard::delivery::ports::Desktop as _;
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::manners::Drafts;
use switchboard::events::facts::screen::{Point, Rect};
use switchboard::events::ids::MessageId;
use uuid::Uuid;

/// No attempt may take longer, in virtual time.
const BOUND: Duration = Duration::from_secs(30);
/// The window that messages are for.
pub(crate) const TARGET: u64 = 1;
/// Its box.
pub(crate) const PLACE: Point = Point { x: 180, y: 155 };
/// Who is asked whether Enter may be pressed.
pub(crate) type Owner<'a> = &'a mut dyn FnMut() -> Answer;

/// Where windows of the stage stand.
pub(crate) fn frame(x: i32) -> Rect {
    Rect {
        x,
        y: 100,
        width: 240,
        height: 80,
    }
}

/// The window that messages are for, empty and quick.
pub(crate) fn window(target: Target) -> SimulatedWindow {
    let habit = match target {
        Target::Chat | Target::Editor => Habit::Chat,
        Target::Terminal => Habit::Terminal,
    };
    SimulatedWindow::new(TARGET, habit, "agent-1", frame(100))
}

/// Another agent's window, which has the keyboard at first.
pub(crate) fn neighbour() -> SimulatedWindow {
    SimulatedWindow::new(2, Habit::Chat, "agent-2", frame(600))
}

/// A first attempt to carry this text.
pub(crate) fn job(text: &str, target: Target) -> Job {
    Job {
        message: MessageId(Uuid::from_u128(7)),
        attempt: 1,
        agent: "agent-1".parse().unwrap(),
        place: PLACE,
        target,
        window: Some("agent-1".to_owned()),
        fingerprint: None,
        known_window: None,
        text: text.to_owned(),
        sanitised: None,
        keys: Keys::of(target),
        patience: Patience::of(target),
        look: None,
        standing: Vec::new(),
        expires_at: None,
        input: Input::Paste,
        read_back: ReadBack::WhenDoubtful,
        clipboard: ClipboardLimits::default(),
        aim: Aim::Deliver,
        new_chat: None,
        when_idle: None,
        drafts: Drafts::Hold,
    }
}

/// One attempt, and what the owner knows after it.
pub(crate) struct Attempt {
    /// None: the worker was cut off.
    pub(crate) ending: Option<Ending>,
    /// Enter was allowed: `attempt.submitting` is in the ledger.
    pub(crate) allowed: bool,
}

/// A desktop, its time, and the truth about it.
pub(crate) struct Stage {
    pub(crate) desktop: SimulatedDesktop,
    pub(crate) pace: SimulatedPace,
    pub(crate) world: Rc<RefCell<World>>,
}

impl Stage {
    pub(crate) fn new(world: World) -> Self {
        let (desktop, pace, world) = enter(world);
        Self {
            desktop,
            pace,
            world,
        }
    }

    /// A whole attempt that nobody hinders.
    pub(crate) fn carry(&mut self, job: Job) -> Outcome {
        let done = self.attempt(job, None, &mut || Answer::Allowed);
        done.ending.unwrap().outcome
    }

    /// As `hands::carry`, but the worker may be cut off before any move.
    pub(crate) fn attempt(&mut self, job: Job, cut: Option<u32>, owner: Owner<'_>) -> Attempt {
        let began = self.pace.now();
        let mut courier = Courier::new(job, self.desktop.abilities(), began);
        let mut report = Report::Begin;
        let mut allowed = false;
        for number in 0_u32.. {
            if Some(number) == cut {
                let ending = None;
                return Attempt { ending, allowed };
            }
            let now = self.pace.now();
            assert!(now.since(began) < BOUND, "an attempt did not end");
            report = match courier.next(report, now) {
                Move::Do(deed) => perform(&deed, &mut self.desktop, &mut self.pace),
                Move::Ask(_) => {
                    allowed = true;
                    Report::Answered(owner())
                }
                Move::End(ending) => {
                    let ending = Some(ending);
                    return Attempt { ending, allowed };
                }
            };
        }
        unreachable!("numbers do not end")
    }

    /// What the target received.
    pub(crate) fn received(&self) -> Vec<String> {
        let world = self.world.borrow();
        world
            .window(TARGET)
            .map_or(Vec::new(), |w| w.received.clone())
    }

    /// Every key that was pressed is handled.
    pub(crate) fn let_everything_happen(&self) {
        self.world.borrow_mut().pass(Duration::from_mins(1));
    }
}

/// A first delivery on a quiet desktop teaches the empty look.
pub(crate) fn learn(stage: &mut Stage, target: Target) -> Option<Look> {
    let faults = std::mem::take(&mut stage.world.borrow_mut().faults);
    let done = stage.attempt(job("a first word", target), None, &mut || Answer::Allowed);
    let mut world = stage.world.borrow_mut();
    world.faults = faults;
    world.deeds = 0;
    world.pass(Duration::from_secs(1));
    done.ending.and_then(|ending| ending.learnt)
}

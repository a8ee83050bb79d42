//! The courier against a desktop that misbehaves, from seeds. The windows know what they really
//! received; the courier must never claim more.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use switchboard::adapters::desktop::simulated::window::{Habit, SimulatedWindow};
use switchboard::adapters::desktop::simulated::world::{Fault, World};
use switchboard::adapters::desktop::simulated::{SimulatedDesktop, SimulatedPace, enter};
use switchboard::delivery::courier::machine::Courier;
use switchboard::delivery::courier::moves::{Answer, Deed, Ending, Move, Outcome, Report};
use switchboard::delivery::hands::{Pace as _, perform};
use switchboard::delivery::job::{ClipboardLimits, Job, Keys, Patience, ReadBack, Standing};
use switchboard::delivery::look::Look;
use switchboard::delivery::ports::{Clip, Desktop as _};
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::screen::{Point, Rect};
use switchboard::events::ids::MessageId;
use uuid::Uuid;

/// No attempt may take longer, in virtual time.
const BOUND: Duration = Duration::from_secs(30);
const TARGET: u64 = 1;
const PLACE: Point = Point { x: 180, y: 155 };

/// A small generator, so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

fn fault(dice: &mut Dice) -> Fault {
    match dice.roll(17) {
        0 | 1 => Fault::Stall(Duration::from_millis(dice.roll(150))),
        2 => Fault::Stall(Duration::from_millis(dice.roll(9_000))),
        3 => Fault::FocusTheft,
        4 => Fault::Modal,
        5 => Fault::ModalBeside,
        6 => Fault::ClipboardThief,
        7 => Fault::Moved,
        8 => Fault::Closed,
        9 => Fault::PasteLost,
        10 => Fault::EnterSwallowed,
        11 => Fault::EnterDoubled,
        12 => Fault::PersonTypes,
        13 => Fault::PersonMoves,
        14 => Fault::Output,
        15 => Fault::SlowClipboard(Duration::from_millis(dice.roll(40))),
        _ => Fault::Discarded,
    }
}

fn world(dice: &mut Dice, target: Target, faults: usize) -> World {
    let frame = |x| Rect {
        x,
        y: 100,
        width: 240,
        height: 80,
    };
    let habit = match target {
        Target::Chat | Target::Editor => Habit::Chat,
        Target::Terminal => Habit::Terminal,
    };
    let mut window = SimulatedWindow::new(TARGET, habit, "agent-1", frame(100));
    window.reaction = Duration::from_micros(500 + dice.roll(20_000));
    window.ctrl_a_selects = dice.chance(50);
    if dice.chance(30) {
        window.placeholder = "Ask anything".to_owned();
    }
    if dice.chance(50) {
        window.transcript = vec!["earlier".to_owned(); 3];
    }
    let other = SimulatedWindow::new(2, Habit::Chat, "agent-2", frame(600));
    let faults = (0..faults)
        .map(|_| (u32::try_from(dice.roll(60)).unwrap(), fault(dice)))
        .collect();
    let mut world = World::new(vec![window, other], faults);
    world.clip = match dice.roll(3) {
        0 => Clip::Empty,
        1 => Clip::Other,
        _ => Clip::Text("what a person copied".to_owned()),
    };
    world
}

fn job(text: &str, target: Target) -> Job {
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
        read_back: ReadBack::WhenDoubtful,
        clipboard: ClipboardLimits::default(),
    }
}

/// One attempt, and what the owner knows after it.
struct Attempt {
    /// None: the worker was cut off.
    ending: Option<Ending>,
    /// Enter was allowed: `attempt.submitting` is in the ledger.
    allowed: bool,
}

struct Stage {
    desktop: SimulatedDesktop,
    pace: SimulatedPace,
    world: Rc<RefCell<World>>,
}

impl Stage {
    fn new(world: World) -> Self {
        let (desktop, pace, world) = enter(world);
        Self {
            desktop,
            pace,
            world,
        }
    }

    /// As `hands::carry`, but the worker may be cut off before any move.
    fn attempt(&mut self, job: Job, cut_before: Option<u32>) -> Attempt {
        let began = self.pace.now();
        let mut courier = Courier::new(job, self.desktop.abilities(), began);
        let mut report = Report::Begin;
        let mut allowed = false;
        for number in 0_u32.. {
            if Some(number) == cut_before {
                let ending = None;
                return Attempt { ending, allowed };
            }
            let now = self.pace.now();
            assert!(now.since(began) < BOUND, "an attempt did not end");
            let step = courier.next(report, now);
            if std::env::var("TRACE").is_ok() {
                println!(
                    "{:?} {} {step:?}",
                    now.since(began),
                    self.world.borrow().deeds
                );
            }
            report = match step {
                Move::Do(deed) => perform(&deed, &mut self.desktop, &mut self.pace),
                Move::Ask(_) => {
                    allowed = true;
                    Report::Answered(Answer::Allowed)
                }
                Move::End(ending) => {
                    let ending = Some(ending);
                    return Attempt { ending, allowed };
                }
            };
        }
        unreachable!("numbers do not end")
    }

    fn received(&self) -> Vec<String> {
        let world = self.world.borrow();
        world
            .window(TARGET)
            .map_or(Vec::new(), |w| w.received.clone())
    }

    /// Every key that was pressed is handled.
    fn let_everything_happen(&self) {
        self.world.borrow_mut().pass(Duration::from_secs(60));
    }
}

#[derive(Default, Debug)]
struct Tally {
    observed: u32,
    submitted: u32,
    failed: u32,
    unknown: u32,
}

/// Carries one message as the dispatcher would: retries, remembers what may stand, and stops at
/// what is settled.
fn run(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut dice = Dice(seed);
    let target = match dice.roll(4) {
        0 => Target::Terminal,
        1 => Target::Editor,
        _ => Target::Chat,
    };
    let text = match dice.roll(5) {
        0 => "go".to_owned(),
        1 => "ünïcödé ✓ and a longer line that does not fit into the box at all, no".to_owned(),
        _ => format!("message number {seed} says hello"),
    };
    let faults = usize::try_from(dice.roll(4)).unwrap();
    let mut stage = Stage::new(world(&mut dice, target, faults));
    if std::env::var("TRACE").is_ok() {
        println!("{target} {text:?} {:?}", stage.world.borrow().faults);
    }
    let draft = target == Target::Chat && dice.chance(5);
    let mut look: Option<Look> = None;
    if dice.chance(60) {
        look = learn(&mut stage, target);
    }
    if draft {
        let mut world = stage.world.borrow_mut();
        world.windows[0].text = "half a thought".to_owned();
    }
    let proven = look.as_ref().is_some_and(|l| l.proven_empty);
    let cut = dice
        .chance(30)
        .then(|| u32::try_from(dice.roll(90)).unwrap());
    let mut next = job(&text, target);
    next.look = look;
    let mut claimed = false;
    let mut unknown = false;
    let mut entered = false;
    let enters_before = stage.world.borrow().enters.len();
    for attempt in 1..=5 {
        next.attempt = attempt;
        let done = stage.attempt(next.clone(), cut.filter(|_| attempt == 1));
        entered |= done.allowed;
        let may_stand = match done.ending.map(|e| e.outcome) {
            None if done.allowed => {
                unknown = true;
                break;
            }
            None => true,
            Some(Outcome::Observed { .. }) => {
                claimed = true;
                break;
            }
            Some(Outcome::Submitted { .. }) => {
                tally.submitted += 1;
                break;
            }
            Some(Outcome::Unknown { .. }) => {
                unknown = true;
                break;
            }
            Some(Outcome::Failed { text_may_stand, .. }) => text_may_stand,
        };
        next.standing = if may_stand {
            vec![Standing {
                message: next.message,
                text: text.clone(),
                entered,
            }]
        } else {
            Vec::new()
        };
        stage
            .world
            .borrow_mut()
            .pass(Duration::from_secs(1 << attempt));
    }
    stage.let_everything_happen();
    tally.observed += u32::from(claimed);
    tally.unknown += u32::from(unknown);
    tally.failed += u32::from(!claimed && !unknown);
    judge(
        &stage,
        &text,
        claimed,
        unknown,
        draft && proven,
        enters_before,
    )
}

fn judge(
    stage: &Stage,
    text: &str,
    claimed: bool,
    unknown: bool,
    draft_known: bool,
    enters_before: usize,
) -> Result<(), String> {
    let received = stage.received();
    let exact = received.iter().filter(|got| *got == text).count();
    let world = stage.world.borrow();
    let closed = world.window(TARGET).is_none();
    // Nobody can see what a person typed into a terminal's line before us.
    let terminal = world
        .window(TARGET)
        .is_some_and(|w| w.habit == Habit::Terminal);
    let said = exact > 0 || (terminal && received.iter().any(|got| is_with_q(got, text)));
    if claimed && !said && !closed {
        return Err(format!("claimed as observed, but it received {received:?}"));
    }
    if exact > 1 && !unknown {
        return Err(format!("said {exact} times, and nobody knows"));
    }
    for enter in world.enters.iter().skip(enters_before) {
        if enter.window != Some(TARGET) && !enter.unforeseeable {
            return Err(format!("Enter went to {:?}", enter.window));
        }
    }
    if draft_known && received.iter().any(|got| got.contains("half a thought")) {
        return Err(format!("somebody's draft was submitted: {received:?}"));
    }
    Ok(())
}

/// The text, with the letter that a simulated person types.
fn is_with_q(got: &str, text: &str) -> bool {
    got.trim_matches('q') == text
}

/// A first delivery on a quiet desktop teaches the empty look.
fn learn(stage: &mut Stage, target: Target) -> Option<Look> {
    let faults = std::mem::take(&mut stage.world.borrow_mut().faults);
    let done = stage.attempt(job("a first word", target), None);
    let mut world = stage.world.borrow_mut();
    world.faults = faults;
    world.deeds = 0;
    world.pass(Duration::from_secs(1));
    done.ending.and_then(|ending| ending.learnt)
}

#[test]
fn no_fault_makes_the_courier_claim_what_did_not_happen() {
    let runs: u64 = std::env::var("RUNS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(100);
    let mut tally = Tally::default();
    let mut bad = Vec::new();
    let only: Option<u64> = std::env::var("SEED").ok().and_then(|s| s.parse().ok());
    for seed in only.map_or(0..runs, |s| s..s + 1) {
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut tally)));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(what)) => bad.push(format!("seed {seed}: {what}")),
            Err(_) => bad.push(format!("seed {seed}: panicked")),
        }
    }
    println!("{tally:?}");
    assert!(bad.is_empty(), "{} failing:\n{}", bad.len(), bad.join("\n"));
    // The test is worth nothing when hardly anything arrives.
    assert!(u64::from(tally.observed) > runs / 2, "{tally:?}");
    assert!(tally.unknown > 0 && tally.failed > 0, "{tally:?}");
}

#[test]
fn a_healthy_window_gets_every_text_once() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        for target in [Target::Chat, Target::Editor, Target::Terminal] {
            let mut stage = Stage::new(world(&mut dice, target, 0));
            let before = stage.world.borrow().clip.clone();
            let text = format!("healthy {seed}");
            let ending = stage.attempt(job(&text, target), None).ending.unwrap();
            assert!(
                matches!(ending.outcome, Outcome::Observed { presses: 1, .. }),
                "seed {seed} {target}: {ending:?}"
            );
            assert_eq!(stage.received(), [text], "seed {seed} {target}");
            stage.let_everything_happen();
            let after = stage.world.borrow().clip.clone();
            if before != Clip::Other {
                assert_eq!(
                    after, before,
                    "seed {seed}: the clipboard was not given back"
                );
            }
        }
    }
}

#[test]
fn a_known_box_costs_milliseconds() {
    let mut dice = Dice(1);
    let mut stage = Stage::new(world(&mut dice, Target::Chat, 0));
    stage.world.borrow_mut().windows[0].reaction = Duration::from_millis(1);
    let look = learn(&mut stage, Target::Chat);
    assert!(look.as_ref().is_some_and(|l| l.proven_empty), "{look:?}");
    let mut known = job("a second word", Target::Chat);
    known.look = look;
    let began = stage.pace.now();
    let ending = stage.attempt(known, None).ending.unwrap();
    assert!(
        matches!(ending.outcome, Outcome::Observed { .. }),
        "{ending:?}"
    );
    let took = stage.pace.now().since(began);
    assert!(
        took < Duration::from_millis(60),
        "{took:?} {:?}",
        ending.steps
    );
    assert_eq!(ending.learnt, None, "nothing new to remember");
}

#[test]
fn the_worker_waits_only_on_the_courier() {
    // The deeds are data: nothing but `Wait` may let time pass.
    assert_eq!(
        Deed::Wait(Duration::from_millis(3)),
        Deed::Wait(Patience::of(Target::Chat).poll)
    );
}

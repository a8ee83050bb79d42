//! The courier against a desktop that misbehaves, from seeds. The windows know what they really
//! received; the courier must never claim more. `SWITCHBOARD_SEED=N` runs one seed alone, `SWITCHBOARD_SEEDS=N` so many of
//! them in each of the four tests (250).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use switchboard::adapters::desktop::simulated::dice::Dice;
use switchboard::adapters::desktop::simulated::world::{Fault, World};
use switchboard::delivery::courier::moves::{Answer, Outcome};
use switchboard::delivery::hands::Pace as _;
use switchboard::delivery::job::Standing;
use switchboard::delivery::look::Look;
use switchboard::delivery::ports::Clip;
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::attempt::FailureClass;
use switchboard::events::facts::screen::Fingerprint;

use crate::delivery_kit::{Stage, TARGET, job, learn, neighbour, window};

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
    let mut window = window(target);
    window.reaction = Duration::from_micros(500 + dice.roll(20_000));
    window.ctrl_a_selects = dice.chance(50);
    window.line_end = !window.ctrl_a_selects && dice.chance(50);
    if dice.chance(30) {
        "Ask anything".clone_into(&mut window.placeholder);
    }
    if dice.chance(50) {
        window.transcript = vec!["earlier".to_owned(); 3];
    }
    if dice.chance(40) {
        window.fade = Duration::from_millis(dice.roll(250));
    }
    let click_grab = Duration::from_millis(dice.roll(8));
    let faults = (0..faults)
        .map(|_| (u32::try_from(dice.roll(60)).unwrap(), fault(dice)))
        .collect();
    let mut world = World::new(vec![window, neighbour()], faults);
    world.click_grab = click_grab;
    world.clip = match dice.roll(3) {
        0 => Clip::Empty,
        1 => Clip::Other,
        _ => Clip::Text("what a person copied".to_owned()),
    };
    world
}

/// How a message came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Observed,
    Submitted,
    Unknown,
    Failed,
}

#[derive(Default, Debug)]
struct Tally {
    observed: u32,
    submitted: u32,
    failed: u32,
    unknown: u32,
}

/// One message and all that was drawn for it.
struct Story {
    stage: Stage,
    target: Target,
    text: String,
    look: Option<Look>,
    /// Somebody's words stand in a box whose empty look is known.
    draft_in_known_box: bool,
    cut: Option<u32>,
    /// A terminal loses the paste while something else prints: nothing on the screen tells.
    undecidable: bool,
    enters_before: usize,
    /// The window as it was when its place was taken; none where nobody looked.
    declared: Option<Fingerprint>,
}

impl Story {
    fn drawn(seed: u64) -> Self {
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
        let world = world(&mut dice, target, faults);
        let declared = seed
            .is_multiple_of(2)
            .then(|| world.windows[0].fingerprint.clone());
        let has = |fault: &Fault| world.faults.iter().any(|(_, drawn)| drawn == fault);
        let undecidable =
            target == Target::Terminal && has(&Fault::PasteLost) && has(&Fault::Output);
        let mut stage = Stage::new(world);
        let draft = target == Target::Chat && dice.chance(5);
        let look = dice.chance(60).then(|| learn(&mut stage, target)).flatten();
        if draft {
            "half a thought".clone_into(&mut stage.world.borrow_mut().windows[0].text);
        }
        let enters_before = stage.world.borrow().enters.len();
        let cut = dice
            .chance(30)
            .then(|| u32::try_from(dice.roll(90)).unwrap());
        Self {
            draft_in_known_box: draft && look.is_some(),
            stage,
            target,
            text,
            look,
            cut,
            undecidable,
            enters_before,
            declared,
        }
    }

    /// Carries the message as the dispatcher would: retries, remembers what may stand, and stops
    /// at what is settled.
    fn told(&mut self) -> Rest {
        let mut next = job(&self.text, self.target);
        next.look = self.look.take();
        next.fingerprint = self.declared.take();
        let mut entered = false;
        for attempt in 1..=5 {
            next.attempt = attempt;
            let cut = self.cut.filter(|_| attempt == 1);
            let stage = &mut self.stage;
            let done = stage.attempt(next.clone(), cut, &mut || Answer::Allowed);
            // As the ledger sees it: a failed attempt did not press Enter, unless it says so.
            let failed = done.ending.as_ref().map(|ending| &ending.outcome);
            let without = matches!(failed, Some(Outcome::Failed { class, .. })
                if *class != FailureClass::SubmitNotSeen);
            entered |= done.allowed && !without;
            let may_stand = match done.ending.map(|ending| ending.outcome) {
                None if done.allowed => return Rest::Unknown,
                None => true,
                Some(Outcome::Observed { .. }) => return Rest::Observed,
                Some(Outcome::Submitted { .. }) => return Rest::Submitted,
                Some(Outcome::Unknown { .. } | Outcome::Measured { .. }) => return Rest::Unknown,
                Some(Outcome::Failed { text_may_stand, .. }) => text_may_stand,
            };
            let standing = Standing {
                message: next.message,
                text: self.text.clone(),
                entered,
            };
            next.standing = may_stand.then_some(standing).into_iter().collect();
            let rest = Duration::from_secs(1 << attempt);
            stage.world.borrow_mut().pass(rest);
        }
        Rest::Failed
    }

    /// What must hold, whatever happened.
    fn judge(&self, rest: Rest) -> Result<(), String> {
        let (received, text) = (self.stage.received(), &self.text);
        let exact = received.iter().filter(|got| *got == text).count();
        let world = self.stage.world.borrow();
        let closed = world.window(TARGET).is_none();
        // Nobody can see what a person typed into a terminal's line before us.
        let terminal = self.target == Target::Terminal;
        let said = exact > 0 || (terminal && received.iter().any(|got| is_with_q(got, text)));
        if rest == Rest::Observed && !said && !closed && !self.undecidable {
            return Err(format!("claimed as observed, but it received {received:?}"));
        }
        if exact > 1 && rest != Rest::Unknown {
            return Err(format!("said {exact} times, and nobody knows"));
        }
        if exact > 0 && rest == Rest::Failed {
            return Err("it arrived, but would now be carried by another channel".to_owned());
        }
        for enter in world.enters.iter().skip(self.enters_before) {
            if enter.window != Some(TARGET) && !enter.unforeseeable {
                return Err(format!("Enter went to {:?}", enter.window));
            }
        }
        let draft = received.iter().any(|got| got.contains("half a thought"));
        if draft && self.draft_in_known_box {
            return Err(format!("somebody's draft was submitted: {received:?}"));
        }
        Ok(())
    }
}

fn run(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut story = Story::drawn(seed);
    let rest = story.told();
    story.stage.let_everything_happen();
    match rest {
        Rest::Observed => tally.observed += 1,
        Rest::Submitted => tally.submitted += 1,
        Rest::Unknown => tally.unknown += 1,
        Rest::Failed => tally.failed += 1,
    }
    story.judge(rest)
}

/// The text, with the letter that a simulated person types.
fn is_with_q(got: &str, text: &str) -> bool {
    got.trim_matches('q') == text
}

/// Runs the quarter's seeds and names those that fail.
fn seeds(quarter: u64) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let only: Option<u64> = number("SWITCHBOARD_SEED");
    let runs = only.map_or_else(|| number("SWITCHBOARD_SEEDS").unwrap_or(250), |_| 1);
    let first = only.unwrap_or(quarter * runs);
    let range = first..first + runs;
    let mut tally = Tally::default();
    let mut bad = Vec::new();
    for seed in range {
        match catch_unwind(AssertUnwindSafe(|| run(seed, &mut tally))) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => bad.push(format!("seed {seed}: {what}")),
            Err(_) => bad.push(format!("seed {seed}: panicked")),
        }
    }
    println!("{tally:?}");
    assert!(bad.is_empty(), "{} failing:\n{}", bad.len(), bad.join("\n"));
    if only.is_none() {
        // The test is worth nothing when hardly anything arrives, or nothing goes wrong.
        assert!(u64::from(tally.observed) > runs / 2, "{tally:?}");
        assert!(tally.unknown > 0 && tally.failed > 0, "{tally:?}");
    }
}

#[test]
fn no_fault_makes_the_courier_claim_what_did_not_happen_a() {
    seeds(0);
}

#[test]
fn no_fault_makes_the_courier_claim_what_did_not_happen_b() {
    seeds(1);
}

#[test]
fn no_fault_makes_the_courier_claim_what_did_not_happen_c() {
    seeds(2);
}

#[test]
fn no_fault_makes_the_courier_claim_what_did_not_happen_d() {
    seeds(3);
}

#[test]
fn a_healthy_window_gets_every_text_once() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        for target in [Target::Chat, Target::Editor, Target::Terminal] {
            let mut stage = Stage::new(world(&mut dice, target, 0));
            let before = stage.world.borrow().clip.clone();
            let text = format!("healthy {seed}");
            let outcome = stage.carry(job(&text, target));
            assert!(
                matches!(outcome, Outcome::Observed { presses: 1, .. }),
                "seed {seed} {target}: {outcome:?}"
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
    let done = stage.attempt(known, None, &mut || Answer::Allowed);
    let took = stage.pace.now().since(began);
    let ending = done.ending.unwrap();
    assert!(
        matches!(ending.outcome, Outcome::Observed { .. }),
        "{ending:?}"
    );
    assert!(
        took < Duration::from_millis(50),
        "{took:?} {:?}",
        ending.steps
    );
    assert_eq!(ending.learnt, None, "nothing new to remember");
}

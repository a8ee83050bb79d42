//! One rehearsal from its seed to its verdict, and its story for those who want to read it.

use std::time::Duration;

use super::judge::{Judge, Tally};
use super::script::{Script, seat};
use super::theatre::{Conduct, SimulatedTheatre};
use serde_json::Value;

use crate::delivery::rehearsal::paper::Paper;
use crate::delivery::rehearsal::play::{Lanes, Theatre as _};
use crate::delivery::settings::DispatchSettings;
use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::time::Timestamp;

/// No rehearsal may take longer, in virtual time: the sum of all backoffs and rests, and the hour that
/// a nudge is worth.
const BOUND: Duration = Duration::from_hours(3);

/// A rehearsal that is over.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it was drawn from.
    pub seed: u64,
    /// What does not hold, or how the messages came to rest.
    pub verdict: Result<Tally, String>,
    /// How long it took, in virtual time.
    pub took: Duration,
    /// What happened, if that was wanted.
    pub story: Vec<Line>,
}

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the beginning.
    pub at: Duration,
    /// What sort of line: `event`, or whose doing it was.
    pub what: &'static str,
    /// In words.
    pub words: String,
    /// The event, if it is one.
    pub event: Option<Value>,
}

/// Plays the seed's rehearsal; with its story if `told`.
pub fn run(seed: u64, conduct: &mut dyn Conduct, told: bool) -> Run {
    let mut run = Run {
        seed,
        verdict: Err(String::new()),
        took: Duration::ZERO,
        story: Vec::new(),
    };
    match Script::drawn(seed) {
        Err(name) => run.verdict = Err(name.to_string()),
        Ok(script) => play(&script, conduct, told, &mut run),
    }
    run
}

fn play(script: &Script, conduct: &mut dyn Conduct, told: bool, run: &mut Run) {
    let mut world = script.world.clone();
    world.diary = told.then(Vec::new);
    let began = world.now;
    let paper = Paper::new(run.seed, DispatchSettings::default(), began);
    let mut theatre = SimulatedTheatre::new(world, conduct);
    theatre.by_wire = script.by_wire;
    let windows = script.agents.iter();
    theatre.windows = windows.map(|(name, _, id)| (name.clone(), *id)).collect();
    let played = acts(script, &paper, &mut theatre);
    run.took = theatre.now().since(began);
    // Every key that was pressed is handled, however late.
    theatre.pass(Duration::from_hours(48));
    let mut world = theatre.world.borrow_mut();
    run.verdict = played.and_then(|enters_before| {
        Judge {
            script,
            paper: &paper,
            world: &world,
            enters_before,
        }
        .verdict()
    });
    if told {
        let diary = world.diary.take().unwrap_or_default();
        run.story = story(diary, &paper, began);
    }
}

/// The lesson on a quiet desktop, then everything else. Returns the Enters of the lesson.
fn acts(
    script: &Script,
    paper: &Paper,
    theatre: &mut SimulatedTheatre<'_>,
) -> Result<usize, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    for (name, profile, _) in &script.agents {
        let enrolled = paper.enrol(name.clone(), profile.clone());
        enrolled.map_err(|error| words(&error))?;
    }
    let seat = seat().map_err(|error| words(&error))?;
    let mut lanes = Lanes::new(paper, seat);
    if let Some(lesson) = &script.lesson {
        paper.accept(lesson).map_err(|error| words(&error))?;
        lanes.play(theatre, BOUND).map_err(|error| words(&error))?;
        theatre.pass(Duration::from_secs(1));
    }
    theatre.rewind();
    theatre.meddling = script.meddling.clone();
    theatre.cuts = script.cuts.clone();
    let enters_before = {
        let mut world = theatre.world.borrow_mut();
        world.faults.clone_from(&script.faults);
        world.deeds = 0;
        if let (Some(draft), Some(window)) = (&script.draft, world.windows.first_mut()) {
            window.text.clone_from(draft);
        }
        world.changed();
        world.enters.len()
    };
    paper.set_now(theatre.now());
    for sent in &script.sent {
        paper.accept(sent).map_err(|error| words(&error))?;
    }
    lanes.play(theatre, BOUND).map_err(|error| words(&error))?;
    Ok(enters_before)
}

fn story(diary: Vec<(Timestamp, String)>, paper: &Paper, began: Timestamp) -> Vec<Line> {
    let mut lines: Vec<(Timestamp, Line)> = diary
        .into_iter()
        .map(|(at, words)| {
            let what = match words.split(' ').next() {
                Some("FAULT:") => "fault",
                Some("CUT:") => "cut",
                Some("MEANWHILE:") => "people",
                Some("window") => "window",
                Some("owner") => "owner",
                _ => "hands",
            };
            (at, line(at, began, what, words))
        })
        .collect();
    lines.extend(paper.tell(Position::START, |event| {
        let at = event.recorded_at;
        let mut line = line(at, began, "event", event.fact.name());
        line.event = Some(told(event));
        (at, line)
    }));
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(at: Timestamp, began: Timestamp, what: &'static str, words: String) -> Line {
    Line {
        at: at.since(began),
        what,
        words,
        event: None,
    }
}

/// An event without what would fill pages.
fn told(event: &Event) -> Value {
    let mut told = event.to_json();
    if let Some(data) = told.get_mut("data").and_then(Value::as_object_mut) {
        for long in ["rgb", "volatile"] {
            data.remove(long);
        }
    }
    told
}

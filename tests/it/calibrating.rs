//! Measuring windows: nothing is submitted, nothing is left behind, and what was measured becomes
//! deadlines.

use std::time::{Duration, Instant};

use switchboard::adapters::desktop::simulated::world::World;
use switchboard::delivery::courier::moves::{Answer, Outcome, Sample};
use switchboard::delivery::job::Aim;
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::attempt::FailureClass;
use switchboard::events::facts::timing::Measure;

use crate::delivery_kit::{Stage, TARGET, job, neighbour, window};
use crate::display::{Agent, Display, on_a_display, rect};
use crate::running_kit::Desk;

const WORDS: &str = "measuring";

/// Measures a simulated window in which this stands; what came of it, and what stands there then.
fn measured(target: Target, text: &str) -> (Outcome, String) {
    let mut standing = window(target);
    text.clone_into(&mut standing.text);
    let mut stage = Stage::new(World::new(vec![standing, neighbour()], Vec::new()));
    let mut job = job(WORDS, target);
    job.aim = Aim::Measure;
    let done = stage.attempt(job, None, &mut || Answer::Allowed);
    assert!(!done.allowed, "nobody was asked for Enter");
    stage.let_everything_happen();
    assert!(stage.world.borrow().enters.is_empty());
    assert!(stage.received().is_empty());
    let stands = stage.world.borrow().window(TARGET).unwrap().text.clone();
    (done.ending.unwrap().outcome, stands)
}

fn count(samples: &[Sample], measure: Measure) -> usize {
    samples.iter().filter(|it| it.measure == measure).count()
}

#[test]
fn a_measured_window_has_received_nothing_and_nothing_stands_in_it() {
    for target in [Target::Chat, Target::Editor, Target::Terminal] {
        let (outcome, stands) = measured(target, "");
        let Outcome::Measured { samples } = outcome else {
            panic!("{target}: {outcome:?}");
        };
        assert_eq!(stands, "", "{target}");
        for (measure, times) in [
            (Measure::Pointer, 1),
            (Measure::WindowSwitch, 1),
            (Measure::Clipboard, 3),
            (Measure::PasteVisible, 3),
            (Measure::TypedCharacter, 1),
            (Measure::SubmitVisible, 0),
        ] {
            assert_eq!(count(&samples, measure), times, "{target} {measure}");
        }
        assert!(count(&samples, Measure::Survey) > 5, "{target}");
    }
}

#[test]
fn a_box_with_a_draft_is_left_as_it_is() {
    let (outcome, stands) = measured(Target::Chat, "half a thought");
    assert!(
        matches!(&outcome, Outcome::Failed { class, text_may_stand: false, .. }
            if *class == FailureClass::DraftInTheWay),
        "{outcome:?}"
    );
    assert_eq!(stands, "half a thought");
}

/// What a terminal's line holds cannot be read: it must survive all the same.
#[test]
fn a_terminals_half_written_line_is_as_before() {
    let (outcome, stands) = measured(Target::Terminal, "git comm");
    assert!(matches!(outcome, Outcome::Measured { .. }), "{outcome:?}");
    assert_eq!(stands, "git comm");
}

fn desk_for(display: &Display, agents: &[&Agent]) -> Desk {
    let desk = Desk::on(&display.name);
    for agent in agents {
        let at = format!("{},{}", agent.at.x, agent.at.y);
        let kind = if agent.name.starts_with("xterm") {
            "terminal"
        } else {
            "chat"
        };
        let add = ["agent", "add", &agent.name, "--at", &at];
        desk.must(&[&add[..], &["--seat", &display.name, "--target", kind]].concat());
    }
    desk
}

on_a_display! {
    fn e2e_eight_windows_are_measured_and_left_empty(display) {
        let mut agents = Vec::new();
        for number in 0..8 {
            let place = rect(20 + 310 * (number % 4), 20 + 400 * (number / 4), 290, 300);
            let name = format!("a-{number}");
            agents.push(match number {
                0 | 1 => display.tk(&name, place, &["--kind", "text"]),
                2 | 3 => display.tk(&name, place, &["--kind", "entry"]),
                4 | 5 => display.gtk(&name, place, &["--kind", "text"]),
                6 => display.gtk(&name, place, &["--kind", "entry"]),
                _ => display.xterm(&format!("xterm-{number}"), rect(place.x, place.y, 40, 12), &[]),
            });
        }
        let desk = desk_for(display, &agents.iter().collect::<Vec<_>>());
        let begun = Instant::now();
        let ran = desk.run(&["calibrate"]);
        let took = begun.elapsed();
        println!("eight windows in {took:?}");
        assert_eq!(ran.code, 0, "{ran:?}");
        let items = ran.items();
        assert_eq!(items.len(), 9, "{items:#?}");
        for item in &items {
            assert_eq!(item["record"], "calibration", "{item}");
            let figures = item["figures"].as_array().unwrap();
            let paste = figures.iter().find(|it| it["measure"] == "paste_visible").unwrap();
            assert!(paste["median_micros"].as_u64().unwrap() > 0, "{item}");
        }
        // Ten seconds are promised on a quiet machine; this one may do a lot of other things.
        assert!(took < Duration::from_mins(1), "{took:?}");
        // The next word to each arrives alone: nothing stood in its box.
        for agent in &agents {
            assert_eq!(agent.received(), [""; 0], "{}", agent.name);
            let sent = desk.run(&["send", "--to", &agent.name, "good morning"]);
            assert_eq!(sent.code, 0, "{sent:?}");
            assert_eq!(agent.received(), ["good morning"], "{}", agent.name);
        }
        let timing = desk.run(&["timing", "a-0"]);
        let steps = timing.items();
        let paste = steps.iter().find(|it| it["step"] == "paste").unwrap();
        assert_eq!(paste["why"], "calibrated", "{paste}");
        assert_eq!(desk.must(&["verify"])["ok"], true);
    }

    fn e2e_an_owner_that_delivers_measures_between_two_deliveries(display) {
        let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
        let desk = desk_for(display, &[&agent]);
        let daemon = desk.serve(&[]);
        for round in 1..=2 {
            let sent = desk.run(&["send", "--to", "agent-1", "good morning"]);
            assert_eq!(sent.code, 0, "{sent:?}");
            let ran = desk.run(&["calibrate", "agent-1"]);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert_eq!(agent.received().len(), round);
        }
        desk.must(&["pause", "agent-1"]);
        let ran = desk.run(&["calibrate"]);
        assert_eq!(ran.code, 6, "{ran:?}");
        assert_eq!(ran.item()["code"], "agent_paused", "{ran:?}");
        assert_eq!(desk.run(&["calibrate", "agent-9"]).code, 4);
        drop(daemon);
    }
}

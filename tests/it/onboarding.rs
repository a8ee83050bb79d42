//! First instructions: filled templates, in order, in a new chat where one is wanted.

use switchboard::adapters::desktop::simulated::world::World;
use switchboard::delivery::courier::machine::Courier;
use switchboard::delivery::courier::moves::{Answer, Deed, Move, Outcome, Report};
use switchboard::delivery::hands::{Pace as _, perform};
use switchboard::delivery::job::NewChat;
use switchboard::delivery::ports::{Act, Desktop as _};
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::attempt::FailureClass;
use switchboard::events::facts::screen::Point;

use crate::delivery_kit::{PLACE, Stage, job, neighbour, window};
use crate::running_kit::Desk;

const TEXT: &str = "you are agent-1";

/// Carries a first word into a new chat; what was done by hand, and how it ended.
fn carried(new_chat: NewChat) -> (Vec<String>, Outcome, Vec<String>) {
    let mut stage = Stage::new(World::new(
        vec![window(Target::Chat), neighbour()],
        Vec::new(),
    ));
    let mut job = job(TEXT, Target::Chat);
    job.new_chat = Some(new_chat);
    let mut courier = Courier::new(job, stage.desktop.abilities(), stage.pace.now());
    let mut report = Report::Begin;
    let mut done = Vec::new();
    loop {
        report = match courier.next(report, stage.pace.now()) {
            Move::Do(deed) => {
                if let Deed::Act(act) = &deed {
                    done.push(match act {
                        Act::Click(at) | Act::ClickIn { at, .. } => format!("click {at}"),
                        Act::PressIn { chord, .. } => chord.to_string(),
                        Act::Press(_) | Act::Type(_) | Act::ReleaseAll => format!("{act:?}"),
                    });
                }
                perform(&deed, &mut stage.desktop, &mut stage.pace)
            }
            Move::Ask(_) => Report::Answered(Answer::Allowed),
            Move::End(ending) => return (done, ending.outcome, stage.received()),
        };
    }
}

#[test]
fn a_new_chat_is_begun_by_its_keys_and_the_words_go_to_its_box() {
    let place = Point {
        x: PLACE.x + 3,
        y: PLACE.y,
    };
    let keys = Some("ctrl+n".parse().unwrap());
    let (done, outcome, received) = carried(NewChat { keys, place });
    assert!(matches!(outcome, Outcome::Observed { .. }), "{outcome:?}");
    assert_eq!(received, [TEXT]);
    let clicks = [
        format!("click {PLACE}"),
        "ctrl+n".to_owned(),
        format!("click {place}"),
    ];
    assert_eq!(done[..3], clicks, "{done:?}");
    assert_eq!(done.iter().filter(|it| *it == "ctrl+n").count(), 1);
}

#[test]
fn a_place_alone_begins_a_new_chat_and_without_either_nothing_is_said() {
    let beside = Point {
        x: PLACE.x + 3,
        y: PLACE.y,
    };
    let at = |place| NewChat { keys: None, place };
    let (done, outcome, _) = carried(at(beside));
    assert!(matches!(outcome, Outcome::Observed { .. }), "{outcome:?}");
    assert_eq!(done[1], format!("click {beside}"), "{done:?}");
    let (done, outcome, received) = carried(at(PLACE));
    assert!(
        matches!(
            &outcome,
            Outcome::Failed {
                class: FailureClass::Invalid,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!((done.len(), received.len()), (1, 0), "{done:?}");
}

#[test]
fn steps_arrive_in_order_with_everything_filled_in() {
    let desk = Desk::new();
    desk.must(&[
        "agent",
        "add",
        "agent-3",
        "--channel",
        "inbox",
        "--role",
        "builder",
    ]);
    let ran = desk.run(&[
        "onboard",
        "agent-3",
        "--style",
        "hard",
        "--contract",
        "the parser",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let items = ran.items();
    assert_eq!(items.len(), 2, "{items:?}");
    assert_eq!(
        (&items[1]["step"], &items[1]["name"]),
        (&2.into(), &"what to do".into())
    );
    let inbox = desk.run(&["inbox", "agent-3"]).items();
    let bodies: Vec<&str> = inbox
        .iter()
        .map(|it| it["body"].as_str().unwrap())
        .collect();
    assert!(
        bodies[0].contains("You are agent-3, in the role of builder."),
        "{bodies:?}"
    );
    assert!(
        bodies[1].starts_with("the parser\nRead what waits"),
        "{bodies:?}"
    );
    assert_eq!(inbox[0]["kind"], "onboarding");
    assert_eq!(
        inbox[0]["tags"],
        serde_json::json!(["new-chat", "onboarding"])
    );
}

#[test]
fn the_same_onboarding_twice_says_nothing_twice() {
    let desk = Desk::new();
    desk.must(&[
        "agent",
        "add",
        "agent-3",
        "--channel",
        "inbox",
        "--role",
        "builder",
    ]);
    let id = uuid::Uuid::new_v4().to_string();
    for _ in 0..2 {
        assert_eq!(desk.run(&["onboard", "agent-3", "--id", &id]).code, 7);
    }
    assert_eq!(desk.run(&["inbox", "agent-3"]).items().len(), 1);
}

#[test]
fn a_placeholder_that_nobody_fills_refuses_the_whole_sequence() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-3", "--channel", "inbox"]);
    let template = desk.store().join("../steps.toml");
    let steps = "[[steps]]\nname='one'\nsay='hello {agent_id}'\n\
                 [[steps]]\nname='two'\nsay='do {contract_info}'\n";
    std::fs::write(&template, steps).unwrap();
    let template = template.to_str().unwrap();
    let refused = |line: &[&str]| {
        let ran = desk.run(&[&["onboard", "agent-3"], line].concat());
        assert_eq!(ran.code, 6, "{ran:?}");
        ran.exit_error()["code"].as_str().unwrap().to_owned()
    };
    // It has no role, and none is given.
    assert_eq!(refused(&[]), "unfilled_placeholder");
    assert_eq!(refused(&["--template", template]), "unfilled_placeholder");
    assert!(desk.run(&["inbox", "agent-3"]).items().is_empty());
    assert_eq!(desk.run(&["messages"]).items().len(), 0);
    let given = [
        "onboard",
        "agent-3",
        "--template",
        template,
        "--contract",
        "it",
    ];
    let shown = desk.run(&[&given[..], &["--dry-run"]].concat());
    assert_eq!(shown.items()[1]["body"], "do it", "{shown:?}");
    assert_eq!(desk.run(&["messages"]).items().len(), 0);
    assert_eq!(desk.run(&given).code, 7);
    assert_eq!(desk.run(&["onboard", "agent-9"]).code, 4);
}

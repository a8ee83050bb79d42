//! Windows that are not to be interrupted, drafts that people left in boxes, pastes that strayed, and the
//! corner that stops all hands.

use std::time::Duration;

use switchboard::adapters::desktop::simulated::window::SimulatedWindow;
use switchboard::adapters::desktop::simulated::world::{Fault, World};
use switchboard::delivery::courier::machine::Courier;
use switchboard::delivery::courier::moves::{Answer, Milestone, Move, Outcome, Report};
use switchboard::delivery::hands::{Pace as _, perform};
use switchboard::delivery::job::{Input, Job};
use switchboard::delivery::ports::Desktop as _;
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::attempt::FailureClass;
use switchboard::events::facts::manners::Drafts;

use crate::delivery_kit::{Stage, TARGET, job, learn, neighbour, window};
use crate::running_kit::Desk;

const TEXT: &str = "please look at the build";
const DRAFT: &str = "half a thought";

/// What was asked of the owner, how the attempt ended, and what it remarked.
struct Told {
    asked: Vec<Milestone>,
    outcome: Outcome,
    remarks: Vec<String>,
}

fn carry(stage: &mut Stage, job: Job, allows: bool) -> Told {
    let mut courier = Courier::new(job, stage.desktop.abilities(), stage.pace.now());
    let mut report = Report::Begin;
    let mut asked = Vec::new();
    loop {
        report = match courier.next(report, stage.pace.now()) {
            Move::Do(deed) => perform(&deed, &mut stage.desktop, &mut stage.pace),
            Move::Ask(milestone) => {
                asked.push(milestone);
                Report::Answered(if allows {
                    Answer::Allowed
                } else {
                    Answer::Refused {
                        class: FailureClass::Paused,
                        detail: "the seat is paused".to_owned(),
                    }
                })
            }
            Move::End(ending) => {
                return Told {
                    asked,
                    outcome: ending.outcome,
                    remarks: ending.remarks,
                };
            }
        };
    }
}

fn stage_of(target: SimulatedWindow) -> Stage {
    Stage::new(World::new(vec![target, neighbour()], Vec::new()))
}

/// A box that was seen empty once, in which somebody left a draft meanwhile.
fn with_draft(drafts: Drafts) -> (Stage, Job) {
    let mut stage = stage_of(window(Target::Chat));
    let mut job = job(TEXT, Target::Chat);
    job.look = learn(&mut stage, Target::Chat);
    assert!(job.look.is_some());
    job.drafts = drafts;
    let mut world = stage.world.borrow_mut();
    let target = world.windows.iter_mut().find(|it| it.id == TARGET);
    DRAFT.clone_into(&mut target.unwrap().text);
    drop(world);
    (stage, job)
}

fn stands(stage: &Stage) -> String {
    stage.let_everything_happen();
    stage.world.borrow().window(TARGET).unwrap().text.clone()
}

fn class(outcome: &Outcome) -> FailureClass {
    match outcome {
        Outcome::Failed { class, .. } => *class,
        Outcome::Observed { .. }
        | Outcome::Submitted { .. }
        | Outcome::Unknown { .. }
        | Outcome::Measured { .. } => panic!("{outcome:?}"),
    }
}

#[test]
fn a_draft_is_held_saved_or_gone_ahead_as_was_said() {
    let (mut stage, job) = with_draft(Drafts::Hold);
    let told = carry(&mut stage, job, true);
    assert_eq!(class(&told.outcome), FailureClass::DraftInTheWay);
    assert_eq!(
        (stands(&stage), stage.received().len()),
        (DRAFT.to_owned(), 1)
    );

    let (mut stage, job) = with_draft(Drafts::SaveAndRestore);
    let told = carry(&mut stage, job, true);
    assert!(
        matches!(told.outcome, Outcome::Observed { .. }),
        "{:?}",
        told.outcome
    );
    let saved = Milestone::DraftSaved {
        text: DRAFT.to_owned(),
    };
    // In the ledger before anything is taken out.
    assert_eq!(told.asked.first(), Some(&saved));
    let restored = Some(&Milestone::DraftRestored);
    assert_eq!(told.asked.last(), restored, "{:?}", told.remarks);
    assert_eq!(stage.received().last().unwrap(), TEXT);
    assert_eq!(stands(&stage), DRAFT);
    assert!(told.remarks.is_empty(), "{:?}", told.remarks);

    let (mut stage, job) = with_draft(Drafts::AppendAfter);
    let told = carry(&mut stage, job, true);
    assert!(
        matches!(told.outcome, Outcome::Observed { .. }),
        "{:?}",
        told.outcome
    );
    assert_eq!(stage.received().last().unwrap(), &format!("{DRAFT} {TEXT}"));
    assert_eq!(stands(&stage), "");
}

#[test]
fn a_draft_that_the_ledger_does_not_take_stays_in_its_box() {
    let (mut stage, job) = with_draft(Drafts::SaveAndRestore);
    let told = carry(&mut stage, job, false);
    assert_eq!(class(&told.outcome), FailureClass::Paused);
    assert_eq!(told.asked.len(), 1);
    assert_eq!(
        (stands(&stage), stage.received().len()),
        (DRAFT.to_owned(), 1)
    );
}

#[test]
fn a_draft_that_cannot_be_put_back_is_said_to_be_in_the_ledger() {
    let mut seen = 0;
    // Whenever somebody takes the keyboard, neither the message nor the claim is harmed by it.
    for at in 0..400 {
        let (mut stage, job) = with_draft(Drafts::SaveAndRestore);
        stage.world.borrow_mut().faults = vec![(at, Fault::FocusTheft)];
        let told = carry(&mut stage, job, true);
        let received = stage.received();
        if let Outcome::Observed { .. } = told.outcome {
            assert_eq!(received.last().unwrap(), TEXT, "{at}");
        }
        let stands = stands(&stage);
        let saved = matches!(told.asked.first(), Some(Milestone::DraftSaved { .. }));
        assert!(stands.contains(DRAFT) || saved, "{at}: lost: {stands:?}");
        assert!(
            stands.matches(DRAFT).count() <= 1,
            "{at}: twice: {stands:?}"
        );
        if !told.remarks.is_empty() && matches!(told.outcome, Outcome::Observed { .. }) {
            seen += 1;
        }
    }
    assert!(seen > 0, "no theft came between the message and its draft");
}

#[test]
fn a_window_at_work_is_left_alone_and_one_at_rest_is_not() {
    let idle = |faults: Vec<(u32, Fault)>| {
        let mut stage = stage_of(window(Target::Chat));
        stage.world.borrow_mut().faults = faults;
        let mut job = job(TEXT, Target::Chat);
        job.when_idle = Some(Duration::from_secs(2));
        let began = stage.pace.now();
        let told = carry(&mut stage, job, true);
        let spent = stage.pace.now().since(began);
        (told.outcome, spent, stage)
    };
    let (outcome, spent, _) = idle(Vec::new());
    assert!(matches!(outcome, Outcome::Observed { .. }), "{outcome:?}");
    assert!(spent >= Duration::from_secs(2), "{spent:?}");
    let (outcome, spent, stage) = idle(vec![(6, Fault::Output)]);
    assert_eq!(class(&outcome), FailureClass::AgentBusy, "{outcome:?}");
    // The seat is not kept waiting, and nothing was touched.
    assert!(spent < Duration::from_secs(2), "{spent:?}");
    assert_eq!((stage.received().len(), stands(&stage)), (0, String::new()));
    assert_eq!(stage.world.borrow().focus, Some(2));
}

#[test]
fn a_text_that_strayed_is_named_and_never_submitted() {
    let mut strayed = 0;
    let mut others = std::collections::BTreeSet::new();
    for at in 0..60 {
        let mut stage = stage_of(window(Target::Chat));
        let mut job = job(TEXT, Target::Chat);
        // Typed keys are not guarded as chords are.
        job.input = Input::Type;
        job.look = learn(&mut stage, Target::Chat);
        stage.world.borrow_mut().faults = vec![(at, Fault::FocusTheft)];
        let told = carry(&mut stage, job, true);
        if let Outcome::Failed { class, detail, .. } = &told.outcome
            && *class == FailureClass::Misdirected
        {
            strayed += 1;
            assert!(detail.contains("agent-2"), "{detail}");
            assert!(told.asked.is_empty(), "{at}");
            assert_eq!(stage.received().len(), 1, "{at}: only the first word");
        } else {
            others.insert(format!("{:?}", told.outcome));
        }
    }
    assert!(
        strayed > 0,
        "no theft came between the click and the text: {others:?}"
    );
}

#[test]
fn manners_and_modes_are_kept_and_shown() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    let set = [
        "agent",
        "set",
        "a",
        "--mode",
        "when-idle",
        "--idle-for",
        "3s",
    ];
    let shown = desk.must(&[&set[..], &["--drafts", "save-and-restore"]].concat());
    let manners = serde_json::json!({
        "mode": "when-idle", "idle_micros": 3_000_000, "drafts": "save-and-restore"
    });
    assert_eq!(shown["manners"], manners, "{shown}");
    // What is not named stays.
    let shown = desk.must(&["agent", "set", "a", "--mode", "interrupt"]);
    assert_eq!(shown["manners"]["drafts"], "save-and-restore", "{shown}");

    let id = uuid::Uuid::new_v4().to_string();
    let send = [
        "send",
        "--to",
        "a",
        "--id",
        &id,
        "--mode",
        "when-idle",
        "hello",
    ];
    assert_eq!(desk.run(&send).code, 7);
    assert_eq!(desk.run(&send).code, 7, "the same once more");
    assert_eq!(desk.story(&id, "message.mode_chosen").len(), 1);
    let other = [
        "send",
        "--to",
        "a",
        "--id",
        &id,
        "--mode",
        "interrupt",
        "hello",
    ];
    assert_eq!(desk.run(&other).code, 5);
    assert_eq!(desk.must(&["verify"])["ok"], true);
}

#[cfg(all(feature = "desktop", target_os = "linux"))]
mod on_x11 {
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::ConnectionExt as _;

    use crate::display::{Display, on_a_display, rect, until};
    use crate::running_kit::Desk;

    fn point_at(display: &Display, x: i16, y: i16) {
        let (conn, screen) = x11rb::connect(Some(&display.name)).unwrap();
        let root = conn.setup().roots[screen].root;
        conn.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, x, y)
            .unwrap();
        let pointer = conn.query_pointer(root).unwrap().reply().unwrap();
        assert_eq!((pointer.root_x, pointer.root_y), (x, y));
    }

    fn paused(desk: &Desk) -> bool {
        desk.must(&["status"])["paused"] == true
    }

    on_a_display! {
        fn e2e_the_pointer_in_the_corner_stops_all_hands(display) {
            let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
            let desk = Desk::on(&display.name);
            let at = format!("{},{}", agent.at.x, agent.at.y);
            desk.must(&["agent", "add", "agent-1", "--at", &at, "--seat", &display.name]);
            let daemon = desk.serve(&[]);
            desk.must(&["send", "--to", "agent-1", "one"]);
            assert!(!paused(&desk));
            point_at(display, 0, 0);
            until("all hands stopped", || paused(&desk));
            let stopped = desk.run(&["events", "--kind", "seat.paused"]).item();
            assert_eq!(stopped["data"]["reason"], "panic", "{stopped}");
            let waits = ["send", "--to", "agent-1", "--wait", "accepted", "two"];
            let id = desk.must(&waits)["message"].as_str().unwrap().to_owned();
            // Where the pointer rests when hands are hired again is no gesture.
            desk.must(&["resume"]);
            until("it is delivered", || !desk.story(&id, "attempt.observed").is_empty());
            assert!(!paused(&desk));
            assert_eq!(agent.received(), ["one", "two"]);
            drop(daemon);
        }

        fn e2e_the_corner_can_be_left_unwatched(display) {
            let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
            let desk = Desk::on(&display.name);
            let at = format!("{},{}", agent.at.x, agent.at.y);
            desk.must(&["agent", "add", "agent-1", "--at", &at, "--seat", &display.name]);
            let daemon = desk.serve(&["--set", "seat.panic_corner=false"]);
            desk.must(&["send", "--to", "agent-1", "one"]);
            point_at(display, 0, 0);
            // Longer than the gesture takes.
            std::thread::sleep(std::time::Duration::from_secs(2));
            assert!(!paused(&desk));
            drop(daemon);
        }

        fn e2e_a_draft_is_saved_and_put_back_and_a_busy_window_waits(display) {
            let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "entry"]);
            let desk = Desk::on(&display.name);
            let at = format!("{},{}", agent.at.x, agent.at.y);
            desk.must(&["agent", "add", "agent-1", "--at", &at, "--seat", &display.name]);
            desk.must(&["agent", "set", "agent-1", "--drafts", "save-and-restore"]);
            desk.must(&["send", "--to", "agent-1", "one"]);
            super::type_into(display, &agent, "half a thought");
            let sent = desk.must(&["send", "--to", "agent-1", "--mode", "when-idle", "two"]);
            let id = sent["message"].as_str().unwrap();
            let saved = desk.story(id, "draft.saved");
            assert_eq!(saved[0]["detail"]["text"], "half a thought", "{saved:?}");
            assert_eq!(desk.story(id, "draft.restored").len(), 1);
            assert_eq!(agent.received(), ["one", "two"]);
            super::press_enter(display, &agent);
            until("the draft was submitted by its author", || agent.received().len() == 3);
            assert_eq!(agent.received()[2], "half a thought");
        }
    }
}

#[cfg(all(feature = "desktop", target_os = "linux"))]
use on_a_person::{press_enter, type_into};

/// Somebody at the keyboard, between two deliveries.
#[cfg(all(feature = "desktop", target_os = "linux"))]
mod on_a_person {
    use switchboard::adapters::desktop::x11::desktop::X11Desktop;
    use switchboard::delivery::ports::{Act, Desktop as _};

    use crate::display::{Agent, Display};

    pub(super) fn type_into(display: &Display, agent: &Agent, text: &str) {
        let mut desktop = X11Desktop::open(&display.name).unwrap();
        desktop.act(&Act::Click(agent.at)).unwrap();
        crate::display::until("the box has the keyboard", || {
            let survey = desktop.survey(agent.at).unwrap();
            survey.under.is_some() && survey.focus == survey.under
        });
        desktop.act(&Act::Type(text.to_owned())).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
    }

    pub(super) fn press_enter(display: &Display, agent: &Agent) {
        let mut desktop = X11Desktop::open(&display.name).unwrap();
        desktop.act(&Act::Click(agent.at)).unwrap();
        desktop.act(&Act::Press("enter".parse().unwrap())).unwrap();
    }
}

//! What the courier does in each named situation, on the simulated desktop.

use std::time::Duration;

use switchboard::adapters::desktop::record::RecordDesktop;
use switchboard::adapters::desktop::simulated::window::SimulatedWindow;
use switchboard::adapters::desktop::simulated::world::{Fault, World};
use switchboard::delivery::courier::machine::Courier;
use switchboard::delivery::courier::moves::{Answer, Deed, Move, Outcome, Report};
use switchboard::delivery::hands::{Pace as _, carry, perform};
use switchboard::delivery::job::{Job, ReadBack, Standing};
use switchboard::delivery::ports::{Clip, Desktop as _, Key, Trouble};
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::attempt::FailureClass;
use switchboard::events::ids::MessageId;
use uuid::Uuid;

use crate::delivery_kit::{Stage, TARGET, frame, job, learn, neighbour, window};

const TEXT: &str = "please look at the build";

fn stage_of(target: SimulatedWindow, faults: &[Fault]) -> Stage {
    let stage = Stage::new(World::new(vec![target, neighbour()], Vec::new()));
    for fault in faults {
        stage.world.borrow_mut().strike(fault);
    }
    stage
}

fn stage(faults: &[Fault]) -> Stage {
    stage_of(window(Target::Chat), faults)
}

fn chat() -> Job {
    job(TEXT, Target::Chat)
}

fn stood(message: u128, text: &str, entered: bool) -> Vec<Standing> {
    vec![Standing {
        message: MessageId(Uuid::from_u128(message)),
        text: text.to_owned(),
        entered,
    }]
}

/// The class of a failure, and whether text may stand.
fn failed(outcome: &Outcome) -> (FailureClass, bool) {
    match outcome {
        Outcome::Failed {
            class,
            text_may_stand,
            ..
        } => (*class, *text_may_stand),
        Outcome::Observed { .. }
        | Outcome::Submitted { .. }
        | Outcome::Unknown { .. }
        | Outcome::Measured { .. } => {
            panic!("{outcome:?}")
        }
    }
}

fn observed(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Observed { presses, .. } => *presses,
        Outcome::Failed { .. }
        | Outcome::Submitted { .. }
        | Outcome::Unknown { .. }
        | Outcome::Measured { .. } => {
            panic!("{outcome:?}")
        }
    }
}

fn box_text(stage: &Stage) -> String {
    stage.let_everything_happen();
    stage.world.borrow().window(TARGET).unwrap().text.clone()
}

fn enters(stage: &Stage) -> usize {
    stage.world.borrow().enters.len()
}

#[test]
fn never_presses_enter_after_a_failed_paste() {
    let mut stage = stage(&[Fault::PasteLost]);
    let outcome = stage.carry(chat());
    assert_eq!(failed(&outcome), (FailureClass::PasteNotSeen, true));
    assert_eq!((enters(&stage), stage.received()), (0, vec![]));
}

#[test]
fn a_refused_enter_leaves_the_text_where_it_is() {
    let mut stage = stage(&[]);
    let refuse = || Answer::Refused {
        class: FailureClass::Paused,
        detail: "the seat is paused".to_owned(),
    };
    let done = stage.attempt(chat(), None, &mut { refuse });
    let outcome = done.ending.unwrap().outcome;
    assert_eq!(failed(&outcome), (FailureClass::Paused, true));
    assert_eq!((enters(&stage), box_text(&stage)), (0, TEXT.to_owned()));
}

#[test]
fn text_found_standing_after_a_crash_is_submitted_and_not_pasted_again() {
    for ctrl_a_selects in [true, false] {
        let mut target = window(Target::Chat);
        target.ctrl_a_selects = ctrl_a_selects;
        target.text = TEXT.to_owned();
        let mut stage = stage_of(target, &[]);
        let mut job = chat();
        job.standing = stood(7, TEXT, false);
        assert_eq!(observed(&stage.carry(job)), 1, "{ctrl_a_selects}");
        assert_eq!(stage.received(), [TEXT]);
    }
}

/// A loaded machine: the window has copied, and takes longer than one question to hand it out. Giving up
/// at the first silence left messages in the inbox that stood in the box already.
#[test]
fn a_window_that_is_slow_to_hand_out_its_copy_is_asked_again() {
    for (silences, delivered) in [(0, true), (3, true), (40, false)] {
        let mut target = window(Target::Chat);
        target.text = TEXT.to_owned();
        let mut stage = stage_of(target, &[]);
        let mut job = chat();
        job.standing = stood(7, TEXT, false);
        let mut courier = courier_on(&stage, job);
        let mut report = Report::Begin;
        let mut left = None;
        let ending = loop {
            report = match courier.next(report, stage.pace.now()) {
                Move::Do(Deed::ReadClipboard) if left.is_some_and(|left| left > 0) => {
                    left = left.map(|left| left - 1);
                    stage.pace.wait(Duration::from_millis(150));
                    Report::Trouble(Trouble::Clipboard("its owner did not answer".to_owned()))
                }
                Move::Do(deed) => {
                    let copies = matches!(&deed, Deed::Act(act) if act.chord().is_some_and(|c| c.key == Key::Char('c')));
                    if copies && left.is_none() {
                        left = Some(silences);
                    }
                    perform(&deed, &mut stage.desktop, &mut stage.pace)
                }
                Move::Ask(_) => Report::Answered(Answer::Allowed),
                Move::End(ending) => break ending,
            };
        };
        if delivered {
            assert_eq!(observed(&ending.outcome), 1, "{silences}");
        } else {
            assert_eq!(failed(&ending.outcome), (FailureClass::ClipboardLost, true));
            assert_eq!(enters(&stage), 0);
        }
    }
}

/// The thread that serves the clipboard for us may get no turn for a while, too.
#[test]
fn a_clipboard_that_is_slow_to_take_a_text_gets_it_again() {
    let text = "a longer text than is typed key by key ".repeat(8);
    for (silences, delivered) in [(1, true), (4, true), (40, false)] {
        let mut stage = stage(&[]);
        let mut courier = courier_on(&stage, job(&text, Target::Chat));
        let mut report = Report::Begin;
        let mut left = silences;
        let ending = loop {
            report = match courier.next(report, stage.pace.now()) {
                Move::Do(Deed::SetClipboard(Clip::Text(put))) if put == text && left > 0 => {
                    left -= 1;
                    stage.pace.wait(Duration::from_millis(150));
                    Report::Trouble(Trouble::Clipboard("its owner did not answer".to_owned()))
                }
                Move::Do(deed) => perform(&deed, &mut stage.desktop, &mut stage.pace),
                Move::Ask(_) => Report::Answered(Answer::Allowed),
                Move::End(ending) => break ending,
            };
        };
        if delivered {
            assert_eq!(observed(&ending.outcome), 1, "{silences}");
        } else {
            assert_eq!(
                failed(&ending.outcome),
                (FailureClass::ClipboardLost, false)
            );
        }
    }
}

#[test]
fn an_enter_that_may_have_been_taken_late_is_never_repeated() {
    let mut stage = stage(&[]);
    let mut job = chat();
    job.standing = stood(7, TEXT, true);
    let outcome = stage.carry(job);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(
        (stage.received(), box_text(&stage)),
        (vec![], String::new())
    );
}

#[test]
fn another_messages_text_is_taken_out_before_ours_goes_in() {
    let mut target = window(Target::Chat);
    target.text = "the message before".to_owned();
    let mut stage = stage_of(target, &[]);
    let mut job = chat();
    job.standing = stood(6, "the message before", false);
    assert_eq!(observed(&stage.carry(job)), 1);
    assert_eq!(stage.received(), [TEXT]);
}

/// An empty Tk text copies as a line end; taken for a draft, it held every first delivery.
#[test]
fn a_line_end_that_an_empty_box_hands_out_is_no_draft() {
    for (ctrl_a_selects, read_back) in [
        (true, ReadBack::WhenDoubtful),
        (false, ReadBack::WhenDoubtful),
        (false, ReadBack::Always),
    ] {
        let mut target = window(Target::Chat);
        target.line_end = true;
        target.ctrl_a_selects = ctrl_a_selects;
        let mut stage = stage_of(target, &[]);
        let mut job = chat();
        job.read_back = read_back;
        assert_eq!(observed(&stage.carry(job)), 1);
        assert_eq!(stage.received(), [TEXT]);
        let mut again = chat();
        again.attempt = 2;
        again.standing = stood(7, TEXT, false);
        stage.world.borrow_mut().windows[0].text = TEXT.to_owned();
        assert_eq!(observed(&stage.carry(again)), 1);
        assert_eq!(stage.received(), [TEXT, TEXT]);
    }
}

#[test]
fn a_persons_draft_is_held_and_untouched() {
    for known in [true, false] {
        let mut stage = stage(&[]);
        let look = known.then(|| learn(&mut stage, Target::Chat)).flatten();
        let draft = "dear all, I was just about to";
        stage.world.borrow_mut().windows[0].text = draft.to_owned();
        let before = enters(&stage);
        for standing in [Vec::new(), stood(7, TEXT, false)] {
            let mut job = chat();
            job.look.clone_from(&look);
            job.standing = standing;
            let outcome = stage.carry(job);
            assert_eq!(failed(&outcome).0, FailureClass::DraftInTheWay);
            assert_eq!(
                (enters(&stage), box_text(&stage)),
                (before, draft.to_owned())
            );
        }
    }
}

#[test]
fn a_changed_placeholder_is_learnt_anew() {
    let mut stage = stage(&[]);
    let look = learn(&mut stage, Target::Chat);
    stage.world.borrow_mut().windows[0].placeholder = "Ask me anything you like".to_owned();
    let mut job = chat();
    job.look = look;
    let done = stage.attempt(job, None, &mut || Answer::Allowed);
    let ending = done.ending.unwrap();
    observed(&ending.outcome);
    assert!(ending.learnt.is_some_and(|look| look.proven_empty));
}

/// A GTK window fades for a fifth of a second when it takes the focus. Pictures taken on the way were
/// taken for its resting look, and what followed for somebody else's doing.
#[test]
fn a_window_that_fades_when_it_takes_the_focus_is_no_busy_window() {
    let mut target = window(Target::Chat);
    target.fade = Duration::from_millis(200);
    target.transcript = vec!["a line of what was said before".to_owned(); 3];
    let mut stage = stage_of(target, &[]);
    let long = "a text that is long enough to fill the whole box";
    let mut look = None;
    for round in 0..6 {
        // Somebody looks elsewhere in between.
        stage.world.borrow_mut().focus = Some(2);
        let mut job = job(long, Target::Chat);
        job.look = look.clone();
        let began = stage.pace.now();
        let ending = stage
            .attempt(job, None, &mut || Answer::Allowed)
            .ending
            .unwrap();
        let took = stage.pace.now().since(began);
        assert_eq!(observed(&ending.outcome), 1, "round {round}");
        assert!(round == 0 || took < Duration::from_millis(100), "{took:?}");
        assert!((round == 0) == ending.learnt.is_some(), "round {round}");
        look = look.or(ending.learnt);
    }
    assert_eq!(stage.received(), vec![long; 6]);
}

/// openbox holds the pointer until it has raised the window that we clicked.
#[test]
fn a_pointer_that_is_held_for_a_moment_after_our_click_is_waited_for() {
    let mut stage = stage(&[]);
    stage.world.borrow_mut().click_grab = Duration::from_millis(40);
    assert_eq!(observed(&stage.carry(chat())), 1);
}

#[test]
fn a_known_box_that_grew_shows_its_text_elsewhere_and_is_delivered_to_all_the_same() {
    let mut stage = stage(&[]);
    let mut job = chat();
    let mut look = learn(&mut stage, Target::Chat).unwrap();
    // As if only a corner of the box had been known: wide, and without room for any text.
    let (width, height) = (130, 10);
    let part = switchboard::events::facts::screen::Rect {
        x: -60,
        y: -54,
        width,
        height,
    };
    let there = switchboard::delivery::look::absolute(&part, job.place);
    look.picture = stage.desktop.capture(there).unwrap();
    look.picture.region = part;
    look.volatile = vec![false; 1_300];
    job.look = Some(look);
    stage.world.borrow_mut().windows[0].transcript.clear();
    let began = stage.pace.now();
    assert_eq!(observed(&stage.carry(job)), 1);
    assert_eq!(stage.received().last().map(String::as_str), Some(TEXT));
    let took = stage.pace.now().since(began);
    assert!(took > Duration::from_secs(1), "the known part did show it");
}

#[test]
fn no_key_reaches_a_dialog() {
    for fault in [Fault::Modal, Fault::ModalBeside] {
        let mut stage = stage(std::slice::from_ref(&fault));
        let outcome = stage.carry(chat());
        assert_eq!(
            failed(&outcome),
            (FailureClass::DialogInTheWay, false),
            "{fault:?}"
        );
        stage.let_everything_happen();
        let world = stage.world.borrow();
        assert!(world.windows.last().unwrap().heard.is_empty(), "{fault:?}");
    }
}

#[test]
fn a_swallowed_enter_is_pressed_once_more() {
    let mut stage = stage(&[Fault::EnterSwallowed]);
    assert_eq!(observed(&stage.carry(chat())), 2);
    assert_eq!(stage.received(), [TEXT]);
}

#[test]
fn a_window_that_refuses_enter_fails_for_certain_and_may_be_taken_up_again() {
    let mut target = window(Target::Chat);
    target.enters_lost = 2;
    let mut stage = stage_of(target, &[]);
    let outcome = stage.carry(chat());
    assert_eq!(failed(&outcome), (FailureClass::SubmitNotSeen, true));
    let mut again = chat();
    again.attempt = 2;
    again.standing = stood(7, TEXT, true);
    assert_eq!(observed(&stage.carry(again)), 1);
    assert_eq!(stage.received(), [TEXT]);
}

#[test]
fn a_window_that_hangs_after_the_paste_is_unknown_and_not_repeated() {
    let mut stage = stage(&[]);
    let world = std::rc::Rc::clone(&stage.world);
    let mut hang = || {
        world
            .borrow_mut()
            .strike(&Fault::Stall(Duration::from_secs(40)));
        Answer::Allowed
    };
    let done = stage.attempt(chat(), None, &mut hang);
    let outcome = done.ending.unwrap().outcome;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    stage.let_everything_happen();
    assert_eq!(stage.received(), [TEXT], "it was taken late, once");
}

#[test]
fn a_late_paste_is_not_doubled() {
    for target in [Target::Chat, Target::Terminal] {
        let mut stage = stage_of(window(target), &[]);
        // It hangs from the paste on, for longer than anybody waits.
        let pasted_at = {
            let mut probe = stage_of(window(target), &[]);
            let mut number = 0;
            let mut courier = courier_on(&probe, job(TEXT, target));
            let mut report = Report::Begin;
            loop {
                let now = probe.pace.now();
                match courier.next(report, now) {
                    Move::Do(Deed::Act(act))
                        if act.chord().is_some_and(|c| c.key == Key::Char('v')) =>
                    {
                        break;
                    }
                    Move::Do(deed) => {
                        number = probe.world.borrow().deeds;
                        report = perform(&deed, &mut probe.desktop, &mut probe.pace);
                    }
                    Move::Ask(_) | Move::End(_) => panic!("nothing was pasted"),
                }
            }
            number
        };
        let stall = Fault::Stall(Duration::from_secs(8));
        stage.world.borrow_mut().faults = vec![(pasted_at + 1, stall)];
        let first = stage.carry(job(TEXT, target));
        assert_eq!(
            failed(&first),
            (FailureClass::PasteNotSeen, true),
            "{target}"
        );
        let mut again = job(TEXT, target);
        again.attempt = 2;
        again.standing = stood(7, TEXT, false);
        let mut last = stage.carry(again.clone());
        for _ in 0..3 {
            if matches!(last, Outcome::Failed { .. }) {
                stage.world.borrow_mut().pass(Duration::from_secs(4));
                last = stage.carry(again.clone());
            }
        }
        observed(&last);
        stage.let_everything_happen();
        assert_eq!(stage.received(), [TEXT], "{target}");
    }
}

fn courier_on(stage: &Stage, job: Job) -> Courier {
    let now = stage.world.borrow().now;
    Courier::new(job, stage.desktop.abilities(), now)
}

#[test]
fn what_is_wrong_with_the_window_has_the_right_name() {
    for (faults, class) in [
        (vec![Fault::Closed], FailureClass::TargetNotFound),
        (vec![Fault::Moved], FailureClass::TargetMoved),
        (
            vec![Fault::Stall(Duration::from_mins(1))],
            FailureClass::PasteNotSeen,
        ),
    ] {
        let mut stage = stage(&faults);
        assert_eq!(failed(&stage.carry(chat())).0, class, "{faults:?}");
        assert!(stage.received().is_empty());
        assert_eq!(enters(&stage), 0, "{faults:?}");
    }
}

#[test]
fn a_window_that_was_moved_is_found_again_and_one_in_its_place_is_left_alone() {
    // Moved before anything is done, and moved after so many deeds of ours.
    for deeds in 0..=12 {
        let mut intruder = neighbour();
        intruder.id = 7;
        intruder.fingerprint.frame = frame(100);
        let target = window(Target::Chat);
        let declared = target.fingerprint.clone();
        let world = World::new(vec![intruder, target], vec![(deeds, Fault::Moved)]);
        let mut stage = Stage::new(world);
        let mut job = chat();
        job.fingerprint = Some(declared);
        let mut outcome = stage.carry(job.clone());
        if let Outcome::Failed { text_may_stand, .. } = outcome {
            // It moved with our text in it: the next attempt finds both.
            assert!(
                text_may_stand,
                "what moved before the paste is followed at once"
            );
            job.standing = stood(7, &job.text, false);
            job.attempt = 2;
            outcome = stage.carry(job.clone());
        }
        observed(&outcome);
        stage.let_everything_happen();
        assert_eq!(stage.received(), [job.text], "moved after {deeds} deeds");
        let world = stage.world.borrow();
        let intruder = world.window(7).unwrap();
        assert!(intruder.received.is_empty() && intruder.text.is_empty());
    }
}

#[test]
fn a_window_of_another_size_is_not_guessed_at() {
    let mut target = window(Target::Chat);
    let declared = target.fingerprint.clone();
    target.fingerprint.frame.width += 30;
    let mut stage = stage_of(target, &[]);
    let mut job = chat();
    job.fingerprint = Some(declared);
    assert_eq!(
        failed(&stage.carry(job)),
        (FailureClass::TargetMoved, false)
    );
    assert_eq!(enters(&stage), 0);
}

#[test]
fn a_person_who_just_typed_is_waited_for_and_one_who_goes_on_is_not_disturbed() {
    let mut brief = stage(&[Fault::PersonMoves]);
    observed(&brief.carry(chat()));
    let stage = stage(&[]);
    let mut busy = stage;
    busy.world.borrow_mut().faults = (0..40).map(|n| (n, Fault::PersonMoves)).collect();
    assert_eq!(
        failed(&busy.carry(chat())),
        (FailureClass::HumanActive, false)
    );
    assert_eq!(enters(&busy), 0);
}

#[test]
fn a_clipboard_that_cannot_be_given_back_is_left_alone_for_short_texts() {
    let mut stage = stage(&[]);
    stage.world.borrow_mut().clip = Clip::Other;
    let mut target = stage.world.borrow_mut();
    // A box that is known needs no reading, which would need the clipboard.
    target.windows[0].placeholder.clear();
    drop(target);
    let look = learn(&mut stage, Target::Chat);
    stage.world.borrow_mut().clip = Clip::Other;
    let mut job = chat();
    job.look = look;
    observed(&stage.carry(job));
    stage.let_everything_happen();
    assert_eq!(stage.world.borrow().clip, Clip::Other);
}

/// `delivery.restore_clipboard = false`: the message stays, and nothing is typed to spare a picture.
#[test]
fn where_nothing_is_to_be_given_back_the_message_stays_in_the_clipboard() {
    for before in [Clip::Text("mine".to_owned()), Clip::Other, Clip::Empty] {
        for restore in [true, false] {
            let mut stage = stage(&[]);
            let mut target = stage.world.borrow_mut();
            target.windows[0].placeholder.clear();
            drop(target);
            let look = learn(&mut stage, Target::Chat);
            stage.world.borrow_mut().clip = before.clone();
            let mut job = chat();
            job.look = look;
            job.clipboard.restore = restore;
            observed(&stage.carry(job));
            stage.let_everything_happen();
            assert_eq!(stage.received().last().map(String::as_str), Some(TEXT));
            let expected = if restore {
                before.clone()
            } else {
                Clip::Text(TEXT.to_owned())
            };
            assert_eq!(stage.world.borrow().clip, expected, "{before:?} {restore}");
        }
    }
}

#[test]
fn the_box_is_read_back_when_that_is_asked_for() {
    let mut stage = stage(&[]);
    let mut job = chat();
    job.look = learn(&mut stage, Target::Chat);
    job.read_back = ReadBack::Always;
    observed(&stage.carry(job));
    assert_eq!(stage.received().last().map(String::as_str), Some(TEXT));
}

#[test]
fn nothing_is_submitted_after_its_time() {
    let mut stage = stage(&[]);
    let mut job = chat();
    job.expires_at = Some(stage.pace.now().after(Duration::from_millis(50)));
    assert_eq!(failed(&stage.carry(job)).0, FailureClass::Paused);
    assert_eq!(enters(&stage), 0);
}

#[test]
fn trouble_at_any_moment_ends_the_attempt_truthfully() {
    for trouble in [
        Trouble::DisplayGone("x".to_owned()),
        Trouble::Permission("x".to_owned()),
        Trouble::Clipboard("x".to_owned()),
        Trouble::Unsupported("x".to_owned()),
    ] {
        for at in 0_u32..80 {
            let mut stage = stage(&[]);
            let mut courier = courier_on(&stage, chat());
            let mut report = Report::Begin;
            let (mut number, mut pasted, mut entered) = (0, false, false);
            let outcome = loop {
                let now = stage.pace.now();
                report = match courier.next(report, now) {
                    Move::Do(_) if number == at => Report::Trouble(trouble.clone()),
                    Move::Do(deed) => {
                        if let Deed::Act(act) = &deed
                            && let Some(chord) = act.chord()
                        {
                            entered |= chord.key == Key::Enter;
                            pasted |= chord.key == Key::Char('v');
                        }
                        perform(&deed, &mut stage.desktop, &mut stage.pace)
                    }
                    Move::Ask(_) => Report::Answered(Answer::Allowed),
                    Move::End(ending) => break ending.outcome,
                };
                number += 1;
                assert!(number < 5_000, "{trouble} at {at}: no end");
            };
            match outcome {
                Outcome::Failed { text_may_stand, .. } => {
                    assert!(!entered, "{trouble} at {at}: Enter was pressed");
                    assert!(text_may_stand || !pasted, "{trouble} at {at}");
                }
                Outcome::Observed { .. } => {
                    stage.let_everything_happen();
                    assert_eq!(stage.received(), [TEXT], "{trouble} at {at}");
                }
                Outcome::Unknown { .. } | Outcome::Submitted { .. } | Outcome::Measured { .. } => {
                    assert!(entered, "{trouble} at {at}: {outcome:?}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_seen_ends_at_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acts");
    let mut desktop = RecordDesktop::open(&path).unwrap();
    let mut pace = stage(&[]).pace;
    let mut asked = 0;
    let ending = carry(chat(), &mut desktop, &mut pace, &mut |_| {
        asked += 1;
        Answer::Allowed
    });
    assert!(
        matches!(ending.outcome, Outcome::Submitted { .. }),
        "{ending:?}"
    );
    assert_eq!(asked, 1);
    let acts = std::fs::read_to_string(&path).unwrap();
    let acts: Vec<serde_json::Value> = acts
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        acts,
        [
            serde_json::json!({"clipboard": {"text": TEXT}}),
            serde_json::json!({"act": {"click": {"x": 180, "y": 155}}}),
            serde_json::json!({"act": {"press": "ctrl+v"}}),
            serde_json::json!({"act": {"press": "enter"}}),
            serde_json::json!({"clipboard": "empty"}),
            serde_json::json!({"act": "release_all"}),
        ]
    );
    let mut again = chat();
    again.standing = stood(7, TEXT, false);
    let ending = carry(again, &mut desktop, &mut pace, &mut |_| Answer::Allowed);
    assert_eq!(failed(&ending.outcome), (FailureClass::DraftInTheWay, true));
}

#[test]
fn a_job_and_its_ending_survive_the_process_boundary() {
    let mut stage = stage(&[]);
    let mut job = chat();
    job.look = learn(&mut stage, Target::Chat);
    job.standing = stood(6, "x", true);
    let text = serde_json::to_string(&job).unwrap();
    assert!(text.len() < 20_000, "{} bytes", text.len());
    assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
}

/// tmux with a full screen: a third of the messages ended as unknown although all had arrived. A line editor
/// shows what was pasted in reverse until Enter, the status line stands still while the rest scrolls, and a
/// text that fills its line to the end leaves the cursor where the next prompt will come.
#[test]
fn a_terminal_is_read_whatever_its_screen_does_at_enter() {
    let long = "one-two-three-four-five-six-seven-eight-nine-ten-eleven-twelve";
    let carried =
        |letters: usize, (reverses, status): (bool, bool), before: u8, faults: &[Fault]| {
            let mut target = window(Target::Terminal);
            target.reverses = reverses;
            target.status = status.then(|| "[0] sh      12:01".to_owned());
            target.transcript = (0..before).map(|n| format!("$ earlier {n}")).collect();
            let mut stage = stage_of(target, faults);
            let text: String = long.chars().take(letters).collect();
            let outcome = stage.carry(job(&text, Target::Terminal));
            let told = format!("{letters} {reverses} {status} {before}: {outcome:?}");
            (outcome, stage.received() == [text], told)
        };
    for letters in [2, 30, 62] {
        for how in [(false, true), (true, false), (true, true)] {
            for before in [2, 9] {
                let (outcome, arrived, told) = carried(letters, how, before, &[]);
                let seen = matches!(outcome, Outcome::Observed { .. });
                assert!(seen && arrived, "{told}");
            }
            // The reverse may end although Enter was not taken.
            let (outcome, arrived, told) = carried(letters, how, 9, &[Fault::EnterEater]);
            let seen = matches!(outcome, Outcome::Observed { .. });
            assert!(!seen && !arrived, "{told}");
        }
    }
}

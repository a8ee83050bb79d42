//! Deadlines from past attempts, drift, what another deadline would have done, whose turn it is, and what
//! happens between an attempt and those who meddle: all on paper, without a display or a clock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use switchboard::commands::desk::Outcome as Written;
use switchboard::delivery::courier::moves::{Answer, Ending, Milestone, Outcome};
use switchboard::delivery::job::{Job, Patience};
use switchboard::delivery::office::Office as _;
use switchboard::delivery::rehearsal::meddling::{Meddling, Sent};
use switchboard::delivery::rehearsal::paper::Paper;
use switchboard::delivery::rehearsal::play::{Carried, Lanes, Theatre};
use switchboard::delivery::settings::DispatchSettings;
use switchboard::delivery::timing::{self, Learning, Why};
use switchboard::events::facts::agent::{Envelope, Profile, Target};
use switchboard::events::facts::attempt::{Channel, FailureClass, Step, StepTime, Witness};
use switchboard::events::facts::message::{Priority, Verdict, Via};
use switchboard::events::facts::screen::Point;
use switchboard::events::ids::{AgentId, MessageId, Position, SeatId};
use switchboard::events::kind::Fact;
use switchboard::events::lifecycle::State;
use switchboard::events::time::Timestamp;
use switchboard::projections::states::States;
use switchboard::projections::what_if::WhatIf;
use uuid::Uuid;

const NOON: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn seat() -> SeatId {
    ":paper".parse().unwrap()
}

fn agent(number: u32) -> AgentId {
    format!("agent-{number}").parse().unwrap()
}

fn profile() -> Profile {
    Profile {
        roles: Vec::new(),
        capabilities: Vec::new(),
        channels: vec![Channel::Gui, Channel::Inbox],
        seat: Some(seat()),
        place: Some(Point { x: 10, y: 10 }),
        onboarding_place: None,
        window: None,
        target: Target::Chat,
        rank: 0,
        envelope: Envelope::None,
        description: String::new(),
        active: true,
        fingerprint: None,
    }
}

fn paper(agents: u32) -> Paper {
    let paper = Paper::new(7, DispatchSettings::default(), NOON);
    for number in 1..=agents {
        paper.enrol(agent(number), profile()).unwrap();
    }
    paper
}

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(0xabc0_0000 + number))
}

fn sent(number: u128, to: u32, priority: Priority) -> Sent {
    Sent {
        message: id(number),
        to: agent(to),
        body: format!("message {number}"),
        priority,
        via: Via::Auto,
        ttl_micros: None,
    }
}

fn state(paper: &Paper, message: MessageId) -> State {
    paper.story(message).unwrap().unwrap().life.state
}

fn names(paper: &Paper) -> Vec<String> {
    paper.tell(Position::START, |event| event.fact.name())
}

/// What the puppet says when it has carried.
type Ends = Box<dyn FnMut(&Job) -> Outcome>;

/// A theatre without a desktop: attempts take as long as they are told, and end as they are told.
struct Puppet {
    now: Timestamp,
    /// How long each attempt takes, and each of its steps.
    takes: Duration,
    ends: Ends,
    /// What strikes at which pause between two steps.
    meddling: BTreeMap<u32, Meddling>,
    pauses: u32,
    carried: RefCell<Vec<MessageId>>,
    answers: Vec<Answer>,
    /// Never asks for leave.
    silent: bool,
}

impl std::fmt::Debug for Puppet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Puppet").finish_non_exhaustive()
    }
}

fn observed() -> Outcome {
    Outcome::Observed {
        witness: Witness::BoxEmptied,
        presses: 1,
    }
}

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed {
        class,
        detail: "as told".to_owned(),
        text_may_stand: false,
        enter_may_come: false,
    }
}

impl Puppet {
    fn new(ends: impl FnMut(&Job) -> Outcome + 'static) -> Self {
        Self {
            now: NOON,
            takes: millis(20),
            ends: Box::new(ends),
            meddling: BTreeMap::new(),
            pauses: 0,
            carried: RefCell::default(),
            answers: Vec::new(),
            silent: false,
        }
    }

    fn play(&mut self, paper: &Paper) {
        Lanes::new(paper, seat())
            .play(self, Duration::from_hours(2))
            .unwrap();
    }
}

impl Theatre for Puppet {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    fn carry(&mut self, job: Job, ask: &mut dyn FnMut(Timestamp, Milestone) -> Answer) -> Carried {
        self.carried.borrow_mut().push(job.message);
        self.now = self.now.after(self.takes);
        let mut outcome = (self.ends)(&job);
        let certain = matches!(
            outcome,
            Outcome::Failed {
                enter_may_come: false,
                ..
            }
        );
        if !certain && !self.silent {
            let answer = ask(
                self.now,
                Milestone::Pasted {
                    changed_pixels: 100,
                    needed_pixels: 24,
                    read_back: true,
                    sanitised: None,
                },
            );
            if let Answer::Refused { class, detail } = &answer {
                outcome = Outcome::Failed {
                    class: *class,
                    detail: detail.clone(),
                    text_may_stand: true,
                    enter_may_come: false,
                };
            }
            self.answers.push(answer);
        }
        let micros = u64::try_from(self.takes.as_micros()).unwrap();
        Carried::Ended(Box::new(Ending {
            outcome,
            steps: [Step::Focus, Step::Paste, Step::Submit]
                .map(|step| StepTime { step, micros })
                .to_vec(),
            window: None,
            learnt: None,
            remarks: Vec::new(),
        }))
    }

    fn between(&mut self, paper: &Paper) {
        let number = self.pauses;
        self.pauses += 1;
        if let Some(meddling) = self.meddling.remove(&number) {
            drop(meddling.strike(paper));
        }
    }
}

/// A fleet of one whose attempts took so long, one after the other.
fn with_past(takes: &[u64]) -> Paper {
    let paper = paper(1);
    let mut puppet = Puppet::new(|_| observed());
    for (number, took) in takes.iter().enumerate() {
        puppet.takes = millis(*took);
        paper.set_now(puppet.now);
        let number = u128::try_from(number).unwrap();
        paper.accept(&sent(number, 1, Priority::Normal)).unwrap();
        puppet.play(&paper);
        puppet.pass(Duration::from_secs(1));
    }
    paper
}

fn deadline(paper: &Paper, step: Step, learning: &Learning) -> (u128, Why) {
    let past = paper.read(|states| states.timing.of(&agent(1)).unwrap().get(&step).cloned());
    let patience = Patience::of(Target::Chat);
    let configured = timing::configured(&patience, step).unwrap();
    let made = timing::deadline(configured, past.as_ref(), None, learning);
    (made.span.as_millis(), made.why)
}

#[test]
fn deadlines_are_multiples_of_what_was_with_a_floor_a_ceiling_and_a_safe_beginning() {
    let learning = Learning::default();
    let check = |takes: &[u64], step, expect: (u128, Why)| {
        let paper = with_past(takes);
        let (span, why) = deadline(&paper, step, &learning);
        // Buckets of the histogram are up to a quarter wide.
        assert!(
            span >= expect.0 && span <= expect.0 * 5 / 4,
            "{takes:?}: {span} {why}"
        );
        assert_eq!(why, expect.1, "{takes:?}");
    };
    check(&[20; 19], Step::Paste, (3_000, Why::FewAttempts));
    check(&[20; 25], Step::Paste, (990, Why::Floor));
    check(&[400; 25], Step::Paste, (1_600, Why::Learnt));
    check(&[2_000; 25], Step::Paste, (8_000, Why::Learnt));
    check(&[9_000; 25], Step::Paste, (12_000, Why::Ceiling));
    check(&[400; 25], Step::Focus, (1_600, Why::Learnt));
    let off = Learning {
        on: false,
        ..learning
    };
    let paper = with_past(&[20; 25]);
    assert_eq!(
        deadline(&paper, Step::Paste, &off),
        (3_000, Why::Configured)
    );
}

#[test]
fn what_was_waited_for_in_vain_lengthens_the_deadline_and_never_shortens_it() {
    let paper = with_past(&[20; 40]);
    let learning = Learning::default();
    assert_eq!(deadline(&paper, Step::Paste, &learning).1, Why::Floor);
    let mut puppet = Puppet::new(|_| failed(FailureClass::PasteNotSeen));
    puppet.now = paper.now();
    paper.accept(&sent(900, 1, Priority::Normal)).unwrap();
    puppet.play(&paper);
    // Four attempts in vain: doubled and doubled, up to the ceiling.
    assert_eq!(
        deadline(&paper, Step::Paste, &learning),
        (12_000, Why::Missed)
    );
    // Nothing is held against the steps that came about.
    assert_eq!(deadline(&paper, Step::Focus, &learning).1, Why::Floor);
}

#[test]
fn an_attempt_gets_the_deadlines_that_its_agent_taught() {
    let paper = with_past(&[400; 25]);
    let seen = std::rc::Rc::new(RefCell::new(Vec::new()));
    let into = std::rc::Rc::clone(&seen);
    let mut puppet = Puppet::new(move |job| {
        into.borrow_mut().push(job.patience);
        observed()
    });
    puppet.now = paper.now();
    paper.accept(&sent(900, 1, Priority::Normal)).unwrap();
    puppet.play(&paper);
    let patience = seen.borrow()[0];
    assert!(
        patience.paste >= millis(1_600) && patience.paste < millis(2_000),
        "{patience:?}"
    );
    assert_eq!(patience.settle, Patience::of(Target::Chat).settle);
}

#[test]
fn drift_is_written_down_once_and_becomes_the_new_measure() {
    let drifts = |takes: &[u64]| {
        let paper = with_past(takes);
        let drifted: Vec<_> = paper
            .tell(Position::START, |event| {
                let Fact::TimingDrifted(it) = &event.fact else {
                    return None;
                };
                let millis = (it.before_micros / 1_000, it.now_micros / 1_000);
                (it.step == Step::Paste).then_some(millis)
            })
            .into_iter()
            .flatten()
            .collect();
        drifted
    };
    let steady = [20; 80];
    assert_eq!(drifts(&steady), []);
    let slower: Vec<u64> = [[20; 60], [90; 60]].concat();
    let noticed = drifts(&slower);
    assert_eq!(noticed.len(), 1, "{noticed:?}");
    assert!(noticed[0].0 <= 25 && noticed[0].1 == 90, "{noticed:?}");
    let quicker: Vec<u64> = [[90; 60], [20; 60]].concat();
    assert_eq!(drifts(&quicker).len(), 1);
}

#[test]
fn recorded_attempts_tell_what_another_deadline_would_have_done() {
    let paper = with_past(&[100, 150, 170, 200, 150]);
    let found = |deadline: Duration| {
        let mut what_if = WhatIf::default();
        paper.tell(Position::START, |event| {
            what_if.apply(&event.fact, &|_, step| {
                (step == Step::Paste).then_some(deadline)
            });
        });
        let found = what_if
            .found()
            .get(&(agent(1), Step::Paste))
            .copied()
            .unwrap();
        assert_eq!(what_if.found().len(), 1);
        (found.within, found.beyond, found.missed)
    };
    assert_eq!(found(millis(180)), (4, 1, 0));
    assert_eq!(found(millis(200)), (5, 0, 0));
    assert_eq!(found(millis(50)), (0, 5, 0));
}

#[test]
fn the_urgent_go_first_and_whoever_waits_long_becomes_urgent() {
    let paper = paper(4);
    let order = |at: u64| {
        let now = NOON.after(Duration::from_secs(at));
        paper.read(|states| {
            let due = states.outbox.due(now);
            due.into_iter().map(|it| it.message).collect::<Vec<_>>()
        })
    };
    paper.accept(&sent(1, 1, Priority::Normal)).unwrap();
    paper.accept(&sent(2, 2, Priority::Urgent)).unwrap();
    paper.accept(&sent(3, 3, Priority::Critical)).unwrap();
    assert_eq!(order(1), [id(3), id(2), id(1)]);
    paper.set_now(NOON.after(Duration::from_secs(59)));
    paper.accept(&sent(4, 4, Priority::Urgent)).unwrap();
    // A minute later the normal one counts as urgent and was there before; the urgent one as critical.
    assert_eq!(order(61), [id(2), id(3), id(1), id(4)]);
    assert_eq!(order(121), [id(1), id(2), id(3), id(4)]);
    // Within one agent's own messages too.
    paper.accept(&sent(5, 1, Priority::Critical)).unwrap();
    assert_eq!(order(61), [id(2), id(3), id(5), id(4)]);
    assert_eq!(order(121)[0], id(1));
}

#[test]
fn many_recipients_are_all_served_in_the_order_they_were_sent_to() {
    let paper = paper(120);
    for number in 1..=120 {
        paper
            .accept(&sent(u128::from(number), number, Priority::Normal))
            .unwrap();
    }
    // Somebody is always in a hurry.
    for number in 1..=300 {
        paper
            .accept(&sent(
                1_000 + u128::from(number),
                1 + number % 3,
                Priority::Critical,
            ))
            .unwrap();
    }
    let mut puppet = Puppet::new(|_| observed());
    puppet.takes = millis(1_000);
    puppet.play(&paper);
    let carried = puppet.carried.borrow();
    assert_eq!(carried.len(), 420);
    let normal: Vec<_> = carried.iter().filter(|it| **it <= id(120)).collect();
    assert!(normal.is_sorted(), "in the order they were sent");
    let last_normal = carried.iter().rposition(|it| *it <= id(120)).unwrap();
    let first_normal = carried.iter().position(|it| *it <= id(120)).unwrap();
    // After two minutes everybody counts alike, and those who were there first go first.
    assert!((100..=130).contains(&first_normal), "{first_normal}");
    assert!(last_normal < 260, "{last_normal}");
}

#[test]
fn whatever_is_done_to_a_message_under_way_is_decided_against_what_is_written() {
    let one = id(1);
    // Pauses are: before whose turn it is, after the start, before the end.
    let strike = |at: u32, meddling: Meddling, ends: fn(&Job) -> Outcome| {
        let paper = paper(1);
        paper.accept(&sent(1, 1, Priority::Normal)).unwrap();
        let mut puppet = Puppet::new(ends);
        puppet.meddling.insert(at, meddling);
        puppet.play(&paper);
        assert!(paper.reopen());
        (state(&paper, one), puppet.carried.borrow().len())
    };
    let arrives: fn(&Job) -> Outcome = |_| observed();
    let unknown: fn(&Job) -> Outcome = |_| Outcome::Unknown {
        reason: "as told".to_owned(),
    };
    let fails: fn(&Job) -> Outcome = |_| failed(FailureClass::Invalid);
    for (at, meddling, ends, expect) in [
        (0, Meddling::Cancel(one), arrives, (State::Cancelled, 0)),
        (1, Meddling::Cancel(one), arrives, (State::Observed, 1)),
        (2, Meddling::Cancel(one), arrives, (State::Observed, 1)),
        (1, Meddling::Requeue(one), arrives, (State::Observed, 1)),
        (2, Meddling::Requeue(one), unknown, (State::Unknown, 1)),
        (
            2,
            Meddling::Resolve(one, Verdict::Failed),
            unknown,
            (State::Unknown, 1),
        ),
        (
            3,
            Meddling::Resolve(one, Verdict::Delivered),
            unknown,
            (State::Observed, 1),
        ),
        (
            1,
            Meddling::Acknowledge(one, agent(1)),
            fails,
            (State::Acknowledged, 1),
        ),
        (
            2,
            Meddling::Acknowledge(one, agent(1)),
            unknown,
            (State::Acknowledged, 1),
        ),
        // The nudge is carried too.
        (2, Meddling::Cancel(one), fails, (State::Inboxed, 2)),
    ] {
        let found = strike(at, meddling.clone(), ends);
        assert_eq!(found, expect, "{meddling} at {at}");
    }
}

#[test]
fn a_panic_between_start_and_enter_keeps_enter_from_being_pressed() {
    for meddling in [Meddling::Panic, Meddling::Pause(seat())] {
        let paper = paper(1);
        paper.accept(&sent(1, 1, Priority::Normal)).unwrap();
        let mut puppet = Puppet::new(|_| observed());
        // Right after the start, before the worker asks.
        puppet.meddling.insert(1, meddling.clone());
        puppet.play(&paper);
        let refused = matches!(
            puppet.answers.first(),
            Some(Answer::Refused {
                class: FailureClass::Paused,
                ..
            })
        );
        assert!(refused, "{meddling}: {:?}", puppet.answers);
        // Somebody resumed it, as the theatre does when nothing else happens, and it was carried anew.
        assert_eq!(state(&paper, id(1)), State::Observed);
        let names = names(&paper);
        let at = |name: &str| names.iter().position(|it| it == name).unwrap();
        assert!(at("seat.paused") < at("seat.resumed"));
        assert!(at("seat.resumed") < at("attempt.submitting"), "{names:?}");
    }
}

#[test]
fn a_message_whose_time_runs_out_while_it_is_carried_is_not_submitted() {
    let paper = paper(1);
    let short = Sent {
        ttl_micros: Some(10_000),
        ..sent(1, 1, Priority::Normal)
    };
    paper.accept(&short).unwrap();
    // It takes twenty milliseconds to come to Enter.
    let mut puppet = Puppet::new(|_| observed());
    puppet.play(&paper);
    assert!(
        matches!(puppet.answers[..], [Answer::Refused { .. }]),
        "{:?}",
        puppet.answers
    );
    assert_eq!(state(&paper, id(1)), State::Expired);
    assert!(!names(&paper).contains(&"attempt.submitting".to_owned()));
}

#[test]
fn an_enter_that_nobody_could_look_after_is_unknown_and_never_another_channel() {
    let unlooked = |_: &Job| Outcome::Failed {
        class: FailureClass::SubmitNotSeen,
        detail: "a dialog lies over it".to_owned(),
        text_may_stand: true,
        enter_may_come: true,
    };
    let paper = paper(1);
    paper.accept(&sent(1, 1, Priority::Normal)).unwrap();
    let mut puppet = Puppet::new(unlooked);
    puppet.play(&paper);
    assert_eq!(state(&paper, id(1)), State::Unknown);
    assert_eq!(paper.letters(id(1)), 0);
    assert_eq!(
        puppet.carried.borrow().len(),
        4,
        "it was looked after as often as is tried"
    );
}

#[test]
fn a_worker_that_claims_what_cannot_be_is_not_believed_and_not_hired_for_ever() {
    let paper = paper(1);
    paper.accept(&sent(1, 1, Priority::Normal)).unwrap();
    // It never asks for leave, and says that the text arrived.
    let mut puppet = Puppet::new(|_| observed());
    puppet.silent = true;
    puppet.play(&paper);
    assert_eq!(state(&paper, id(1)), State::Inboxed);
    assert!(
        puppet.carried.borrow().len() <= 8,
        "{}",
        puppet.carried.borrow().len()
    );
}

#[test]
fn the_same_events_give_the_same_due_times_under_any_settings() {
    let paper = paper(3);
    for number in 1..=3 {
        paper
            .accept(&sent(u128::from(number), number, Priority::Normal))
            .unwrap();
    }
    let mut puppet = Puppet::new(|job| match job.attempt {
        1 | 2 => failed(FailureClass::PasteNotSeen),
        _ => observed(),
    });
    puppet.play(&paper);
    let due = |events: &[switchboard::events::envelope::Event]| {
        let mut states = States::default();
        let mut seen = Vec::new();
        for event in events {
            states.apply(event);
            let of = (1..=3).map(|n| states.outbox.get(id(n)).map(|kept| kept.life.due_at));
            seen.push((
                of.collect::<Vec<_>>(),
                states.outbox.next_due_at(event.recorded_at),
            ));
        }
        seen
    };
    let before = due(&paper.events());
    let mut other = DispatchSettings::default();
    other.policy.backoff.base = Duration::from_hours(3);
    other.policy.retries_max = 0;
    other.breaker.threshold = 1;
    paper.set_settings(other);
    assert!(paper.reopen());
    assert_eq!(due(&paper.events()), before);
    let retries = before
        .iter()
        .flat_map(|(of, _)| of.iter().flatten())
        .max()
        .unwrap();
    assert!(
        retries.since(NOON) > Duration::from_secs(1),
        "there were retries"
    );
}

#[test]
fn what_lies_in_the_inbox_is_never_pasted_again_only_its_nudge_is() {
    let paper = paper(1);
    paper.accept(&sent(1, 1, Priority::Normal)).unwrap();
    let mut puppet = Puppet::new(|job| {
        if job.text == "message 1" {
            failed(FailureClass::Invalid)
        } else {
            observed()
        }
    });
    puppet.play(&paper);
    assert_eq!(state(&paper, id(1)), State::Inboxed);
    assert_eq!(paper.letters(id(1)), 1);
    let carried = puppet.carried.borrow();
    assert_eq!(carried.iter().filter(|it| **it == id(1)).count(), 1);
    assert_eq!(carried.len(), 2, "the nudge");
    let requeued = Meddling::Requeue(id(1)).strike(&paper);
    assert!(!matches!(requeued, Ok(Written::Done(_))), "{requeued:?}");
}

#[test]
fn an_open_breaker_lets_one_probe_through_and_closes_behind_it() {
    let paper = paper(1);
    for number in 1..=4 {
        let gui = Sent {
            via: Via::Gui,
            ..sent(number, 1, Priority::Normal)
        };
        paper.accept(&gui).unwrap();
    }
    let mut left = 6;
    let mut puppet = Puppet::new(move |_| {
        left -= 1;
        if left >= 0 {
            failed(FailureClass::FocusFailed)
        } else {
            observed()
        }
    });
    puppet.play(&paper);
    let names = names(&paper);
    let count = |name: &str| names.iter().filter(|it| *it == name).count();
    assert_eq!(
        count("breaker.opened"),
        2,
        "after five, and after the first probe"
    );
    assert_eq!(count("breaker.probed"), 2);
    assert_eq!(count("breaker.closed"), 1);
    assert!(paper.reopen());
}

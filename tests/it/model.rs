//! Commands and projections over a real ledger.

use std::time::Duration;

use switchboard::commands::add_agent::AddAgent;
use switchboard::commands::broadcast::{Broadcast, Recipients};
use switchboard::commands::cancel::Cancel;
use switchboard::commands::command::Command;
use switchboard::commands::cut_off::CutOff;
use switchboard::commands::desk::{Outcome, Refused};
use switchboard::commands::expire::Expire;
use switchboard::commands::import_agents::{Import, ImportAgents};
use switchboard::commands::inbox_attempt::{InboxAttempt, Nudge};
use switchboard::commands::mark_read::MarkRead;
use switchboard::commands::note::{Belief, KeepNote};
use switchboard::commands::pause_agent::PauseAgent;
use switchboard::commands::pause_seat::{PauseSeat, ResumeSeat};
use switchboard::commands::refusal::{Class, Code};
use switchboard::commands::remove_agent::RemoveAgent;
use switchboard::commands::requeue::Requeue;
use switchboard::commands::resolve::Resolve;
use switchboard::commands::send::{BODY_MAX, SendMessage};
use switchboard::events::facts::attempt::{Channel, FailureClass, Next};
use switchboard::events::facts::message::{Priority, Verdict, Via};
use switchboard::events::facts::seat::PauseReason;
use switchboard::events::ids::{AgentId, MessageId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::AppendError;
use switchboard::events::lifecycle::{Proof, State};
use switchboard::projections::story::{Story, events_of};

use crate::model_kit::{
    Lab, acknowledging, agent, failing, observing, profile, starting, submitting,
};

const SECOND: Duration = Duration::from_secs(1);

/// Makes a message another one.
type Change = fn(&mut SendMessage);

#[test]
fn a_message_sent_twice_under_one_id_is_one_message() {
    let lab = Lab::with_agents(2);
    let send = SendMessage {
        tags: vec!["b".parse().unwrap(), "a".parse().unwrap()],
        ttl_micros: Some(60_000_000),
        ..lab.send("agent-1")
    };
    let first = lab.done(send.clone());
    assert!(!first.repeated);
    lab.wait(SECOND);
    let again = SendMessage {
        tags: vec![
            "a".parse().unwrap(),
            "b".parse().unwrap(),
            "a".parse().unwrap(),
        ],
        ..send.clone()
    };
    let second = lab.done(again);
    assert!(second.repeated);
    assert_eq!(second.first, first.first);

    let changes: [(&str, Change); 9] = [
        ("to", |it| it.to = agent("agent-2")),
        ("from", |it| it.from = agent("agent-2")),
        ("kind", |it| {
            it.kind = switchboard::events::facts::message::MessageKind::System;
        }),
        ("priority", |it| it.priority = Priority::Urgent),
        ("tags", |it| it.tags.clear()),
        ("body", |it| it.body.push('\n')),
        ("ttl", |it| it.ttl_micros = None),
        ("not-before", |it| {
            it.not_before = Some(switchboard::events::time::Timestamp::EPOCH);
        }),
        ("via", |it| it.via = Via::Gui),
    ];
    for (name, change) in changes {
        let mut other = send.clone();
        change(&mut other);
        let refusal = lab.refused(other);
        assert_eq!(refusal.code, Code::IdConflict, "{name}");
        assert!(refusal.message.contains(name), "{}", refusal.message);
    }
    // Still the same after it was delivered and its recipient is gone.
    lab.observed(send.message);
    lab.done(RemoveAgent {
        agent: agent("agent-1"),
    });
    assert!(lab.done(send).repeated);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per rule")]
fn what_breaks_a_rule_is_refused_and_leaves_nothing_behind() {
    let lab = Lab::with_agents(3);
    lab.done(AddAgent {
        agent: agent("sleeper"),
        profile: switchboard::events::facts::agent::Profile {
            active: false,
            ..profile(9)
        },
    });
    lab.done(RemoveAgent {
        agent: agent("agent-3"),
    });
    let sent = |change: fn(&mut SendMessage)| {
        let mut send = lab.send("agent-1");
        change(&mut send);
        lab.refused(send)
    };
    let rows: [(Change, Code, Class); 11] = [
        (
            |it| it.to = agent("agent-l"),
            Code::UnknownAgent,
            Class::NotFound,
        ),
        (
            |it| it.to = agent("agent-3"),
            Code::UnknownAgent,
            Class::NotFound,
        ),
        (
            |it| it.to = agent("switchboard"),
            Code::UnknownAgent,
            Class::NotFound,
        ),
        (
            |it| it.to = agent("sleeper"),
            Code::AgentInactive,
            Class::Refused,
        ),
        (
            |it| it.from = agent("nobody"),
            Code::UnknownSender,
            Class::NotFound,
        ),
        (
            |it| it.from = agent("agent-3"),
            Code::UnknownSender,
            Class::NotFound,
        ),
        (|it| it.body.clear(), Code::EmptyBody, Class::Refused),
        (
            |it| it.body = "x".repeat(BODY_MAX + 1),
            Code::BodyTooLarge,
            Class::Refused,
        ),
        (|it| it.ttl_micros = Some(0), Code::BadTtl, Class::Refused),
        (
            |it| it.reply_to = Some(MessageId(uuid::Uuid::max())),
            Code::UnknownMessage,
            Class::NotFound,
        ),
        (
            |it| {
                it.to = agent("operator");
                it.via = Via::Gui;
            },
            Code::WrongChannel,
            Class::Refused,
        ),
    ];
    for (change, code, class) in rows {
        let refusal = sent(change);
        assert_eq!(
            (refusal.code, refusal.class()),
            (code, class),
            "{refusal:?}"
        );
    }
    let hint = sent(|it| it.to = agent("agent-l")).hint.unwrap();
    assert!(hint.contains("did you mean `agent-1`"), "{hint}");
    let hint = sent(|it| it.from = agent("agemt-2")).hint.unwrap();
    assert!(hint.contains("did you mean `agent-2`"), "{hint}");
    // The largest body that is taken, is taken.
    lab.done(SendMessage {
        body: "x".repeat(BODY_MAX),
        ..lab.send("agent-1")
    });
}

#[test]
fn a_chain_of_answers_ends_at_the_hop_limit() {
    let lab = Lab::with_agents(2);
    let send = SendMessage {
        from: agent("agent-2"),
        ..lab.send("agent-1")
    };
    lab.done(send.clone());
    let (mut last, mut by) = (send.message, ["agent-1", "agent-2"].into_iter().cycle());
    for _ in 0..8 {
        let reply = lab.reply(last, by.next().unwrap());
        last = reply.answer;
        lab.done(reply);
    }
    let refusal = lab.refused(lab.reply(last, by.next().unwrap()));
    assert_eq!(refusal.code, Code::HopLimit);
    // A message whose cause lies in the chain does not get around it.
    let mut cause = lab.cause();
    let events = lab.events();
    let accepted =
        |it: &&switchboard::events::envelope::Event| matches!(it.fact, Fact::MessageAccepted(_));
    cause.causation = events.iter().rev().find(accepted).map(|it| it.id);
    let send = Command::from(lab.send("agent-1"));
    let around = lab.desk.execute(&send, &cause, lab.now());
    assert!(matches!(around, Err(Refused::Refusal(it)) if it.code == Code::HopLimit));
    // The whole chain is one conversation.
    let of_chain = events
        .iter()
        .filter(|it| matches!(it.fact, Fact::MessageAccepted(_)));
    let correlations: std::collections::BTreeSet<_> =
        of_chain.map(|it| it.cause.correlation).collect();
    assert_eq!(correlations.len(), 1);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one broadcast, asked again in several ways"
)]
fn a_broadcast_is_one_message_each_and_one_bad_name_stops_nobody() {
    let lab = Lab::with_agents(4);
    let broadcast = Broadcast {
        broadcast: lab.id(),
        from: agent("agent-2"),
        to: Recipients::All,
        body: "wrap up".to_owned(),
        priority: Priority::Normal,
        tags: Vec::new(),
        via: Via::Auto,
        ttl_micros: None,
        not_before: None,
        reply_to: None,
        hops_max: 8,
        standings: std::collections::BTreeMap::new(),
    };
    let shared = |broadcast: &Broadcast| match lab.execute(broadcast.clone()) {
        Ok(Outcome::Shared(shared)) => shared,
        other => panic!("{other:?}"),
    };
    let first = shared(&broadcast);
    let names: Vec<_> = first.iter().map(|it| it.to.to_string()).collect();
    assert_eq!(
        names,
        ["agent-3", "agent-1", "agent-4"],
        "not its sender; captain last"
    );
    for it in &first {
        let done = it.outcome.as_ref().unwrap();
        assert!(!done.repeated);
        let event = &lab.ledger().read(done.first, 1).unwrap()[0];
        assert!(
            matches!(&event.fact, Fact::MessageAccepted(fact) if fact.message == it.message && fact.to == it.to),
            "the position is that message's own"
        );
    }
    // Asked again with more names: what is there is repeated, what is new is sent.
    let urgent = Broadcast {
        to: Recipients::List(
            ["agent-4", "nobody", "agent-1", "agent-3", "agent-2"]
                .map(agent)
                .to_vec(),
        ),
        ..broadcast.clone()
    };
    let second = shared(&urgent);
    let told: Vec<_> = second
        .iter()
        .map(|it| {
            (
                it.to.as_str(),
                it.outcome.as_ref().map(|done| done.repeated).ok(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("agent-3", Some(true)),
            ("agent-2", Some(false)),
            ("agent-1", Some(true)),
            ("nobody", None),
            ("agent-4", Some(true)),
        ]
    );
    let urgent = Broadcast {
        broadcast: lab.id(),
        priority: Priority::Urgent,
        ..broadcast.clone()
    };
    assert_eq!(shared(&urgent)[0].to, agent("agent-4"), "captain first");
    let nobody = Broadcast {
        to: Recipients::Role("ghost".parse().unwrap()),
        ..broadcast
    };
    assert_eq!(lab.refused(nobody).code, Code::Nobody);
}

#[test]
fn an_attempt_is_carried_in_its_order_and_no_other() {
    let lab = Lab::with_agents(1);
    let id = lab.sent("agent-1");
    let code = |command: Command| lab.refused(command).code;
    assert_eq!(code(submitting(id, 1).into()), Code::WrongState);
    assert_eq!(code(observing(id, 1).into()), Code::WrongState);
    assert_eq!(
        code(starting(id, 2, Channel::Gui).into()),
        Code::StaleAttempt
    );
    lab.start(id, 1, Channel::Gui);
    assert_eq!(code(starting(id, 2, Channel::Gui).into()), Code::WrongState);
    assert_eq!(
        code(observing(id, 1).into()),
        Code::WrongState,
        "Enter was not pressed"
    );
    assert_eq!(code(submitting(id, 7).into()), Code::StaleAttempt);
    let by = AgentId::operator();
    assert_eq!(
        code(
            Cancel {
                message: id,
                by: by.clone()
            }
            .into()
        ),
        Code::WrongState
    );
    lab.done(submitting(id, 1));
    assert_eq!(
        code(submitting(id, 1).into()),
        Code::WrongState,
        "Enter is pressed once"
    );
    lab.done(observing(id, 1));
    assert_eq!(code(observing(id, 1).into()), Code::WrongState);
    assert_eq!(code(Requeue { message: id, by }.into()), Code::WrongState);
    assert_eq!(
        lab.story(id),
        [
            "message.accepted",
            "attempt.started",
            "attempt.pasted",
            "attempt.submitting",
            "attempt.observed"
        ]
    );
    let life = lab.life(id);
    assert_eq!(
        (life.state, life.proof, life.attempts),
        (State::Observed, Proof::Observed, 1)
    );
}

#[test]
fn nothing_is_pressed_once_hands_are_stopped_or_the_time_is_over() {
    let lab = Lab::with_agents(1);
    let send = SendMessage {
        ttl_micros: Some(10_000_000),
        ..lab.send("agent-1")
    };
    let id = send.message;
    lab.done(send);
    lab.start(id, 1, Channel::Gui);
    let by = AgentId::operator();
    let seat = |seat: Option<&str>| seat.map(|seat| seat.parse().unwrap());
    let pause = |of: Option<&str>| PauseSeat {
        seat: seat(of),
        by: AgentId::operator(),
        reason: PauseReason::Panic,
    };
    let resume = |of: Option<&str>| ResumeSeat {
        seat: seat(of),
        by: AgentId::operator(),
    };
    lab.done(pause(None));
    assert_eq!(lab.refused(submitting(id, 1)).code, Code::SeatPaused);
    assert!(lab.done(pause(None)).repeated);
    lab.done(pause(Some(":1")));
    lab.done(resume(None));
    assert!(
        lab.projections()
            .read(|it| !it.outbox.is_paused(&":1".parse().unwrap()))
    );
    lab.done(pause(Some(":1")));
    assert_eq!(lab.refused(submitting(id, 1)).code, Code::SeatPaused);
    assert!(
        lab.projections()
            .read(|it| it.outbox.is_paused(&":1".parse().unwrap()))
    );
    lab.done(resume(Some(":1")));
    let pause_agent = |pause| PauseAgent {
        agent: agent("agent-1"),
        by: by.clone(),
        pause,
    };
    lab.done(pause_agent(true));
    assert_eq!(lab.refused(submitting(id, 1)).code, Code::AgentPaused);
    lab.done(pause_agent(false));
    assert!(lab.done(pause_agent(false)).repeated);
    lab.wait(11 * SECOND);
    assert_eq!(lab.refused(submitting(id, 1)).code, Code::Expired);
    let next = Next::Retry { at: lab.now() };
    lab.done(failing(id, 1, FailureClass::Paused, next));
    let expired = lab.execute(starting(id, 2, Channel::Gui));
    assert!(matches!(expired, Ok(Outcome::Expired(_))), "{expired:?}");
    assert_eq!(lab.life(id).state, State::Expired);
    assert!(lab.done(Expire { message: id }).repeated);
}

#[test]
fn a_crash_before_enter_is_tried_again_and_after_enter_is_never_guessed() {
    let lab = Lab::with_agents(1);
    let (before, after) = (lab.sent("agent-1"), lab.sent("agent-1"));
    lab.start(before, 1, Channel::Gui);
    lab.press(after, 1);
    let under_way: Vec<_> = lab
        .projections()
        .read(|it| it.outbox.under_way().map(|(id, _)| id).collect());
    assert_eq!(under_way, [before, after]);
    for message in under_way {
        lab.done(CutOff {
            message,
            retry_at: lab.now(),
        });
    }
    assert_eq!(lab.life(before).state, State::Accepted);
    assert!(lab.life(before).text_may_stand);
    assert_eq!(lab.life(after).state, State::Unknown);
    let by = AgentId::operator();
    let requeue = Requeue {
        message: after,
        by: by.clone(),
    };
    let refusal = lab.refused(requeue.clone());
    assert_eq!(refusal.code, Code::UnknownOutcome);
    assert!(refusal.hint.unwrap().contains("resolve"));
    let resolve = |message, verdict| Resolve {
        message,
        by: by.clone(),
        verdict,
    };
    assert_eq!(
        lab.refused(resolve(before, Verdict::Failed)).code,
        Code::WrongState
    );
    lab.done(resolve(after, Verdict::Failed));
    assert_eq!(lab.life(after).state, State::Dead);
    lab.done(requeue);
    assert_eq!(lab.life(after).state, State::Accepted);
    lab.press(after, 2);
    lab.done(CutOff {
        message: after,
        retry_at: lab.now(),
    });
    lab.done(resolve(after, Verdict::Delivered));
    let life = lab.life(after);
    assert_eq!((life.state, life.proof), (State::Observed, Proof::Operator));
}

#[test]
fn a_message_in_the_inbox_is_told_of_once_and_a_nudge_never_begets_a_nudge() {
    let lab = Lab::with_agents(1);
    let id = lab.sent("agent-1");
    lab.start(id, 1, Channel::Gui);
    let to = Next::Fallback { to: Channel::Inbox };
    lab.done(failing(id, 1, FailureClass::TargetNotFound, to));
    lab.start(id, 2, Channel::Inbox);
    let nudge = |of: MessageId, attempt: u32| {
        let nudge = lab.message_id();
        let command = InboxAttempt {
            message: of,
            attempt,
            file: format!("inbox/agent-1/{of}.md"),
            nudge: Some(Nudge {
                message: nudge,
                body: "look into your inbox".to_owned(),
                priority: Priority::Normal,
                ttl_micros: None,
                not_before: None,
            }),
            closes_breaker: false,
        };
        (command, nudge)
    };
    let (command, told) = nudge(id, 2);
    lab.done(command);
    assert_eq!(lab.life(id).state, State::Inboxed);
    assert_eq!(lab.life(told).state, State::Accepted);
    let by = agent("agent-1");
    let read = MarkRead { message: id, by };
    let states = lab.projections();
    states.read(|it| {
        assert_eq!(it.inbox.next_unread(&agent("agent-1")).unwrap().message, id);
        let story = Story::of(lab.ledger(), id).unwrap().unwrap();
        assert_eq!(story.nudge, Some(told));
        // Its own five events, and the nudge's acceptance.
        assert_eq!(events_of(lab.ledger(), id).unwrap().len(), 6);
        assert_eq!(
            it.outbox
                .due(lab.now())
                .iter()
                .map(|it| it.message)
                .collect::<Vec<_>>(),
            [told]
        );
    });
    lab.done(read.clone());
    assert!(lab.done(read).repeated);
    states.catch_up(lab.ledger()).unwrap();
    assert!(states.read(|it| it.inbox.next_unread(&agent("agent-1")).is_none()));

    // A message of the desk itself that ends in an inbox.
    let own = SendMessage {
        from: AgentId::switchboard(),
        ..lab.send("agent-1")
    };
    lab.done(own.clone());
    lab.start(own.message, 1, Channel::Inbox);
    let (command, second) = nudge(own.message, 1);
    lab.done(command);
    assert!(lab.story(second).is_empty());
    assert_eq!(
        lab.refused(lab.reply(told, "agent-1")).code,
        Code::NoWayBack
    );
}

#[test]
fn only_the_recipient_or_the_operator_speaks_for_the_recipient() {
    let lab = Lab::with_agents(2);
    let id = lab.sent("agent-1");
    lab.observed(id);
    let refusal = lab.refused(acknowledging(id, "agent-2"));
    assert_eq!(
        (refusal.code, refusal.class().exit()),
        (Code::NotAllowed, 13)
    );
    lab.done(acknowledging(id, "agent-1"));
    assert!(lab.done(acknowledging(id, "operator")).repeated);
    assert_eq!(lab.refused(lab.reply(id, "agent-2")).code, Code::NotAllowed);
    let reply = lab.reply(id, "agent-1");
    lab.done(reply.clone());
    assert!(lab.done(reply.clone()).repeated);
    let other = switchboard::commands::reply::Reply {
        body: "other".to_owned(),
        ..reply.clone()
    };
    assert_eq!(lab.refused(other).code, Code::IdConflict);
    assert_eq!(lab.life(id).state, State::Answered);
    // The operator has no window: the answer waits for the inbox.
    let due = lab.projections().read(|it| it.outbox.due(lab.now()));
    assert_eq!(
        (due[0].message, due[0].channel),
        (reply.answer, Channel::Inbox)
    );
    assert!(!due[0].agent_gone);
    lab.start(reply.answer, 1, Channel::Inbox);
}

#[test]
fn an_acknowledgement_during_an_attempt_outranks_the_attempts_end() {
    let lab = Lab::with_agents(1);
    for (next, class) in [
        (Next::Dead, FailureClass::SubmitNotSeen),
        (Next::Retry { at: lab.now() }, FailureClass::SubmitNotSeen),
    ] {
        let id = lab.sent("agent-1");
        lab.press(id, 1);
        lab.done(acknowledging(id, "agent-1"));
        assert!(
            lab.projections()
                .read(|it| it.outbox.under_way().any(|(of, _)| of == id))
        );
        lab.done(failing(id, 1, class, next));
        assert_eq!(lab.life(id).state, State::Acknowledged);
        assert!(!lab.story(id).contains(&"message.died".to_owned()));
        assert!(lab.projections().read(|it| it.outbox.get(id).is_none()));
    }
}

#[test]
fn agents_are_imported_with_a_word_for_each() {
    let lab = Lab::with_agents(2);
    let import = ImportAgents {
        agents: vec![
            (agent("agent-1"), profile(1)),
            (agent("agent-2"), profile(7)),
            (agent("agent-9"), profile(9)),
            (agent("operator"), profile(1)),
        ],
    };
    let Ok(Outcome::Imported(report)) = lab.execute(import) else {
        panic!("no import");
    };
    let told: Vec<_> = report
        .iter()
        .map(|it| it.effect.clone().map_err(|it| it.code))
        .collect();
    assert_eq!(
        told,
        [
            Ok(Import::Same),
            Ok(Import::Changed),
            Ok(Import::Added),
            Err(Code::ReservedName)
        ]
    );
    let again = AddAgent {
        agent: agent("agent-2"),
        profile: profile(7),
    };
    assert!(lab.done(again.clone()).repeated);
    let other = AddAgent {
        profile: profile(8),
        ..again
    };
    assert_eq!(lab.refused(other).code, Code::AgentExists);
}

#[test]
fn a_lost_answer_asked_for_again_is_the_first_answer() {
    let lab = Lab::with_agents(1);
    let id = lab.sent("agent-1");
    let (cause, start) = (lab.cause(), Command::from(starting(id, 1, Channel::Gui)));
    let first = lab
        .desk
        .execute(&start, &cause, lab.now())
        .unwrap()
        .done()
        .unwrap();
    let second = lab
        .desk
        .execute(&start, &cause, lab.now())
        .unwrap()
        .done()
        .unwrap();
    assert!(second.repeated);
    assert_eq!(first.first, second.first);
    assert_eq!(lab.story(id).len(), 2);
    // The same id for something else is no repetition.
    let other = lab.sent("agent-1");
    let cancel = Cancel {
        message: other,
        by: AgentId::operator(),
    };
    let clash = lab.desk.execute(&cancel.into(), &cause, lab.now());
    assert!(
        matches!(&clash, Err(Refused::Refusal(it)) if it.code == Code::CommandConflict),
        "{clash:?}"
    );
    assert_eq!(lab.life(other).state, State::Accepted);
}

#[test]
fn a_note_states_what_its_author_believes_and_is_kept_once() {
    let lab = Lab::new();
    let note = |expected, text: &str| {
        Command::from(KeepNote {
            stream: "plan/seven".parse().unwrap(),
            expected,
            word: "step".parse().unwrap(),
            data: serde_json::json!({"text": text}),
        })
    };
    let cause = lab.cause();
    let first = lab
        .desk
        .execute(&note(Belief::None, "a"), &cause, lab.now())
        .unwrap();
    let again = lab
        .desk
        .execute(&note(Belief::None, "a"), &cause, lab.now())
        .unwrap();
    assert_eq!(again.done().unwrap().first, first.done().unwrap().first);
    assert!(again.done().unwrap().repeated);
    let clash = lab
        .desk
        .execute(&note(Belief::None, "b"), &cause, lab.now());
    assert!(matches!(clash, Err(Refused::Refusal(it)) if it.code == Code::CommandConflict));
    for belief in [Belief::None, Belief::Exact(1)] {
        let wrong = lab.execute(note(belief, "c"));
        assert!(
            matches!(
                wrong,
                Err(Refused::Append(AppendError::WrongVersion {
                    actual: Some(0),
                    ..
                }))
            ),
            "{wrong:?}"
        );
    }
    for belief in [Belief::Any, Belief::Exists, Belief::Exact(2)] {
        lab.done(note(belief, "d"));
    }
}

#[test]
fn senders_at_once_are_all_accepted_and_each_ones_order_is_kept() {
    let lab = Lab::with_agents(3);
    let (threads, each) = (8, 12);
    let sends: Vec<Vec<SendMessage>> = (0..threads)
        .map(|_| (0..each).map(|_| lab.send("agent-1")).collect())
        .collect();
    let first = lab.sent("agent-2");
    std::thread::scope(|scope| {
        let lab = &lab;
        for sends in &sends {
            scope.spawn(move || {
                for send in sends {
                    lab.done(send.clone());
                }
                // All of them race for one message too: one wins, the others see it done.
                lab.done(acknowledging(first, "agent-2"));
            });
        }
    });
    let states = lab.projections();
    for sends in &sends {
        let positions: Vec<_> = sends
            .iter()
            .map(|send| {
                Story::of(lab.ledger(), send.message)
                    .unwrap()
                    .unwrap()
                    .position
            })
            .collect();
        assert!(positions.is_sorted());
    }
    assert_eq!(states.read(|it| it.outbox.queued()), threads * each);
    assert_eq!(
        lab.story(first),
        ["message.accepted", "message.acknowledged"]
    );
}

#[test]
fn a_clock_that_steps_back_holds_no_message_up() {
    let lab = Lab::with_agents(1);
    let send = SendMessage {
        ttl_micros: Some(60_000_000),
        ..lab.send("agent-1")
    };
    lab.done(send.clone());
    lab.clock.set(lab.now().micros() - 3_600_000_000);
    let later = lab.sent("agent-1");
    let due = lab.projections().read(|it| it.outbox.due(lab.now()));
    assert_eq!(due[0].message, send.message);
    lab.observed(send.message);
    lab.observed(later);
}

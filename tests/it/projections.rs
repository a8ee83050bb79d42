//! Projections over real ledgers: the same events give the same state, wherever they are folded.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchboard::adapters::checkpoints::FolderCheckpoints;
use switchboard::api::answers::failures::Failures;
use switchboard::commands::cancel::Cancel;
use switchboard::commands::command::Command;
use switchboard::commands::cut_off::CutOff;
use switchboard::commands::desk::{Desk, Outcome, Refused};
use switchboard::commands::end_attempt::EndAttempt;
use switchboard::commands::fail_attempt::{FailAttempt, OpenBreaker};
use switchboard::commands::inbox_attempt::{InboxAttempt, Nudge};
use switchboard::commands::learn_box::{LearnBox, Look};
use switchboard::commands::mark_read::MarkRead;
use switchboard::commands::note::{Belief, KeepNote};
use switchboard::commands::pause_agent::PauseAgent;
use switchboard::commands::pause_seat::{PauseSeat, ResumeSeat};
use switchboard::commands::place_agent::PlaceAgent;
use switchboard::commands::remove_agent::RemoveAgent;
use switchboard::commands::requeue::Requeue;
use switchboard::commands::resolve::Resolve;
use switchboard::commands::send::SendMessage;
use switchboard::commands::start_attempt::StartAttempt;
use switchboard::events::facts::attempt::{Channel, FailureClass, Next};
use switchboard::events::facts::message::{Priority, Verdict, Via};
use switchboard::events::facts::screen::{Point, Rect};
use switchboard::events::facts::seat::PauseReason;
use switchboard::events::facts::words::Bulk;
use switchboard::events::ids::{AgentId, MessageId, Position, StreamId};
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::lifecycle::State;
use switchboard::projections::canonical;
use switchboard::projections::host::Projections;
use switchboard::projections::rebuilding::Rebuilt;
use switchboard::projections::states::{AsOfError, Moment, States};
use switchboard::projections::story::Story;
use switchboard::projections::view::{View, Views};

use crate::ledger_kit::{SetClock, cause, command, edge, edge_with};
use crate::model_kit::{
    Lab, acknowledging, agent, failing, observing, profile, starting, submitting,
};

const SECOND: Duration = Duration::from_secs(1);

/// Dice from a seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())].clone()
    }
}

/// Somebody wants something, at random: often sensible, sometimes not.
#[expect(clippy::too_many_lines, reason = "one row per state")]
fn wish(lab: &Lab, dice: &mut Dice, messages: &mut Vec<MessageId>) -> Command {
    let who = agent(&format!("agent-{}", 1 + dice.roll(4)));
    if messages.is_empty() || dice.roll(5) == 0 {
        let send = SendMessage {
            to: who,
            from: dice.of(&[AgentId::operator(), agent("agent-2")]),
            priority: dice.of(Priority::ALL),
            via: dice.of(&[Via::Auto, Via::Auto, Via::Gui, Via::Inbox]),
            ttl_micros: dice.of(&[None, None, Some(30_000_000)]),
            not_before: dice.of(&[None, None, Some(lab.now().after(SECOND))]),
            ..lab.send("agent-1")
        };
        messages.push(send.message);
        return send.into();
    }
    let message = messages[messages.len() - 1 - dice.roll(messages.len().min(6))];
    let life = lab.life_of(message);
    let by = AgentId::operator();
    if dice.roll(3) == 0 {
        return aside(lab, dice, who, message);
    }
    match life.map(|life| (life.attempt_open, life.enter_possible, life)) {
        Some((true, true, life)) => match dice.roll(8) {
            0 => CutOff {
                message,
                retry_at: lab.now(),
            }
            .into(),
            1 => failed(lab, dice, message, life.attempts),
            _ => EndAttempt {
                closes_breaker: dice.roll(3) == 0,
                learnt: (dice.roll(3) == 0).then(|| look(dice)),
                ..observing(message, life.attempts)
            }
            .into(),
        },
        Some((true, false, life)) if life.channel == Some(Channel::Inbox) => InboxAttempt {
            message,
            attempt: life.attempts,
            file: format!("inbox/{message}.md"),
            nudge: Some(Nudge {
                message: lab.message_id(),
                body: "look".to_owned(),
                priority: Priority::Normal,
                ttl_micros: None,
                not_before: None,
            }),
            closes_breaker: false,
        }
        .into(),
        Some((true, false, life)) => match dice.roll(4) {
            0 => failed(lab, dice, message, life.attempts),
            1 => CutOff {
                message,
                retry_at: lab.now(),
            }
            .into(),
            _ => submitting(message, life.attempts).into(),
        },
        Some((false, _, life)) => match life.state {
            State::Accepted => StartAttempt {
                probe: dice.roll(6) == 0,
                ..starting(
                    message,
                    life.attempts + 1,
                    life.next_channel.unwrap_or_else(|| dice.of(Channel::ALL)),
                )
            }
            .into(),
            State::Unknown => Resolve {
                message,
                by,
                verdict: dice.of(Verdict::ALL),
            }
            .into(),
            State::Dead | State::Expired | State::Cancelled => Requeue { message, by }.into(),
            State::Inboxed => MarkRead { message, by }.into(),
            State::Attempting
            | State::Pasted
            | State::Submitted
            | State::Observed
            | State::Acknowledged
            | State::Answered => acknowledging(message, "operator").into(),
        },
        None => Cancel { message, by }.into(),
    }
}

fn failed(lab: &Lab, dice: &mut Dice, message: MessageId, attempt: u32) -> Command {
    let at = lab.now().after(SECOND);
    let next = dice.of(&[
        Next::Retry { at },
        Next::Fallback { to: Channel::Inbox },
        Next::Dead,
    ]);
    // Those that the golden hash was made with; later ones would deal the dice anew.
    let classes = FailureClass::ALL.split_at(17).0;
    let mut failed = failing(message, attempt, dice.of(classes), next);
    failed.failed.text_may_stand = dice.roll(2) == 0;
    FailAttempt {
        opens_breaker: (dice.roll(3) == 0).then_some(OpenBreaker {
            failures: 5,
            until: at,
        }),
        ..failed
    }
    .into()
}

/// Things that are not the next step of a message.
fn aside(lab: &Lab, dice: &mut Dice, who: AgentId, message: MessageId) -> Command {
    let by = AgentId::operator();
    let seat = dice.of(&[None, Some(":1".parse().unwrap())]);
    match dice.roll(13) {
        0 => PauseSeat {
            seat,
            by,
            reason: PauseReason::Asked,
        }
        .into(),
        1..=3 => ResumeSeat { seat: None, by }.into(),
        4 | 5 => PauseAgent {
            agent: who,
            by,
            pause: dice.roll(3) == 0,
        }
        .into(),
        6 if dice.roll(4) == 0 => RemoveAgent { agent: who }.into(),
        6 | 7 => switchboard::commands::add_agent::AddAgent {
            agent: who,
            profile: profile(u32::try_from(dice.roll(9)).unwrap()),
        }
        .into(),
        8 => PlaceAgent {
            agent: who,
            seat: ":1".parse().unwrap(),
            place: Point { x: -5, y: 7 },
            checked: true,
            fingerprint: None,
        }
        .into(),
        9 => LearnBox {
            agent: who,
            look: look(dice),
        }
        .into(),
        10 => Cancel { message, by }.into(),
        11 => lab.reply(message, "operator").into(),
        _ => KeepNote {
            stream: dice.of(&[StreamId::message(message), "plan/a".parse().unwrap()]),
            expected: Belief::Any,
            word: "aside".parse().unwrap(),
            data: serde_json::json!({"n": 1}),
        }
        .into(),
    }
}

fn look(dice: &mut Dice) -> Look {
    Look {
        region: Rect {
            x: -1,
            y: -1,
            width: 2,
            height: 1,
        },
        rgb: Bulk(vec![u8::try_from(dice.roll(9)).unwrap(); 6]),
        volatile: Bulk(vec![0, 1]),
        proven_empty: true,
    }
}

/// A lab with a history of some hundred commands, and the live hash after each of them.
pub(crate) fn varied(
    seed: u64,
    wishes: usize,
) -> (Lab, Projections, Vec<(Position, blake3::Hash)>) {
    let lab = Lab::with_agents(4);
    let live = lab.projections();
    let (mut dice, mut messages, mut hashes) = (Dice(seed), Vec::new(), Vec::new());
    for _ in 0..wishes {
        lab.wait(Duration::from_millis(dice.roll(2_000).try_into().unwrap()));
        let wish = wish(&lab, &mut dice, &mut messages);
        match lab.execute(wish) {
            Ok(Outcome::Done(_) | Outcome::Expired(_) | Outcome::Died(_))
            | Err(Refused::Refusal(_)) => {}
            other => panic!("{other:?}"),
        }
        live.catch_up(lab.ledger()).unwrap();
        hashes.push(live.read(|states| (states.position, states.hash())));
    }
    (lab, live, hashes)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one history, looked at in every way")]
fn the_same_position_has_the_same_hash_live_rebuilt_and_as_of() {
    let mut kinds = BTreeSet::new();
    for seed in [1, 2] {
        let (lab, live, hashes) = varied(seed, 700);
        let ledger = lab.ledger();
        kinds.extend(lab.events().iter().map(|event| event.fact.name()));
        let mut fold = States::default();
        let mut by_position = vec![fold.hash()];
        for event in lab.events() {
            fold.apply(&event);
            by_position.push(fold.hash());
        }
        for (position, hash) in &hashes {
            let at = usize::try_from(position.0).unwrap();
            assert_eq!(by_position[at], *hash, "live at {position}, seed {seed}");
        }
        for position in (0..=ledger.head().position.0).step_by(7) {
            let moment = Moment::Position(Position(position));
            let states = States::as_of(ledger, moment).unwrap();
            let at = usize::try_from(position).unwrap();
            assert_eq!(
                states.hash(),
                by_position[at],
                "as of {position}, seed {seed}"
            );
            let printed: serde_json::Value =
                serde_json::from_str(&states.to_json().to_string()).unwrap();
            assert_eq!(
                canonical::hash(&printed),
                by_position[at],
                "printed, {position}"
            );
        }
        assert!(live.check(ledger).unwrap().ok);
        rebuilt(&live, ledger, Views::ALL);
        let (position, hash) = hashes.last().unwrap();
        assert_eq!(live.read(|it| (it.position, it.hash())), (*position, *hash));
        assert!(
            by_position
                .iter()
                .collect::<std::collections::HashSet<_>>()
                .len()
                > 300
        );
    }
    // The history was varied indeed.
    for kind in [
        "message.accepted",
        "message.expired",
        "message.cancelled",
        "message.acknowledged",
        "message.answered",
        "message.requeued",
        "message.resolved",
        "message.died",
        "message.read",
        "attempt.started",
        "attempt.pasted",
        "attempt.submitting",
        "attempt.observed",
        "attempt.failed",
        "attempt.unknown",
        "attempt.inboxed",
        "agent.added",
        "agent.placed",
        "agent.removed",
        "agent.paused",
        "agent.resumed",
        "box.learnt",
        "seat.paused",
        "seat.resumed",
        "breaker.opened",
        "breaker.probed",
        "breaker.closed",
        "note.aside",
    ] {
        assert!(kinds.contains(kind), "no {kind} in the histories");
    }
}

/// The same history gives the same hash with every binary that writes the same schema
/// (docs/state-hash.md). When this fails, the hash changed: raise the schema's number, in the open.
#[test]
fn a_history_keeps_its_golden_hash() {
    let (_, live, _) = varied(21, 250);
    assert_eq!(
        live.read(|it| it.hash().to_hex().to_string()),
        "927d665f6cbc88a35fbb606cb73aeecd338823c2f3d48cb2ff3d21691db17cb4"
    );
    assert_eq!(canonical::SCHEMA, "switchboard-state/1");
}

#[track_caller]
fn rebuilt(projections: &Projections, ledger: &Ledger, views: Views) {
    let done = projections.rebuild(ledger, views, &mut |_| ControlFlow::Continue(()));
    assert_eq!(done.unwrap(), Rebuilt::Swapped);
}

#[test]
fn what_the_outbox_suggests_the_desk_accepts() {
    // Reads and decisions fold the same facts: nothing due is refused for its state, and every queued
    // count agrees with the messages' own lives.
    let (lab, live, _) = varied(7, 300);
    let due = live.read(|it| it.outbox.due(lab.now()));
    assert!(!due.is_empty());
    for it in &due {
        let mut start = starting(it.message, it.attempts + 1, it.channel);
        start.seat.clone_from(&it.seat);
        match lab.execute(start) {
            Ok(Outcome::Done(_)) => assert!(!it.agent_gone),
            Ok(Outcome::Died(_)) => assert!(it.agent_gone),
            other => panic!("{it:?}: {other:?}"),
        }
    }
    live.read(|states| {
        for (id, agent) in states.agents.iter() {
            let queued = states.outbox.messages().filter(|(_, it)| {
                it.to == *id && (it.life.attempt_open || it.life.state == State::Accepted)
            });
            assert_eq!(agent.queued, u64::try_from(queued.count()).unwrap(), "{id}");
        }
    });
}

#[test]
fn what_the_outbox_counts_as_messages_move_is_what_is_there() {
    let (lab, live, _) = varied(11, 400);
    let checkpoints = Arc::new(FolderCheckpoints::of_store(lab.store.path()));
    live.save(lab.ledger()).unwrap();
    let loaded = Projections::open(lab.ledger(), checkpoints).unwrap();
    for projections in [&live, &loaded] {
        projections.read(|states| {
            let outbox = &states.outbox;
            for state in State::ALL {
                let there = outbox.messages().filter(|(_, it)| it.life.state == *state);
                let there = u64::try_from(there.count()).unwrap();
                assert_eq!(outbox.count(*state), there, "{state}");
            }
            let queued = || {
                outbox
                    .messages()
                    .filter(|(_, it)| it.life.attempt_open || it.life.state == State::Accepted)
            };
            let there = queued().count();
            assert!(there > 0 && outbox.count(State::Dead) > 0);
            assert_eq!(outbox.queued(), u64::try_from(there).unwrap());
            let mut in_turn: Vec<_> = queued().collect();
            in_turn.sort_by_key(|(_, it)| (std::cmp::Reverse(it.priority), it.position));
            assert_eq!(outbox.queue_after(None), in_turn);
            let (counts, oldest) = outbox.queue_figures();
            assert_eq!(counts.values().sum::<u64>(), outbox.queued());
            assert_eq!(oldest, queued().map(|(_, it)| it.life.due_at).min());
        });
    }
}

#[test]
fn failures_that_are_kept_in_memory_are_those_in_the_ledger() {
    let (lab, _, _) = varied(5, 400);
    let failures = Failures::default();
    let head = lab.ledger().head().position;
    let mut most = 0;
    // Forward, and then back: who looked at an older position a moment ago may come later.
    for to in [1, 50, 51, 200, head.0, head.0, 100] {
        let to = Position(to.min(head.0));
        let events = lab.ledger().read(Position(1), usize::MAX).unwrap();
        let of_kind = events
            .into_iter()
            .filter(|it| it.position <= to && it.fact.name() == "attempt.failed");
        let mut wanted: Vec<_> = of_kind.collect();
        wanted.reverse();
        wanted.truncate(5);
        most = most.max(wanted.len());
        assert_eq!(failures.newest(lab.ledger(), to, 5).unwrap(), wanted);
    }
    assert_eq!(most, 5);
}

#[test]
fn checkpoints_shorten_the_start_and_bad_ones_are_folded_anew() {
    let (lab, _, hashes) = varied(3, 120);
    let checkpoints = Arc::new(FolderCheckpoints::of_store(lab.store.path()));
    let open = || Projections::open(lab.ledger(), checkpoints.clone()).unwrap();
    open().save(lab.ledger()).unwrap();
    let saved = lab.ledger().head().position;
    lab.sent("agent-1");
    let wanted = lab.projections().read(States::hash);
    let hash = |projections: &Projections| projections.read(States::hash);
    assert_ne!(wanted, hashes.last().unwrap().1);
    let again = open();
    assert_eq!(hash(&again), wanted);
    for row in again.list(lab.ledger().head()) {
        assert_eq!(
            (row.saved, row.note, row.lag_events),
            (Some(saved), None, 0),
            "{}",
            row.name
        );
    }
    assert!(again.check(lab.ledger()).unwrap().ok);

    for (name, version) in View::ALL.map(|view| (view.name(), view.version())) {
        let path = lab
            .store
            .path()
            .join(format!("projections/{name}@{version}.state"));
        let good = fs::read(&path).unwrap();
        for damage in ["flipped", "cut", "empty", "foreign"] {
            let mut bad = good.clone();
            match damage {
                "flipped" => *bad.last_mut().unwrap() ^= 1,
                "cut" => bad.truncate(bad.len() / 2),
                "empty" => bad.clear(),
                _ => {
                    let other = foreign();
                    bad = fs::read(
                        other
                            .path()
                            .join(format!("projections/{name}@{version}.state")),
                    )
                    .unwrap();
                }
            }
            fs::write(&path, bad).unwrap();
            let mended = open();
            assert_eq!(hash(&mended), wanted, "{damage} {name}");
            let rows = mended.list(lab.ledger().head());
            let noted: Vec<_> = rows
                .iter()
                .filter(|row| row.note.is_some())
                .map(|row| row.name)
                .collect();
            assert_eq!(noted, [name], "{damage}");
            let checked = mended.check(lab.ledger()).unwrap();
            assert_eq!(
                (checked.ok, checked.projection.as_deref()),
                (false, Some(name)),
                "{damage}"
            );
        }
        fs::write(&path, good).unwrap();
    }
    // Saving heals what is on the disk.
    let path = lab.store.path().join("projections/agents@1.state");
    fs::write(&path, b"rubbish").unwrap();
    let mended = open();
    mended.save(lab.ledger()).unwrap();
    assert!(mended.check(lab.ledger()).unwrap().ok);
}

/// A store of another ledger, with checkpoints of its own.
fn foreign() -> tempfile::TempDir {
    let lab = Lab::with_agents(1);
    let checkpoints = Arc::new(FolderCheckpoints::of_store(lab.store.path()));
    let projections = Projections::open(lab.ledger(), checkpoints).unwrap();
    projections.save(lab.ledger()).unwrap();
    lab.store
}

#[test]
fn a_wrong_state_with_a_right_checksum_is_found_by_name() {
    use switchboard::projections::checkpoints::{Checkpoints as _, name_of, seal};
    use switchboard::projections::traffic::Traffic;

    let (lab, live, _) = varied(5, 60);
    let ledger = lab.ledger();
    let head = ledger.head();
    let older = States::as_of(ledger, Moment::Position(Position(head.position.0 - 9))).unwrap();
    let checkpoints = Arc::new(FolderCheckpoints::of_store(lab.store.path()));
    let bytes = seal(&older.traffic, head.position, head.chain).unwrap();
    checkpoints.store(&name_of::<Traffic>(), &bytes).unwrap();
    let misled = Projections::open(ledger, checkpoints).unwrap();
    assert_ne!(misled.read(States::hash), live.read(States::hash));
    let checked = misled.check(ledger).unwrap();
    assert_eq!(checked.projection.as_deref(), Some("traffic"));
    rebuilt(&misled, ledger, Views::NONE.with(View::Traffic));
    misled.save(ledger).unwrap();
    assert!(misled.check(ledger).unwrap().ok);
    assert_eq!(misled.read(States::hash), live.read(States::hash));
    assert_eq!(View::named("weather"), None);
}

#[test]
fn a_moment_is_a_position_or_an_inclusive_instant_and_never_beyond_the_head() {
    let lab = Lab::with_agents(1);
    lab.wait(SECOND);
    let id = lab.sent("agent-1");
    lab.wait(SECOND);
    lab.observed(id);
    let ledger = lab.ledger();
    let events = lab.events();
    let sent = events.iter().find(|it| it.fact.kind() == 100).unwrap();
    let state = |moment| {
        let states = States::as_of(ledger, moment).unwrap();
        let story = Story::up_to(ledger, id, states.position).unwrap();
        let there = u64::from(story.is_some());
        assert_eq!(states.timeline.len(), there);
        story.map(|story| story.life.state)
    };
    let before = switchboard::events::time::Timestamp::from_micros(sent.recorded_at.micros() - 1);
    assert_eq!(state(Moment::Position(Position(0))), None);
    assert_eq!(state(Moment::Instant(before)), None);
    assert_eq!(
        state(Moment::Instant(sent.recorded_at)),
        Some(State::Accepted)
    );
    assert_eq!(
        state(Moment::Position(sent.position)),
        Some(State::Accepted)
    );
    let head = ledger.head();
    assert_eq!(
        state(Moment::Instant(head.recorded_at)),
        Some(State::Observed)
    );
    for beyond in [
        Moment::Position(head.position.next()),
        Moment::Instant(head.recorded_at.after(Duration::from_micros(1))),
    ] {
        let error = States::as_of(ledger, beyond);
        assert!(matches!(error, Err(AsOfError::Beyond { .. })), "{error:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one queue, step by step")]
fn turns_are_taken_by_priority_then_age_and_a_retry_holds_its_sender_back() {
    let lab = Lab::with_agents(3);
    let send = |from: &str, to: &str, priority| {
        let send = SendMessage {
            from: agent(from),
            priority,
            ..lab.send(to)
        };
        lab.done(send.clone());
        send.message
    };
    let live = lab.projections();
    let due = || {
        live.catch_up(lab.ledger()).unwrap();
        let due = live.read(|it| it.outbox.due(lab.now()));
        due.iter().map(|it| it.message).collect::<Vec<_>>()
    };
    let first = send("operator", "agent-1", Priority::Normal);
    let second = send("operator", "agent-1", Priority::Normal);
    let other = send("agent-2", "agent-1", Priority::Normal);
    let urgent = send("operator", "agent-2", Priority::Urgent);
    let critical = send("operator", "agent-3", Priority::Critical);
    assert_eq!(due(), [critical, urgent, first]);
    lab.start(first, 1, Channel::Gui);
    assert_eq!(due(), [critical, urgent], "one at a time per agent");
    let at = lab.now().after(5 * SECOND);
    lab.done(failing(
        first,
        1,
        FailureClass::FocusFailed,
        Next::Retry { at },
    ));
    assert_eq!(
        due(),
        [critical, urgent, other],
        "another sender's words may pass"
    );
    let overtaking = send("operator", "agent-1", Priority::Urgent);
    assert_eq!(
        due(),
        [critical, urgent, overtaking],
        "another priority may pass"
    );
    lab.observed(overtaking);
    lab.observed(other);
    assert_eq!(due(), [critical, urgent], "the second waits for the first");
    live.read(|it| assert_eq!(it.outbox.next_due_at(lab.now()), Some(at)));
    lab.wait(5 * SECOND);
    assert_eq!(due(), [critical, urgent, first]);
    lab.observed(first);
    assert_eq!(due(), [critical, urgent, second]);

    // What is meant for later holds nobody back; what is over has no turn.
    let later = SendMessage {
        not_before: Some(lab.now().after(60 * SECOND)),
        ..lab.send("agent-3")
    };
    lab.done(later.clone());
    lab.observed(critical);
    let short = SendMessage {
        ttl_micros: Some(1_000_000),
        ..lab.send("agent-3")
    };
    lab.done(short.clone());
    assert_eq!(due(), [urgent, second, short.message]);
    lab.wait(2 * SECOND);
    assert_eq!(due(), [urgent, second]);
    live.read(|it| {
        assert_eq!(
            it.outbox.expired(lab.now()).collect::<Vec<_>>(),
            [short.message]
        );
        assert_eq!(it.outbox.next_due_at(lab.now()), later.not_before);
    });
}

#[test]
fn the_text_that_may_stand_in_a_box_is_remembered_until_it_was_seen_empty() {
    let lab = Lab::with_agents(1);
    let (left, next) = (lab.sent("agent-1"), lab.sent("agent-1"));
    let stands = || {
        let states = lab.projections();
        states.read(|it| {
            it.agents
                .get(&agent("agent-1"))
                .unwrap()
                .texts_may_stand
                .clone()
        })
    };
    lab.start(left, 1, Channel::Gui);
    lab.done(CutOff {
        message: left,
        retry_at: lab.now().after(SECOND),
    });
    assert_eq!(stands(), [left]);
    lab.start(next, 1, Channel::Gui);
    let at = lab.now().after(SECOND);
    lab.done(failing(
        next,
        1,
        FailureClass::DraftInTheWay,
        Next::Retry { at },
    ));
    assert_eq!(stands(), [left], "finding the draft does not remove it");
    lab.wait(2 * SECOND);
    lab.observed(left);
    assert!(stands().is_empty());
}

#[test]
fn failures_in_a_row_are_counted_per_channel_and_ended_by_an_arrival() {
    let lab = Lab::with_agents(1);
    let failures = || {
        let states = lab.projections();
        states.read(|it| {
            let agent = it.agents.get(&agent("agent-1")).unwrap();
            (
                agent.health(Channel::Gui).failures,
                agent.health(Channel::Inbox).failures,
            )
        })
    };
    let fail = |class, channel| {
        let id = lab.sent("agent-1");
        lab.start(id, 1, channel);
        lab.done(failing(id, 1, class, Next::Dead));
    };
    fail(FailureClass::FocusFailed, Channel::Gui);
    fail(FailureClass::InboxFailed, Channel::Inbox);
    for class in [
        FailureClass::HumanActive,
        FailureClass::Paused,
        FailureClass::Interrupted,
    ] {
        fail(class, Channel::Gui);
    }
    fail(FailureClass::PasteNotSeen, Channel::Gui);
    assert_eq!(failures(), (2, 1));
    let id = lab.sent("agent-1");
    lab.observed(id);
    assert_eq!(failures(), (0, 1));
}

#[test]
fn a_hundred_thousand_events_are_caught_up_with_quickly() {
    let store = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(store.path(), edge(), "test").unwrap();
    let template = Lab::with_agents(8);
    for event in template.events().iter().skip(1) {
        ledger
            .append(alone(event.stream.clone(), vec![event.fact.clone()]))
            .unwrap();
    }
    // Stories of five events each, as many as fit one commit, straight into the ledger.
    let messages: u64 = if cfg!(debug_assertions) {
        4_000
    } else {
        20_000
    };
    let sample = template.sent("agent-1");
    template.observed(sample);
    let facts: Vec<_> = template
        .ledger()
        .read_stream(&StreamId::message(sample))
        .unwrap()
        .into_iter()
        .map(|event| event.fact)
        .collect();
    let ids: Vec<_> = (0..messages).map(|_| template.message_id()).collect();
    for batch in ids.chunks(800) {
        let parts = batch.iter().map(|id| Part {
            stream: StreamId::message(*id),
            expected: Expected::NoStream,
            facts: facts
                .iter()
                .map(|fact| renamed(fact, sample, *id))
                .collect(),
        });
        ledger
            .append(Commit {
                cause: cause(command()),
                parts: parts.collect(),
            })
            .unwrap();
    }
    let started = Instant::now();
    let mut cold = Position(0);
    while cold < ledger.head().position {
        cold = ledger
            .read(cold.next(), 4096)
            .unwrap()
            .last()
            .unwrap()
            .position;
    }
    let read = started.elapsed();
    let started = Instant::now();
    let states = States::as_of(&ledger, Moment::Position(ledger.head().position)).unwrap();
    let took = started.elapsed();
    println!(
        "{} events: read alone {read:?}, read and folded {took:?}",
        states.position
    );
    assert_eq!(states.timeline.len(), messages);
    // Generous: a shared machine. In release this is well under a second.
    assert!(took < 20 * SECOND, "{took:?}");
}

fn alone(stream: StreamId, facts: Vec<switchboard::events::kind::Fact>) -> Commit {
    Commit {
        cause: cause(command()),
        parts: vec![Part {
            stream,
            expected: Expected::Any,
            facts,
        }],
    }
}

pub(crate) fn renamed(
    fact: &switchboard::events::kind::Fact,
    from: MessageId,
    to: MessageId,
) -> switchboard::events::kind::Fact {
    let mut bytes = fact.encode().unwrap();
    let (from, to) = (from.0.into_bytes(), to.0.into_bytes());
    let at = bytes.windows(16).position(|window| window == from).unwrap();
    bytes[at..at + 16].copy_from_slice(&to);
    switchboard::events::kind::Fact::decode(fact.kind(), &bytes).unwrap()
}

#[test]
fn a_ledger_opened_again_gives_the_same_hash() {
    let (lab, live, _) = varied(11, 80);
    let hash = live.read(States::hash);
    let Lab { store, desk, .. } = lab;
    drop(live);
    let ledger = desk.ledger().clone();
    drop(desk);
    ledger.close().unwrap();
    let clock = SetClock::at(crate::ledger_kit::NOON);
    let (ledger, _) = Ledger::open(store.path(), edge_with(clock)).unwrap();
    let head = ledger.head().position;
    let again = States::as_of(&ledger, Moment::Position(head)).unwrap();
    assert_eq!(again.hash(), hash);
    drop(Desk::new(ledger));
}

#[test]
fn a_removed_agents_messages_die_at_their_turn() {
    let lab = Lab::with_agents(2);
    let id = lab.sent("agent-1");
    lab.done(RemoveAgent {
        agent: agent("agent-1"),
    });
    let due = lab.projections().read(|it| it.outbox.due(lab.now()));
    assert!(due[0].agent_gone);
    let outcome = lab.execute(starting(id, 1, Channel::Inbox));
    assert!(matches!(outcome, Ok(Outcome::Died(_))), "{outcome:?}");
    assert_eq!(lab.story(id), ["message.accepted", "message.died"]);
    let life = lab.life(id);
    assert_eq!(life.state, State::Dead);
    assert!(life.failure.unwrap().detail.contains("removed"));
}

#[test]
fn a_decision_among_fifty_agents_reads_none_of_them_again() {
    let lab = Lab::with_agents(50);
    let rounds = 200_u32;
    let sends: Vec<Command> = (0..rounds).map(|_| lab.send("agent-7").into()).collect();
    let cause = lab.cause();
    lab.desk.weigh(&sends[0], &cause, lab.now()).unwrap();
    let started = Instant::now();
    for send in &sends {
        assert!(lab.desk.weigh(send, &cause, lab.now()).unwrap().is_some());
    }
    let each = started.elapsed() / rounds;
    println!("one decision among 50 agents: {each:?}");
    assert!(each < Duration::from_millis(5), "{each:?}");
}

//! Projections while something else is the matter: events they cannot take, rebuilds that are broken
//! off, older versions, snapshots, kinds that nobody knows.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use switchboard::adapters::checkpoints::FolderCheckpoints;
use switchboard::commands::note::{Belief, KeepNote};
use switchboard::commands::pause_agent::PauseAgent;
use switchboard::commands::send::SendMessage;
use switchboard::events::facts::agent::AgentPausedAsAsked;
use switchboard::events::facts::attempt::Channel;
use switchboard::events::ids::{AgentId, MessageId, Position, StreamId};
use switchboard::events::kind::{Fact, KINDS};
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::lifecycle::State;
use switchboard::projections::agents::Agents;
use switchboard::projections::checkpoints::{Checkpoints as _, NoCheckpoints, seal};
use switchboard::projections::fold::{Fold as _, Seen};
use switchboard::projections::host::{Projections, Reached};
use switchboard::projections::inbox::Inbox;
use switchboard::projections::outbox::Outbox;
use switchboard::projections::rebuilding::{Progress, Rebuilt};
use switchboard::projections::states::{AsOfError, Moment, States};
use switchboard::projections::story::{Story, events_of};
use switchboard::projections::timeline::Timeline;
use switchboard::projections::traffic::Traffic;
use switchboard::projections::view::{View, Views};

use crate::ledger_kit::{cause, command};
use crate::model_kit::{Lab, acknowledging, agent};
use crate::projections::varied;

fn raw(ledger: &Ledger, stream: &str, kind: u16, body: &[u8]) -> Position {
    let fact = Fact::Unknown {
        kind,
        body: body.to_vec(),
    };
    let parts = vec![Part {
        stream: stream.parse().unwrap(),
        expected: Expected::Any,
        facts: vec![fact],
    }];
    let cause = cause(command());
    ledger.append(Commit { cause, parts }).unwrap().last
}

fn kept_in(lab: &Lab) -> Arc<FolderCheckpoints> {
    Arc::new(FolderCheckpoints::of_store(lab.store.path()))
}

fn states_of(projections: &Projections, lab: &Lab) -> Vec<(&'static str, &'static str)> {
    let rows = projections.list(lab.ledger().head());
    rows.iter().map(|row| (row.name, row.state)).collect()
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn note(lab: &Lab) {
    lab.done(KeepNote {
        stream: "plan/a".parse().unwrap(),
        expected: Belief::Any,
        word: "aside".parse().unwrap(),
        data: serde_json::json!({}),
    });
}

/// The file of the only body that is kept in one.
fn only_blob(lab: &Lab) -> PathBuf {
    let folders = fs::read_dir(lab.store.path().join("blobs")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

/// An event whose body did not decode once stopped every reader of the ledger for ever. Now it stops
/// those whose states it would change, and says where; the others go on.
#[test]
fn an_event_that_cannot_be_decoded_stops_those_who_care_and_nobody_else() {
    let lab = Lab::with_agents(2);
    let id = lab.sent("agent-1");
    let live = Projections::open(lab.ledger(), kept_in(&lab)).unwrap();
    // Of a kind that concerns agents, with a body that is none of it.
    let poison = raw(lab.ledger(), "agent/agent-9", 304, &[0xff; 3]);
    lab.observed(id);
    let head = lab.ledger().head();
    live.catch_up(lab.ledger()).unwrap();
    let expected = [
        ("agents", "stopped"),
        ("outbox", "stopped"),
        ("inbox", "live"),
        ("traffic", "live"),
        ("timeline", "live"),
        ("timing", "live"),
        ("conduct", "live"),
        ("alerts", "live"),
    ];
    assert_eq!(states_of(&live, &lab), expected);
    let rows = live.list(head);
    assert_eq!(rows[0].stopped_at, Some(poison));
    assert_eq!(rows[0].position, Position(poison.0 - 1));
    assert_eq!(rows[0].lag_events, head.position.0 - poison.0 + 1);
    assert!(rows[0].reason.as_ref().unwrap().contains("304"), "{rows:?}");
    assert_eq!((rows[3].position, rows[3].lag_events), (head.position, 0));
    live.read(|it| {
        use switchboard::projections::traffic::Count;
        assert_eq!(it.traffic.total(Count::Observed), 1);
        assert_eq!(it.outbox.queued(), 1, "as it was before the event");
    });
    let checked = live.check(lab.ledger()).unwrap();
    assert_eq!(
        (checked.ok, checked.projection.as_deref()),
        (false, Some("agents"))
    );
    // It is saved as it is, and a new start meets the event again.
    live.save(lab.ledger()).unwrap();
    let again = Projections::open(lab.ledger(), kept_in(&lab)).unwrap();
    assert_eq!(states_of(&again, &lab), expected);
    assert_eq!(again.list(head)[0].stopped_at, Some(poison));
    // A state as of before is whole; as of after there is none.
    let before = Moment::Position(Position(poison.0 - 1));
    assert!(again.as_of(lab.ledger(), before).is_ok());
    assert!(States::as_of(lab.ledger(), before).is_ok());
    for moment in [Moment::Position(poison), Moment::Position(head.position)] {
        let error = again.as_of(lab.ledger(), moment).unwrap_err();
        assert!(matches!(error, AsOfError::Stopped(_)), "{error:?}");
    }
}

#[test]
fn a_stopped_projection_starts_again_when_the_cause_is_gone() {
    let lab = Lab::with_agents(1);
    let live = lab.projections();
    let long = SendMessage {
        body: "x".repeat(9_000),
        ..lab.send("agent-1")
    };
    lab.done(long.clone());
    let blob = only_blob(&lab);
    let aside = lab.store.path().join("aside");
    fs::rename(&blob, &aside).unwrap();
    live.catch_up(lab.ledger()).unwrap();
    let mut stopped = live.list(lab.ledger().head());
    // Messages are nothing to it.
    stopped.retain(|row| row.name != "alerts");
    assert!(
        stopped.iter().all(|row| row.state == "stopped"),
        "{stopped:?}"
    );
    // Rebuilding while the body is still lost keeps what serves.
    let held = live.rebuild(lab.ledger(), Views::ALL, &mut go_on).unwrap();
    assert_eq!(held, Rebuilt::Swapped, "as far as before");
    note(&lab);
    fs::rename(&aside, &blob).unwrap();
    assert_eq!(
        live.rebuild(lab.ledger(), Views::ALL, &mut go_on).unwrap(),
        Rebuilt::Swapped
    );
    let rows = live.list(lab.ledger().head());
    assert!(
        rows.iter()
            .all(|row| (row.state, row.lag_events) == ("live", 0)),
        "{rows:?}"
    );
    assert!(live.check(lab.ledger()).unwrap().ok);
    live.read(|it| assert!(it.outbox.get(long.message).is_some()));
}

/// A rebuild must never make things worse: a body that was lost after it had been folded would stop the
/// new copy far behind the old one.
#[test]
fn a_rebuild_that_meets_a_lost_body_keeps_the_old_state_serving() {
    let lab = Lab::with_agents(1);
    let long = SendMessage {
        body: "x".repeat(9_000),
        ..lab.send("agent-1")
    };
    lab.done(long.clone());
    lab.observed(long.message);
    let live = lab.projections();
    let hash = live.read(States::hash);
    fs::remove_file(only_blob(&lab)).unwrap();
    let rebuilt = live.rebuild(lab.ledger(), Views::ALL, &mut go_on).unwrap();
    let Rebuilt::Stopped(stops) = rebuilt else {
        panic!("{rebuilt:?}");
    };
    assert_eq!(stops.len(), 7);
    assert_eq!(live.read(States::hash), hash);
    let rows = live.list(lab.ledger().head());
    assert!(rows.iter().all(|row| row.state == "live"), "{rows:?}");
}

#[test]
fn a_rebuild_serves_the_old_state_until_it_swaps_and_leaves_it_when_broken_off() {
    let (lab, _, _) = varied(31, 200);
    let ledger = lab.ledger();
    let checkpoints = kept_in(&lab);
    // A wrong state that a rebuild would mend: it tells old from new.
    let older = States::as_of(ledger, Moment::Position(Position(9))).unwrap();
    let head = ledger.head();
    let bytes = seal(&older.traffic, head.position, head.chain).unwrap();
    checkpoints.store("traffic@1", &bytes).unwrap();
    let live = Projections::open(ledger, checkpoints).unwrap();
    let wrong = live.read(States::hash);
    let right = States::as_of(ledger, Moment::Position(head.position))
        .unwrap()
        .hash();
    assert_ne!(wrong, right);
    let file = lab.store.path().join("projections/traffic@1.state");
    let stored = fs::read(&file).unwrap();

    let mut told = Vec::new();
    let broken_off = live.rebuild(ledger, Views::ALL, &mut |progress| {
        told.push(progress);
        assert_eq!(live.list(head)[3].state, "rebuilding");
        assert_eq!(live.read(States::hash), wrong, "the old one serves");
        ControlFlow::Break(())
    });
    assert_eq!(broken_off.unwrap(), Rebuilt::BrokenOff);
    assert_eq!(told.len(), 1);
    assert_eq!(live.read(States::hash), wrong);
    assert_eq!(
        fs::read(&file).unwrap(),
        stored,
        "nothing on the disk changed"
    );
    assert_eq!(live.list(head)[3].state, "live");

    // While the new one fills, the ledger goes on, and so does the old one.
    let sent = std::cell::Cell::new(0);
    let swapped = live.rebuild(ledger, Views::ALL, &mut |progress| {
        if sent.get() == 0 {
            note(&lab);
            live.catch_up(ledger).unwrap();
            assert_eq!(live.position(), ledger.head().position);
        }
        sent.set(sent.get() + 1);
        assert!(progress.done <= progress.total || sent.get() == 1);
        ControlFlow::Continue(())
    });
    assert_eq!(swapped.unwrap(), Rebuilt::Swapped);
    assert!(sent.get() >= 2);
    assert_eq!(live.position(), ledger.head().position);
    live.save(ledger).unwrap();
    assert!(live.check(ledger).unwrap().ok);
}

#[test]
fn an_older_versions_checkpoint_serves_while_the_new_version_is_folded() {
    let (lab, live, _) = varied(33, 150);
    let ledger = lab.ledger();
    assert_eq!((Outbox::VERSION, Outbox::READS_SINCE), (2, 1));
    let checkpoints = kept_in(&lab);
    live.save(ledger).unwrap();
    let saved = Projections::open(ledger, checkpoints.clone()).unwrap();
    saved.save(ledger).unwrap();
    // The file of a binary before: the same shape under the older version.
    let file = |version: u32| {
        lab.store
            .path()
            .join(format!("projections/outbox@{version}.state"))
    };
    let mut bytes = fs::read(file(2)).unwrap();
    fs::remove_file(file(2)).unwrap();
    // Magic, length, then the header: name with its length, version.
    let at = 8 + 4 + 1 + "outbox".len();
    assert_eq!(bytes[at], 2);
    bytes[at] = 1;
    fs::write(file(1), bytes).unwrap();

    let opened = Projections::open_behind(ledger, checkpoints).unwrap();
    lab.sent("agent-2");
    opened.catch_up(ledger).unwrap();
    let head = ledger.head();
    let row = |name: &str| {
        opened
            .list(head)
            .into_iter()
            .find(|it| it.name == name)
            .unwrap()
    };
    let outbox = row("outbox");
    assert_eq!(
        (outbox.state, outbox.lag_events),
        ("rebuilding", 0),
        "{outbox:?}"
    );
    assert!(
        outbox.note.as_ref().unwrap().contains("version 1 serves"),
        "{outbox:?}"
    );
    assert_eq!(row("agents").state, "live");
    opened.read(|old| {
        let fresh = States::as_of(ledger, Moment::Position(head.position)).unwrap();
        assert_eq!(old.outbox.queue(), fresh.outbox.queue(), "it serves");
    });
    assert_eq!(opened.fill(ledger, &mut go_on).unwrap(), Rebuilt::Swapped);
    assert_eq!(row("outbox").state, "live");
    opened.save(ledger).unwrap();
    assert!(
        file(2).exists() && !file(1).exists(),
        "the older one has served its time"
    );
    assert!(opened.check(ledger).unwrap().ok);
}

#[test]
fn what_nothing_was_saved_of_is_waited_for_by_readers_and_not_by_lookers() {
    let (lab, _, hashes) = varied(34, 80);
    let opened = Projections::open_behind(lab.ledger(), Arc::new(NoCheckpoints)).unwrap();
    opened.catch_up_serving(lab.ledger()).unwrap();
    let rows = opened.list(lab.ledger().head());
    assert!(
        rows.iter()
            .all(|row| row.state == "rebuilding" && row.lag_events > 0),
        "{rows:?}"
    );
    opened.catch_up(lab.ledger()).unwrap();
    let here = opened.read(|it| (it.position, it.hash()));
    assert_eq!(here, *hashes.last().unwrap());
    assert!(!opened.needs_filling());
}

/// A kind that is left out by number must be one that would have changed nothing.
#[test]
fn kinds_that_a_fold_does_not_care_about_would_change_nothing_in_it() {
    fn all_of<F: switchboard::projections::fold::Fold + std::fmt::Debug>(
        events: &[switchboard::events::envelope::Event],
    ) -> BTreeSet<u16> {
        let (mut some, mut every) = (F::default(), F::default());
        let mut kinds = BTreeSet::new();
        for event in events {
            let seen = Seen::from(event);
            every.apply(&seen);
            if F::cares(event.fact.kind()) {
                some.apply(&seen);
                kinds.insert(event.fact.kind());
            }
        }
        if F::NAME != "outbox" {
            assert!(some == every, "{}", F::NAME);
        }
        kinds
    }
    for seed in [41, 42, 43] {
        let (lab, _, _) = varied(seed, 250);
        let events = lab.events();
        all_of::<Agents>(&events);
        all_of::<Inbox>(&events);
        all_of::<Traffic>(&events);
        assert_eq!(all_of::<Timeline>(&events), BTreeSet::from([100]));
        all_of::<Outbox>(&events);
    }
    // Whole hundreds are cared for, so that a new kind of a topic is not forgotten.
    for (kind, name) in KINDS {
        let views = View::caring(*kind);
        let topic = name.split('.').next().unwrap();
        let expected = match topic {
            "message" | "attempt" | "draft" => 4,
            "agent" | "box" | "breaker" | "pair" => 2,
            "seat" => 1,
            _ => 0,
        };
        let cared = views
            .without(View::Timeline)
            .without(View::Timing)
            .without(View::Conduct)
            .without(View::Alerts)
            .iter()
            .count();
        assert_eq!(cared, expected, "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one ledger, asked in every way")]
fn snapshots_answer_for_the_past_and_damaged_ones_are_passed_over() {
    let lab = Lab::with_agents(2);
    let ledger = lab.ledger();
    let live = lab.projections();
    let arrived = lab.sent("agent-1");
    lab.observed(arrived);
    // Enough for two snapshots: notes in bulk, then the desk goes on.
    let bulk = || {
        for _ in 0..17 {
            let note = Fact::Unknown {
                kind: 60_001,
                body: vec![1],
            };
            let parts = vec![Part {
                stream: StreamId::ledger(),
                expected: Expected::Any,
                facts: vec![note; 4_000],
            }];
            let cause = cause(command());
            ledger.append(Commit { cause, parts }).unwrap();
        }
    };
    let kept = Projections::open(ledger, kept_in(&lab)).unwrap();
    kept.save_what_is_worth_it(ledger).unwrap();
    let mut places = Vec::new();
    for _ in 0..2 {
        bulk();
        lab.sent("agent-1");
        kept.catch_up(ledger).unwrap();
        kept.save_what_is_worth_it(ledger).unwrap();
        kept.save_what_is_worth_it(ledger).unwrap();
        places.push(kept.position());
    }
    let last = lab.sent("agent-2");
    let names = || -> Vec<String> {
        let names = kept_in(&lab).names().unwrap().into_iter();
        let mut names: Vec<_> = names.filter(|name| name.starts_with("snapshot")).collect();
        names.sort();
        names
    };
    let expected = places.iter().map(|at| format!("snapshot-{:020}", at.0));
    assert_eq!(names(), expected.collect::<Vec<_>>());
    let wanted = |moment| States::as_of(ledger, moment).unwrap();
    let moments = [
        places[0].0 - 1,
        places[0].0,
        places[1].0 - 1,
        places[1].0,
        places[1].0 + 1,
    ];
    let moments = moments.map(|at| Moment::Position(Position(at)));
    let from_zero = moments.map(wanted);
    let check = || {
        for (moment, expected) in moments.into_iter().zip(&from_zero) {
            let states = kept.as_of(ledger, moment).unwrap();
            assert_eq!(states.hash(), expected.hash(), "{moment:?}");
            assert_eq!(
                (states.position, states.at),
                (expected.position, expected.at)
            );
            assert_eq!(states.timeline, expected.timeline);
        }
    };
    check();
    live.catch_up(ledger).unwrap();
    assert!(Story::of(ledger, last).unwrap().is_some());
    assert!(kept.check(ledger).unwrap().ok);

    // A snapshot that says something else with a right checksum is believed, and found by `check`; one
    // that is damaged in any other way is passed over.
    let path = |name: &str| lab.store.path().join(format!("projections/{name}.state"));
    let files = names();
    let (first, second) = (
        fs::read(path(&files[0])).unwrap(),
        fs::read(path(&files[1])).unwrap(),
    );
    for damage in ["flipped", "cut", "empty", "another's"] {
        let mut bad = second.clone();
        match damage {
            "flipped" => *bad.last_mut().unwrap() ^= 1,
            "cut" => bad.truncate(bad.len() / 2),
            "empty" => bad.clear(),
            _ => bad.clone_from(&first),
        }
        fs::write(path(&files[1]), bad).unwrap();
        check();
    }
    for name in &files {
        fs::remove_file(path(name)).unwrap();
    }
    check();
}

#[test]
fn a_few_events_are_not_worth_a_checkpoint() {
    let lab = Lab::with_agents(2);
    let kept = Projections::open(lab.ledger(), kept_in(&lab)).unwrap();
    lab.sent("agent-1");
    kept.catch_up(lab.ledger()).unwrap();
    kept.save_what_is_worth_it(lab.ledger()).unwrap();
    assert!(kept_in(&lab).names().unwrap().is_empty());
}

#[test]
fn whoever_wrote_something_can_wait_until_it_is_read() {
    let lab = Lab::with_agents(1);
    let live = lab.projections();
    let next = lab.ledger().head().position.next();
    let none = Duration::from_millis(1);
    let behind = live.reach(lab.ledger(), next, none).unwrap();
    assert_eq!(behind, Reached::Behind(Position(next.0 - 1)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            live.reach(lab.ledger(), next, Duration::from_mins(1))
                .unwrap()
        });
        lab.sent("agent-1");
        assert_eq!(waiting.join().unwrap(), Reached::There(next));
    });
    live.read(|it| assert_eq!(it.outbox.queued(), 1));
}

/// What a newer binary wrote is kept by this one: shown, verified, replayed over, never lost.
#[test]
fn kinds_that_nobody_knows_survive_replay_events_and_verify() {
    let lab = Lab::with_agents(1);
    let id = lab.sent("agent-1");
    let before = lab.projections().read(States::hash);
    let of_later = raw(lab.ledger(), "message/later", 777, b"\x01later");
    let in_its_stream = raw(lab.ledger(), StreamId::message(id).as_str(), 60_000, &[]);
    let ledger = lab.ledger();
    assert_eq!(
        lab.projections().read(States::hash),
        before,
        "they change no state"
    );
    lab.observed(id);
    let events = lab.events();
    let at = |position: Position| &events[usize::try_from(position.0).unwrap() - 1];
    assert_eq!(at(of_later).fact.name(), "unknown.777");
    assert_eq!(at(of_later).fact.encode().unwrap(), b"\x01later");
    assert_eq!(at(of_later).to_json()["data"]["bytes"], 6);
    assert_eq!(at(in_its_stream).fact.name(), "unknown.60000");
    assert!(ledger.verify().unwrap().ok);
    assert!(lab.projections().check(ledger).unwrap().ok);
    let told = events_of(ledger, id).unwrap();
    assert!(
        told.iter().any(|event| event.position == in_its_stream),
        "`why` shows it"
    );
    let story = Story::of(ledger, id).unwrap().unwrap();
    assert_eq!(story.life.state, State::Observed);
}

/// What an older binary wrote means the same as what took its place.
#[test]
fn a_retired_kind_in_a_ledger_is_folded_as_what_took_its_place() {
    let (lab, other) = (Lab::with_agents(2), Lab::with_agents(2));
    let paused = PauseAgent {
        agent: agent("agent-1"),
        by: AgentId::operator(),
        pause: true,
    };
    let old = AgentPausedAsAsked {
        agent: agent("agent-1"),
        by: AgentId::operator(),
    };
    let body = switchboard::events::codec::encode(&old).unwrap();
    raw(lab.ledger(), "agent/agent-1", 304, &body);
    other.done(paused.clone());
    for lab in [&lab, &other] {
        let live = lab.projections();
        assert!(live.read(|it| it.agents.get(&agent("agent-1")).unwrap().paused));
        assert!(lab.ledger().verify().unwrap().ok);
        // Commands read it too: it is paused already.
        let head = lab.ledger().head().position;
        lab.done(paused.clone());
        assert_eq!(lab.ledger().head().position, head);
    }
    let hash = |lab: &Lab| lab.projections().read(States::hash);
    assert_eq!(hash(&lab), hash(&other));
    let last = lab.events().pop().unwrap();
    assert_eq!(last.fact.name(), "agent.paused");
    assert_eq!(last.to_json()["data"]["reason"], "asked");
}

#[test]
fn the_timeline_finds_messages_of_everybody_of_a_recipient_and_from_a_sender() {
    let lab = Lab::with_agents(3);
    let mut sent: Vec<(MessageId, String, String)> = Vec::new();
    for (nth, to) in ["agent-1", "agent-2", "agent-1", "agent-3", "agent-1"]
        .iter()
        .enumerate()
    {
        let from = if nth % 2 == 0 { "operator" } else { "agent-3" };
        let one = SendMessage {
            from: agent(from),
            ..lab.send(to)
        };
        lab.done(one.clone());
        lab.start(one.message, 1, Channel::Gui);
        sent.push((one.message, (*to).to_owned(), from.to_owned()));
    }
    lab.done(acknowledging(sent[0].0, "agent-1"));
    let live = lab.projections();
    let found = |to: Option<&str>, from: Option<&str>| -> Vec<MessageId> {
        let (to, from) = (to.map(agent), from.map(agent));
        let places: Vec<Position> = live.read(|it| {
            let all = Position(u64::MAX);
            it.timeline
                .newest_first(all, to.as_ref(), from.as_ref())
                .collect()
        });
        let event = |place: Position| lab.ledger().read(place, 1).unwrap().remove(0);
        places
            .into_iter()
            .map(|place| {
                let Fact::MessageAccepted(accepted) = event(place).fact else {
                    panic!("no message was accepted at {place}");
                };
                accepted.message
            })
            .collect()
    };
    let of = |wanted: &dyn Fn(&str, &str) -> bool| -> Vec<MessageId> {
        let sent = sent.iter().rev().filter(|(_, to, from)| wanted(to, from));
        sent.map(|(id, _, _)| *id).collect()
    };
    assert_eq!(found(None, None), of(&|_, _| true));
    assert_eq!(found(Some("agent-1"), None), of(&|to, _| to == "agent-1"));
    assert_eq!(
        found(None, Some("agent-3")),
        of(&|_, from| from == "agent-3")
    );
    assert!(found(Some("agent-9"), None).is_empty());
    assert!(found(Some("agent-9"), Some("agent-3")).is_empty());
    // Of both, the shorter list; the reader picks.
    let both = found(Some("agent-1"), Some("agent-3"));
    let wanted = of(&|to, from| to == "agent-1" && from == "agent-3");
    assert!(wanted.iter().all(|id| both.contains(id)));
}

/// The real binary on a store, in JSON mode: exit code, rows of stdout, rows of stderr.
fn run(store: &std::path::Path, line: &[&str]) -> (Option<i32>, Vec<Value>, Vec<Value>) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .env_clear()
        .env("HOME", store)
        .args(["--json", "--store", store.to_str().unwrap()])
        .args(line)
        .output()
        .unwrap();
    let rows = |bytes: &[u8]| -> Vec<Value> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    (
        output.status.code(),
        rows(&output.stdout),
        rows(&output.stderr),
    )
}

#[test]
fn the_command_line_says_which_projection_is_stopped_and_how_a_rebuild_gets_on() {
    let lab = Lab::with_agents(1);
    let id = lab.sent("agent-1");
    let Lab { store, desk, .. } = lab;
    let ledger = desk.ledger().clone();
    let poison = raw(&ledger, "agent/agent-9", 304, &[0xff; 3]);
    let head = ledger.head().position;
    drop(desk);
    ledger.close().unwrap();
    let store = store.path();

    let (exit, rows, said) = run(store, &["projections", "rebuild"]);
    assert_eq!((exit, rows.len()), (Some(0), 8), "{rows:?} {said:?}");
    assert_eq!(rows[0]["state"], "stopped");
    assert_eq!(rows[0]["stopped_at"], poison.0);
    assert_eq!(rows[0]["lag_events"], head.0 - poison.0 + 1);
    assert!(rows[0]["lag_seconds"].is_number());
    assert_eq!(rows[3]["state"], "live");
    let last = said.last().unwrap();
    let expected = serde_json::json!({"record": "progress", "done": head, "total": head});
    assert_eq!(last, &expected, "{said:?}");

    let (exit, checks, _) = run(store, &["doctor"]);
    assert_eq!(exit, Some(1));
    let named = |name: &str| checks.iter().find(|it| it["check"] == name).unwrap();
    let agents = named("projection agents");
    assert_eq!(agents["ok"], false);
    assert!(
        agents["detail"]
            .as_str()
            .unwrap()
            .contains("stopped before"),
        "{agents}"
    );
    assert_eq!(named("projection traffic")["ok"], true);

    // The queue would leave things out unsaid; a message's own story needs no projection.
    let (exit, _, said) = run(store, &["queue"]);
    assert_eq!(
        (exit, &said[0]["code"]),
        (Some(9), &serde_json::json!("projection_stopped"))
    );
    let (exit, rows, _) = run(store, &["why", &id.to_string()]);
    assert_eq!((exit, rows.len()), (Some(0), 1));
    let (exit, rows, _) = run(store, &["messages"]);
    assert_eq!(
        (exit, &rows[0]["message"]),
        (Some(0), &serde_json::json!(id))
    );
    let (exit, _, said) = run(store, &["replay"]);
    assert_eq!((exit, &said[0]["exit"]), (Some(9), &serde_json::json!(9)));
    let before = (poison.0 - 1).to_string();
    let (exit, rows, _) = run(store, &["replay", "--as-of", &before]);
    assert_eq!(
        (exit, &rows[0]["position"]),
        (Some(0), &serde_json::json!(poison.0 - 1))
    );
}

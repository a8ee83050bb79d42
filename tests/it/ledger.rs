//! What the ledger promises to those above it.

use std::time::Duration;

use switchboard::events::ids::{EventId, Position, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{AppendError, Commit, Expected, Part};
use switchboard::events::ledger::handle::{Ledger, OpenError, Opening};
use switchboard::events::time::Timestamp;
use tempfile::tempdir;
use uuid::Uuid;

use crate::ledger_kit::{
    NOON, SetClock, cause, command, commit, created, edge, edge_with, everything, note, noting,
    opened, stream,
};

#[test]
fn a_new_ledger_begins_with_its_own_creation() {
    let dir = tempdir().unwrap();
    let ledger = created(&dir.path().join("a/b/store"));
    let events = everything(&ledger);
    assert_eq!(events.len(), 1);
    let Fact::LedgerCreated(fact) = &events[0].fact else {
        panic!("{:?}", events[0]);
    };
    assert_eq!((fact.ledger, fact.timeline), ledger.identity());
    assert_eq!(events[0].stream, StreamId::ledger());
    assert_eq!(ledger.head().position, Position(1));
}

#[test]
fn what_was_appended_is_read_back_also_after_reopening() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    for n in 0..500 {
        let name = format!("note/{}", n % 7);
        ledger
            .append(noting(&name, Expected::Any, &format!("text {n}")))
            .unwrap();
    }
    let before = everything(&ledger);
    assert_eq!(before.len(), 501);
    let head = ledger.head();
    ledger.close().unwrap();

    let (ledger, opening) = opened(dir.path());
    assert_eq!(opening, Opening::default());
    assert_eq!(everything(&ledger), before);
    assert_eq!(ledger.head(), head);
    for (index, event) in before.iter().enumerate() {
        assert_eq!(event.position.0, u64::try_from(index).unwrap() + 1);
        assert_eq!(ledger.find(event.id).unwrap(), Some(event.position));
        assert_eq!(
            ledger.position_at(event.recorded_at).unwrap(),
            event.position
        );
    }
    let verified = ledger.verify().unwrap();
    assert!(verified.ok, "{verified:?}");
    assert_eq!(verified.events, 501);
}

#[test]
fn a_stream_is_read_oldest_first_with_gapless_versions() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    for n in 0..40 {
        ledger
            .append(noting(
                &format!("note/{}", n % 3),
                Expected::Any,
                &n.to_string(),
            ))
            .unwrap();
    }
    let events = ledger.read_stream(&stream("note/1")).unwrap();
    let versions: Vec<u64> = events.iter().map(|event| event.version).collect();
    assert_eq!(versions, (0..13).collect::<Vec<u64>>());
    let last = events.last().unwrap();
    assert_eq!(
        ledger.stream_head(&last.stream).unwrap(),
        Some((12, last.position))
    );
    assert_eq!(ledger.stream_head(&stream("note/9")).unwrap(), None);
    assert_eq!(ledger.read_stream(&stream("note/9")).unwrap(), []);
    let names = ["note/0", "note/1", "note/2"].map(stream);
    assert_eq!(ledger.streams("note").unwrap(), names);
    assert_eq!(ledger.streams("not").unwrap(), []);
}

#[test]
fn expectations_are_held_and_wrong_ones_named() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let refused = |expected| match ledger.append(noting("note/a", expected, "x")) {
        Err(AppendError::WrongVersion {
            expected: e,
            actual,
            ..
        }) => {
            assert_eq!(e, expected);
            actual
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Expected::Exists), None);
    assert_eq!(refused(Expected::Exact(0)), None);
    ledger
        .append(noting("note/a", Expected::NoStream, "0"))
        .unwrap();
    assert_eq!(refused(Expected::NoStream), Some(0));
    assert_eq!(refused(Expected::Exact(1)), Some(0));
    let appended = ledger
        .append(noting("note/a", Expected::Exact(0), "1"))
        .unwrap();
    assert_eq!(
        (appended.first, appended.version, appended.repeated),
        (Position(3), 1, false)
    );
    ledger
        .append(noting("note/a", Expected::Exists, "2"))
        .unwrap();
    assert_eq!(ledger.head().position, Position(4));
}

#[test]
fn a_commit_is_whole_or_not_at_all() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let part = |name: &str, expected, count: usize| Part {
        stream: stream(name),
        expected,
        facts: (0..count).map(|n| note(&n.to_string())).collect(),
    };
    let two = |expected| Commit {
        cause: cause(command()),
        parts: vec![
            part("note/a", Expected::Any, 3),
            part("note/b", expected, 2),
        ],
    };
    assert!(ledger.append(two(Expected::Exists)).is_err());
    assert_eq!(ledger.head().position, Position(1));
    let appended = ledger.append(two(Expected::NoStream)).unwrap();
    assert_eq!(
        (appended.first, appended.last, appended.version),
        (Position(2), Position(6), 2)
    );
}

#[test]
fn a_repeated_command_gets_the_original_answer() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let id = command();
    let first = commit(id, "note/a", Expected::NoStream, vec![note("1"), note("2")]);
    let original = ledger.append(first.clone()).unwrap();
    ledger
        .append(noting("note/a", Expected::Any, "later"))
        .unwrap();
    let again = ledger.append(first.clone()).unwrap();
    assert!(again.repeated);
    assert_eq!(
        (again.first, again.last, again.version),
        (original.first, original.last, 1)
    );
    ledger.close().unwrap();
    let (ledger, _) = opened(dir.path());
    assert_eq!(ledger.append(first).unwrap(), again);
    assert_eq!(ledger.find_command(id).unwrap(), Some(again));
    assert_eq!(ledger.find_command(command()).unwrap(), None);
    for other in [
        commit(id, "note/a", Expected::Any, vec![note("1")]),
        commit(id, "note/b", Expected::Any, vec![note("1"), note("2")]),
        commit(id, "note/a", Expected::Any, vec![note("2"), note("1")]),
    ] {
        match ledger.append(other) {
            Err(AppendError::Conflict { command, at }) => {
                assert_eq!((command, at), (id, original.first));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ledger.head().position, Position(4));
}

#[test]
fn commits_that_break_a_limit_are_refused() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let no_parts = Commit {
        cause: cause(command()),
        parts: vec![],
    };
    let mut twice = noting("note/a", Expected::Any, "x");
    twice.parts.push(twice.parts[0].clone());
    for bad in [
        no_parts,
        commit(command(), "note/a", Expected::Any, vec![]),
        twice,
        commit(command(), "note/a", Expected::Any, vec![note("x"); 4097]),
    ] {
        let refused = ledger.append(bad);
        assert!(
            matches!(refused, Err(AppendError::Invalid { .. })),
            "{refused:?}"
        );
    }
    let huge = ledger.append(noting(
        "note/a",
        Expected::Any,
        &"x".repeat(2 * 1024 * 1024),
    ));
    assert!(matches!(huge, Err(AppendError::Encode(_))), "{huge:?}");
    let many = vec![note(&"x".repeat(4000)); 4096];
    let appended = ledger.append(commit(command(), "note/a", Expected::Any, many));
    assert!(matches!(appended, Err(AppendError::Invalid { .. })) || appended.is_ok());
    assert!(ledger.verify().unwrap().ok);
}

#[test]
fn large_bodies_come_back_byte_for_byte() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let texts: Vec<String> = [4000, 4096, 5000, 1_048_576]
        .iter()
        .map(|len| "é".repeat(len / 2))
        .collect();
    for text in &texts {
        ledger
            .append(noting("note/big", Expected::Any, text))
            .unwrap();
    }
    // Many inline bodies in one commit: one frame of several parts.
    let many: Vec<Fact> = (0..500)
        .map(|n| note(&format!("{n}").repeat(900)))
        .collect();
    ledger
        .append(commit(command(), "note/many", Expected::Any, many.clone()))
        .unwrap();
    ledger.close().unwrap();
    let (ledger, _) = opened(dir.path());
    let found: Vec<Fact> = ledger
        .read_stream(&stream("note/big"))
        .unwrap()
        .into_iter()
        .map(|event| event.fact)
        .collect();
    assert_eq!(
        found,
        texts.iter().map(|text| note(text)).collect::<Vec<_>>()
    );
    let found = ledger.read(Position(6), 1000).unwrap();
    assert_eq!(
        found
            .into_iter()
            .map(|event| event.fact)
            .collect::<Vec<_>>(),
        many
    );
    assert!(ledger.verify().unwrap().ok);
}

#[test]
fn recorded_time_goes_on_when_the_clock_steps_back() {
    let dir = tempdir().unwrap();
    let clock = SetClock::at(NOON);
    let ledger = Ledger::create(dir.path(), edge_with(clock.clone()), "test").unwrap();
    let append = |text| {
        ledger
            .append(noting("note/a", Expected::Any, text))
            .unwrap()
    };
    append("at noon");
    clock.set(NOON - 500_000);
    append("half a second back: no event");
    clock.set(NOON - 7_000_000);
    append("seven seconds back");
    append("still there: one event was enough");
    let events = everything(&ledger);
    assert!(events.is_sorted_by(|a, b| a.recorded_at < b.recorded_at));
    let steps: Vec<_> = events
        .iter()
        .filter_map(|event| {
            let Fact::ClockSteppedBack(step) = &event.fact else {
                return None;
            };
            Some((event.position.0, step.by_micros))
        })
        .collect();
    assert_eq!(steps, [(4, 6_500_000)]);
    assert_eq!(
        events.last().unwrap().clock,
        Timestamp::from_micros(NOON - 7_000_000)
    );
    assert!(ledger.verify().unwrap().ok);
}

#[test]
fn an_instant_leads_to_the_last_position_at_or_before_it() {
    let dir = tempdir().unwrap();
    let clock = SetClock::at(NOON);
    let ledger = Ledger::create(dir.path(), edge_with(clock.clone()), "test").unwrap();
    for n in 1..200 {
        clock.set(NOON + n * 10);
        ledger.append(noting("note/a", Expected::Any, "x")).unwrap();
    }
    let at = |micros| ledger.position_at(Timestamp::from_micros(micros)).unwrap();
    assert_eq!(at(NOON - 1), Position(0));
    for n in 0..200 {
        assert_eq!(at(NOON + n * 10), Position(n + 1));
        assert_eq!(at(NOON + n * 10 + 9), Position(n + 1));
    }
    assert_eq!(at(u64::MAX), Position(200));
}

#[test]
fn chain_hashes_are_known_at_every_position() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let mut chains = vec![
        ledger.chain_at(Position(0)).unwrap().unwrap(),
        ledger.head().chain,
    ];
    for _ in 0..50 {
        ledger.append(noting("note/a", Expected::Any, "x")).unwrap();
        chains.push(ledger.head().chain);
    }
    ledger.close().unwrap();
    let (ledger, _) = opened(dir.path());
    for (position, chain) in chains.iter().enumerate() {
        let at = Position(u64::try_from(position).unwrap());
        assert_eq!(ledger.chain_at(at).unwrap().as_ref(), Some(chain), "{at}");
    }
    assert_eq!(ledger.chain_at(Position(52)).unwrap(), None);
}

#[test]
fn reading_ends_at_the_head_and_respects_its_limit() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    for n in 0..100 {
        ledger
            .append(noting("note/a", Expected::Any, &n.to_string()))
            .unwrap();
    }
    let positions = |from, limit| -> Vec<u64> {
        let events = ledger.read(Position(from), limit).unwrap();
        events.iter().map(|event| event.position.0).collect()
    };
    assert_eq!(positions(0, 2), [1, 2]);
    assert_eq!(positions(50, 3), [50, 51, 52]);
    assert_eq!(positions(100, 9), [100, 101]);
    assert!(positions(102, 9).is_empty());
    assert!(positions(5, 0).is_empty());
    assert_eq!(ledger.find(EventId(Uuid::nil())).unwrap(), None);
}

#[test]
fn waiting_ends_with_the_next_commit_and_listeners_hear_of_it() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    assert_eq!(ledger.wait_beyond(Position(1), Duration::ZERO), Position(1));
    let (heard, hear) = std::sync::mpsc::channel();
    ledger.on_commit(Box::new(move |position| heard.send(position).unwrap()));
    let waiter = {
        let ledger = ledger.clone();
        std::thread::spawn(move || ledger.wait_beyond(Position(1), Duration::from_mins(1)))
    };
    ledger.append(noting("note/a", Expected::Any, "x")).unwrap();
    assert_eq!(waiter.join().unwrap(), Position(2));
    assert_eq!(hear.recv().unwrap(), Position(2));
}

#[test]
fn a_store_is_told_from_what_is_none() {
    let dir = tempdir().unwrap();
    let open = |name: &str| Ledger::open(&dir.path().join(name), edge()).map(|_| ());
    assert!(matches!(open("absent"), Err(OpenError::Absent { .. })));
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    assert!(matches!(open("empty"), Err(OpenError::Absent { .. })));
    assert_eq!(
        std::fs::read_dir(dir.path().join("empty")).unwrap().count(),
        0
    );
    std::fs::create_dir(dir.path().join("other")).unwrap();
    std::fs::write(dir.path().join("other/letter.txt"), "x").unwrap();
    assert!(matches!(open("other"), Err(OpenError::NotAStore { .. })));
    let create = Ledger::create(&dir.path().join("other"), edge(), "test");
    assert!(matches!(create, Err(OpenError::NotAStore { .. })));
    assert_eq!(
        std::fs::read_dir(dir.path().join("other")).unwrap().count(),
        1
    );
    std::fs::write(dir.path().join("file"), "x").unwrap();
    assert!(matches!(open("file"), Err(OpenError::NotAStore { .. })));

    let store = dir.path().join("store");
    created(&store).close().unwrap();
    let again = Ledger::create(&store, edge(), "test");
    assert!(matches!(again, Err(OpenError::Present { .. })), "{again:?}");
    std::fs::write(store.join("format"), "switchboard store\nformat 3\n").unwrap();
    let newer = Ledger::open(&store, edge());
    assert!(
        matches!(
            newer,
            Err(OpenError::TooNew {
                found: 3,
                known: 2,
                ..
            })
        ),
        "{newer:?}"
    );
    std::fs::write(store.join("format"), "swatchboard store\nformat 1\n").unwrap();
    assert!(matches!(
        Ledger::open(&store, edge()),
        Err(OpenError::Corrupt { .. })
    ));
}

#[test]
fn only_one_opens_a_store_and_closing_lets_go() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    assert!(matches!(
        Ledger::open(dir.path(), edge()),
        Err(OpenError::Locked { .. })
    ));
    let clone = ledger.clone();
    ledger.close().unwrap();
    let (second, _) = opened(dir.path());
    let late = clone.append(noting("note/a", Expected::Any, "late"));
    assert!(matches!(late, Err(AppendError::Closed)), "{late:?}");
    assert_eq!(everything(&clone).len(), 1);
    drop(second);
    drop(opened(dir.path()));
}

#[test]
fn unknown_kinds_are_kept_raw_and_known_ones_cannot_be_forged() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let later = Fact::Unknown {
        kind: 60_000,
        body: b"from a later binary".to_vec(),
    };
    let commit_of = |fact: Fact| commit(command(), "note/a", Expected::Any, vec![fact]);
    ledger.append(commit_of(later.clone())).unwrap();
    let forged = ledger.append(commit_of(Fact::Unknown {
        kind: 100,
        body: vec![1, 2, 3],
    }));
    assert!(
        matches!(forged, Err(AppendError::Invalid { .. })),
        "{forged:?}"
    );
    ledger.close().unwrap();
    let (ledger, _) = opened(dir.path());
    assert_eq!(everything(&ledger)[1].fact, later);
    assert!(ledger.verify().unwrap().ok);
}

#[test]
fn a_clock_that_stands_at_its_beginning_is_good_enough() {
    let dir = tempdir().unwrap();
    let clock = SetClock::at(0);
    let ledger = Ledger::create(dir.path(), edge_with(clock.clone()), "test").unwrap();
    ledger.append(noting("note/a", Expected::Any, "x")).unwrap();
    assert!(ledger.verify().unwrap().ok);
    // Nothing is after the end of the year 9999, and recorded time must go on.
    clock.set(u64::MAX);
    ledger
        .append(noting("note/a", Expected::Any, "late"))
        .unwrap();
    let refused = ledger.append(noting("note/a", Expected::Any, "later"));
    assert!(
        matches!(refused, Err(AppendError::Invalid { .. })),
        "{refused:?}"
    );
    assert!(ledger.verify().unwrap().ok);
}

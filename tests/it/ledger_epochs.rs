//! Epochs end, are closed, and are read as if nothing had happened.

use std::fs;
use std::path::Path;

use switchboard::events::envelope::Event;
use switchboard::events::ids::Position;
use switchboard::events::ledger::append::{AppendError, Expected};
use switchboard::events::ledger::handle::{Ledger, OpenError, ReadError};
use tempfile::tempdir;

use crate::ledger_kit::{
    command, commit, copy, created_with, edge, epochs_of, everything, note, noting, opened,
    opened_with, stream,
};

fn names(folder: &Path, ending: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending) && name.starts_with('0'))
        .collect();
    names.sort();
    names
}

/// Appends to a few streams, some bodies large.
fn fill(ledger: &Ledger, events: usize) {
    for n in 0..events {
        let text = format!("{n}").repeat([3, 40, 700, 2500][n % 4]);
        ledger
            .append(noting(&format!("note/{}", n % 5), Expected::Any, &text))
            .unwrap();
    }
}

/// Everything that can be asked of events gives what it should.
fn assert_known(ledger: &Ledger, events: &[Event]) {
    assert_eq!(everything(ledger), events);
    for event in events {
        assert_eq!(ledger.find(event.id).unwrap(), Some(event.position));
        assert_eq!(
            ledger.position_at(event.recorded_at).unwrap(),
            event.position
        );
        let commit = ledger.find_command(event.cause.command).unwrap().unwrap();
        assert!((commit.first..=commit.last).contains(&event.position));
        let head = ledger.stream_head(&event.stream).unwrap().unwrap();
        assert!(head.0 >= event.version && head.1 >= event.position);
        assert!(ledger.chain_at(event.position).unwrap().is_some());
    }
    for name in ledger.streams("note").unwrap() {
        let of_stream: Vec<Event> = events
            .iter()
            .filter(|event| event.stream == name)
            .cloned()
            .collect();
        assert_eq!(ledger.read_stream(&name).unwrap(), of_stream);
    }
}

#[test]
fn what_is_closed_is_read_like_what_is_live() {
    let dir = tempdir().unwrap();
    let ledger = created_with(epochs_of(7), dir.path());
    closed(&ledger, 100);
    let chains: Vec<_> = (0..=101)
        .map(|position| ledger.chain_at(Position(position)).unwrap())
        .collect();
    let events = everything(&ledger);
    let condition = ledger.settle();
    assert_eq!((condition.closing_fails, condition.full), (None, 0));
    assert!(condition.closed >= 5, "{} epochs", condition.closed);
    assert_known(&ledger, &events);
    let verified = ledger.verify().unwrap();
    assert!(verified.ok, "{verified:?}");
    assert_eq!(verified.events, 101);
    // Only what grows has a journal still.
    assert_eq!(names(&dir.path().join("journal"), ".journal").len(), 1);
    assert_eq!(names(&dir.path().join("journal"), ".witness").len(), 1);
    assert_eq!(
        names(&dir.path().join("ledger"), ".seal").len(),
        condition.closed
    );
    ledger.close().unwrap();

    // Any epoch size opens any store.
    for size in [7, 1 << 18, 3] {
        let (ledger, _) = opened_with(epochs_of(size), dir.path());
        assert_known(&ledger, &events);
        for (position, chain) in chains.iter().enumerate() {
            let position = Position(u64::try_from(position).unwrap());
            assert_eq!(ledger.chain_at(position).unwrap(), *chain, "{position}");
        }
        assert!(ledger.verify().unwrap().ok);
        ledger.close().unwrap();
    }
    assert!(Ledger::examine(dir.path()).unwrap().ok);
}

#[test]
fn expectations_and_repeated_commands_reach_into_closed_epochs() {
    let dir = tempdir().unwrap();
    let ledger = created_with(epochs_of(5), dir.path());
    let id = command();
    let first = commit(
        id,
        "note/old",
        Expected::NoStream,
        vec![note("1"), note("2")],
    );
    let original = ledger.append(first.clone()).unwrap();
    closed(&ledger, 60);
    assert!(ledger.condition().closed > 3);
    let again = ledger.append(first).unwrap();
    assert!(again.repeated);
    assert_eq!(
        (again.first, again.last, again.version),
        (original.first, original.last, 1)
    );
    let other = ledger.append(commit(id, "note/old", Expected::Any, vec![note("1")]));
    assert!(
        matches!(other, Err(AppendError::Conflict { .. })),
        "{other:?}"
    );
    for wrong in [Expected::NoStream, Expected::Exact(0), Expected::Exact(2)] {
        let refused = ledger.append(noting("note/old", wrong, "x"));
        assert!(
            matches!(
                refused,
                Err(AppendError::WrongVersion {
                    actual: Some(1),
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    let appended = ledger
        .append(noting("note/old", Expected::Exact(1), "3"))
        .unwrap();
    assert_eq!(appended.version, 2);
    let versions: Vec<u64> = ledger
        .read_stream(&stream("note/old"))
        .unwrap()
        .iter()
        .map(|event| event.version)
        .collect();
    assert_eq!(versions, [0, 1, 2]);
    assert!(ledger.verify().unwrap().ok);
}

/// A store of the first format: one epoch, never closed. It is opened as it is, and is one of this
/// format from its second epoch on, so that no older binary takes the first epoch for all.
#[test]
fn a_store_of_format_1_opens_and_becomes_format_2_with_its_second_epoch() {
    let dir = tempdir().unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/format-1.tar.gz");
    let unpacked = std::process::Command::new("tar")
        .args(["-xzf", fixture, "-C"])
        .arg(dir.path())
        .status()
        .unwrap();
    assert!(unpacked.success());
    let store = dir.path().join("format-1");
    let format = || fs::read_to_string(store.join("format")).unwrap();
    let chain = "764fc94d12b1b15e61f380bd997ee215f5f8886fe93b3c130d7db0d4ba7c8418";
    let (ledger, _) = opened(&store);
    let verified = ledger.verify().unwrap();
    assert_eq!(
        (verified.ok, verified.events, &*verified.chain),
        (true, 25, chain)
    );
    let events = everything(&ledger);
    ledger.close().unwrap();
    assert_eq!(format(), "switchboard store\nformat 1\n");

    let (ledger, _) = opened_with(epochs_of(7), &store);
    ledger
        .append(noting("note/a", Expected::Any, "more"))
        .unwrap();
    assert_eq!(ledger.settle().closed, 1);
    assert_eq!(everything(&ledger)[..25], events);
    assert!(ledger.verify().unwrap().ok);
    ledger.close().unwrap();
    assert_eq!(format(), "switchboard store\nformat 2\n");
    let (ledger, _) = opened(&store);
    // The clock of this test is behind the fixture's, which is an event too.
    assert_eq!(everything(&ledger).len(), 27);
}

#[test]
fn sixty_four_writers_get_gapless_positions_over_many_epochs() {
    const WRITERS: usize = 64;
    const APPENDS: u64 = 100;
    let dir = tempdir().unwrap();
    let ledger = created_with(epochs_of(300), dir.path());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let ledger = &ledger;
            scope.spawn(move || {
                let own = format!("note/{writer}");
                for n in 0..APPENDS {
                    let expected = n.checked_sub(1).map_or(Expected::NoStream, Expected::Exact);
                    let appended = ledger.append(noting(&own, expected, "mine")).unwrap();
                    assert_eq!(appended.version, n);
                }
            });
        }
    });
    let events = everything(&ledger);
    assert_eq!(
        events.len(),
        1 + WRITERS * usize::try_from(APPENDS).unwrap()
    );
    assert!(
        (1_u64..)
            .zip(&events)
            .all(|(n, event)| event.position.0 == n)
    );
    let ids: std::collections::HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len());
    assert!(ledger.settle().closed > 1);
    let verified = ledger.verify().unwrap();
    assert!(verified.ok, "{verified:?}");
}

/// Closes what is full, with several epochs to look at.
fn closed(ledger: &Ledger, events: usize) {
    for _ in 0..events / 10 {
        fill(ledger, 10);
        let condition = ledger.settle();
        assert_eq!((condition.closing_fails, condition.full), (None, 0));
    }
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 4;
    fs::write(file, bytes).unwrap();
}

/// A seal that cannot be read: its epoch is named, the others are read, and what cannot have to
/// do with it is written.
#[test]
fn a_lost_closed_epoch_is_named_and_the_rest_goes_on() {
    let dir = tempdir().unwrap();
    let ledger = created_with(epochs_of(7), dir.path());
    closed(&ledger, 60);
    let events = everything(&ledger);
    ledger.close().unwrap();
    let seals = names(&dir.path().join("ledger"), ".seal");
    let damaged = dir.path().join("ledger").join(&seals[2]);
    flip(&damaged, 100);
    let first: u64 = seals[2][..20].parse().unwrap();
    let last: u64 = seals[3][..20].parse::<u64>().unwrap() - 1;

    let (ledger, _) = opened_with(epochs_of(7), dir.path());
    let named = ledger.condition().lost;
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(
        named[0].contains(&format!("{first} to {last}")),
        "{named:?}"
    );
    let before = ledger.read(Position(1), usize::try_from(first - 1).unwrap());
    assert_eq!(
        before.unwrap(),
        events[..usize::try_from(first - 1).unwrap()]
    );
    let after = ledger.read(Position(last + 1), 1000).unwrap();
    assert_eq!(after, events[usize::try_from(last).unwrap()..]);
    assert!(ledger.read(Position(first), 1).is_err());
    let verified = ledger.verify().unwrap();
    assert!(!verified.ok);
    assert!(
        verified.damage[0].contains(&format!("{first} to {last}")),
        "{verified:?}"
    );
    ledger.close().unwrap();
    assert!(!Ledger::examine(dir.path()).unwrap().ok);
}

/// The newest journal is what nobody else has: without it the store must not open as if the epoch
/// before had been the last.
#[test]
fn a_lost_newest_journal_is_named() {
    let dir = tempdir().unwrap();
    let ledger = created_with(epochs_of(7), dir.path());
    closed(&ledger, 30);
    ledger.close().unwrap();
    let journals = names(&dir.path().join("journal"), ".journal");
    fs::remove_file(dir.path().join("journal").join(journals.last().unwrap())).unwrap();
    let refused = Ledger::open(dir.path(), edge());
    assert!(
        matches!(refused, Err(OpenError::Corrupt { .. })),
        "{refused:?}"
    );
}

/// Any flipped bit in a closed epoch: what is read is what was written, or an error that names the
/// damage, and `verify` says so.
#[test]
fn a_flipped_bit_in_a_closed_epoch_is_named_and_never_another_history() {
    let dir = tempdir().unwrap();
    let original = dir.path().join("original");
    let ledger = created_with(epochs_of(7), &original);
    closed(&ledger, 30);
    let events = everything(&ledger);
    ledger.close().unwrap();
    let sleds = original.join("ledger");
    let seal = names(&sleds, ".seal").remove(1);
    let db = format!("{}/db", names(&sleds, ".closed").remove(1));
    let (mut named, mut flips) = (0, 0);
    for (file, parts) in [(&seal, 25), (&db, 25)] {
        let bytes = fs::read(sleds.join(file)).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        for part in 0..parts {
            let at = used * part / parts;
            let store = dir.path().join(format!("{part}-{}", file.len()));
            copy(&original, &store);
            flip(&store.join("ledger").join(file), at);
            let what = format!("byte {at} of {file}");
            let (ledger, _) = opened_with(epochs_of(7), &store);
            for event in &events {
                match ledger.read(event.position, 1) {
                    Ok(found) => assert_eq!(found, std::slice::from_ref(event), "{what}"),
                    Err(ReadError::Corrupt { .. }) => {}
                    Err(other) => panic!("{what}: {other:?}"),
                }
                match ledger.find_command(event.cause.command) {
                    Ok(found) => assert_eq!(found.unwrap().first, event.position, "{what}"),
                    Err(ReadError::Corrupt { .. }) => {}
                    Err(other) => panic!("{what}: {other:?}"),
                }
            }
            // Writing goes on where nothing of the damaged epoch decides.
            let known = events.last().unwrap().stream.as_str();
            match ledger.append(noting(known, Expected::Any, "more")) {
                Ok(_) | Err(AppendError::Unreadable { .. }) => {}
                Err(other) => panic!("{what}: {other:?}"),
            }
            named += u32::from(!ledger.verify().unwrap().ok);
            flips += 1;
            drop(ledger);
            fs::remove_dir_all(store).unwrap();
        }
    }
    assert_eq!(named, flips);
}

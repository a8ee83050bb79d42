//! The process is killed while it appends. What was acknowledged must be there afterwards.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use switchboard::events::ids::{CommandId, Position};
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::Ledger;
use tempfile::tempdir;

use crate::ledger_kit::{created, edge, epochs_of, everything, noting, opened, opened_with};

const STORE: &str = "SWITCHBOARD_TEST_APPEND_IN";

/// Not a test by itself: what the test below starts and kills.
#[test]
#[ignore = "a child of kill_9_loses_nothing_that_was_acknowledged"]
fn child_appends_until_it_is_killed() {
    let store = std::env::var(STORE).expect("the parent names the store");
    // Tiny epochs: they end and are closed all the time.
    let (ledger, _) = opened_with(epochs_of(16), store.as_ref());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let ledger = ledger.clone();
            scope.spawn(move || {
                for n in 0.. {
                    // Every seventh body is a blob, some frames have several parts.
                    let text = "x".repeat([10, 300, 20, 3000, 50, 9000, 100][n % 7]);
                    let commit = noting(&format!("note/{thread}"), Expected::Any, &text);
                    let command = commit.cause.command;
                    let appended = ledger.append(commit).unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ACK {} {command}", appended.first).unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

/// A kill in the middle of a batch used to be the classic way to lose acknowledged writes. Guard:
/// one sync of the journal before any acknowledgement, and sled is written anew from it.
#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let dir = tempdir().unwrap();
    let store = dir.path().join("store");
    created(&store).close().unwrap();
    let mut acknowledged: Vec<(Position, CommandId)> = Vec::new();
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger_crash::child_appends_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env(STORE, &store)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut patience = 1 + round * 37 % 101;
        let mut killed = false;
        while let Some(Ok(line)) = lines.next() {
            // The harness prints the test's name on the line of the first answer.
            let Some((_, answer)) = line.split_once("ACK ") else {
                continue;
            };
            let (position, command) = answer.split_once(' ').expect("a whole line");
            let position = Position(position.parse().unwrap());
            acknowledged.push((position, command.parse().unwrap()));
            patience -= 1;
            if patience == 0 {
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "the child ended by itself in round {round}");

        let (ledger, _) = opened_with(epochs_of(16), &store);
        assert_eq!(ledger.settle().rebuilt, None, "a kill is no damage");
        for (position, command) in &acknowledged {
            let found = ledger.find_command(*command).unwrap();
            assert_eq!(
                found.map(|appended| appended.first),
                Some(*position),
                "round {round}"
            );
        }
        let events = everything(&ledger);
        assert!(
            (1_u64..)
                .zip(&events)
                .all(|(n, event)| event.position.0 == n)
        );
        let verified = ledger.verify().unwrap();
        assert!(verified.ok, "round {round}: {verified:?}");
        if round % 2 == 0 {
            ledger.close().unwrap();
        } else {
            // The next child opens a store that this process left without a word too.
            drop(ledger);
        }
    }
    assert!(acknowledged.len() > 300, "{}", acknowledged.len());
}

/// A store whose making was cut off at any step is either made by the next `create`, or whole.
#[test]
fn a_store_cut_off_while_it_was_made_is_made_by_the_next_try() {
    let dir = tempdir().unwrap();
    let whole = dir.path().join("whole");
    created(&whole).close().unwrap();
    // The states a crash leaves, in the order of the steps of `create`.
    let steps: [&[&str]; 6] = [
        &[],
        &["lock"],
        &["lock", ".switchboard-creating"],
        &["lock", ".switchboard-creating", "journal/"],
        &[
            "lock",
            ".switchboard-creating",
            "journal/",
            "ledger/",
            "blobs/",
        ],
        &[
            "lock",
            ".switchboard-creating",
            "journal/",
            "ledger/",
            "blobs/",
            "journal/00000000000000000001.journal",
        ],
    ];
    for (number, step) in steps.iter().enumerate() {
        let store = dir.path().join(format!("cut-{number}"));
        std::fs::create_dir(&store).unwrap();
        for name in *step {
            match name.strip_suffix('/') {
                Some(folder) => std::fs::create_dir(store.join(folder)).unwrap(),
                None => std::fs::write(store.join(name), b"half").unwrap(),
            }
        }
        assert!(Ledger::open(&store, edge()).is_err(), "step {number}");
        let ledger =
            Ledger::create(&store, edge(), "test").unwrap_or_else(|e| panic!("step {number}: {e}"));
        ledger.append(noting("note/a", Expected::Any, "x")).unwrap();
        assert!(ledger.verify().unwrap().ok);
        ledger.close().unwrap();
        assert_eq!(everything(&opened(&store).0).len(), 2);
    }
    // After the format, only the mark was still to be removed.
    std::fs::write(whole.join(".switchboard-creating"), b"").unwrap();
    assert!(Ledger::create(&whole, edge(), "test").is_err());
    assert_eq!(everything(&opened(&whole).0).len(), 1);
    assert!(!whole.join(".switchboard-creating").exists());
}

//! Campaign: 64 writers at once on a disk that dawdles at random, seed after seed. Why this and no
//! model checker: `docs/decisions/group-commit-by-stress.md`.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use switchboard::events::ids::Position;
use switchboard::events::ledger::append::{AppendError, Expected};
use switchboard::events::ledger::handle::Ledger;

use crate::ledger_kit::{command, commit, note, noting, opened, stream};
use crate::torture_disks::Dawdles;
use crate::torture_kit::{Dice, create_on, figure, quick_folder, seed, times};

const WRITERS: u64 = 64;

/// One writer: its own stream by exact versions, now and then somebody else's stream, the same
/// command twice, and a wrong expectation.
fn write(ledger: &Ledger, writer: u64, appends: u64, mut dice: Dice, tally: &Counted) {
    let own = format!("note/own-{writer}");
    for n in 0..appends {
        let expected = n.checked_sub(1).map_or(Expected::NoStream, Expected::Exact);
        let facts = vec![note(&format!("{writer}.{n}"))];
        let mine = commit(command(), &own, expected, facts);
        let appended = ledger.append(mine.clone()).unwrap();
        assert_eq!((appended.version, appended.repeated), (n, false));
        // Read your own write: what was acknowledged is visible.
        assert!(ledger.head().position >= appended.last);
        match dice.below(16) {
            0 => {
                let again = ledger.append(mine).unwrap();
                assert_eq!((again.first, again.repeated), (appended.first, true));
            }
            1 => {
                let wrong = ledger.append(noting(&own, Expected::NoStream, "wrong"));
                assert!(
                    matches!(wrong, Err(AppendError::WrongVersion { actual: Some(at), .. }) if at == n)
                );
            }
            2 => {
                ledger
                    .append(noting("note/shared", Expected::Any, &own))
                    .unwrap();
                tally.shared.fetch_add(1, Ordering::SeqCst);
            }
            3 => race_for_a_version(ledger, tally),
            _ => {}
        }
    }
}

/// Of all who believe the same version, one wins; the next version is somebody's, never two's.
fn race_for_a_version(ledger: &Ledger, tally: &Counted) {
    let head = ledger.stream_head(&stream("note/raced")).unwrap();
    let expected = head.map_or(Expected::NoStream, |(version, _)| Expected::Exact(version));
    match ledger.append(noting("note/raced", expected, "mine")) {
        Ok(appended) => {
            assert_eq!(appended.version, head.map_or(0, |(version, _)| version + 1));
            tally.raced.fetch_add(1, Ordering::SeqCst);
        }
        Err(AppendError::WrongVersion { .. }) => {
            tally.beaten.fetch_add(1, Ordering::SeqCst);
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[derive(Default)]
struct Counted {
    shared: AtomicU64,
    raced: AtomicU64,
    beaten: AtomicU64,
}

/// Reads while they write: gapless, ever longer, never changed.
fn read(ledger: &Ledger, done: &AtomicBool) {
    let mut next = Position(1);
    while !done.load(Ordering::SeqCst) {
        for event in ledger.read(next, 1000).unwrap() {
            assert_eq!(event.position, next);
            next = next.next();
        }
        ledger.wait_beyond(Position(next.0 - 1), Duration::from_millis(5));
    }
}

#[test]
fn sixty_four_writers_are_each_served_in_order_and_once() {
    let rounds = times("WRITERS", 0);
    // CI runs one short round; the script runs whole ones.
    let appends = if rounds == 0 { 150 } else { 1000 };
    let mut beaten = 0;
    let mut batches = 0;
    for round in 0..rounds.max(1) as u64 {
        let seed = seed() * 1000 + round;
        println!("\nPROGRESS\twriters: round {round}");
        let dir = quick_folder();
        let longest = Duration::from_micros([300, 30, 2000][round as usize % 3]);
        let disk = Arc::new(Dawdles::new(seed, longest));
        let store = dir.path().join("store");
        let ledger = create_on(Arc::clone(&disk) as _, &store).unwrap();
        let (tally, barrier, done) = (
            Counted::default(),
            Barrier::new(WRITERS as usize),
            AtomicBool::new(false),
        );
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| read(&ledger, &done));
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (ledger, tally, barrier) = (&ledger, &tally, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        write(
                            ledger,
                            writer,
                            appends,
                            Dice::new(seed ^ writer << 32),
                            tally,
                        );
                    })
                })
                .collect();
            for writer in writers {
                writer.join().unwrap();
            }
            done.store(true, Ordering::SeqCst);
            reader.join().unwrap();
        });
        let (shared, raced) = (tally.shared.into_inner(), tally.raced.into_inner());
        beaten += tally.beaten.into_inner();
        batches += disk.syncs.load(Ordering::SeqCst);
        let expected = 1 + WRITERS * appends + shared + raced;
        judge(&ledger, appends, expected);
        ledger.close().unwrap();
        judge(&opened(&store).0, appends, expected);
    }
    let all = rounds.max(1) as u64 * WRITERS * appends;
    figure("writers", "rounds", rounds.max(1));
    figure("writers", "commits", all);
    figure("writers", "batches", batches);
    figure("writers", "beaten to a version", beaten);
    figure("writers", "lost", 0);
    assert!(
        batches < all / 2,
        "{batches} syncs for {all} commits: nobody shares one"
    );
}

fn judge(ledger: &Ledger, appends: u64, expected: u64) {
    let mut ids = HashSet::new();
    let mut next = Position(1);
    loop {
        let events = ledger.read(next, 1000).unwrap();
        if events.is_empty() {
            break;
        }
        for event in events {
            assert_eq!(event.position, next);
            assert!(ids.insert(event.id), "an id twice");
            next = next.next();
        }
    }
    assert_eq!(next.0 - 1, expected);
    for writer in (0..WRITERS).step_by(9) {
        let own = ledger
            .read_stream(&stream(&format!("note/own-{writer}")))
            .unwrap();
        assert_eq!(own.len() as u64, appends);
        for (n, event) in (0..).zip(&own) {
            assert_eq!(
                (event.version, &event.fact),
                (n, &note(&format!("{writer}.{n}")))
            );
        }
    }
    let verified = ledger.verify().unwrap();
    assert!(verified.ok, "{verified:?}");
}

//! Disks that fail and fill up; many threads at once.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use switchboard::events::ids::Position;
use switchboard::events::ledger::append::{AppendError, Expected};
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::options::Options;
use switchboard::events::ledger::reserve::Reserve;
use tempfile::tempdir;

use crate::ledger_kit::{command, commit, created, edge, everything, note, noting, opened, stream};

/// A disk with switches.
#[derive(Debug, Default)]
struct BadDisk {
    fails_writes: AtomicBool,
    fails_syncs: AtomicBool,
    fails_reserving: AtomicBool,
    is_full: AtomicBool,
    /// Bytes that are free; what the real disk says when 0.
    has_room: AtomicU64,
    syncs: AtomicU64,
}

impl Disk for BadDisk {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.fails_writes.load(Ordering::SeqCst) {
            // The worst kind: half of it arrives.
            OsDisk.write(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("the disk says no"));
        }
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.fails_syncs.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk says no"));
        }
        self.syncs.fetch_add(1, Ordering::SeqCst);
        OsDisk.sync(file)
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        if self.fails_reserving.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        if self.is_full.load(Ordering::SeqCst) {
            return Ok(1000);
        }
        let room = self.has_room.load(Ordering::SeqCst);
        if room > 0 {
            return Ok(room);
        }
        OsDisk.free(folder)
    }
}

fn on_bad_disk(store: &Path) -> (Ledger, Arc<BadDisk>) {
    let disk = Arc::new(BadDisk::default());
    let ledger = Ledger::create_with(
        Options::default(),
        Arc::clone(&disk) as _,
        store,
        edge(),
        "test",
    )
    .unwrap();
    (ledger, disk)
}

/// After a failed sync nobody knows what is on the disk: the page cache may have dropped what was
/// not written, and the next sync would say that all is well.
#[test]
fn after_a_failed_sync_no_more_writes_are_taken_and_reading_goes_on() {
    for failing in ["sync", "write"] {
        let dir = tempdir().unwrap();
        let (ledger, disk) = on_bad_disk(dir.path());
        let kept = noting("note/a", Expected::Any, "kept");
        ledger.append(kept.clone()).unwrap();
        let switch = if failing == "sync" {
            &disk.fails_syncs
        } else {
            &disk.fails_writes
        };
        switch.store(true, Ordering::SeqCst);
        let refused = ledger.append(noting("note/a", Expected::Any, "lost"));
        assert!(
            matches!(refused, Err(AppendError::Poisoned { .. })),
            "{refused:?}"
        );
        switch.store(false, Ordering::SeqCst);
        let refused = ledger.append(noting("note/a", Expected::Any, "too late"));
        assert!(
            matches!(refused, Err(AppendError::Poisoned { .. })),
            "{refused:?}"
        );
        assert!(ledger.poisoned().unwrap().contains("the disk says no"));
        assert_eq!(
            everything(&ledger).len(),
            2,
            "what was not acknowledged is not shown"
        );
        assert!(
            ledger.append(kept).unwrap().repeated,
            "an old answer is still known"
        );
        ledger.close().unwrap();

        // What was written but not acknowledged may be there or not; nothing else may change.
        let (ledger, _) = opened(dir.path());
        assert!((2..=3).contains(&ledger.head().position.0));
        ledger
            .append(noting("note/a", Expected::Any, "goes on"))
            .unwrap();
        assert!(ledger.verify().unwrap().ok);
    }
}

#[test]
fn a_full_disk_is_refused_before_it_hurts_and_is_not_final() {
    let dir = tempdir().unwrap();
    let (ledger, disk) = on_bad_disk(dir.path());
    let done = noting("note/a", Expected::Any, "done");
    ledger.append(done.clone()).unwrap();
    disk.is_full.store(true, Ordering::SeqCst);
    for text in ["small".to_owned(), "large".repeat(5000)] {
        let refused = ledger.append(noting("note/a", Expected::Any, &text));
        assert!(
            matches!(refused, Err(AppendError::NoSpace { .. })),
            "{refused:?}"
        );
    }
    assert!(ledger.append(done).unwrap().repeated);
    let wrong = ledger.append(noting("note/a", Expected::NoStream, "x"));
    assert!(
        matches!(wrong, Err(AppendError::WrongVersion { .. })),
        "{wrong:?}"
    );
    assert_eq!(ledger.poisoned(), None);
    disk.is_full.store(false, Ordering::SeqCst);
    ledger
        .append(noting("note/a", Expected::Exact(0), "room again"))
        .unwrap();
    assert!(ledger.verify().unwrap().ok);
}

/// How much is left free is for those to say who know the machine, not for the ledger.
#[test]
fn how_much_room_is_left_is_said_at_opening_and_can_change() {
    let dir = tempdir().unwrap();
    let disk = Arc::new(BadDisk::default());
    disk.has_room.store(40 << 20, Ordering::SeqCst);
    let mut edge = edge();
    edge.reserve = Reserve::of(32 << 20);
    let reserve = edge.reserve.clone();
    let ledger = Ledger::create_with(
        Options::default(),
        Arc::clone(&disk) as _,
        dir.path(),
        edge,
        "test",
    )
    .unwrap();
    let large = "x".repeat(100_000);
    for (free, kept_free, taken) in [
        (40, 32, true),
        (31, 32, false),
        (31, 8, true),
        (7, 8, false),
        (7, 0, true),
    ] {
        disk.has_room.store(free << 20, Ordering::SeqCst);
        reserve.set(kept_free << 20);
        for text in ["small", large.as_str()] {
            let answer = ledger.append(noting("note/a", Expected::Any, text));
            let refused = matches!(answer, Err(AppendError::NoSpace { .. }));
            assert_eq!(
                (answer.is_ok(), refused),
                (taken, !taken),
                "{free} {kept_free}"
            );
        }
    }
}

#[test]
fn a_journal_that_cannot_grow_refuses_without_poison() {
    let dir = tempdir().unwrap();
    let (ledger, disk) = on_bad_disk(dir.path());
    disk.fails_reserving.store(true, Ordering::SeqCst);
    let mut refusals = 0;
    for n in 0..3000 {
        // Fills what is reserved, then meets the wall.
        let facts = vec![note(&"x".repeat(4000)); 10];
        match ledger.append(commit(command(), "note/a", Expected::Any, facts)) {
            Ok(_) => {}
            Err(AppendError::NoSpace { .. }) => {
                refusals += 1;
                if refusals == 3 {
                    break;
                }
            }
            Err(other) => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!((refusals, ledger.poisoned()), (3, None));
    let head = ledger.head();
    disk.fails_reserving.store(false, Ordering::SeqCst);
    let appended = ledger
        .append(noting("note/a", Expected::Any, "fits"))
        .unwrap();
    assert_eq!(appended.first, head.position.next());
    assert!(ledger.verify().unwrap().ok);
}

/// 32 askers with the same expectation: one wins, the others are told the version that beat them.
#[test]
fn of_32_threads_with_one_expectation_exactly_one_wins() {
    const THREADS: usize = 32;
    const ROUNDS: u64 = 25;
    let dir = tempdir().unwrap();
    let (ledger, disk) = on_bad_disk(dir.path());
    let barrier = Barrier::new(THREADS);
    let winners = AtomicU64::new(0);
    let before = disk.syncs.load(Ordering::SeqCst);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ledger, barrier, winners) = (&ledger, &barrier, &winners);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let expected = round
                        .checked_sub(1)
                        .map_or(Expected::NoStream, Expected::Exact);
                    let own = format!("note/own-{thread}");
                    barrier.wait();
                    ledger.append(noting(&own, expected, "mine alone")).unwrap();
                    match ledger.append(noting("note/shared", expected, &own)) {
                        Ok(appended) => {
                            assert_eq!(appended.version, round);
                            winners.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(AppendError::WrongVersion { actual, .. }) => {
                            assert_eq!(actual, Some(round));
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                    barrier.wait();
                }
            });
        }
    });
    assert_eq!(winners.load(Ordering::SeqCst), ROUNDS);
    let events = everything(&ledger);
    assert_eq!(events.len() as u64, 1 + ROUNDS * (THREADS as u64 + 1));
    assert!(
        (1_u64..)
            .zip(&events)
            .all(|(n, event)| event.position.0 == n)
    );
    assert_eq!(
        ledger.read_stream(&stream("note/shared")).unwrap().len() as u64,
        ROUNDS
    );
    assert!(ledger.verify().unwrap().ok);
    // Group commit is real: far fewer syncs than commits.
    let syncs = disk.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs < ROUNDS * THREADS as u64 / 2, "{syncs} syncs");
}

#[test]
fn the_same_command_from_many_threads_is_carried_out_once() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let barrier = Barrier::new(16);
    let one = commit(
        command(),
        "note/a",
        Expected::NoStream,
        vec![note("1"), note("2")],
    );
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    ledger.append(one.clone()).unwrap()
                })
            })
            .collect();
        asking
            .into_iter()
            .map(|asker| asker.join().unwrap())
            .collect()
    });
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    for answer in answers {
        assert_eq!(
            (answer.first, answer.last, answer.version),
            (Position(2), Position(3), 1)
        );
    }
    assert_eq!(ledger.head().position, Position(3));
}

#[test]
fn readers_see_whole_commits_while_writers_write() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::SeqCst) {
                let events = everything(&ledger);
                assert!(
                    (1_u64..)
                        .zip(&events)
                        .all(|(n, event)| event.position.0 == n)
                );
                assert_eq!(events.len() % 3, 1, "commits of three become visible whole");
                seen = seen.max(events.len());
            }
            seen
        });
        for n in 0..300 {
            let facts = vec![note("a"), note(&"b".repeat(n * 10)), note("c")];
            ledger
                .append(commit(command(), "note/a", Expected::Any, facts))
                .unwrap();
        }
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 1);
    });
}

/// A real small file system that really fills up.
#[test]
fn a_really_full_disk_refuses_writes_and_loses_nothing() {
    let dir = tempdir().unwrap();
    let at = dir.path().to_str().unwrap().to_owned();
    let mount = |options: &str| {
        std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs", &at])
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if !mount("size=32m") {
        eprintln!(
            "SKIPPED a_really_full_disk_refuses_writes_and_loses_nothing: mounting needs root"
        );
        return;
    }
    let _unmount = Unmount(at.clone());
    let store = dir.path().join("store");
    let ledger = created(&store);
    let mut written = 0;
    let refused = loop {
        let facts = vec![note(&"x".repeat(4000)); 20];
        match ledger.append(commit(command(), "note/a", Expected::Any, facts)) {
            Ok(_) => written += 20,
            Err(e) => break e,
        }
    };
    assert!(
        matches!(refused, AppendError::NoSpace { .. }),
        "{refused:?}"
    );
    assert!(written > 500, "{written}");
    assert_eq!(ledger.poisoned(), None);
    // Waits until sled holds all of it.
    let verified = ledger.verify().unwrap();
    assert!(verified.ok, "{verified:?}");
    // Somebody else takes the rest: not a byte is left.
    let filler = dir.path().join("filler");
    let junk = vec![1; 64 * 1024];
    let mut file = File::create(&filler).unwrap();
    while io::Write::write_all(&mut file, &junk).is_ok() {}
    drop(file);
    let refused = ledger.append(noting("note/a", Expected::Any, "no"));
    assert!(
        matches!(refused, Err(AppendError::NoSpace { .. })),
        "{refused:?}"
    );
    assert_eq!(everything(&ledger).len(), written + 1);
    assert!(ledger.verify().unwrap().ok);
    drop(ledger);
    // It opens on the full disk, to be read at least.
    let (ledger, _) = opened(&store);
    assert_eq!(everything(&ledger).len(), written + 1);
    drop(ledger);
    std::fs::remove_file(&filler).unwrap();
    assert!(mount("remount,size=96m"));
    let (ledger, _) = opened(&store);
    assert_eq!(ledger.poisoned(), None);
    ledger
        .append(noting("note/a", Expected::Any, "room again"))
        .unwrap();
    assert!(ledger.verify().unwrap().ok);
}

pub(crate) struct Unmount(pub(crate) String);

impl Drop for Unmount {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount")
            .args(["-l", &self.0])
            .status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

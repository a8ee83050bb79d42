//! Damaged files: never a silently shorter or different history.

use std::fs;
use std::path::{Path, PathBuf};

use switchboard::events::envelope::Event;
use switchboard::events::ids::Position;
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::{Ledger, OpenError};
use tempfile::{TempDir, tempdir};

use crate::ledger_kit::{copy, created, edge, everything, noting, opened};

const JOURNAL: &str = "journal/00000000000000000001.journal";
const WITNESS: &str = "journal/00000000000000000001.witness";
const SLED: &str = "ledger/00000000000000000001";

struct Store {
    dir: TempDir,
    events: Vec<Event>,
}

/// A store with 60 events, some large; stopped cleanly, or copied while it was open, which is what
/// a kill leaves.
fn store(clean: bool) -> Store {
    let dir = tempdir().unwrap();
    let original = dir.path().join("original");
    let ledger = created(&original);
    for n in 0..60 {
        let text = format!("{n}").repeat([3, 40, 700, 2500][n % 4]);
        ledger
            .append(noting(&format!("note/{}", n % 5), Expected::Any, &text))
            .unwrap();
    }
    // Waits until sled holds all of it.
    assert!(ledger.verify().unwrap().ok);
    let events = everything(&ledger);
    let store = dir.path().join("store");
    if clean {
        ledger.close().unwrap();
        copy(&original, &store);
    } else {
        copy(&original, &store);
        drop(ledger);
    }
    Store { dir, events }
}

impl Store {
    fn copy(&self) -> PathBuf {
        let to = self.dir.path().join("copy");
        if to.exists() {
            fs::remove_dir_all(&to).unwrap();
        }
        copy(&self.dir.path().join("store"), &to);
        to
    }
}

fn flip(file: &Path, at: usize, bit: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1 << bit;
    fs::write(file, bytes).unwrap();
}

/// The same events, perhaps with a note of the ledger's own behind them.
fn assert_same(ledger: &Ledger, events: &[Event], what: &str) {
    let found = everything(ledger);
    assert!(
        found.len() >= events.len(),
        "{what}: {} of {}",
        found.len(),
        events.len()
    );
    assert_eq!(found[..events.len()], *events, "{what}");
    for more in &found[events.len()..] {
        assert!(
            matches!(more.fact, Fact::LedgerRebuilt(_) | Fact::LedgerMended(_)),
            "{what}: {more:?}"
        );
    }
}

/// Opens a damaged copy. Returns whether it opened.
fn same_or_named(copy: &Path, events: &[Event], what: &str) -> bool {
    match Ledger::open(copy, edge()) {
        Ok((ledger, _)) => {
            assert_same(&ledger, events, what);
            let verified = ledger.verify().unwrap();
            assert!(verified.ok, "{what}: {verified:?}");
            true
        }
        Err(OpenError::Corrupt { reason, .. }) => {
            assert!(!reason.is_empty());
            // What was found damaged is still there to be looked at.
            let examined = Ledger::examine(copy);
            match examined {
                Ok(verified) => assert!(!verified.ok, "{what}: {verified:?}"),
                Err(OpenError::Corrupt { .. }) => {}
                Err(other) => panic!("{what}: {other:?}"),
            }
            false
        }
        Err(other) => panic!("{what}: {other:?}"),
    }
}

/// Bit flips in the journal of a clean store: frames are mended from sled, which is said; without
/// sled, and in the header, the damage is named. Never are the events other ones.
#[test]
fn a_flipped_bit_in_the_journal_is_mended_from_sled_or_named() {
    let store = store(true);
    let used = used(&store.dir.path().join("store").join(JOURNAL));
    let frames = (4096..used).step_by(1238).chain(used - 40..used);
    for at in frames {
        let what = format!("byte {at} of the journal");
        let copy = store.copy();
        flip(&copy.join(JOURNAL), at, at % 8);
        assert!(same_or_named(&copy, &store.events, &what));
        let (ledger, opening) = opened(&copy);
        assert_eq!(
            opening.mended,
            [],
            "{what}: mended once, whole from then on"
        );
        ledger.close().unwrap();
    }
    let (mut opened, mut named) = (0, 0);
    let header = (0..200).step_by(9);
    for at in header
        .chain((4096..used).step_by(619))
        .chain(used - 40..used)
    {
        let copy = store.copy();
        flip(&copy.join(JOURNAL), at, at % 8);
        fs::remove_dir_all(copy.join(SLED)).unwrap();
        if same_or_named(&copy, &store.events, &format!("byte {at} of the journal")) {
            opened += 1;
        } else {
            named += 1;
        }
    }
    assert!(named > 100, "{named} named, {opened} opened");
}

/// What was lost is put back, the damaged bytes are kept, and both are said.
#[test]
fn a_mended_frame_is_said_and_its_damaged_bytes_are_kept() {
    let store = store(true);
    let copy = store.copy();
    flip(&copy.join(JOURNAL), 9000, 5);
    let (ledger, opening) = opened(&copy);
    let [(first, last)] = opening.mended[..] else {
        panic!("{opening:?}");
    };
    let events = everything(&ledger);
    let Fact::LedgerMended(fact) = &events.last().unwrap().fact else {
        panic!("{:?}", events.last());
    };
    assert_eq!((fact.first, fact.last), (first, last));
    let kept = fs::read_dir(copy.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("damaged-"))
        .count();
    assert_eq!(kept, 1);
}

fn used(journal: &Path) -> usize {
    fs::read(journal)
        .unwrap()
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap()
        + 1
}

/// sled itself opens damaged files with a shorter history, or panics; it is never asked to.
#[test]
fn a_flipped_bit_in_sleds_files_is_mended_from_the_journal() {
    let store = store(true);
    let mut flips = 0;
    for name in ["db", "conf"]
        .map(str::to_owned)
        .into_iter()
        .chain(snapshots(&store))
    {
        let path = format!("{SLED}/{name}");
        let length = fs::metadata(store.dir.path().join("store").join(&path))
            .unwrap()
            .len();
        for part in 0..12 {
            let at = usize::try_from(length * part / 12).unwrap();
            let copy = store.copy();
            flip(&copy.join(&path), at, 3);
            let (ledger, _) = opened(&copy);
            assert!(ledger.settle().rebuilt.is_some(), "{name} at {at}");
            assert_same(&ledger, &store.events, &name);
            assert!(matches!(
                everything(&ledger).last().unwrap().fact,
                Fact::LedgerRebuilt(_)
            ));
            assert!(ledger.verify().unwrap().ok);
            ledger.close().unwrap();
            assert_eq!(
                opened(&copy).0.settle().rebuilt,
                None,
                "mended once, whole from then on"
            );
            flips += 1;
        }
    }
    assert!(flips >= 24);
}

fn snapshots(store: &Store) -> Vec<String> {
    fs::read_dir(store.dir.path().join("store").join(SLED))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("snap."))
        .collect()
}

type Damage = fn(&Path);

#[test]
fn sleds_folder_lost_or_littered_is_written_anew() {
    let store = store(true);
    let damages: [(&str, Damage); 4] = [
        ("folder lost", |sled| fs::remove_dir_all(sled).unwrap()),
        ("all folders lost", |sled| {
            fs::remove_dir_all(sled.parent().unwrap()).unwrap();
        }),
        ("unfinished snapshot", |sled| {
            fs::write(sled.join("snap.0000000000001234.generating"), b"x").unwrap();
        }),
        ("db cut off", |sled| {
            let db = fs::OpenOptions::new()
                .write(true)
                .open(sled.join("db"))
                .unwrap();
            db.set_len(1000).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let copy = store.copy();
        damage(&copy.join(SLED));
        let (ledger, _) = opened(&copy);
        assert!(ledger.settle().rebuilt.is_some(), "{what}");
        assert_same(&ledger, &store.events, what);
        assert!(ledger.verify().unwrap().ok, "{what}");
        assert_eq!(
            fs::read_dir(copy.join("ledger")).unwrap().count(),
            1,
            "{what}"
        );
    }
}

/// After a kill sled's copy is not trusted at all, so nothing in it can do harm.
#[test]
fn damage_of_sled_after_a_kill_is_harmless() {
    let store = store(false);
    for at in [0, 100, 5_000, 60_000, 110_000] {
        let copy = store.copy();
        flip(&copy.join(SLED).join("db"), at, 1);
        assert!(same_or_named(
            &copy,
            &store.events,
            &format!("byte {at} of db")
        ));
    }
}

#[test]
fn a_flipped_bit_in_the_journal_after_a_kill_is_named_or_harmless() {
    let store = store(false);
    let used = used(&store.dir.path().join("store").join(JOURNAL));
    let (mut flips, mut named) = (0, 0);
    for at in (4096..used).step_by(1801).chain(used - 10..used) {
        let copy = store.copy();
        flip(&copy.join(JOURNAL), at, at % 8);
        flips += 1;
        named += u32::from(!same_or_named(&copy, &store.events, &format!("byte {at}")));
    }
    // sled's files as a kill left them may still hold what the journal lost.
    assert!(flips > 25 && named < flips, "{named} of {flips}");
}

#[test]
fn a_journal_that_lost_its_end_is_named() {
    let store = store(true);
    let used = used(&store.dir.path().join("store").join(JOURNAL));
    for keep in [0, 100, 4096, 4100, used / 2, used - 1] {
        let cut = || {
            let copy = store.copy();
            let file = fs::OpenOptions::new()
                .write(true)
                .open(copy.join(JOURNAL))
                .unwrap();
            file.set_len(u64::try_from(keep).unwrap()).unwrap();
            (copy, file)
        };
        let (copy, _) = cut();
        let what = format!("cut to {keep}");
        assert_eq!(
            same_or_named(&copy, &store.events, &what),
            keep >= 4096,
            "sled has the frames, not the header: {what}"
        );
        let (copy, file) = cut();
        fs::remove_dir_all(copy.join(SLED)).unwrap();
        assert!(!same_or_named(&copy, &store.events, &what));
        assert_eq!(
            file.metadata().unwrap().len(),
            u64::try_from(keep).unwrap(),
            "left alone"
        );
    }
    let copy = store.copy();
    fs::remove_file(copy.join(JOURNAL)).unwrap();
    assert!(!same_or_named(&copy, &store.events, "journal gone"));
}

/// A frame that was being written when the power went: set aside, counted, and the rest goes on.
#[test]
fn a_torn_tail_is_set_aside_and_counted() {
    let store = store(true);
    let copy = store.copy();
    let path = copy.join(JOURNAL);
    let mut bytes = fs::read(&path).unwrap();
    let end = used(&path).next_multiple_of(8);
    let mut half = bytes[4096..4096 + 77].to_vec();
    // Bytes of nothing at the end cannot be told from what was never written.
    half[76] |= 1;
    bytes[end..end + 77].copy_from_slice(&half);
    fs::write(&path, bytes).unwrap();
    let (ledger, opening) = opened(&copy);
    assert_eq!((opening.torn_bytes, ledger.settle().rebuilt), (77, None));
    assert_eq!(everything(&ledger), store.events);
    ledger
        .append(noting("note/a", Expected::Any, "goes on"))
        .unwrap();
    ledger.close().unwrap();
    let aside = fs::read_dir(copy.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("torn-")
        })
        .expect("the torn bytes are kept");
    assert_eq!(fs::read(aside).unwrap(), half);
    let (ledger, opening) = opened(&copy);
    assert_eq!(opening.torn_bytes, 0);
    assert_eq!(
        ledger.head().position.0,
        u64::try_from(store.events.len()).unwrap() + 1
    );
    assert!(ledger.verify().unwrap().ok);
}

#[test]
fn a_lost_or_damaged_body_is_named_with_its_position() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    ledger
        .append(noting("note/a", Expected::Any, &"big".repeat(4000)))
        .unwrap();
    ledger
        .append(noting("note/a", Expected::Any, "small"))
        .unwrap();
    let shelf = fs::read_dir(dir.path().join("blobs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let blob = fs::read_dir(shelf).unwrap().next().unwrap().unwrap().path();
    flip(&blob, 500, 0);
    for what in ["damaged", "missing"] {
        let read = ledger.read(Position(1), 10).unwrap_err().to_string();
        assert!(read.contains("position 2") && read.contains(what), "{read}");
        let verified = ledger.verify().unwrap();
        assert_eq!(
            (verified.ok, verified.damage.len()),
            (false, 1),
            "{verified:?}"
        );
        assert!(verified.damage[0].starts_with("position 2"), "{verified:?}");
        fs::remove_file(&blob).unwrap_or_default();
    }
    // What can still be read is read, and sending the same body again heals it.
    assert_eq!(ledger.read(Position(3), 10).unwrap().len(), 1);
    ledger
        .append(noting("note/b", Expected::Any, &"big".repeat(4000)))
        .unwrap();
    assert!(ledger.verify().unwrap().ok);
}

#[test]
fn verify_names_damage_that_happens_while_the_ledger_is_open() {
    let dir = tempdir().unwrap();
    let ledger = created(dir.path());
    for n in 0..30 {
        ledger
            .append(noting("note/a", Expected::Any, &n.to_string().repeat(500)))
            .unwrap();
    }
    let before = everything(&ledger);
    assert!(ledger.verify().unwrap().ok);
    flip(&dir.path().join(JOURNAL), 9000, 5);
    let verified = ledger.verify().unwrap();
    assert!(!verified.ok);
    assert!(
        verified.damage[0].starts_with("journal: bytes"),
        "{verified:?}"
    );
    assert!(
        verified
            .damage
            .iter()
            .any(|what| what.contains("are missing")),
        "{verified:?}"
    );
    // sled still has it.
    assert_eq!(everything(&ledger), before);
}

#[test]
fn a_damaged_witness_costs_a_rebuild_and_nothing_else() {
    let store = store(true);
    for at in [0, 20, 60, 4096, 4100, 4180] {
        let copy = store.copy();
        flip(&copy.join(WITNESS), at, 2);
        let (ledger, _) = opened(&copy);
        assert_same(&ledger, &store.events, &format!("byte {at} of the witness"));
    }
    let copy = store.copy();
    fs::remove_file(copy.join(WITNESS)).unwrap();
    assert_same(&opened(&copy).0, &store.events, "witness gone");
}

/// Whole, but not this store's: an older copy of the journal, or another store's.
#[test]
fn a_journal_that_is_not_this_stores_newest_is_named() {
    let (store, other) = (store(true), store(true));
    let copy = store.copy();
    fs::copy(
        other.dir.path().join("store").join(JOURNAL),
        copy.join(JOURNAL),
    )
    .unwrap();
    assert!(!same_or_named(
        &copy,
        &store.events,
        "another store's journal"
    ));

    let newer = store.copy();
    let (ledger, _) = opened(&newer);
    ledger
        .append(noting("note/a", Expected::Any, "newer"))
        .unwrap();
    ledger.close().unwrap();
    fs::copy(
        store.dir.path().join("store").join(JOURNAL),
        newer.join(JOURNAL),
    )
    .unwrap();
    assert!(!same_or_named(
        &newer,
        &store.events,
        "an older copy of the journal"
    ));
}

/// A store opened by nobody else in between: nothing is rewritten, however often it is opened.
#[test]
fn opening_and_closing_changes_no_event_and_needs_no_rebuild() {
    let store = store(true);
    let copy = store.copy();
    for _ in 0..15 {
        let (ledger, opening) = opened(&copy);
        assert_eq!((ledger.settle().rebuilt, opening.torn_bytes), (None, 0));
        assert_eq!(everything(&ledger), store.events);
        ledger.close().unwrap();
    }
}

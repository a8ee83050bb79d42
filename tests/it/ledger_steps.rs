//! The disk fails at each step of appending, rolling over, closing and opening in turn: once or
//! for ever, with an error or with no room left.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use switchboard::events::envelope::Event;
use switchboard::events::ledger::append::{AppendError, Expected};
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::options::Options;
use tempfile::tempdir;

use crate::ledger_kit::{edge, epochs_of, everything, noting, opened_with};

/// A disk that fails from its k-th operation on, so many times.
#[derive(Debug)]
struct Failing {
    done: AtomicU64,
    from: u64,
    times: u64,
    full: bool,
}

impl Failing {
    fn at(from: u64, times: u64, full: bool) -> Arc<Self> {
        Arc::new(Self {
            done: AtomicU64::new(0),
            from,
            times,
            full,
        })
    }

    fn fails(&self) -> io::Result<()> {
        let number = self.done.fetch_add(1, Ordering::SeqCst);
        if number < self.from || number >= self.from.saturating_add(self.times) {
            Ok(())
        } else if self.full {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Err(io::Error::other("the disk says no"))
        }
    }
}

impl Disk for Failing {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(e) = self.fails() {
            // The worst kind: half of it arrives.
            OsDisk.write(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(e);
        }
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.fails()?;
        OsDisk.sync(file)
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        self.fails()?;
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        OsDisk.free(folder)
    }

    fn step(&self, _what: &'static str) -> io::Result<()> {
        self.fails()
    }
}

const TINY: u64 = 5;

/// Appends until it is refused; what was acknowledged is added.
fn append(ledger: &Ledger, acknowledged: &mut Vec<Event>) {
    for n in 0..12 {
        let text = format!("{n}").repeat([3, 700, 40, 2500][n % 4]);
        match ledger.append(noting(&format!("note/{}", n % 3), Expected::Any, &text)) {
            Ok(appended) => acknowledged.extend(ledger.read(appended.first, 1).unwrap()),
            Err(AppendError::Poisoned { .. } | AppendError::NoSpace { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn holds(ledger: &Ledger, acknowledged: &[Event], what: &str) {
    let events = everything(ledger);
    assert!(
        (1_u64..)
            .zip(&events)
            .all(|(n, event)| event.position.0 == n),
        "{what}"
    );
    for event in acknowledged {
        let at = usize::try_from(event.position.0).unwrap() - 1;
        assert_eq!(events.get(at), Some(event), "{what}");
    }
}

/// One life with a failing disk, then one with a good one. Returns how often the disk was asked.
fn live_through(disk: &Arc<Failing>, what: &str) -> u64 {
    let dir = tempdir().unwrap();
    let store = dir.path().join("store");
    let (good, _) = {
        Ledger::create(&store, edge(), "test")
            .unwrap()
            .close()
            .unwrap();
        opened_with(epochs_of(TINY), &store)
    };
    let mut acknowledged = everything(&good);
    append(&good, &mut acknowledged);
    good.close().unwrap();

    let options = Options {
        epoch_events: TINY,
        ..Options::default()
    };
    if let Ok((ledger, _)) = Ledger::open_with(options, Arc::clone(disk) as _, &store, edge()) {
        append(&ledger, &mut acknowledged);
        ledger.settle();
        holds(&ledger, &acknowledged, what);
        append(&ledger, &mut acknowledged);
        drop(ledger);
    }
    let asked = disk.done.load(Ordering::SeqCst);

    let (ledger, _) = opened_with(epochs_of(TINY), &store);
    holds(&ledger, &acknowledged, what);
    append(&ledger, &mut acknowledged);
    let condition = ledger.settle();
    assert_eq!(
        (
            condition.closing_fails,
            condition.sled_fails,
            condition.full
        ),
        (None, None, 0),
        "{what}"
    );
    holds(&ledger, &acknowledged, what);
    let verified = ledger.verify().unwrap();
    assert!(verified.ok, "{what}: {verified:?}");
    ledger.close().unwrap();
    let (ledger, _) = opened_with(Options::default(), &store);
    holds(&ledger, &acknowledged, what);
    asked
}

#[test]
fn whatever_step_the_disk_fails_at_nothing_acknowledged_is_lost() {
    let steps = live_through(&Failing::at(u64::MAX, 0, false), "no failure");
    assert!(steps > 60, "{steps}");
    for step in (0..steps).step_by(9) {
        let kind = step / 9 % 4;
        let times = if kind < 2 { 1 } else { u64::MAX };
        let full = kind % 2 == 1;
        let what = format!("step {step}, {times} times, full: {full}");
        live_through(&Failing::at(step, times, full), &what);
    }
}

/// Every step in each of the four ways: `cargo test --test it ledger_steps -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn every_step_fails_in_every_way() {
    let steps = live_through(&Failing::at(u64::MAX, 0, false), "no failure");
    for step in 0..steps {
        for (times, full) in [(1, false), (1, true), (u64::MAX, false), (u64::MAX, true)] {
            let what = format!("step {step}, {times} times, full: {full}");
            live_through(&Failing::at(step, times, full), &what);
        }
    }
}

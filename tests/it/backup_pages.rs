//! Pages of closed epochs on their way into a backup: they leave as they stand, and only whole.

use switchboard::backup::verify::{Depth, verify};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ids::Position;
use switchboard::events::ledger::handle::{Ledger, ReadError};
use switchboard::events::ledger::parcel::{Packer, Parcel, Unpacked};
use tempfile::TempDir;

use super::backup_kit::{catalog, taken, write_notes};
use super::ledger_kit::{created_with, epochs_of, everything};

/// Events of a page.
const PAGE: u64 = 128;

/// A thousand events, most of them in closed epochs.
fn closed(folder: &TempDir) -> Ledger {
    let ledger = created_with(epochs_of(300), &folder.path().join("store"));
    write_notes(&ledger, 1_000);
    let settled = ledger.settle();
    assert!(settled.closed >= 3, "{settled:?}");
    ledger
}

/// Everything from here on, parcel by parcel.
fn packed(ledger: &Ledger, from: u64) -> Result<Vec<Parcel>, ReadError> {
    let head = ledger.head().position;
    let mut packer = Packer::new()?;
    let (mut next, mut parcels) = (from, Vec::new());
    let mut before = ledger.chain_at(Position(from - 1))?.unwrap();
    while next <= head.0 {
        let parcel = packer.pack(ledger, (Position(next), head), before)?;
        (next, before) = (parcel.last + 1, parcel.after);
        parcels.push(parcel);
    }
    assert_eq!(ledger.chain_at(head)?, Some(before));
    Ok(parcels)
}

#[test]
fn what_leaves_a_closed_epoch_comes_out_as_it_was_wherever_it_begins() {
    let folder = TempDir::new().unwrap();
    let ledger = closed(&folder);
    let all = everything(&ledger);
    let bodies = |body: &_| ledger.large_body(body).map_err(|error| error.to_string());
    for from in [1, 2, 40, PAGE, PAGE + 1, 299, 305, 900] {
        let parcels = packed(&ledger, from).unwrap();
        let mut expected = all.iter().filter(|event| event.position.0 >= from);
        for parcel in &parcels {
            let opened = Unpacked::open(&parcel.bytes).unwrap();
            assert_eq!((opened.first, opened.last), (parcel.first, parcel.last));
            assert_eq!((opened.before, opened.after), (parcel.before, parcel.after));
            let large: Vec<_> = opened.copies().filter_map(|it| it.large()).collect();
            assert_eq!(large, parcel.large);
            let times: Vec<_> = opened.copies().map(|it| it.recorded_at()).collect();
            assert_eq!(times.first(), Some(&parcel.first_at));
            assert_eq!(times.last(), Some(&parcel.last_at));
            for copied in opened.copies() {
                let event = expected.next().unwrap();
                assert_eq!(copied.position(), event.position);
                assert_eq!(copied.id(), event.id);
                assert_eq!(copied.fact(&bodies).unwrap(), event.fact);
            }
        }
        assert!(expected.next().is_none());
        // A stretch that begins within a page only fills it up; what follows are whole pages.
        if from < 200 {
            assert_eq!(parcels[0].last, from.div_ceil(PAGE) * PAGE, "from {from}");
            assert_eq!(parcels[1].first % PAGE, 1);
        }
    }
}

#[test]
fn a_stretch_that_ends_within_a_page_ends_there() {
    let folder = TempDir::new().unwrap();
    let ledger = closed(&folder);
    let before = ledger.chain_at(Position(PAGE)).unwrap().unwrap();
    let stretch = (Position(PAGE + 1), Position(PAGE + 10));
    let parcel = Packer::new().unwrap().pack(&ledger, stretch, before);
    let parcel = parcel.unwrap();
    assert_eq!((parcel.first, parcel.last), (PAGE + 1, PAGE + 10));
    assert_eq!(
        Some(parcel.after),
        ledger.chain_at(Position(PAGE + 10)).unwrap()
    );
}

#[test]
fn a_page_that_does_not_follow_is_refused() {
    let folder = TempDir::new().unwrap();
    let ledger = closed(&folder);
    let stretch = (Position(PAGE + 1), Position(2 * PAGE));
    let other = Packer::new().unwrap().pack(&ledger, stretch, [7; 32]);
    assert!(matches!(other, Err(ReadError::Corrupt { .. })), "{other:?}");
}

#[test]
fn a_damaged_page_is_never_backed_up() {
    let folder = TempDir::new().unwrap();
    let ledger = closed(&folder);
    let whole = packed(&ledger, 1).unwrap();
    // The middle of the second page, wherever sled has put it; what it wrote before stands there, too.
    let page = &whole[1].bytes;
    let needle = &page[page.len() / 2..page.len() / 2 + 16];
    let place = folder.path().join("store/ledger");
    let damaged = std::fs::read_dir(place).unwrap().any(|entry| {
        let file = entry.unwrap().path().join("db");
        let Ok(mut bytes) = std::fs::read(&file) else {
            return false;
        };
        let at: Vec<usize> = (0..bytes.len().saturating_sub(needle.len()))
            .filter(|at| bytes[*at..].starts_with(needle))
            .collect();
        for at in &at {
            bytes[*at] ^= 1;
        }
        std::fs::write(&file, bytes).unwrap();
        !at.is_empty()
    });
    assert!(damaged, "the page was not found in any file");
    let refused = packed(&ledger, 1).map(|parcels| parcels.len());
    assert!(
        matches!(&refused, Err(ReadError::Corrupt { position, .. }) if position.0 == PAGE + 1),
        "{refused:?}"
    );
}

#[test]
fn a_backup_of_closed_epochs_verifies_to_the_last_event() {
    let folder = TempDir::new().unwrap();
    let ledger = closed(&folder);
    let repo = folder.path().join("repo");
    let manifest = taken(&ledger, &repo, Kind::Full).manifest;
    let raw: usize = {
        let mut sum = 0;
        let head = ledger.head().position;
        let add = |stored: &switchboard::events::ledger::stored::Stored<'_>| {
            sum += stored.encoded_len();
            std::ops::ControlFlow::Continue(())
        };
        ledger.scan(Position(1), head, add).unwrap();
        sum
    };
    assert_eq!(manifest.bytes_raw, u64::try_from(raw).unwrap());
    let go = &mut |_| std::ops::ControlFlow::Continue(());
    let found = verify(&catalog(&repo), Depth::Full, go).unwrap();
    assert_eq!(found.damage, []);
}

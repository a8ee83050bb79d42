//! Damage of a closed epoch is named, takes along what it must and nothing more, and never makes
//! anything shorter in silence.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::events::ledger::closed::checking::Damage;
use crate::events::ledger::closed::reading::{Closed, Fault};
use crate::events::ledger::closed::sought::Printer;

use super::kit::{Dice, Event, close, events, heading, open, target};

fn flip(file: &Path, at: u64) {
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    open.read_exact_at(&mut byte, at).unwrap();
    open.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

fn verify(closed: &Closed) -> (u64, Vec<Damage>) {
    let (mut seen, mut damage) = (0, Vec::new());
    closed.verify(&mut |_| seen += 1, &mut |one| damage.push(one));
    (seen, damage)
}

/// Every position reads as it was written, or says that its page is damaged. Returns how many do.
fn readable(closed: &Closed, written: &[Event]) -> u64 {
    let mut good = 0;
    for event in written {
        match closed.page(event.position) {
            Ok(page) => {
                let page = page.unwrap();
                assert_eq!(page.record(event.position).unwrap().0, event.record());
                good += 1;
            }
            Err(Fault::Page { first, last }) => {
                assert!((first..=last).contains(&event.position));
            }
            Err(other) => panic!("{other}"),
        }
    }
    good
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

#[test]
fn a_flipped_byte_in_any_file_of_a_closed_epoch_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 700, 11);
    close(folder.path(), &written);
    let mut dice = Dice(12);
    for file in files(&target(folder.path(), 1).folder) {
        let length = fs::metadata(&file).unwrap().len();
        for _ in 0..length.min(40) {
            let at = dice.below(length);
            flip(&file, at);
            let (closed, _) = open(folder.path(), 1).unwrap();
            let (seen, damage) = verify(&closed);
            let shown = file.display();
            assert!(
                damage
                    .iter()
                    .any(|one| one.what.contains("its files are not")),
                "{shown} byte {at}: {damage:?}"
            );
            let lost: u64 = damage
                .iter()
                .filter_map(|one| one.lost)
                .map(|(first, last)| last - first + 1)
                .sum();
            assert_eq!(seen + lost, 700, "{shown} byte {at}: {damage:?}");
            assert_eq!(readable(&closed, &written), seen);
            flip(&file, at);
        }
    }
    let (closed, _) = open(folder.path(), 1).unwrap();
    assert_eq!(verify(&closed), (700, Vec::new()));
}

#[test]
fn a_flipped_byte_where_a_page_stands_costs_that_page_alone() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1001, 1000, 13);
    let (closed, _) = close(folder.path(), &written);
    let data = target(folder.path(), 1001).folder.join("db");
    let file = File::open(&data).unwrap();
    for number in 0..closed.seal.pages.count() {
        let bytes = closed.seal.pages.read(number, &file).unwrap();
        // The beginning of the page's bytes, wherever sled put them.
        let all = fs::read(&data).unwrap();
        let places: Vec<usize> = all
            .windows(64)
            .enumerate()
            .filter(|(_, window)| *window == &bytes[..64])
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty());
        for at in &places {
            flip(&data, u64::try_from(*at).unwrap() + 40);
        }
        let (closed, _) = open(folder.path(), 1001).unwrap();
        let (first, last) = closed.range(number);
        let (seen, damage) = verify(&closed);
        assert_eq!(seen, 1000 - (last - first + 1));
        assert!(damage.iter().any(|one| one.lost == Some((first, last))));
        assert_eq!(damage.iter().filter(|one| one.lost.is_some()).count(), 1);
        assert_eq!(readable(&closed, &written), seen);
        for at in &places {
            flip(&data, u64::try_from(*at).unwrap() + 40);
        }
    }
}

#[test]
fn a_flipped_byte_in_a_seal_is_named() {
    let folder = tempfile::tempdir().unwrap();
    close(folder.path(), &events(1, 300, 14));
    let seal = target(folder.path(), 1).seal;
    for at in 0..fs::metadata(&seal).unwrap().len() {
        flip(&seal, at);
        assert!(matches!(open(folder.path(), 1), Err(Fault::Seal)), "{at}");
        flip(&seal, at);
    }
    assert!(open(folder.path(), 1).is_ok());
}

#[test]
fn lost_or_shortened_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 300, 15);
    close(folder.path(), &written);
    let target = target(folder.path(), 1);
    let data = target.folder.join("db");
    let whole = fs::read(&data).unwrap();
    let length = u64::try_from(whole.len()).unwrap();
    for kept in [0, 1, 4096, length / 2, length - 1] {
        OpenOptions::new()
            .write(true)
            .open(&data)
            .unwrap()
            .set_len(kept)
            .unwrap();
        let (closed, _) = open(folder.path(), 1).unwrap();
        let (seen, damage) = verify(&closed);
        assert!(!damage.is_empty(), "{kept}");
        assert_eq!(readable(&closed, &written), seen);
        let file = OpenOptions::new().write(true).open(&data).unwrap();
        file.write_all_at(&whole, 0).unwrap();
    }
    File::create(target.folder.join("stray")).unwrap();
    assert_eq!(verify(&open(folder.path(), 1).unwrap().0).1.len(), 1);
    fs::remove_file(target.folder.join("stray")).unwrap();
    fs::remove_dir_all(&target.folder).unwrap();
    let (closed, _) = open(folder.path(), 1).unwrap();
    let (seen, damage) = verify(&closed);
    assert_eq!(seen, 0);
    assert!(damage.iter().any(|one| one.lost == Some((1, 128))));
    assert!(matches!(closed.page(1), Err(Fault::Io(_))));
}

#[test]
fn a_damaged_index_says_so_and_never_no() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 600, 16);
    close(folder.path(), &written);
    let data = target(folder.path(), 1).folder.join("db");
    let length = fs::metadata(&data).unwrap().len();
    let file = OpenOptions::new().write(true).open(&data).unwrap();
    let zeros = vec![0; usize::try_from(length).unwrap()];
    file.write_all_at(&zeros, 0).unwrap();
    let (closed, _) = open(folder.path(), 1).unwrap();
    let printer = Printer::new(heading(1).ledger, heading(1).timeline);
    for event in &written {
        let stream = closed.stream(&event.stream, &printer.stream(&event.stream));
        assert!(matches!(stream, Err(Fault::Index { .. })));
        if event.place == 0 {
            let command = closed.command_candidates(&printer.id(event.command));
            assert!(matches!(command, Err(Fault::Index { .. })));
        }
        assert!(closed.find(event.id, &printer.id(event.id)).is_err());
    }
    assert!(closed.streams("").any(|entry| entry.is_err()));
    let (_, damage) = verify(&closed);
    assert!(damage.iter().any(|one| one.what.contains("index")));
}

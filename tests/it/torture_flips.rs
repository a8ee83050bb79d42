//! Campaign: every byte of a small store is flipped, one at a time. The flip is named, or mended, or
//! the byte means nothing; the history is never another one.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use switchboard::events::envelope::Event;
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::{Ledger, OpenError};

use crate::ledger_kit::{copy, edge, everything, noting, opened};
use crate::torture_kit::{
    Dice, Load, figure, newest, prepared, progress, quick_folder, seed, times,
};

/// Files of which some bytes mean nothing: the fill of the journal's header and between its frames,
/// what lies behind the witness's slots, and either slot, for which the other stands in.
const UNUSED_IN: [&str; 2] = [".journal", ".witness"];

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

/// Every byte up to the last that is not zero, and a few of the zeros behind.
fn places(files: &[PathBuf], dice: &mut Dice) -> Vec<(usize, u64)> {
    let mut places = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let bytes = fs::read(file).unwrap();
        let used = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        let behind = (bytes.len() - used) as u64;
        places.extend((0..used as u64).map(|at| (number, at)));
        places.extend((0..behind.min(50)).map(|_| (number, used as u64 + dice.below(behind))));
    }
    places
}

fn flip(file: &Path, at: u64, mask: u8) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ mask], at).unwrap();
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Fate {
    /// `open` refuses and says where.
    Refused,
    /// `examine` names it, and after `open` every event is the same: mended from the journal.
    Mended,
    /// `examine` names it, in one of sled's files, all of which `open` mends alike: only some of them
    /// are opened.
    Named,
    /// `open` sets it aside as a torn tail, and counts it.
    SetAside,
    /// Nothing notices, and every event is the same.
    Unused,
}

/// What becomes of a store with one flipped byte. `examined` says whether it was named before.
fn fate(store: &Path, events: &[Event], examined: bool) -> Result<Fate, String> {
    let (ledger, opening) = match Ledger::open(store, edge()) {
        Ok(opened) => opened,
        Err(OpenError::Corrupt { .. } | OpenError::NotAStore { .. } | OpenError::TooNew { .. }) => {
            return if examined {
                Ok(Fate::Refused)
            } else {
                Err("refused, but not named".to_owned())
            };
        }
        Err(other) => return Err(other.to_string()),
    };
    // A body is read, and compared with its hash, only when somebody asks for it.
    let found = match ledger.read(events[0].position, usize::MAX) {
        Ok(found) => found,
        Err(e) if examined => {
            drop(e);
            return Ok(Fate::Refused);
        }
        Err(e) => return Err(format!("not named: {e}")),
    };
    let same = found.get(..events.len()) == Some(events);
    let more = found.iter().skip(events.len());
    if !same
        || more
            .into_iter()
            .any(|event| !matches!(event.fact, Fact::LedgerRebuilt(_) | Fact::LedgerMended(_)))
    {
        return Err(format!("ANOTHER HISTORY: {} events", found.len()));
    }
    let verified = ledger.verify().map_err(|e| e.to_string())?;
    if !verified.ok {
        return Err(format!("opened, and verify says {:?}", verified.damage));
    }
    Ok(match (opening.torn_bytes > 0, examined) {
        (true, _) => Fate::SetAside,
        (false, true) => Fate::Mended,
        (false, false) => Fate::Unused,
    })
}

/// Eleven events, one with a body in a file of its own, and a clean stop.
fn small_store(store: &Path) -> Vec<Event> {
    drop(prepared(store, Load::Small, 9));
    let (ledger, _) = opened(store);
    let large = "large enough for a file of its own. ".repeat(120);
    ledger
        .append(noting("note/a", Expected::Any, &large))
        .unwrap();
    let events = everything(&ledger);
    ledger.settle();
    ledger.close().unwrap();
    // Most of what is reserved is left away: it is only zeros, and is read for every flip.
    let journal = newest(&store.join("journal"), ".journal");
    let used = fs::read(&journal)
        .unwrap()
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap();
    let file = OpenOptions::new().write(true).open(journal).unwrap();
    file.set_len(used as u64 + 64 * 1024).unwrap();
    events
}

#[test]
fn every_flipped_byte_is_named_or_mended_or_means_nothing() {
    let dir = quick_folder();
    let store = dir.path().join("store");
    let events = small_store(&store);
    let mut files = Vec::new();
    files_below(&store, &mut files);
    let mut dice = Dice::new(seed());
    let all = places(&files, &mut dice);
    let wanted = times("FLIPS", 300).min(all.len());
    let mut fates: BTreeMap<(String, Fate), usize> = BTreeMap::new();
    let mut unused: Vec<(usize, u64)> = Vec::new();
    for n in 0..wanted {
        let from = n * all.len() / wanted;
        let to = (n + 1) * all.len() / wanted;
        let (file, at) = all[from + dice.below((to - from) as u64) as usize];
        let mask = 1 << dice.below(8);
        // In place, and back again: examining changes nothing.
        flip(&files[file], at, mask);
        let examined = !Ledger::examine(&store).is_ok_and(|verified| verified.ok);
        let name = files[file].strip_prefix(&store).unwrap();
        let name = name.display().to_string();
        let fate = if examined && name.starts_with("ledger/") && n % 8 != 0 {
            Fate::Named
        } else {
            let broken = dir.path().join("broken");
            copy(&store, &broken);
            let fate = fate(&broken, &events, examined)
                .unwrap_or_else(|loss| panic!("byte {at} of {name}: {loss}"));
            fs::remove_dir_all(&broken).unwrap();
            fate
        };
        flip(&files[file], at, mask);
        if fate == Fate::Unused {
            assert!(
                UNUSED_IN.iter().any(|ending| name.ends_with(ending)),
                "byte {at} of {name}: nobody notices"
            );
            unused.push((file, at));
        }
        *fates.entry((kind(&name), fate)).or_default() += 1;
        progress("flips", n + 1, wanted);
    }
    for ((file, fate), count) in &fates {
        figure("flips", &format!("{file}: {fate:?}"), count);
    }
    figure("flips", "flipped", wanted);
    figure("flips", "bytes there are", all.len());
    figure(
        "flips",
        "bytes that mean nothing",
        ranges(&unused, &files, wanted == all.len()),
    );
    figure("flips", "another history", 0);
    let fates: Vec<Fate> = fates.keys().map(|(_, fate)| *fate).collect();
    assert!(fates.contains(&Fate::Refused) && fates.contains(&Fate::Mended));
}

/// A file's name without what differs from store to store.
fn kind(name: &str) -> String {
    if name.starts_with("blobs/") {
        "blobs/*".to_owned()
    } else if name.contains("snap.") {
        "ledger/*/snap.*".to_owned()
    } else {
        name.to_owned()
    }
}

/// Neighbours as one range each; only a full run knows all of them.
fn ranges(unused: &[(usize, u64)], files: &[PathBuf], whole: bool) -> String {
    if !whole {
        return format!("{} of those flipped", unused.len());
    }
    let mut text = Vec::new();
    let mut sorted = unused.to_vec();
    sorted.sort_unstable();
    for group in sorted.chunk_by(|one, next| one.0 == next.0 && one.1 + 1 == next.1) {
        let name = files[group[0].0].file_name().unwrap().to_str().unwrap();
        let ending = name.rsplit('.').next().unwrap();
        text.push(format!(
            "{ending} {}..={}",
            group[0].1,
            group[group.len() - 1].1
        ));
    }
    text.join(", ")
}

/// A file's bytes are what was flipped: the campaign's own tool, tried once.
#[test]
fn a_flip_changes_one_bit_and_nothing_else() {
    let dir = quick_folder();
    let path = dir.path().join("file");
    File::create(&path).unwrap().set_len(10).unwrap();
    flip(&path, 4, 0b100);
    assert_eq!(fs::read(&path).unwrap(), [0, 0, 0, 0, 4, 0, 0, 0, 0, 0]);
}

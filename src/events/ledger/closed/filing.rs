//! A closed epoch's leaves on their way into sled, and where they stand there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::super::kept::{self, Kept};
use super::super::layout;
use super::leaf::{Keys, Kind, Leaf, Places};
use super::seal::Seal;
use super::sealing::{Pace, SealError, Step};

/// Leaves of an epoch, all of them in memory.
#[derive(Debug)]
pub(super) struct Filing {
    keys: Keys,
    leaves: Vec<(Leaf, Box<[u8]>)>,
}

impl Filing {
    pub(super) const fn new(keys: Keys) -> Self {
        Self {
            keys,
            leaves: Vec::new(),
        }
    }

    /// One more leaf.
    pub(super) fn push(
        &mut self,
        kind: Kind,
        number: u64,
        content: Vec<u8>,
    ) -> Result<(), SealError> {
        let number = u32::try_from(number).ok().ok_or(SealError::Size)?;
        let leaf = Leaf { kind, number };
        let closed = self.keys.close(leaf, content);
        self.leaves.push((leaf, closed.into_boxed_slice()));
        Ok(())
    }

    /// Room for the places of the leaves of a kind.
    pub(super) fn places(&self, kind: Kind) -> Places {
        let mut places = Places::default();
        for (leaf, bytes) in &self.leaves {
            if leaf.kind == kind {
                places.push(bytes.len());
            }
        }
        places
    }

    /// Writes everything into a fresh sled.
    pub(super) fn write(&mut self, folder: &Path, pace: &mut Pace<'_>) -> Result<(), SealError> {
        layout::make_folder(folder)?;
        self.leaves.sort_unstable_by_key(|(leaf, _)| leaf.key());
        let fixed = Kept::open(folder)?;
        let filled = self.fill(&fixed, pace);
        // Also when it failed: the folder may be thrown away and made again at once.
        let closed = shut(fixed);
        filled.and(closed)
    }

    fn fill(&self, fixed: &Kept, pace: &mut Pace<'_>) -> Result<(), SealError> {
        // Keys first, then values: so sled writes every value once (`Kept::reserve`).
        for (key, part, _) in parts(&self.keys, &self.leaves) {
            fixed.reserve(key, part)?;
        }
        let mut since = 0_usize;
        for (key, part, value) in parts(&self.keys, &self.leaves) {
            since = since.saturating_add(value.len());
            if since > kept::STEP {
                fixed.barrier()?;
                since = value.len();
                go(pace, Step::Written)?;
            }
            fixed.put(key, part, &value)?;
        }
        Ok(fixed.barrier()?)
    }

    /// Opens sled again and compares every value with what it was given.
    pub(super) fn compare(&self, folder: &Path, pace: &mut Pace<'_>) -> Result<(), SealError> {
        if kept::stray_blobs(folder)? != 0 {
            return Err(SealError::Differs("it made files of its own"));
        }
        let fixed = Kept::open(folder)?;
        let same = same(&self.keys, &self.leaves, &fixed, pace);
        let closed = shut(fixed);
        same.and(closed)
    }

    /// Finds every part in sled's file.
    pub(super) fn find(&self, folder: &Path, seal: &mut Seal) -> Result<(), SealError> {
        let file = File::open(folder.join(kept::DATA))?;
        let of_key: BTreeMap<u64, Leaf> = self
            .leaves
            .iter()
            .map(|(leaf, _)| (leaf.key(), *leaf))
            .collect();
        self.keys.search(&file, |key, part, place| {
            let (Some(leaf), Ok(place)) = (of_key.get(&key), u32::try_from(place)) else {
                return;
            };
            let places = match leaf.kind {
                Kind::Page => &mut seal.pages,
                Kind::Streams => &mut seal.streams,
                Kind::Commands => &mut seal.commands,
                Kind::Strangers => &mut seal.strangers,
            };
            places.place(leaf.number, part, place);
        })?;
        for (leaf, bytes) in &self.leaves {
            let places = seal.places(leaf.kind);
            let found = places.is_whole() && places.read(leaf.number, &file)? == **bytes;
            if !found {
                return Err(SealError::Differs("its file"));
            }
        }
        Ok(())
    }
}

impl Seal {
    /// Where the leaves of a kind stand.
    pub(super) fn places(&self, kind: Kind) -> &Places {
        match kind {
            Kind::Page => &self.pages,
            Kind::Streams => &self.streams,
            Kind::Commands => &self.commands,
            Kind::Strangers => &self.strangers,
        }
    }
}

fn same(
    keys: &Keys,
    leaves: &[(Leaf, Box<[u8]>)],
    fixed: &Kept,
    pace: &mut Pace<'_>,
) -> Result<(), SealError> {
    let mut same = Ok(());
    let mut expected = parts(keys, leaves);
    fixed.each_value(|key, part, value| {
        let known = expected.next();
        let equal = known
            .is_some_and(|(known, number, bytes)| (known, number) == (key, part) && bytes == value);
        same = if equal {
            go(pace, Step::Compared)
        } else {
            Err(SealError::Differs("a value"))
        };
        same.is_ok()
    })?;
    same?;
    match expected.next() {
        None => Ok(()),
        Some(_) => Err(SealError::Differs("values are missing")),
    }
}

/// Every part of every leaf, as sled is to hold it.
fn parts(keys: &Keys, leaves: &[(Leaf, Box<[u8]>)]) -> impl Iterator<Item = (u64, u16, Vec<u8>)> {
    leaves.iter().flat_map(|(leaf, bytes)| {
        (0..)
            .zip(keys.parts(*leaf, bytes))
            .map(|(part, value)| (leaf.key(), part, value))
    })
}

fn shut(fixed: Kept) -> Result<(), SealError> {
    if kept::shut(Some(fixed)) {
        Ok(())
    } else {
        Err(SealError::Differs("its lock"))
    }
}

/// Goes on, unless it is stopped.
pub(super) fn go(pace: &mut Pace<'_>, step: Step) -> Result<(), SealError> {
    if pace(step) {
        Ok(())
    } else {
        Err(SealError::Stopped)
    }
}

/// Bytes of sled's files.
pub(super) fn stored(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(folder)? {
        let found = entry?.metadata()?;
        if found.is_file() {
            bytes = bytes.saturating_add(found.len());
        }
    }
    Ok(bytes)
}

//! Frames that the journal lost and sled still holds. A frame's checksum is bound to its journal
//! and its place there, so what fits is what once stood there.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::bytes::{len64, size};
use super::frame::{Frame, next_offset};
use super::journal::Journal;
use super::kept::{self, Kept, KeptError};
use super::layout::{self, Layout};
use super::scan::Damage;

/// Puts the lost frames back into the journal if sled has all of them; the damaged bytes are kept
/// in a file of their own. False when sled cannot help; then nothing was changed.
pub(super) fn mend(layout: &Layout, journal: &Journal, damage: &Damage) -> std::io::Result<bool> {
    let folder = layout.sled(journal.heading.first);
    for source in [folder.with_extension("aside"), folder.clone()] {
        if !source.is_dir() {
            continue;
        }
        // sled destroys evidence by opening, so it is given a copy.
        let look = folder.with_extension("look");
        layout::remove(&look)?;
        copy(&source, &look)?;
        let found = frames(&look, journal, damage);
        layout::remove(&look)?;
        if let Ok(Some(frames)) = found {
            put_back(layout, journal, damage, &frames)?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Frames with their places in the journal.
type Placed = Vec<(u64, Vec<u8>)>;

/// All of the lost frames with their places; none if one of them is missing.
fn frames(sled: &Path, journal: &Journal, damage: &Damage) -> Result<Option<Placed>, KeptError> {
    let kept = Kept::open(sled)?;
    let (mut offset, mut next) = (damage.offset, damage.next);
    let mut frames = Vec::new();
    while next <= damage.last {
        let Some(bytes) = kept.frame(next)? else {
            return Ok(None);
        };
        let frame = Frame::read(&bytes, Some(offset), &journal.key)?;
        if frame.first != next {
            return Ok(None);
        }
        next = frame.last().saturating_add(1);
        let at = offset;
        offset = next_offset(offset, len64(bytes.len()));
        frames.push((at, bytes));
    }
    kept::shut(Some(kept));
    let fits = damage.until.is_none_or(|until| until == offset);
    Ok(fits.then_some(frames))
}

fn put_back(
    layout: &Layout,
    journal: &Journal,
    damage: &Damage,
    frames: &[(u64, Vec<u8>)],
) -> std::io::Result<()> {
    let end = frames.last().map_or(damage.offset, |(at, bytes)| {
        at.saturating_add(len64(bytes.len()))
    });
    set_aside(layout, journal, "damaged", damage.offset..end)?;
    for (at, bytes) in frames {
        journal.file.write_all_at(bytes, *at)?;
    }
    journal.file.sync_all()
}

/// Copies bytes of the journal to a file of their own, without the zeros at their end. Returns
/// how many there were, and the file.
pub(super) fn set_aside(
    layout: &Layout,
    journal: &Journal,
    what: &str,
    bytes: Range<u64>,
) -> std::io::Result<(u64, PathBuf)> {
    let copy = used(journal, &bytes)?;
    let hash = blake3::hash(&copy).to_hex();
    let short = hash.get(..16).unwrap_or_default();
    let name = match journal.heading.first {
        1 => format!("{what}-{:020}-{short}", bytes.start),
        first => format!("{what}-{first:020}-{:020}-{short}", bytes.start),
    };
    let path = layout.journals().join(name);
    layout::write_atomic(&path, &copy)?;
    Ok((len64(copy.len()), path))
}

/// Bytes of the journal, without the zeros at their end: those were reserved and never written.
pub(super) fn used(journal: &Journal, bytes: &Range<u64>) -> std::io::Result<Vec<u8>> {
    let length = journal.file.metadata()?.len();
    let end = bytes.end.min(length);
    let mut copy = vec![0; size(end.saturating_sub(bytes.start))];
    journal.file.read_exact_at(&mut copy, bytes.start)?;
    let used = copy
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last.saturating_add(1));
    copy.truncate(used);
    Ok(copy)
}

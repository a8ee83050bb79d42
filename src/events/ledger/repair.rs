//! A torn tail on its own: named without opening the store, or set aside without doing anything else.
//! Opening does the same on its way; this is for those who want to see it first.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::bytes::len64;
use super::disk::{Disk, OsDisk};
use super::handle::{OpenError, TornTail};
use super::index::Index;
use super::journal::Journal;
use super::layout::{self, Layout, Lock, Nature};
use super::mending;
use super::opening::{cut_off, flawed, testimony};
use super::scan;

/// A store whose newest journal is whole up to a torn tail.
struct Found {
    layout: Layout,
    journal: Journal,
    /// Where the tail begins, in bytes.
    torn: u64,
    _lock: Lock,
}

/// Locks the store and looks for a torn tail: only the newest journal can have one. Damage of any
/// other kind in it is refused.
fn find(store: &Path) -> Result<Option<Found>, OpenError> {
    let layout = Layout::new(store);
    if layout.nature()? == Nature::Nothing {
        return Err(OpenError::Absent {
            path: layout.shown(),
        });
    }
    let lock = layout.take_lock()?;
    let journal = newest(&layout)?;
    let said = testimony(&layout, journal.heading.first)?;
    let known = said.map_or(0, |said| said.position);
    let beginning = Index::beginning(&journal.heading, (0, 0));
    let scanned = scan::scan(&journal, beginning, known).map_err(|e| flawed(&layout, e))?;
    scan::compare(&journal, &scanned.index, said.as_ref()).map_err(|e| flawed(&layout, e))?;
    Ok(scanned.torn.map(|torn| Found {
        layout,
        journal,
        torn,
        _lock: lock,
    }))
}

/// The journal that is written, whether it has its own name yet or still that of the prepared one.
fn newest(layout: &Layout) -> Result<Journal, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    match Journal::open(&layout.next_journal(), Arc::clone(&disk)) {
        Ok(Some(journal)) => return Ok(journal),
        Ok(None) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(layout.io("opening the next journal")(e)),
    }
    let found = layout::epochs(&layout.journals(), "journal");
    let found = found.map_err(layout.io("listing the journals"))?;
    let first = found.last().copied();
    let first = first.ok_or_else(|| layout.corrupt("the journal is missing"))?;
    Journal::open(&layout.journal(first), disk)
        .map_err(layout.io("opening the journal"))?
        .ok_or_else(|| layout.corrupt("the journal's header is damaged"))
}

/// Names it and changes nothing.
pub(super) fn look(store: &Path) -> Result<Option<TornTail>, OpenError> {
    let Some(found) = find(store)? else {
        return Ok(None);
    };
    let tail = mending::used(&found.journal, &(found.torn..u64::MAX));
    let tail = tail.map_err(found.layout.io("reading the torn tail"))?;
    Ok(Some(TornTail {
        offset: found.torn,
        bytes: len64(tail.len()),
        copied_to: None,
    }))
}

/// Copies it aside and cuts it off, both durably.
pub(super) fn repair(store: &Path) -> Result<Option<TornTail>, OpenError> {
    let Some(found) = find(store)? else {
        return Ok(None);
    };
    let (bytes, path) = cut_off(&found.layout, &found.journal, found.torn)?;
    found
        .journal
        .file
        .sync_all()
        .map_err(found.layout.io("syncing the journal"))?;
    Ok(Some(TornTail {
        offset: found.torn,
        bytes,
        copied_to: Some(path),
    }))
}

//! A torn tail on its own: named without opening the store, or set aside without doing anything else.
//! Opening does the same on its way; this is for those who want to see it first.

use std::path::Path;
use std::sync::Arc;

use super::bytes::len64;
use super::disk::OsDisk;
use super::handle::{OpenError, TornTail};
use super::journal::Journal;
use super::layout::{Layout, Lock, Nature};
use super::opening::{Torn, compare, open_journal, scan, set_aside, tail_of, testimony};

/// A store whose journal is whole up to a torn tail.
struct Found {
    layout: Layout,
    journal: Journal,
    torn: Torn,
    _lock: Lock,
}

/// Locks the store and looks for a torn tail. Damage of any other kind is refused, as by opening.
fn find(store: &Path) -> Result<Option<Found>, OpenError> {
    let layout = Layout::new(store);
    if layout.nature()? == Nature::Nothing {
        return Err(OpenError::Absent {
            path: layout.shown(),
        });
    }
    let lock = layout.take_lock()?;
    let journal = open_journal(&layout, Arc::new(OsDisk))?;
    let scanned = scan(&layout, &journal)?;
    let said = testimony(&layout)?;
    compare(&layout, &journal, &scanned.index, said.as_ref())?;
    Ok(scanned.torn.map(|torn| Found {
        layout,
        journal,
        torn,
        _lock: lock,
    }))
}

/// Names it and changes nothing.
pub(super) fn look(store: &Path) -> Result<Option<TornTail>, OpenError> {
    let Some(found) = find(store)? else {
        return Ok(None);
    };
    let tail =
        tail_of(&found.journal, &found.torn).map_err(found.layout.io("reading the torn tail"))?;
    Ok(Some(TornTail {
        offset: found.torn.offset,
        bytes: len64(tail.len()),
        copied_to: None,
    }))
}

/// Copies it aside and cuts it off, both durably.
pub(super) fn repair(store: &Path) -> Result<Option<TornTail>, OpenError> {
    let Some(found) = find(store)? else {
        return Ok(None);
    };
    let (bytes, path) = set_aside(&found.layout, &found.journal, &found.torn)?;
    found
        .journal
        .file
        .sync_all()
        .map_err(found.layout.io("syncing the journal"))?;
    Ok(Some(TornTail {
        offset: found.torn.offset,
        bytes,
        copied_to: Some(path),
    }))
}

//! Naming the damage of a store that need not be openable.

use std::path::Path;
use std::sync::Arc;

use super::closed::cache::Cache;
use super::disk::{Disk, OsDisk};
use super::handle::{OpenError, Verified};
use super::journal::Journal;
use super::layout::{self, Layout, Nature};
use super::verify::Reading;
use super::{kept, opening, past};

/// Names the damage of a store that need not be openable. Changes nothing but the lock file.
pub(super) fn examine(store: &Path) -> Result<Verified, OpenError> {
    let layout = Layout::new(store);
    if layout.nature()? == Nature::Nothing {
        return Err(OpenError::Absent {
            path: layout.shown(),
        });
    }
    let _lock = layout.take_lock()?;
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let mut reading = Reading::default();
    let mut journals = journals_as_they_are(&layout, &disk, &mut reading)?;
    let cache = Arc::new(Cache::new(0));
    for past in past::find(&layout, &mut journals, &cache)? {
        reading.past(&past, &layout);
    }
    for journal in journals {
        epoch_as_it_is(&layout, &journal, &mut reading)?;
    }
    Ok(reading.verified())
}

/// The journals that can be opened; the others are named.
fn journals_as_they_are(
    layout: &Layout,
    disk: &Arc<dyn Disk>,
    reading: &mut Reading,
) -> Result<Vec<Journal>, OpenError> {
    let mut journals = Vec::new();
    let found = layout::epochs(&layout.journals(), "journal");
    for first in found.map_err(layout.io("listing the journals"))? {
        let journal = Journal::open(&layout.journal(first), Arc::clone(disk));
        match journal.map_err(layout.io("opening the journal"))? {
            Some(journal) if journal.heading.first == first => journals.push(journal),
            Some(_) => reading.damaged(format!(
                "journal: the one from position {first} on is that of another epoch"
            )),
            None => reading.damaged(format!(
                "journal: the header of the one from position {first} on is damaged"
            )),
        }
    }
    match Journal::open(&layout.next_journal(), Arc::clone(disk)) {
        Ok(Some(next)) => journals.push(next),
        Ok(None) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(layout.io("opening the next journal")(e)),
    }
    if journals.is_empty() && reading.damage.is_empty() {
        reading.damaged("journal: it is missing");
    }
    Ok(journals)
}

fn epoch_as_it_is(
    layout: &Layout,
    journal: &Journal,
    reading: &mut Reading,
) -> Result<(), OpenError> {
    let first = journal.heading.first;
    let said = opening::testimony(layout, first)?;
    let known = said.map(|said| (said.position, said.chain));
    reading
        .journal(journal, layout, (u64::MAX, known))
        .map_err(layout.io("reading the journal"))?;
    let Some(said) = said else {
        return Ok(());
    };
    if said.position > reading.position {
        let (last, written) = (reading.position, said.position);
        reading.damaged(format!(
            "journal: it ends at position {last}, but events up to {written} were written"
        ));
    }
    if let Some(files) = said.files
        && kept::files_hash(&layout.sled(first)).ok() != Some(files)
    {
        reading.damaged("sled: its files are not what they were when it was closed");
    }
    Ok(())
}

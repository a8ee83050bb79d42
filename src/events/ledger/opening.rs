//! Opening a store. The journals decide what the ledger is. sled is not opened here: its thread
//! compares it later, and writes it anew when it is not the same.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::size;
use super::closed::cache::Cache;
use super::disk::Disk;
use super::epochs::Epochs;
use super::handle::{Edge, OpenError, Opening};
use super::index::Index;
use super::journal::{Found, HEADER, Heading, Journal, Walk};
use super::layout::{self, FIRST_EPOCH, Layout, Lock, Nature};
use super::live::Live;
use super::mending;
use super::options::Options;
use super::past::{self, Past};
use super::record::Hash;
use super::rolling::{Pen, Rolling};
use super::scan::{self, Flaw, Scanned};
use super::shared::Shared;
use super::witness::{self, Testimony};

/// A store that was opened, and what its threads need.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) shared: Shared,
    pub(super) pen: Pen,
    pub(super) lock: Lock,
    pub(super) opening: Opening,
}

/// Opens a store.
pub(super) fn open(
    store: &Path,
    edge: Edge,
    (disk, options): (Arc<dyn Disk>, Options),
) -> Result<Opened, OpenError> {
    let layout = Layout::new(store);
    let absent = |layout: &Layout| OpenError::Absent {
        path: layout.shown(),
    };
    // Looked at before the lock, so that no lock file is left in a folder that is no store.
    if layout.nature()? == Nature::Nothing {
        return Err(absent(&layout));
    }
    let lock = layout.take_lock()?;
    match layout.nature()? {
        Nature::Nothing => Err(absent(&layout)),
        Nature::Store(format) => open_locked(layout, (edge, disk, options), lock, format),
    }
}

pub(super) fn open_locked(
    layout: Layout,
    (edge, disk, options): (Edge, Arc<dyn Disk>, Options),
    lock: Lock,
    format: u32,
) -> Result<Opened, OpenError> {
    if layout.creating().exists() {
        layout::remove(&layout.creating()).map_err(layout.io("finishing the store"))?;
    }
    let mut opening = Opening::default();
    let cache = Arc::new(Cache::new(options.cache_bytes));
    let mut journals = journals(&layout, &disk)?;
    let past = past::find(&layout, &mut journals, &cache)?;
    let mut before = past.last().map(Before::past);
    let mut full: Vec<Arc<Live>> = Vec::new();
    let mut rest = journals.into_iter().peekable();
    let mut active = None;
    while let Some(journal) = rest.next() {
        let follower = rest.peek().map(|next| next.heading);
        let neighbours = (before.as_ref(), follower.as_ref());
        let live = Arc::new(open_epoch(&layout, journal, neighbours, &mut opening)?);
        before = Some(Before::live(&live));
        match follower {
            Some(_) => full.push(live),
            None => active = Some(live),
        }
    }
    let Some(active) = active else {
        return Err(layout.corrupt("the journal is missing"));
    };
    none_beyond(&layout, active.first())?;
    // Whole frames that were never acknowledged count from now on, so they must be durable.
    active
        .journal
        .file
        .sync_all()
        .map_err(layout.io("syncing the journal"))?;
    let length = active.journal.file.metadata();
    let reserved = length.map_err(layout.io("measuring the journal"))?.len();
    let pen = Pen {
        live: Arc::clone(&active),
        reserved,
        buffer: Vec::new(),
    };
    let epochs = Epochs {
        past: Arc::new(past),
        full,
        active,
    };
    let rolling = Rolling::new(format);
    Ok(Opened {
        shared: Shared::new(layout, (edge, disk, options), (epochs, cache), rolling),
        pen,
        lock,
        opening,
    })
}

/// The journals of all live epochs, oldest first.
pub(super) fn journals(layout: &Layout, disk: &Arc<dyn Disk>) -> Result<Vec<Journal>, OpenError> {
    let mut journals: Vec<Journal> = Vec::new();
    let found = layout::epochs(&layout.journals(), "journal");
    for first in found.map_err(layout.io("listing the journals"))? {
        let journal = Journal::open(&layout.journal(first), Arc::clone(disk));
        match journal.map_err(layout.io("opening the journal"))? {
            Some(journal) if journal.heading.first == first => journals.push(journal),
            // Left over from closing: nobody needs it.
            Some(_) | None if layout.seal(first).exists() => {}
            Some(_) => return Err(layout.corrupt("the journal is that of another epoch")),
            None => {
                return Err(layout.corrupt(format!(
                    "the header of the journal from position {first} on is damaged"
                )));
            }
        }
    }
    if let Some(next) = prepared(layout, disk)? {
        journals.push(next);
    }
    drop_unused(layout, &mut journals)?;
    if let (Some(first), [_, _, ..]) = (journals.first().map(|of| of.heading), &*journals) {
        let stranger = |of: &Journal| {
            (of.heading.ledger, of.heading.timeline) != (first.ledger, first.timeline)
        };
        if journals.iter().any(stranger) {
            return Err(layout.corrupt("one of the journals is another ledger's"));
        }
    }
    Ok(journals)
}

/// The file that was prepared for the next journal, if it became one: it has a header, which was
/// durable before anything was written behind it.
fn prepared(layout: &Layout, disk: &Arc<dyn Disk>) -> Result<Option<Journal>, OpenError> {
    let path = layout.next_journal();
    let opened = match Journal::open(&path, Arc::clone(disk)) {
        Ok(opened) => opened,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(layout.io("opening the next journal")(e)),
    };
    if let Some(journal) = opened {
        let named = layout::rename(&path, &layout.journal(journal.heading.first));
        named.map_err(layout.io("naming the next journal"))?;
        return Ok(Some(journal));
    }
    if !is_blank(&path).map_err(layout.io("reading the next journal"))? {
        return Err(layout.corrupt("the header of the newest journal is damaged"));
    }
    layout::remove(&path).map_err(layout.io("removing an unused journal"))?;
    Ok(None)
}

/// Whether nothing was written behind the header.
fn is_blank(path: &Path) -> std::io::Result<bool> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut rest = vec![0; size(length.saturating_sub(HEADER))];
    file.read_exact_at(&mut rest, HEADER.min(length))?;
    Ok(rest.iter().all(|byte| *byte == 0))
}

/// A newest journal that was begun but never used, while the one before went on: rolling over
/// failed then.
fn drop_unused(layout: &Layout, journals: &mut Vec<Journal>) -> Result<(), OpenError> {
    let [.., before, last] = &**journals else {
        return Ok(());
    };
    let reading = || layout.io("reading the journal");
    let mut walk = Walk::new(&last.file, last.key, HEADER).map_err(reading())?;
    if !matches!(walk.next().map_err(reading())?, Some(Found::End) | None) {
        return Ok(());
    }
    let mut walk = Walk::new(&before.file, before.key, HEADER).map_err(reading())?;
    let mut end = 0;
    while let Some(found) = walk.next().map_err(reading())? {
        if let Found::Frame(frame) = found {
            end = frame.last();
        }
    }
    if end >= last.heading.first {
        let path = layout.journal(last.heading.first);
        layout::remove(&path).map_err(layout.io("removing an unused journal"))?;
        journals.pop();
    }
    Ok(())
}

/// Nothing of an epoch behind the newest journal may be there: that would be the journal's loss.
fn none_beyond(layout: &Layout, newest: u64) -> Result<(), OpenError> {
    let traces = [
        (layout.journals(), "witness"),
        (layout.sleds(), ""),
        (layout.sleds(), "seal"),
    ];
    for (folder, extension) in traces {
        let found = layout::epochs(&folder, extension);
        let found = found.map_err(layout.io("listing the epochs"))?;
        if let Some(first) = found.into_iter().find(|first| *first > newest) {
            return Err(layout.corrupt(format!("the journal from position {first} on is missing")));
        }
    }
    Ok(())
}

/// The end of the epoch before.
#[derive(Clone, Copy, Debug)]
struct Before {
    position: u64,
    /// None when nobody knows.
    chain: Option<Hash>,
    /// When the last event was recorded, and what the clock said.
    times: (u64, u64),
}

impl Before {
    fn past(past: &Past) -> Self {
        match past {
            Past::Closed(closed) => {
                let summary = closed.summary();
                Self {
                    position: summary.last,
                    chain: Some(summary.after),
                    times: (summary.last_at, summary.clock),
                }
            }
            Past::Lost(lost) => Self {
                position: lost.last,
                chain: None,
                times: (0, 0),
            },
        }
    }

    fn live(live: &Live) -> Self {
        let end = live.index().end;
        Self {
            position: end.position,
            chain: Some(end.chain),
            times: (end.recorded_at, end.clock),
        }
    }
}

/// Reads one journal; mends it from sled where it can be mended, and sets a torn tail aside.
fn open_epoch(
    layout: &Layout,
    journal: Journal,
    (before, follower): (Option<&Before>, Option<&Heading>),
    opening: &mut Opening,
) -> Result<Live, OpenError> {
    let first = journal.heading.first;
    let follows = match before {
        Some(before) => {
            first == before.position.saturating_add(1)
                && before
                    .chain
                    .is_none_or(|chain| chain == journal.heading.before)
        }
        None => first == FIRST_EPOCH,
    };
    if !follows {
        return Err(layout.corrupt(format!(
            "the journal from position {first} on does not follow what is before it"
        )));
    }
    let said = testimony(layout, first)?;
    let known = follower.map_or(0, |next| next.first.saturating_sub(1));
    let known = known.max(said.map_or(0, |said| said.position));
    let times = before.map_or((0, 0), |before| before.times);
    let scanned = loop {
        let beginning = Index::beginning(&journal.heading, times);
        match scan::scan(&journal, beginning, known) {
            Ok(scanned) => break scanned,
            Err(Flaw::Damage(damage)) => {
                let mended = mending::mend(layout, &journal, &damage);
                if !mended.map_err(layout.io("mending the journal"))? {
                    return Err(layout.corrupt(damage.to_string()));
                }
                opening.mended.push((damage.next, damage.last));
            }
            Err(other) => return Err(flawed(layout, other)),
        }
    };
    scan::compare(&journal, &scanned.index, said.as_ref()).map_err(|e| flawed(layout, e))?;
    let Scanned { index, torn } = scanned;
    if index.end.position == 0 {
        return Err(layout.corrupt("the journal's first event cannot be read"));
    }
    if let Some(torn) = torn {
        let (bytes, _) = cut_off(layout, &journal, torn)?;
        opening.torn_bytes = opening.torn_bytes.saturating_add(bytes);
    }
    Ok(Live::new(journal, index, said))
}

/// Copies the torn tail from that byte on to a file of its own, then cuts it off. Returns how many
/// bytes it had, and the copy.
pub(super) fn cut_off(
    layout: &Layout,
    journal: &Journal,
    torn: u64,
) -> Result<(u64, PathBuf), OpenError> {
    let aside = mending::set_aside(layout, journal, "torn", torn..u64::MAX);
    let aside = aside.map_err(layout.io("setting the torn tail aside"))?;
    let cut = journal.file.set_len(torn);
    cut.map_err(layout.io("cutting the torn tail off"))?;
    Ok(aside)
}

pub(super) fn flawed(layout: &Layout, flaw: Flaw) -> OpenError {
    match flaw {
        Flaw::Io(source) => layout.io("reading the journal")(source),
        Flaw::Damage(_) | Flaw::Strange(_) => layout.corrupt(flaw.to_string()),
    }
}

/// What an epoch's witness last said, if it can be read.
pub(super) fn testimony(layout: &Layout, epoch: u64) -> Result<Option<Testimony>, OpenError> {
    match File::open(layout.witness(epoch)) {
        Ok(file) => witness::read(&file).map_err(layout.io("reading the witness")),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(layout.io("opening the witness")(e)),
    }
}

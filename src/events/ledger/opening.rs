//! Opening a store. The journal decides what the ledger is; sled's copy is compared with
//! it and written anew when it is not the same.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::bytes::{len64, size};
use super::disk::Disk;
use super::frame::{Fault, Frame};
use super::handle::{Edge, OpenError, Opening};
use super::index::Index;
use super::journal::{Found, HEADER, Journal, Walk};
use super::kept::{self, Kept, KeptError};
use super::layout::{self, FIRST_EPOCH, Layout, Lock, Nature};
use super::options::Options;
use super::reading::Shared;
use super::witness::{self, Testimony, Witness};

/// A store that was opened, and what its threads need.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) shared: Shared,
    pub(super) witness: Witness,
    pub(super) lock: Lock,
    /// The journal's length.
    pub(super) reserved: u64,
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
    if layout.nature()? == Nature::Nothing {
        return Err(absent(&layout));
    }
    open_locked(layout, (edge, disk, options), lock)
}

pub(super) fn open_locked(
    layout: Layout,
    (edge, disk, options): (Edge, Arc<dyn Disk>, Options),
    lock: Lock,
) -> Result<Opened, OpenError> {
    if layout.creating().exists() {
        layout::remove(&layout.creating()).map_err(layout.io("finishing the store"))?;
    }
    let journal = open_journal(&layout, Arc::clone(&disk))?;
    let scanned = scan(&layout, &journal)?;
    let said = testimony(&layout)?;
    compare(&layout, &journal, &scanned.index, said.as_ref())?;
    let torn_bytes = scanned
        .torn
        .as_ref()
        .map_or(Ok(0), |torn| set_aside(&layout, &journal, torn))?;
    // Whole frames that were never acknowledged count from now on, so they must be durable.
    journal
        .file
        .sync_all()
        .map_err(layout.io("syncing the journal"))?;
    let reserved = journal
        .file
        .metadata()
        .map_err(layout.io("measuring the journal"))?
        .len();
    let index = scanned.index;
    let trust = trust(&layout, said.as_ref(), &index)?;
    let (mut witness, _) =
        Witness::open(&layout.witness(FIRST_EPOCH)).map_err(layout.io("opening the witness"))?;
    witness
        .say(index.end.position, index.end.chain, None)
        .map_err(layout.io("writing the witness"))?;
    let (kept, rebuilt) = open_sled(&layout, &journal, &index, trust);
    let (kept, failed) = match kept {
        Ok(kept) => (Some(kept), None),
        // A full disk, most likely. The journal has everything, so reading goes on.
        Err(e) => (None, Some(format!("sled's copy cannot be written: {e}"))),
    };
    let shared = Shared::new(layout, (edge, disk, options), journal, index, kept);
    if let Some(reason) = failed {
        shared.poison(reason);
    }
    Ok(Opened {
        shared,
        witness,
        lock,
        reserved,
        opening: Opening {
            rebuilt,
            torn_bytes,
        },
    })
}

/// The journal of the only epoch.
pub(super) fn open_journal(layout: &Layout, disk: Arc<dyn Disk>) -> Result<Journal, OpenError> {
    let path = layout.journal(FIRST_EPOCH);
    let journal = match Journal::open(&path, disk) {
        Ok(journal) => journal,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(layout.corrupt("the journal is missing"));
        }
        Err(e) => return Err(layout.io("opening the journal")(e)),
    };
    match journal {
        Some(journal) if journal.heading.first == FIRST_EPOCH => Ok(journal),
        Some(_) => Err(layout.corrupt("the journal is that of another epoch")),
        None => Err(layout.corrupt("the journal's header is damaged")),
    }
}

/// A tail that was never acknowledged.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) offset: u64,
}

#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) index: Index,
    pub(super) torn: Option<Torn>,
}

/// Reads the journal from its beginning and derives the index. Decides between a torn tail and
/// damage: what a later frame calls synced was acknowledged.
pub(super) fn scan(layout: &Layout, journal: &Journal) -> Result<Scanned, OpenError> {
    let reading = || layout.io("reading the journal");
    let mut index = Index::default();
    index.end.offset = HEADER;
    index.end.chain = journal.heading.before;
    let mut walk =
        Walk::new(&journal.file, journal.key, HEADER).map_err(layout.io("reading the journal"))?;
    let mut torn: Option<(u64, Fault)> = None;
    while let Some(found) = walk.next().map_err(reading())? {
        match found {
            Found::Frame(frame) => {
                let next = index.end.position.saturating_add(1);
                if let Some((offset, fault)) = &torn {
                    if frame.synced >= next {
                        return Err(layout.corrupt(format!(
                            "the journal at byte {offset}: {fault}; events from position {next} \
                             up to {} were acknowledged and cannot be read",
                            frame.first.saturating_sub(1)
                        )));
                    }
                    continue;
                }
                if frame.first != next || frame.before != index.end.chain {
                    return Err(layout.corrupt(format!(
                        "the journal at byte {} goes on with position {} where {next} belongs, \
                         or with another chain",
                        frame.offset, frame.first
                    )));
                }
                index.add(&frame).map_err(|fault| {
                    layout.corrupt(format!("the journal from position {next} on: {fault}"))
                })?;
            }
            Found::Gap { offset, fault, .. } => {
                torn.get_or_insert((offset, fault));
            }
            Found::End => {}
        }
    }
    if index.end.position == 0 {
        return Err(layout.corrupt("the journal's first event cannot be read"));
    }
    Ok(Scanned {
        index,
        torn: torn.map(|(offset, _)| Torn { offset }),
    })
}

/// What the witness last said, if it can be read.
pub(super) fn testimony(layout: &Layout) -> Result<Option<Testimony>, OpenError> {
    match File::open(layout.witness(FIRST_EPOCH)) {
        Ok(file) => witness::read(&file).map_err(layout.io("reading the witness")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(layout.io("opening the witness")(e)),
    }
}

/// The journal must reach at least as far as it once did, with the same chain.
fn compare(
    layout: &Layout,
    journal: &Journal,
    index: &Index,
    said: Option<&Testimony>,
) -> Result<(), OpenError> {
    let Some(said) = said else {
        return Ok(());
    };
    let end = &index.end;
    if said.position > end.position {
        return Err(layout.corrupt(format!(
            "the journal ends at position {}, but events up to {} were written",
            end.position, said.position
        )));
    }
    let chain = match index.frame_of(said.position.saturating_add(1)) {
        // The witness speaks of a frame's end, and the next frame carries the chain hash there.
        Some(next) => journal
            .frame(next.offset)
            .map_err(layout.io("reading the journal"))?
            .ok()
            .and_then(|bytes| Frame::again(&bytes).ok().map(|frame| frame.before)),
        None => Some(end.chain),
    };
    if chain == Some(said.chain) {
        Ok(())
    } else {
        Err(layout.corrupt(format!(
            "the journal's chain at position {} is not what it was",
            said.position
        )))
    }
}

/// Copies the torn tail to a file of its own, then cuts it off. Returns how many bytes it had.
fn set_aside(layout: &Layout, journal: &Journal, torn: &Torn) -> Result<u64, OpenError> {
    let step = "setting the torn tail aside";
    let length = journal.file.metadata().map_err(layout.io(step))?.len();
    let mut tail = vec![0; size(length.saturating_sub(torn.offset))];
    journal
        .file
        .read_exact_at(&mut tail, torn.offset)
        .map_err(layout.io(step))?;
    let used = tail
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last.saturating_add(1));
    tail.truncate(used);
    let name = blake3::hash(&tail).to_hex();
    let short = name.get(..16).unwrap_or_default();
    let path = layout
        .journals()
        .join(format!("torn-{:020}-{short}", torn.offset));
    write_new(&path, &tail).map_err(layout.io(step))?;
    journal
        .file
        .set_len(torn.offset)
        .map_err(layout.io("cutting the torn tail off"))?;
    Ok(len64(used))
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    layout::sync_folder(layout::parent(path))
}

/// Whether sled's files can be opened.
#[derive(Debug, PartialEq, Eq)]
enum Trust {
    /// They are byte for byte what they were after a clean stop.
    Whole,
    /// The last stop was not clean: written anew from the journal, which is normal.
    Unclean,
    /// They should be whole, and are not.
    Damaged(String),
}

fn trust(layout: &Layout, said: Option<&Testimony>, index: &Index) -> Result<Trust, OpenError> {
    let folder = layout.sled(FIRST_EPOCH);
    let Some(said) = said else {
        return Ok(Trust::Unclean);
    };
    if !folder.is_dir() {
        return Ok(Trust::Damaged("sled's folder is missing".to_owned()));
    }
    let Some(files) = said.files else {
        return Ok(Trust::Unclean);
    };
    if said.position != index.end.position {
        return Ok(Trust::Damaged(
            "sled's copy is older than the journal".to_owned(),
        ));
    }
    let found = kept::files_hash(&folder).map_err(layout.io("reading sled's files"))?;
    if found == files {
        Ok(Trust::Whole)
    } else {
        Ok(Trust::Damaged(
            "sled's files are not what they were when it was closed".to_owned(),
        ))
    }
}

/// sled with everything in it, and why it had to be written anew, if that was not to be expected.
fn open_sled(
    layout: &Layout,
    journal: &Journal,
    index: &Index,
    trust: Trust,
) -> (Result<Kept, KeptError>, Option<String>) {
    let reason = match trust {
        Trust::Unclean => None,
        Trust::Damaged(reason) => Some(reason),
        Trust::Whole => match open_whole(layout, journal, index) {
            Ok(kept) => return (Ok(kept), None),
            Err(e) => Some(e.to_string()),
        },
    };
    let mut rebuilt = rebuild(layout, journal);
    if rebuilt.is_err() && reason.is_none() {
        // The old copy may be what fills the disk, and it is no evidence of anything: the journal
        // was just read whole.
        rebuilt = layout::remove(&aside(layout))
            .map_err(KeptError::from)
            .and_then(|()| rebuild(layout, journal));
    }
    (rebuilt, reason)
}

fn open_whole(layout: &Layout, journal: &Journal, index: &Index) -> Result<Kept, KeptError> {
    let kept = Kept::open(&layout.sled(FIRST_EPOCH))?;
    let last = index.frames.last();
    let same = match (last, kept.last()?) {
        (Some(last), Some(first)) if last.first == first => {
            let bytes = kept.frame(first)?.unwrap_or_default();
            let witnessed = journal.frame(last.offset)??;
            *bytes == *witnessed
        }
        _ => false,
    };
    if same {
        Ok(kept)
    } else {
        Err(std::io::Error::other("sled's last frame is not the journal's").into())
    }
}

/// Where sled's old copy waits until the new one is whole.
fn aside(layout: &Layout) -> PathBuf {
    layout.sled(FIRST_EPOCH).with_extension("aside")
}

/// Sets sled's folder aside, writes a new one from the journal, and drops the old one. No barrier
/// in between: if this is cut off, the next opening does it again.
fn rebuild(layout: &Layout, journal: &Journal) -> Result<Kept, KeptError> {
    let folder = layout.sled(FIRST_EPOCH);
    let aside = aside(layout);
    if folder.exists() {
        if aside.exists() {
            // A rebuild was cut off: what was set aside then is the copy to keep until the end.
            layout::remove(&folder)?;
        } else {
            layout::rename(&folder, &aside)?;
        }
    }
    layout::make_folder(&layout.sleds())?;
    let kept = Kept::open(&folder)?;
    let mut walk = Walk::new(&journal.file, journal.key, HEADER)?;
    while let Some(found) = walk.next()? {
        if let Found::Frame(frame) = found {
            for (number, part) in kept::parts(frame.bytes) {
                kept.put(frame.first, number, part)?;
            }
        }
    }
    kept.barrier()?;
    layout::remove(&aside)?;
    Ok(kept)
}

/// The ledger's and the timeline's id.
pub(super) fn identity(shared: &Shared) -> (Uuid, Uuid) {
    let heading = &shared.journal.heading;
    (heading.ledger, heading.timeline)
}

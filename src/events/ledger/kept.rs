//! sled: the store that holds every event, one value per frame. The one file that names sled.
//!
//! sled does not sync by itself, loses much when too much goes into it between two syncs, and
//! opens damaged files quietly or with a panic (`docs/hazards.md`). So it is fed in small steps
//! with a barrier of ours after each, and opened only when its files are known to be whole.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::frame::{Fault, claimed_length};
use super::record::Hash;

/// No value is larger: bigger ones would make sled write blob files, which it never syncs.
pub(super) const PART: usize = 6 * 1024;
/// At most so many bytes of values go into sled between two barriers.
pub(super) const STEP: usize = 128 * 1024;
/// sled's file of values, in its folder.
pub(super) const DATA: &str = "db";
/// sled's page cache. It does not bound what scans leave resident.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Opening longer than this is a hang.
const OPEN_DEADLINE: Duration = Duration::from_mins(1);

/// How often and how long at a time a closed sled is given to let its files go.
const LET_GO_TRIES: u32 = 2000;
const LET_GO_WAIT: Duration = Duration::from_millis(5);

/// An open sled of one epoch.
#[derive(Debug)]
pub(super) struct Kept {
    db: sled::Db,
    /// Opened before the first write and never again: a sync reports each failure only once.
    data: File,
}

/// What sled said no with, or how it broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeptError {
    #[error("sled: {0}")]
    Sled(#[from] sled::Error),
    #[error("syncing sled's files: {0}")]
    Io(#[from] io::Error),
    #[error("sled panicked: {0}")]
    Panicked(String),
    #[error("sled did not open within {} seconds", OPEN_DEADLINE.as_secs())]
    Hung,
    #[error("a frame in sled is damaged: {0}")]
    Frame(#[from] Fault),
    #[error("sled holds a key that is not ours")]
    Key,
}

fn key(first: u64, part: u16) -> [u8; 10] {
    let mut key = [0; 10];
    let (position, number) = key.split_at_mut(8);
    position.copy_from_slice(&first.to_be_bytes());
    number.copy_from_slice(&part.to_be_bytes());
    key
}

fn unkey(key: &[u8]) -> Option<(u64, u16)> {
    let (first, part) = key.split_first_chunk::<8>()?;
    let part = <[u8; 2]>::try_from(part).ok()?;
    Some((u64::from_be_bytes(*first), u16::from_be_bytes(part)))
}

/// Runs something of sled's; a panic becomes an error.
fn guarded<T>(run: impl FnOnce() -> Result<T, KeptError>) -> Result<T, KeptError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without words");
        Err(KeptError::Panicked(words.to_owned()))
    })
}

impl Kept {
    /// Opens or makes sled in the folder, in a thread of its own, since it may hang.
    pub(super) fn open(folder: &Path) -> Result<Self, KeptError> {
        let (send, receive) = mpsc::sync_channel(1);
        let folder = folder.to_owned();
        std::thread::Builder::new()
            .name("ledger-sled-open".to_owned())
            .spawn(move || {
                // Nobody listens any more when it hung for too long.
                drop(send.send(guarded(|| Self::open_here(&folder))));
            })?;
        receive
            .recv_timeout(OPEN_DEADLINE)
            .unwrap_or(Err(KeptError::Hung))
    }

    fn open_here(folder: &Path) -> Result<Self, KeptError> {
        let db = sled::Config::new()
            .path(folder)
            .flush_every_ms(None)
            .cache_capacity(CACHE_BYTES)
            .open()?;
        let data = File::open(folder.join(DATA))?;
        data.sync_all()?;
        sync_tree(folder)?;
        Ok(Self { db, data })
    }

    /// Writes one numbered part of a frame. Not durable before the barrier.
    pub(super) fn put(&self, first: u64, part: u16, bytes: &[u8]) -> Result<(), KeptError> {
        guarded(|| {
            self.db.insert(key(first, part), bytes)?;
            Ok(())
        })
    }

    /// Makes room for a part that is put later, after all others were reserved too. sled writes
    /// a leaf anew when it splits and after every ten changes, so what is put into leaves that
    /// have their final size is written once instead of three times.
    pub(super) fn reserve(&self, first: u64, part: u16) -> Result<(), KeptError> {
        self.put(first, part, &[])
    }

    /// Returns once all that was put is on the device.
    pub(super) fn barrier(&self) -> Result<(), KeptError> {
        guarded(|| {
            self.db.flush()?;
            // flush() only starts the writing; this is the sync.
            self.data.sync_data()?;
            Ok(())
        })
    }

    /// The bytes of the frame that begins with this position, unchecked.
    pub(super) fn frame(&self, first: u64) -> Result<Option<Vec<u8>>, KeptError> {
        guarded(|| {
            let Some(start) = self.db.get(key(first, 0))? else {
                return Ok(None);
            };
            let length = claimed_length(&start)?;
            let mut bytes = Vec::with_capacity(length);
            bytes.extend_from_slice(&start);
            for part in 1..=u16::MAX {
                if bytes.len() >= length {
                    break;
                }
                match self.db.get(key(first, part))? {
                    Some(more) => bytes.extend_from_slice(&more),
                    None => break,
                }
            }
            Ok(Some(bytes))
        })
    }

    /// The first position of the last frame.
    pub(super) fn last(&self) -> Result<Option<u64>, KeptError> {
        guarded(|| match self.db.last()? {
            Some((key, _)) => unkey(&key)
                .map(|(first, _)| Some(first))
                .ok_or(KeptError::Key),
            None => Ok(None),
        })
    }

    /// Every value as it stands there, in order, until `visit` says no.
    pub(super) fn each_value(
        &self,
        mut visit: impl FnMut(u64, u16, &[u8]) -> bool,
    ) -> Result<(), KeptError> {
        guarded(|| {
            for entry in self.db.iter() {
                let (key, value) = entry?;
                let (first, part) = unkey(&key).ok_or(KeptError::Key)?;
                if !visit(first, part, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Every frame's first position and bytes in order, until `visit` says no.
    pub(super) fn each(&self, mut visit: impl FnMut(u64, &[u8]) -> bool) -> Result<(), KeptError> {
        guarded(|| {
            let mut gathered: Option<(u64, Vec<u8>)> = None;
            for entry in self.db.iter() {
                let (key, value) = entry?;
                let (first, _) = unkey(&key).ok_or(KeptError::Key)?;
                match &mut gathered {
                    Some((same, bytes)) if *same == first => bytes.extend_from_slice(&value),
                    other => {
                        if let Some((first, bytes)) = other.replace((first, value.to_vec()))
                            && !visit(first, &bytes)
                        {
                            return Ok(());
                        }
                    }
                }
            }
            if let Some((first, bytes)) = gathered {
                visit(first, &bytes);
            }
            Ok(())
        })
    }
}

/// Closes sled and waits until it has let its files go: its threads may hold it, and write, for
/// some milliseconds after the last handle is gone. Says whether it did. A panic while closing
/// loses nothing, since its files are compared at opening.
pub(super) fn shut(kept: Option<Kept>) -> bool {
    let Some(Kept { db, data }) = kept else {
        return true;
    };
    let closed = guarded(|| {
        drop(db);
        Ok(())
    });
    closed.is_ok() && (0..LET_GO_TRIES).any(|_| let_go(&data))
}

/// Whether sled's lock on the file is gone; waits a moment if not.
#[expect(
    clippy::disallowed_methods,
    reason = "sled offers nothing else to wait for"
)]
fn let_go(data: &File) -> bool {
    let free = data.try_lock().is_ok();
    if !free {
        std::thread::sleep(LET_GO_WAIT);
    }
    free
}

/// Puts the files of a closed sled on the device and returns their hash.
pub(super) fn seal(folder: &Path) -> io::Result<Hash> {
    sync_tree(folder)?;
    files_hash(folder)
}

/// A frame as sled's values.
pub(super) fn parts(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    // The largest frame has far fewer parts than there are numbers.
    (0..=u16::MAX).zip(bytes.chunks(PART))
}

/// All files below the folder, sorted by path; none when there is no folder.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    if !folder.exists() {
        return Ok(files);
    }
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Syncs every file and folder, and the folder's own name.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for file in files_below(folder)? {
        File::open(file)?.sync_all()?;
    }
    let blobs = folder.join("blobs");
    if blobs.is_dir() {
        super::layout::sync_folder(&blobs)?;
    }
    super::layout::sync_folder(folder)?;
    super::layout::sync_folder(super::layout::parent(folder))
}

/// One hash over names, lengths and contents of sled's files, as they are now.
pub(super) fn files_hash(folder: &Path) -> io::Result<Hash> {
    let mut all = blake3::Hasher::new();
    for file in files_below(folder)? {
        let name = file.strip_prefix(folder).unwrap_or(&file);
        let mut content = blake3::Hasher::new();
        content.update_reader(File::open(&file)?)?;
        all.update(blake3::hash(name.as_os_str().as_encoded_bytes()).as_bytes());
        all.update(content.finalize().as_bytes());
    }
    Ok(*all.finalize().as_bytes())
}

/// Files in sled's own blob folder, which must stay empty.
pub(super) fn stray_blobs(folder: &Path) -> io::Result<usize> {
    let blobs = folder.join("blobs");
    if blobs.is_dir() {
        Ok(fs::read_dir(blobs)?.count())
    } else {
        Ok(0)
    }
}

//! Names in the store's folder, its lock, its format, and folders that are really on the disk.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::handle::OpenError;

/// The store format this binary writes, and the newest it reads. Format 1 had one epoch only; such
/// a store becomes one of format 2 before its second epoch begins.
pub const FORMAT: u32 = 2;
/// The oldest format this binary reads.
const OLDEST: u32 = 1;
const FORMAT_TITLE: &str = "switchboard store";
/// First position of the first epoch.
pub(super) const FIRST_EPOCH: u64 = 1;

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) store: PathBuf,
}

/// The store's lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do while a child that is just being started still shares the
        // file. A lock that cannot be let go is let go by the end of the process.
        drop(self.0.unlock());
    }
}

/// What a folder turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// A store of a format this binary reads: this one.
    Store(u32),
    /// Nothing, an empty folder, or one whose making was cut off.
    Nothing,
}

impl Layout {
    /// Absolute, so that a later change of the working folder moves nothing.
    pub(super) fn new(store: &Path) -> Self {
        Self {
            store: std::path::absolute(store).unwrap_or_else(|_| store.to_owned()),
        }
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.store.join("lock")
    }

    pub(super) fn format(&self) -> PathBuf {
        self.store.join("format")
    }

    /// Exists while a store is being made.
    pub(super) fn creating(&self) -> PathBuf {
        self.store.join(".switchboard-creating")
    }

    pub(super) fn journals(&self) -> PathBuf {
        self.store.join("journal")
    }

    pub(super) fn journal(&self, epoch: u64) -> PathBuf {
        self.journals().join(format!("{epoch:020}.journal"))
    }

    /// The next epoch's journal while it has no position yet.
    pub(super) fn next_journal(&self) -> PathBuf {
        self.journals().join("next.journal")
    }

    pub(super) fn witness(&self, epoch: u64) -> PathBuf {
        self.journals().join(format!("{epoch:020}.witness"))
    }

    /// All of sled's folders.
    pub(super) fn sleds(&self) -> PathBuf {
        self.store.join("ledger")
    }

    pub(super) fn sled(&self, epoch: u64) -> PathBuf {
        self.sleds().join(format!("{epoch:020}"))
    }

    /// Whether there is an epoch of a store here, whatever else is missing.
    fn has_epochs(&self) -> bool {
        let any = |folder: PathBuf, extension| {
            epochs(&folder, extension).is_ok_and(|epochs| !epochs.is_empty())
        };
        any(self.journals(), "journal") || any(self.sleds(), "seal")
    }

    /// A closed epoch's sled.
    pub(super) fn closed(&self, epoch: u64) -> PathBuf {
        self.sleds().join(format!("{epoch:020}.closed"))
    }

    /// What says that an epoch is closed.
    pub(super) fn seal(&self, epoch: u64) -> PathBuf {
        self.sleds().join(format!("{epoch:020}.seal"))
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.store.join("blobs")
    }

    /// The store's folder in words, for errors.
    pub(super) fn shown(&self) -> String {
        self.store.display().to_string()
    }

    pub(super) fn io(&self, step: &'static str) -> impl FnOnce(io::Error) -> OpenError {
        let path = self.shown();
        move |source| OpenError::Io { step, path, source }
    }

    pub(super) fn corrupt(&self, reason: impl Into<String>) -> OpenError {
        OpenError::Corrupt {
            path: self.shown(),
            reason: reason.into(),
        }
    }

    fn not_a_store(&self, reason: impl Into<String>) -> OpenError {
        OpenError::NotAStore {
            path: self.shown(),
            reason: reason.into(),
        }
    }

    /// Looks at the folder without changing anything.
    pub(super) fn nature(&self) -> Result<Nature, OpenError> {
        match fs::read_to_string(self.format()) {
            Ok(text) => return self.check_format(&text),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) if e.kind() == ErrorKind::NotADirectory => {
                return Err(self.not_a_store("it is no folder"));
            }
            Err(e) if e.kind() == ErrorKind::InvalidData => {
                return Err(self.damaged_format());
            }
            Err(e) => return Err(self.io("reading the format")(e)),
        }
        let entries = match fs::read_dir(&self.store) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Nature::Nothing),
            Err(e) if e.kind() == ErrorKind::NotADirectory => {
                return Err(self.not_a_store("it is no folder"));
            }
            Err(e) => return Err(self.io("listing the folder")(e)),
        };
        if self.creating().exists() {
            return Ok(Nature::Nothing);
        }
        for entry in entries {
            let name = entry.map_err(self.io("listing the folder"))?.file_name();
            if name == "journal" && self.has_epochs() {
                return Err(self.corrupt("the file `format` is missing"));
            }
            if name != "lock" {
                let name = name.to_string_lossy().into_owned();
                return Err(self.not_a_store(format!("it holds `{name}` but no file `format`")));
            }
        }
        Ok(Nature::Nothing)
    }

    fn damaged_format(&self) -> OpenError {
        if self.has_epochs() {
            self.corrupt("the file `format` is damaged")
        } else {
            self.not_a_store("its file `format` is not ours")
        }
    }

    fn check_format(&self, text: &str) -> Result<Nature, OpenError> {
        let found = text
            .strip_prefix(FORMAT_TITLE)
            .and_then(|rest| rest.strip_prefix("\nformat "))
            .and_then(|number| number.strip_suffix('\n'))
            .and_then(|number| number.parse::<u32>().ok());
        match found {
            Some(found) if (OLDEST..=FORMAT).contains(&found) => Ok(Nature::Store(found)),
            Some(found) if found > FORMAT => Err(OpenError::TooNew {
                path: self.shown(),
                found,
                known: FORMAT,
            }),
            Some(_) | None => Err(self.damaged_format()),
        }
    }

    /// Takes the lock file; it is let go when the file is closed, also by a crash.
    pub(super) fn take_lock(&self) -> Result<Lock, OpenError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.lock())
            .map_err(self.io("opening the lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: self.shown() }),
            Err(TryLockError::Error(e)) => Err(self.io("locking")(e)),
        }
    }

    /// Makes the store's folder and every missing folder above it, synced up to and including
    /// the parent of the first that was missing, at least the store's own parent.
    pub(super) fn make_store_folder(&self) -> Result<(), OpenError> {
        make_folder_chain(&self.store).map_err(self.io("making the folder"))?;
        match sync_folder(parent(&self.store)) {
            // Somebody else's folder that may be passed through but not read: its name for the
            // store is as durable as its owner made it.
            Err(e) if e.kind() == ErrorKind::PermissionDenied => Ok(()),
            synced => synced.map_err(self.io("syncing the parent folder")),
        }
    }

    /// Says that a store is being made here. An empty file, so that it cannot be torn.
    pub(super) fn mark_creating(&self) -> io::Result<()> {
        File::create(self.creating())?.sync_all()?;
        sync_folder(&self.store)
    }

    /// Declares the store complete.
    pub(super) fn write_format(&self) -> io::Result<()> {
        let text = format!("{FORMAT_TITLE}\nformat {FORMAT}\n");
        write_atomic(&self.format(), text.as_bytes())
    }
}

fn make_folder_chain(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => sync_folder(parent(folder)),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound && parent(folder) != folder => {
            make_folder_chain(parent(folder))?;
            make_folder_chain(folder)
        }
        Err(e) => Err(e),
    }
}

/// The folder something stands in; the working folder for a bare name.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// First positions of the epochs that have a file or folder with this extension ("" for none).
pub(super) fn epochs(folder: &Path, extension: &str) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(found),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let name = PathBuf::from(entry?.file_name());
        let fits = name.extension().unwrap_or_default() == extension;
        let digits = name.file_stem().and_then(|stem| stem.to_str());
        if let Some(first) = digits.filter(|digits| fits && digits.len() == 20)
            && let Ok(first) = first.parse()
        {
            found.push(first);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes one folder, if it is not there, and syncs its parent.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => sync_folder(parent(folder)),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}

/// Puts the names in a folder on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A new private file, synced together with its name: temporary name, sync, rename, sync.
pub(super) fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", thread_mark()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        rename(&temporary, path)
    })();
    if written.is_err() {
        // The first error is the one to report; a left-over temporary file harms nobody.
        drop(fs::remove_file(&temporary));
    }
    written
}

/// Tells threads of this process apart, so that two never write the same temporary file.
fn thread_mark() -> String {
    let digits = |text: String| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    digits(format!("{:?}", std::thread::current().id()))
}

/// Renames and syncs the folder.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    rename_unsynced(from, to)?;
    sync_folder(parent(to))
}

/// Renames; after a power cut the file may have either name.
#[expect(
    clippy::disallowed_methods,
    reason = "the ledger is below adapters; this is its own rename"
)]
pub(super) fn rename_unsynced(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Removes a file or a whole folder, if it is there, and syncs its parent.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => Err(e),
    };
    removed.and_then(|()| sync_folder(parent(path)))
}

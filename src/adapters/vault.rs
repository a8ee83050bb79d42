//! A folder that keeps backups: one file per object.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::files::replace;
use crate::backup::ports::{Claimed, Item, Locks, Shelf, Vault, VaultError};
use crate::events::ledger::disk::{Disk, OsDisk};

/// Numbers temporary files within this process.
static NUMBER: AtomicU64 = AtomicU64::new(0);
/// Temporary files begin like this.
const UNFINISHED: &str = ".unfinished-";

/// A repository in a folder.
#[derive(Clone, Debug)]
pub struct FolderVault {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
}

impl FolderVault {
    /// In this folder, which need not be there yet.
    pub fn at(folder: &Path) -> Self {
        Self::on(folder, Arc::new(OsDisk))
    }

    /// The same on a disk of the caller's: tests bring one that fails.
    pub fn on(folder: &Path, disk: Arc<dyn Disk>) -> Self {
        Self {
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            disk,
        }
    }

    fn shelf(&self, on: Shelf) -> PathBuf {
        match on {
            Shelf::Top => self.folder.clone(),
            Shelf::Segments | Shelf::Blobs | Shelf::Manifests | Shelf::Locks | Shelf::Trash => {
                self.folder.join(on.name())
            }
        }
    }

    /// Where an object is. Names are never paths.
    fn path(&self, on: Shelf, name: &str) -> io::Result<PathBuf> {
        let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
        if is_name {
            Ok(self.shelf(on).join(name))
        } else {
            let text = format!("`{name}` is no name of an object");
            Err(io::Error::new(ErrorKind::InvalidInput, text))
        }
    }

    fn make_folders(&self) -> io::Result<()> {
        let mut missing: Vec<&Path> = self
            .folder
            .ancestors()
            .take_while(|folder| !folder.is_dir())
            .collect();
        missing.reverse();
        for folder in missing {
            self.make_folder(folder)?;
        }
        for shelf in Shelf::FOLDERS {
            self.make_folder(&self.shelf(shelf))?;
        }
        Ok(())
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        self.disk.step("making a folder of the repository")?;
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => self.sync(folder.parent().unwrap_or(folder)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        self.disk.step("syncing a folder of the repository")?;
        File::open(folder)?.sync_all()
    }

    fn write(&self, on: Shelf, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(on, name)?;
        let folder = self.shelf(on);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!("{UNFINISHED}{}-{number}", process::id()));
        let written = self.write_synced(&temporary, bytes).and_then(|()| {
            self.disk.step("naming an object")?;
            replace(&temporary, &path)
        });
        if written.is_err() {
            // The first error is the one to report; what stays behind has no name that counts.
            fs::remove_file(&temporary).ok();
        }
        written?;
        self.sync(&folder)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.disk.step("making an object")?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        self.disk.step("writing an object")?;
        file.write_all(bytes)?;
        self.disk.step("syncing an object")?;
        file.sync_all()
    }

    fn throw_away(&self, on: Shelf, name: &str, trash: &str) -> io::Result<()> {
        let path = self.path(on, name)?;
        let into = self.path(Shelf::Trash, trash)?;
        self.disk.step("moving an object to the trash")?;
        replace(&path, &into)?;
        self.sync(&self.shelf(on))?;
        self.sync(&self.shelf(Shelf::Trash))
    }

    fn delete(&self, on: Shelf, name: &str) -> io::Result<()> {
        let path = self.path(on, name)?;
        self.disk.step("removing an object")?;
        match fs::remove_file(path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        self.sync(&self.shelf(on))
    }

    /// Does something with locks while nobody else on this machine does.
    fn alone<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let gate = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.shelf(Shelf::Locks).join(".gate"))?;
        gate.lock()?;
        let done = work();
        gate.unlock()?;
        done
    }

    fn lock_says(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(Shelf::Locks, name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Removes what processes that are gone left unfinished, and says how many files that were.
    fn sweep(&self, on: Shelf) -> io::Result<u64> {
        let mut swept = 0;
        for entry in entries(&self.shelf(on))? {
            let name = entry.file_name();
            let owner = name
                .to_str()
                .and_then(|name| name.strip_prefix(UNFINISHED))
                .and_then(|rest| rest.split_once('-'))
                .and_then(|(pid, _)| pid.parse::<u32>().ok());
            let gone = owner.is_some_and(|pid| {
                pid != process::id() && !Path::new("/proc").join(pid.to_string()).exists()
            });
            if gone {
                self.disk.step("removing an unfinished object")?;
                fs::remove_file(entry.path())?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

fn refused(step: &'static str, object: String) -> impl FnOnce(io::Error) -> VaultError {
    move |source| VaultError {
        step,
        object,
        full: matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        ),
        source,
    }
}

impl Vault for FolderVault {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn prepare(&self) -> Result<(), VaultError> {
        self.make_folders()
            .and_then(|()| {
                for shelf in Shelf::FOLDERS.into_iter().chain([Shelf::Top]) {
                    self.sweep(shelf)?;
                }
                Ok(())
            })
            .map_err(refused("preparing", self.place()))
    }

    fn list(&self, on: Shelf) -> Result<Vec<Item>, VaultError> {
        let list = || {
            let mut items = Vec::new();
            for entry in entries(&self.shelf(on))? {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with('.') {
                    continue;
                }
                // Links are not followed: an object is a plain file.
                let found = entry.metadata()?;
                let bytes = found.is_file().then_some(found.len());
                items.push(Item { name, bytes });
            }
            Ok(items)
        };
        list().map_err(refused("listing", on.object("")))
    }

    fn read(&self, on: Shelf, name: &str, limit: u64) -> Result<Option<Vec<u8>>, VaultError> {
        let read = || {
            let path = self.path(on, name)?;
            let length = match fs::symlink_metadata(&path) {
                Ok(found) if found.is_file() => found.len(),
                Ok(_) => return Ok(None),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(None);
                }
                Err(e) => return Err(e),
            };
            let length = usize::try_from(length.min(limit)).unwrap_or(usize::MAX);
            let mut bytes = Vec::with_capacity(length);
            File::open(&path)?.take(limit).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        read().map_err(refused("reading", on.object(name)))
    }

    fn put(&self, on: Shelf, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.write(on, name, bytes)
            .map_err(refused("writing", on.object(name)))
    }

    fn discard(&self, on: Shelf, name: &str, trash: &str) -> Result<(), VaultError> {
        self.throw_away(on, name, trash)
            .map_err(refused("discarding", on.object(name)))
    }

    fn remove(&self, on: Shelf, name: &str) -> Result<(), VaultError> {
        self.delete(on, name)
            .map_err(refused("removing", on.object(name)))
    }
}

impl Locks for FolderVault {
    fn claim(
        &self,
        name: &str,
        bytes: &[u8],
        is_dead: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Claimed, VaultError> {
        let claim = || {
            let there = self.lock_says(name)?;
            if let Some(held) = there.as_ref().filter(|held| !is_dead(held)) {
                return Ok(Claimed::Held(held.clone()));
            }
            self.write(Shelf::Locks, name, bytes)?;
            Ok(there.map_or(Claimed::Taken, Claimed::Broken))
        };
        self.alone(claim)
            .map_err(refused("locking", Shelf::Locks.object(name)))
    }

    fn renew(&self, name: &str, before: &[u8], bytes: &[u8]) -> Result<bool, VaultError> {
        let renew = || {
            if self.lock_says(name)?.as_deref() != Some(before) {
                return Ok(false);
            }
            self.write(Shelf::Locks, name, bytes)?;
            Ok(true)
        };
        self.alone(renew)
            .map_err(refused("renewing", Shelf::Locks.object(name)))
    }

    fn release(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        let release = || {
            if self.lock_says(name)?.as_deref() == Some(bytes) {
                self.delete(Shelf::Locks, name)?;
            }
            Ok(())
        };
        self.alone(release)
            .map_err(refused("unlocking", Shelf::Locks.object(name)))
    }
}

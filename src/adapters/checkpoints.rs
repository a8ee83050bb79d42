//! Checkpoints of projections as files: one per name, replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::projections::checkpoints::{CheckpointError, Checkpoints};

/// Files `<name>.state` in one folder, made when the first one is stored.
#[derive(Clone, Debug)]
pub struct FolderCheckpoints {
    folder: PathBuf,
}

impl FolderCheckpoints {
    /// Checkpoints in the folder `projections` of a store.
    pub fn of_store(store: &Path) -> Self {
        Self {
            folder: store.join("projections"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.state"))
    }
}

impl Checkpoints for FolderCheckpoints {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, CheckpointError> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble("reading", name, &error)),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
        fs::create_dir_all(&self.folder).map_err(|e| trouble("making the folder", name, &e))?;
        let temporary = self.folder.join(format!(".{name}.new"));
        write_synced(&temporary, bytes).map_err(|e| trouble("writing", name, &e))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "temp file synced above, folder synced below: this is the atomic write"
        )]
        fs::rename(&temporary, self.path(name)).map_err(|e| trouble("renaming", name, &e))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| trouble("syncing the folder", name, &e))
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn trouble(step: &'static str, name: &str, error: &io::Error) -> CheckpointError {
    CheckpointError {
        step,
        name: name.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_last_is_loaded_and_no_temporary_is_left() {
        let store = tempfile::tempdir().unwrap();
        let checkpoints = FolderCheckpoints::of_store(store.path());
        assert_eq!(checkpoints.load("agents@1").unwrap(), None);
        checkpoints.store("agents@1", b"long and old").unwrap();
        checkpoints.store("agents@1", b"new").unwrap();
        assert_eq!(checkpoints.load("agents@1").unwrap().unwrap(), b"new");
        let names: Vec<_> = fs::read_dir(store.path().join("projections"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["agents@1.state"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_the_step() {
        let store = tempfile::tempdir().unwrap();
        fs::File::create(store.path().join("projections")).unwrap();
        let error = FolderCheckpoints::of_store(store.path())
            .store("agents@1", b"x")
            .unwrap_err();
        assert_eq!(error.step, "making the folder");
    }
}

//! Checkpoints of projections as files: one per name, replaced whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{make_folder, write_atomic};
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
            Err(error) => Err(CheckpointError {
                step: "reading",
                name: name.to_owned(),
                reason: error.to_string(),
            }),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
        let written = make_folder(&self.folder, 0o700)
            .and_then(|()| write_atomic(&self.path(name), bytes, 0o600));
        written.map_err(|error| CheckpointError {
            step: error.step,
            name: name.to_owned(),
            reason: error.source.to_string(),
        })
    }

    fn names(&self) -> Result<Vec<String>, CheckpointError> {
        let listing = |error: io::Error| CheckpointError {
            step: "listing",
            name: "*".to_owned(),
            reason: error.to_string(),
        };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(listing(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(listing)?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".state"));
            names.extend(name.map(str::to_owned));
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<(), CheckpointError> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CheckpointError {
                step: "removing",
                name: name.to_owned(),
                reason: error.to_string(),
            }),
            _ => Ok(()),
        }
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
        assert_eq!(checkpoints.names().unwrap(), ["agents@1"]);
        checkpoints.remove("agents@1").unwrap();
        checkpoints.remove("agents@1").unwrap();
        assert!(checkpoints.names().unwrap().is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_the_step() {
        let store = tempfile::tempdir().unwrap();
        fs::File::create(store.path().join("projections")).unwrap();
        let checkpoints = FolderCheckpoints::of_store(store.path());
        assert!(checkpoints.store("agents@1", b"x").is_err());
        assert!(checkpoints.load("agents@1").is_err());
    }
}

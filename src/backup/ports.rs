//! What backups ask of the place where they are kept.

use std::fmt;

use super::digest::Digest;

/// The parts of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// `config`, `keys`, `LATEST` and `pruned`.
    Top,
    /// Events.
    Segments,
    /// Large bodies.
    Blobs,
    /// Backups.
    Manifests,
    /// Who works here.
    Locks,
    /// What nobody needs any more, and is removed later.
    Trash,
}

impl Shelf {
    /// Every shelf that is a folder.
    pub const FOLDERS: [Self; 5] = [
        Self::Segments,
        Self::Blobs,
        Self::Manifests,
        Self::Locks,
        Self::Trash,
    ];

    /// Its folder's name; empty for the top.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Segments => "segments",
            Self::Blobs => "blobs",
            Self::Manifests => "manifests",
            Self::Locks => "locks",
            Self::Trash => "trash",
        }
    }

    /// An object of it, as people are told.
    pub fn object(self, name: &str) -> String {
        match self {
            Self::Top => name.to_owned(),
            Self::Segments | Self::Blobs | Self::Manifests | Self::Locks | Self::Trash => {
                format!("{}/{name}", self.name())
            }
        }
    }
}

/// One object on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Its length in bytes; none for what is no plain file.
    pub bytes: Option<u64>,
}

/// A place that refused a step.
#[derive(Debug, thiserror::Error)]
#[error("{step} {object} failed")]
pub struct VaultError {
    /// What was tried.
    pub step: &'static str,
    /// With which object.
    pub object: String,
    /// Whether there is no room.
    pub full: bool,
    /// What the system said.
    pub source: std::io::Error,
}

/// A place for objects. What has a name is whole; names do not change and contents neither, but for
/// those on top. Nothing waits.
pub trait Vault: Send + Sync + fmt::Debug {
    /// What it is, for people.
    fn place(&self) -> String;

    /// Makes the shelves, durably, where they are missing.
    fn prepare(&self) -> Result<(), VaultError>;

    /// The objects on a shelf, in any order; none where there is no such shelf. Unfinished ones are not
    /// among them.
    fn list(&self, on: Shelf) -> Result<Vec<Item>, VaultError>;

    /// The first `limit` bytes of an object; none when it is absent or no plain file.
    fn read(&self, on: Shelf, name: &str, limit: u64) -> Result<Option<Vec<u8>>, VaultError>;

    /// Puts an object there, replacing one of this name in one instant. Durable when it returns.
    fn put(&self, on: Shelf, name: &str, bytes: &[u8]) -> Result<(), VaultError>;

    /// Moves an object to the trash under another name.
    fn discard(&self, on: Shelf, name: &str, trash: &str) -> Result<(), VaultError>;

    /// Removes an object for good.
    fn remove(&self, on: Shelf, name: &str) -> Result<(), VaultError>;

    /// The name of a segment or body whose content has this hash. Where names must tell nothing, another
    /// one than the hash.
    fn name_of(&self, content: Digest) -> Digest {
        content
    }

    /// Tells the key that objects are read and written with apart from others; none when they are in the
    /// clear.
    fn key(&self) -> Option<Digest> {
        None
    }
}

/// What became of the wish to hold a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is held now.
    Taken,
    /// It is held now; this was there, and its owner is gone.
    Broken(Vec<u8>),
    /// This is there, and its owner goes on.
    Held(Vec<u8>),
}

/// Locks of a repository: small objects that say who works there.
pub trait Locks: Send + Sync + fmt::Debug {
    /// Puts a lock there unless there is one whose owner goes on, which `is_dead` says of its bytes.
    /// Nobody comes in between.
    fn claim(
        &self,
        name: &str,
        bytes: &[u8],
        is_dead: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Claimed, VaultError>;

    /// Writes a lock that is held anew, if it still says `before`. False when somebody broke it.
    fn renew(&self, name: &str, before: &[u8], bytes: &[u8]) -> Result<bool, VaultError>;

    /// Takes a lock away, if it still says this.
    fn release(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError>;
}

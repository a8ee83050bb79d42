//! A repository as it would be without one of its segments, for drills.

use std::sync::Arc;

use super::digest::Digest;
use super::ports::{Item, Shelf, Vault, VaultError};

/// All of another vault but one segment. Nothing can be written.
#[derive(Debug)]
pub struct Lossy {
    inner: Arc<dyn Vault>,
    lost: String,
}

impl Lossy {
    /// Without this segment.
    pub fn without(inner: Arc<dyn Vault>, lost: Digest) -> Self {
        Self {
            inner,
            lost: lost.to_string(),
        }
    }

    fn is_lost(&self, on: Shelf, name: &str) -> bool {
        on == Shelf::Segments && name == self.lost
    }
}

fn refused(step: &'static str, object: String) -> Result<(), VaultError> {
    Err(VaultError {
        step,
        object,
        full: false,
        source: std::io::ErrorKind::PermissionDenied.into(),
    })
}

impl Vault for Lossy {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn prepare(&self) -> Result<(), VaultError> {
        refused("preparing", self.place())
    }

    fn list(&self, on: Shelf) -> Result<Vec<Item>, VaultError> {
        let mut items = self.inner.list(on)?;
        items.retain(|it| !self.is_lost(on, &it.name));
        Ok(items)
    }

    fn read(&self, on: Shelf, name: &str, limit: u64) -> Result<Option<Vec<u8>>, VaultError> {
        if self.is_lost(on, name) {
            return Ok(None);
        }
        self.inner.read(on, name, limit)
    }

    fn put(&self, on: Shelf, name: &str, _bytes: &[u8]) -> Result<(), VaultError> {
        refused("writing", on.object(name))
    }

    fn discard(&self, on: Shelf, name: &str, _trash: &str) -> Result<(), VaultError> {
        refused("discarding", on.object(name))
    }

    fn remove(&self, on: Shelf, name: &str) -> Result<(), VaultError> {
        refused("removing", on.object(name))
    }

    fn name_of(&self, content: Digest) -> Digest {
        self.inner.name_of(content)
    }

    fn key(&self) -> Option<Digest> {
        self.inner.key()
    }
}

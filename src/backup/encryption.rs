//! Repositories that can be read with a key only: contents and names of objects are encrypted on their way
//! to another vault, but for what says how to get at the key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::catalog::{CONFIG, Config, KEYS, SMALL_MAX};
use super::cipher::{Cipher, TooLong, beginning, plain_length};
use super::digest::Digest;
use super::error::BackupError;
use super::ports::{Item, Shelf, Vault, VaultError};
use super::sealed;

/// How a repository is encrypted. It stands in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// In which way.
    pub cipher: String,
    /// Tells the data key apart from others.
    pub check: Digest,
    /// The data key, each time wrapped so that somebody can get at it.
    pub wrapped: Vec<Wrapped>,
}

/// The data key in an age file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// Public keys of those who can open it; none when a passphrase does.
    pub recipients: Vec<String>,
    /// The file, armored.
    pub age: String,
}

/// The title of the copy of what `config` says about keys.
const TITLE: &str = "keys";

/// How the repository is encrypted; none for one that is not, or is none. Where `config` cannot be read, its
/// copy tells.
pub fn encryption_of(vault: &dyn Vault) -> Result<Option<Encryption>, BackupError> {
    let config = vault.read(Shelf::Top, CONFIG, SMALL_MAX)?;
    if let Some(Ok(config)) = config.map(|bytes| sealed::open::<Config>("config", &bytes)) {
        return Ok(config.encryption);
    }
    Ok(copy(vault)?.and_then(Result::ok))
}

/// The copy, if there is one.
pub fn copy(vault: &dyn Vault) -> Result<Option<Result<Encryption, sealed::Flaw>>, BackupError> {
    let bytes = vault.read(Shelf::Top, KEYS, SMALL_MAX)?;
    Ok(bytes.map(|bytes| sealed::open(TITLE, &bytes)))
}

/// Writes `config`, and a copy of its keys: without them nothing could ever be read.
pub fn put_config(vault: &dyn Vault, config: &Config) -> Result<(), BackupError> {
    let damaged = |flaw: sealed::Flaw| BackupError::Damaged {
        object: CONFIG.to_owned(),
        problem: flaw.to_string(),
    };
    let version = if config.encryption.is_some() {
        sealed::ENCRYPTED
    } else {
        sealed::VERSION
    };
    let bytes = sealed::seal_as(version, "config", config).map_err(damaged)?;
    if let Some(encryption) = &config.encryption {
        let keys = sealed::seal_as(version, TITLE, encryption).map_err(damaged)?;
        vault.put(Shelf::Top, CONFIG, &bytes)?;
        vault.put(Shelf::Top, KEYS, &keys)?;
    } else {
        vault.put(Shelf::Top, CONFIG, &bytes)?;
    }
    Ok(())
}

/// Gives the data key to these and to nobody else. Every backup stays as it is.
pub fn rekey(vault: &dyn Vault, wrapped: Vec<Wrapped>) -> Result<Config, BackupError> {
    let bytes = vault.read(Shelf::Top, CONFIG, SMALL_MAX)?;
    let damaged = |problem: String| BackupError::Damaged {
        object: CONFIG.to_owned(),
        problem,
    };
    let bytes = bytes.ok_or_else(|| BackupError::NoRepository(vault.place()))?;
    let mut config: Config =
        sealed::open("config", &bytes).map_err(|flaw| damaged(flaw.to_string()))?;
    match &mut config.encryption {
        Some(encryption) => encryption.wrapped = wrapped,
        None => return Err(BackupError::NotEncrypted(vault.place())),
    }
    put_config(vault, &config)?;
    Ok(config)
}

/// Another vault, whose objects nobody reads without the key.
#[derive(Debug)]
pub struct Encrypted {
    inner: Arc<dyn Vault>,
    cipher: Cipher,
}

impl Encrypted {
    /// What is kept in this one, with this key.
    pub fn over(inner: Arc<dyn Vault>, cipher: Cipher) -> Self {
        Self { inner, cipher }
    }
}

/// What is read before there is a key, and what is only moved.
fn in_the_clear(on: Shelf, name: &str) -> bool {
    match on {
        Shelf::Top => name == CONFIG || name == KEYS,
        Shelf::Locks | Shelf::Trash => true,
        Shelf::Segments | Shelf::Blobs | Shelf::Manifests => false,
    }
}

impl Vault for Encrypted {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn prepare(&self) -> Result<(), VaultError> {
        self.inner.prepare()
    }

    fn list(&self, on: Shelf) -> Result<Vec<Item>, VaultError> {
        let mut items = self.inner.list(on)?;
        for item in &mut items {
            if !in_the_clear(on, &item.name) {
                item.bytes = item.bytes.map(plain_length);
            }
        }
        Ok(items)
    }

    fn read(&self, on: Shelf, name: &str, limit: u64) -> Result<Option<Vec<u8>>, VaultError> {
        if in_the_clear(on, name) {
            return self.inner.read(on, name, limit);
        }
        let wanted = beginning(limit);
        let Some(bytes) = self.inner.read(on, name, wanted)? else {
            return Ok(None);
        };
        let whole = u64::try_from(bytes.len()).unwrap_or(u64::MAX) < wanted;
        // What cannot be opened has no bytes: whoever reads it finds that it is not what it should be.
        let opened = self.cipher.open(&on.object(name), &bytes, whole);
        let mut bytes = opened.unwrap_or_default();
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Some(bytes))
    }

    fn put(&self, on: Shelf, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        if in_the_clear(on, name) {
            return self.inner.put(on, name, bytes);
        }
        let object = on.object(name);
        let sealed = self.cipher.seal(&object, bytes);
        let sealed = sealed.map_err(|error: TooLong| VaultError {
            step: "encrypting",
            object,
            full: false,
            source: std::io::Error::other(error),
        })?;
        self.inner.put(on, name, &sealed)
    }

    fn discard(&self, on: Shelf, name: &str, trash: &str) -> Result<(), VaultError> {
        self.inner.discard(on, name, trash)
    }

    fn remove(&self, on: Shelf, name: &str) -> Result<(), VaultError> {
        self.inner.remove(on, name)
    }

    fn name_of(&self, content: Digest) -> Digest {
        self.cipher.name_of(&content)
    }

    fn key(&self) -> Option<Digest> {
        Some(self.cipher.check())
    }
}

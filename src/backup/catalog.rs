//! A repository as it is found: its configuration, its backups, which objects are there, and what is
//! wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::digest::Digest;
use super::encryption::{Encryption, encryption_of};
use super::error::BackupError;
use super::manifest::{self, Manifest};
use super::plan::Known;
use super::ports::{Shelf, Vault};
use super::sealed::{self, Flaw};
use crate::events::time::Timestamp;

/// The file that says what the folder is.
pub const CONFIG: &str = "config";
/// The file that names the newest backup; only a hint.
pub const LATEST: &str = "LATEST";
/// The file that names backups that were removed on purpose.
pub const PRUNED: &str = "pruned";
/// A copy of what `config` says about keys.
pub const KEYS: &str = "keys";

/// No manifest is longer.
pub const MANIFEST_MAX: u64 = 256 * 1024 * 1024;
/// No other small object is longer.
pub const SMALL_MAX: u64 = 16 * 1024 * 1024;

/// What a repository is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Its id.
    pub repository: Uuid,
    /// Whose backups it keeps.
    pub ledger: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version of the binary that made it.
    pub made_by: String,
    /// How it is encrypted; none in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

/// Something wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Which.
    pub object: String,
    /// In words.
    pub problem: String,
    /// The backups that cannot be restored because of it.
    pub kills: Vec<Uuid>,
}

impl Damage {
    /// Damage that kills nothing, as far as is known.
    pub fn new(object: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            problem: problem.into(),
            kills: Vec::new(),
        }
    }
}

/// A repository as it was when it was looked at.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Where it is.
    pub vault: Arc<dyn Vault>,
    /// What it is; none when that cannot be read.
    pub config: Option<Config>,
    /// Its backups, in the order they were made.
    pub manifests: Vec<Manifest>,
    /// Backups that were removed on purpose.
    pub pruned: Vec<Uuid>,
    /// Segments that are there, with their lengths.
    pub present: BTreeMap<Digest, u64>,
    /// What is wrong with what was read.
    pub damage: Vec<Damage>,
}

impl Catalog {
    /// Looks at a repository. Damage is collected; only a folder that is none is refused.
    pub fn open(vault: Arc<dyn Vault>) -> Result<Self, BackupError> {
        let mut catalog = Self {
            vault,
            config: None,
            manifests: Vec::new(),
            pruned: Vec::new(),
            present: BTreeMap::new(),
            damage: Vec::new(),
        };
        catalog.check_key()?;
        let found = catalog.read_manifests()?;
        match catalog.small::<Config>(Shelf::Top, CONFIG, "config")? {
            Some(config) => catalog.config = Some(config),
            None if found || catalog.damage.iter().any(|it| it.object == CONFIG) => {
                if !catalog.damage.iter().any(|it| it.object == CONFIG) {
                    catalog.damage.push(Damage::new(CONFIG, "it is missing"));
                }
            }
            None => return Err(catalog.none()?),
        }
        if let Some(pruned) = catalog.small(Shelf::Top, PRUNED, "pruned")? {
            catalog.pruned = pruned;
        }
        catalog.list_segments()?;
        Ok(catalog)
    }

    /// Refuses to look with another key than the repository's.
    fn check_key(&self) -> Result<(), BackupError> {
        let vault = self.vault.as_ref();
        let place = || vault.place();
        let kept = encryption_of(vault)?.map(|it| it.check);
        match (kept, vault.key()) {
            (Some(_), None) => Err(BackupError::NeedsKey(place())),
            (Some(kept), Some(given)) if kept != given => Err(BackupError::WrongKey(place())),
            (None, Some(_)) if vault.read(Shelf::Top, CONFIG, 1)?.is_some() => {
                Err(BackupError::NotEncrypted(place()))
            }
            _ => Ok(()),
        }
    }

    /// Why this is no repository.
    fn none(&self) -> Result<BackupError, BackupError> {
        let place = self.vault.place();
        let top = self.vault.list(Shelf::Top)?;
        let strange = top.into_iter().find(|it| it.bytes.is_some());
        Ok(match strange {
            Some(item) => BackupError::NotARepository(
                place,
                format!("it holds `{}` but no `config`", item.name),
            ),
            None => BackupError::NoRepository(place),
        })
    }

    fn small<T: for<'de> Deserialize<'de>>(
        &mut self,
        on: Shelf,
        name: &str,
        title: &str,
    ) -> Result<Option<T>, BackupError> {
        let Some(bytes) = self.vault.read(on, name, SMALL_MAX)? else {
            return Ok(None);
        };
        self.opened(on.object(name), sealed::open(title, &bytes))
    }

    /// Damage is noted; what a newer binary wrote ends the looking.
    fn opened<T>(
        &mut self,
        object: String,
        read: Result<T, Flaw>,
    ) -> Result<Option<T>, BackupError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(flaw @ Flaw::TooNew(_)) => Err(BackupError::TooNew { object, flaw }),
            Err(flaw) => {
                self.damage.push(Damage::new(object, flaw.to_string()));
                Ok(None)
            }
        }
    }

    /// Returns whether there were any.
    fn read_manifests(&mut self) -> Result<bool, BackupError> {
        let items = self.vault.list(Shelf::Manifests)?;
        let any = !items.is_empty();
        for item in items {
            let object = Shelf::Manifests.object(&item.name);
            let Some(id) = item
                .name
                .parse::<Uuid>()
                .ok()
                .filter(|_| item.bytes.is_some())
            else {
                self.damage
                    .push(Damage::new(object, "it does not belong here"));
                continue;
            };
            let bytes = self
                .vault
                .read(Shelf::Manifests, &item.name, MANIFEST_MAX)?;
            let bytes = bytes.unwrap_or_default();
            let read: Option<Manifest> =
                self.opened(object.clone(), sealed::open(manifest::TITLE, &bytes))?;
            let Some(manifest) = read else {
                if let Some(damage) = self.damage.last_mut() {
                    damage.kills.push(id);
                }
                continue;
            };
            let flaw = if manifest.id == id {
                manifest.flaw()
            } else {
                Some(format!("it is the manifest of {}", manifest.id))
            };
            match flaw {
                None => self.manifests.push(manifest),
                Some(problem) => self.damage.push(Damage {
                    object,
                    problem,
                    kills: vec![id],
                }),
            }
        }
        // Ids tell the order in which they were made, also when the clock stepped back between.
        self.manifests.sort_by_key(|it| (it.taken_at, it.id));
        Ok(any)
    }

    fn list_segments(&mut self) -> Result<(), BackupError> {
        for item in self.vault.list(Shelf::Segments)? {
            match (item.name.parse(), item.bytes) {
                (Ok(name), Some(bytes)) => {
                    self.present.insert(name, bytes);
                }
                (Ok(_) | Err(_), _) => self.damage.push(Damage::new(
                    Shelf::Segments.object(&item.name),
                    "it does not belong here",
                )),
            }
        }
        Ok(())
    }

    /// What plans are made from.
    pub const fn known(&self) -> Known<'_> {
        Known {
            manifests: self.manifests.as_slice(),
            present: &self.present,
        }
    }

    /// The manifest that was made last.
    pub fn newest(&self) -> Option<&Manifest> {
        self.manifests.last()
    }

    /// A backup by its id.
    pub fn manifest(&self, id: Uuid) -> Option<&Manifest> {
        self.manifests.iter().find(|it| it.id == id)
    }
}

//! Which keys a repository is read and written with: flags, then settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::exit::{Exit, Failure};
use crate::adapters::keys::{self, Holders, KeyError, KeyFiles};
use crate::adapters::vault::FolderVault;
use crate::backup::catalog::CONFIG;
use crate::backup::cipher::Cipher;
use crate::backup::encryption::{Encrypted, Encryption, encryption_of};
use crate::backup::error::BackupError;
use crate::backup::ports::{Shelf, Vault};
use crate::config::settings::Backup as Settings;

/// What opens an encrypted repository.
#[derive(Clone, Debug, Default, Args)]
pub struct KeyArgs {
    /// A file with the age identity that opens an encrypted repository (repeatable)
    /// [default: `backup.identity`]
    #[arg(long, value_name = "F")]
    pub identity: Vec<PathBuf>,
    /// A file whose first line is the passphrase of an encrypted repository
    /// [default: `backup.passphrase_file`]
    #[arg(long, value_name = "F")]
    pub passphrase_file: Option<PathBuf>,
}

/// Where keys are, and for whom a new repository is encrypted. Folders are absolute: the owner works
/// elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Files with age identities.
    pub identities: Vec<PathBuf>,
    /// A file with a passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// age public keys.
    pub encrypt_to: Vec<String>,
}

impl Keys {
    /// The flags, and from the settings what they leave out.
    pub fn of(args: &KeyArgs, encrypt_to: &[String], settings: &Settings) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let given = Self {
            identities: args.identity.iter().map(|it| absolute(it)).collect(),
            passphrase_file: args.passphrase_file.as_deref().map(absolute),
            encrypt_to: encrypt_to.to_vec(),
        };
        given.or(settings)
    }

    /// From the settings, what is not said: keys for keys, holders for holders.
    #[must_use]
    pub fn or(mut self, settings: &Settings) -> Self {
        let named = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
        if self.identities.is_empty() && self.passphrase_file.is_none() {
            self.identities = named(&settings.identity).into_iter().collect();
            self.passphrase_file = named(&settings.passphrase_file);
        }
        if self.encrypt_to.is_empty() {
            self.encrypt_to.clone_from(&settings.encrypt_to);
        }
        self
    }

    fn files(&self) -> KeyFiles {
        KeyFiles {
            identities: self.identities.clone(),
            passphrase_file: self.passphrase_file.clone(),
        }
    }

    fn holders(&self) -> Holders {
        Holders {
            recipients: self.encrypt_to.clone(),
            passphrase_file: self.passphrase_file.clone(),
        }
    }

    fn wants_encryption(&self) -> bool {
        !self.encrypt_to.is_empty() || self.passphrase_file.is_some()
    }

    /// The repository in a folder, opened if it is encrypted.
    pub fn vault(&self, folder: &Path) -> Result<Arc<dyn Vault>, Failure> {
        let plain: Arc<dyn Vault> = Arc::new(FolderVault::at(folder));
        match encryption_of(plain.as_ref())? {
            Some(encryption) => self.opened(plain, &encryption),
            None => Ok(plain),
        }
    }

    fn opened(
        &self,
        plain: Arc<dyn Vault>,
        encryption: &Encryption,
    ) -> Result<Arc<dyn Vault>, Failure> {
        let key = keys::unwrap(encryption, &self.files());
        let key = key.map_err(|error| failure(&error, &plain.place()))?;
        Ok(Arc::new(Encrypted::over(plain, Cipher::with(&key))))
    }

    /// The same for a backup. Where there is none yet, with how it will be encrypted. A repository in the
    /// clear is not written to when encryption is wished for.
    pub fn vault_to_write(
        &self,
        folder: &Path,
    ) -> Result<(Arc<dyn Vault>, Option<Encryption>), Failure> {
        let plain: Arc<dyn Vault> = Arc::new(FolderVault::at(folder));
        let place = plain.place();
        if let Some(encryption) = encryption_of(plain.as_ref())? {
            let vault = self.opened(plain, &encryption)?;
            return Ok((vault, None));
        }
        if !self.wants_encryption() {
            return Ok((plain, None));
        }
        let is_there = plain.read(Shelf::Top, CONFIG, 1);
        if is_there.map_err(BackupError::from)?.is_some() {
            return Err(BackupError::NotEncrypted(place).into());
        }
        let key = keys::fresh();
        let encryption = keys::encryption(&key, &self.holders());
        let encryption = encryption.map_err(|error| failure(&error, &place))?;
        let vault: Arc<dyn Vault> = Arc::new(Encrypted::over(plain, Cipher::with(&key)));
        Ok((vault, Some(encryption)))
    }

    /// The data key of the repository in a folder, wrapped anew for these.
    pub fn wrapped_for(
        &self,
        folder: &Path,
        holders: &Holders,
    ) -> Result<Vec<crate::backup::encryption::Wrapped>, Failure> {
        let plain = FolderVault::at(folder);
        let place = plain.place();
        if plain
            .read(Shelf::Top, CONFIG, 1)
            .map_err(BackupError::from)?
            .is_none()
        {
            return Err(BackupError::NoRepository(place).into());
        }
        let Some(encryption) = encryption_of(&plain)? else {
            return Err(BackupError::NotEncrypted(place).into());
        };
        keys::unwrap(&encryption, &self.files())
            .and_then(|key| keys::wrap(&key, holders))
            .map_err(|error| failure(&error, &place))
    }
}

fn failure(error: &KeyError, place: &str) -> Failure {
    let text = format!("the repository in {place} is encrypted: {error}");
    match error {
        KeyError::Missing => Failure::new(Exit::WrongKey, "key_needed", text)
            .hint("--identity FILE or --passphrase-file FILE opens it"),
        KeyError::Wrong => Failure::new(Exit::WrongKey, "wrong_key", text)
            .hint("the identity must be one that it was encrypted to, or the passphrase its own"),
        KeyError::Damaged => Failure::new(Exit::Corrupt, "corrupt", text)
            .hint("`switchboard backup verify` names all damage"),
        KeyError::Read { .. } | KeyError::Empty(_) => {
            Failure::new(Exit::NotFound, "no_key_file", error.to_string())
        }
        KeyError::NotARecipient { .. } => Failure::new(Exit::Usage, "usage", error.to_string())
            .hint("`age-keygen` makes a pair; the public key begins with `age1`"),
        KeyError::NotWrapped(_) => Failure::new(Exit::Failed, "key", error.to_string()),
    }
}

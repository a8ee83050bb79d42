//! Keys of repositories as age keeps them: the data key wrapped for public keys or behind a passphrase, and
//! files with identities. Only this file knows age.

use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::iter;
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::{ExposeSecret as _, SecretString};
use age::{DecryptError, Decryptor, Encryptor, Identity, IdentityFile, Recipient, scrypt, x25519};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{KeyInit as _, OsRng};

use crate::backup::cipher::{CIPHER, Cipher, DataKey};
use crate::backup::encryption::{Encryption, Wrapped};

/// Who gets at a data key.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    /// age public keys (`age1…`).
    pub recipients: Vec<String>,
    /// A file whose first line is a passphrase.
    pub passphrase_file: Option<PathBuf>,
}

/// What opens a wrapped data key.
#[derive(Clone, Debug, Default)]
pub struct KeyFiles {
    /// Files with age identities (`AGE-SECRET-KEY-1…`).
    pub identities: Vec<PathBuf>,
    /// A file whose first line is a passphrase.
    pub passphrase_file: Option<PathBuf>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read.
    #[error("{what} {} cannot be read: {source}", path.display())]
    Read {
        /// What it should be.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file with no passphrase in its first line.
    #[error("{} holds no passphrase", .0.display())]
    Empty(PathBuf),
    /// A text that is no public key.
    #[error("`{text}` is no age public key: {why}")]
    NotARecipient {
        /// Which.
        text: String,
        /// In words.
        why: &'static str,
    },
    /// Nothing was given that could open anything.
    #[error("no key was given")]
    Missing,
    /// None of what was given opens it.
    #[error("none of the keys given opens it")]
    Wrong,
    /// What was wrapped is no data key.
    #[error("its wrapped key is damaged")]
    Damaged,
    /// age refused.
    #[error("the key cannot be wrapped: {0}")]
    NotWrapped(String),
}

/// A fresh data key.
pub fn fresh() -> DataKey {
    DataKey::of(XChaCha20Poly1305::generate_key(OsRng).into())
}

/// How a repository says that it is encrypted with this key, which these get at.
pub fn encryption(key: &DataKey, holders: &Holders) -> Result<Encryption, KeyError> {
    Ok(Encryption {
        cipher: CIPHER.to_owned(),
        check: Cipher::with(key).check(),
        wrapped: wrap(key, holders)?,
    })
}

/// The data key for each kind of holder.
pub fn wrap(key: &DataKey, holders: &Holders) -> Result<Vec<Wrapped>, KeyError> {
    let mut wrapped = Vec::new();
    if !holders.recipients.is_empty() {
        let all: Vec<x25519::Recipient> = holders
            .recipients
            .iter()
            .map(|text| recipient(text))
            .collect::<Result<_, _>>()?;
        wrapped.push(Wrapped {
            recipients: all.iter().map(ToString::to_string).collect(),
            age: sealed(key, all.iter().map(|it| -> &dyn Recipient { it }))?,
        });
    }
    if let Some(file) = &holders.passphrase_file {
        let recipient = scrypt::Recipient::new(passphrase(file)?);
        let one: &dyn Recipient = &recipient;
        wrapped.push(Wrapped {
            recipients: Vec::new(),
            age: sealed(key, iter::once(one))?,
        });
    }
    if wrapped.is_empty() {
        return Err(KeyError::Missing);
    }
    Ok(wrapped)
}

/// The data key, by whatever of these opens it.
pub fn unwrap(encryption: &Encryption, with: &KeyFiles) -> Result<DataKey, KeyError> {
    let mut identities: Vec<Box<dyn Identity>> = Vec::new();
    for path in &with.identities {
        identities.append(&mut read_identities(path)?);
    }
    let passphrase = with
        .passphrase_file
        .as_deref()
        .map(passphrase)
        .transpose()?;
    if identities.is_empty() && passphrase.is_none() {
        return Err(KeyError::Missing);
    }
    for wrapped in &encryption.wrapped {
        let reader = ArmoredReader::new(wrapped.age.as_bytes());
        let file = Decryptor::new(reader).map_err(|_not_age| KeyError::Damaged)?;
        let opened = match (&passphrase, file.is_scrypt()) {
            (Some(passphrase), true) => {
                let identity = scrypt::Identity::new(passphrase.clone());
                let one: &dyn Identity = &identity;
                file.decrypt(iter::once(one))
            }
            (_, false) if !identities.is_empty() => {
                file.decrypt(identities.iter().map(Box::as_ref))
            }
            _ => continue,
        };
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(
                DecryptError::NoMatchingKeys
                | DecryptError::DecryptionFailed
                | DecryptError::KeyDecryptionFailed,
            ) => continue,
            Err(_broken) => return Err(KeyError::Damaged),
        };
        let mut bytes = Vec::new();
        opened
            .read_to_end(&mut bytes)
            .map_err(|_cut_off| KeyError::Damaged)?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_length| KeyError::Damaged)?;
        let key = DataKey::of(bytes);
        if Cipher::with(&key).check() != encryption.check {
            return Err(KeyError::Damaged);
        }
        return Ok(key);
    }
    Err(KeyError::Wrong)
}

/// A public key that fits to nothing that is kept: its identity is forgotten when this returns. Drills
/// hand keys to strangers. Returns the identity's text and the public key.
pub fn fresh_identity() -> (SecretString, String) {
    let identity = x25519::Identity::generate();
    (identity.to_string(), identity.to_public().to_string())
}

/// Writes a fresh identity into a new file that only its owner reads; returns its public key.
pub fn write_identity(path: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let (secret, public) = fresh_identity();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "# public key: {public}\n{}", secret.expose_secret())?;
    file.sync_all()?;
    Ok(public)
}

fn recipient(text: &str) -> Result<x25519::Recipient, KeyError> {
    text.parse().map_err(|why| KeyError::NotARecipient {
        text: text.to_owned(),
        why,
    })
}

fn sealed<'r>(
    key: &DataKey,
    to: impl Iterator<Item = &'r dyn Recipient>,
) -> Result<String, KeyError> {
    let failed = |error: &dyn std::fmt::Display| KeyError::NotWrapped(error.to_string());
    let encryptor = Encryptor::with_recipients(to).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    let write = |bytes: &mut Vec<u8>| {
        let armored = ArmoredWriter::wrap_output(bytes, Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armored)?;
        writer.write_all(key.bytes())?;
        writer.finish()?.finish()?;
        Ok::<_, std::io::Error>(())
    };
    write(&mut bytes).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

fn read_identities(path: &Path) -> Result<Vec<Box<dyn Identity>>, KeyError> {
    let failed = |source: std::io::Error| KeyError::Read {
        what: "the identity file",
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(failed)?;
    let file = IdentityFile::from_buffer(BufReader::new(file)).map_err(failed)?;
    let not_plain = |error: DecryptError| failed(std::io::Error::other(error.to_string()));
    file.into_identities().map_err(not_plain)
}

/// The first line of a file.
fn passphrase(path: &Path) -> Result<SecretString, KeyError> {
    let text = fs::read_to_string(path).map_err(|source| KeyError::Read {
        what: "the passphrase file",
        path: path.to_owned(),
        source,
    })?;
    match text.lines().next() {
        Some(line) if !line.trim().is_empty() => Ok(SecretString::from(line.to_owned())),
        _ => Err(KeyError::Empty(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_opened_by_its_holders_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let put = |name: &str, text: &str| {
            crate::adapters::files::write_atomic(&at(name), text.as_bytes(), 0o600).unwrap();
        };
        let ours = write_identity(&at("ours")).unwrap();
        write_identity(&at("theirs")).unwrap();
        put("pass", "correct horse\n");
        put("wrong", "battery staple");
        put("empty", "\n");
        let key = fresh();
        let kept = encryption(
            &key,
            &Holders {
                recipients: vec![ours],
                passphrase_file: Some(at("pass")),
            },
        )
        .unwrap();
        let with = |identity: Option<&str>, passphrase: Option<&str>| {
            let files = KeyFiles {
                identities: identity.map(at).into_iter().collect(),
                passphrase_file: passphrase.map(at),
            };
            unwrap(&kept, &files)
        };
        assert_eq!(with(Some("ours"), None).unwrap(), key);
        assert_eq!(with(None, Some("pass")).unwrap(), key);
        assert_eq!(with(Some("theirs"), Some("pass")).unwrap(), key);
        assert!(matches!(with(Some("theirs"), None), Err(KeyError::Wrong)));
        assert!(matches!(with(None, Some("wrong")), Err(KeyError::Wrong)));
        assert!(matches!(with(None, None), Err(KeyError::Missing)));
        assert!(matches!(with(None, Some("empty")), Err(KeyError::Empty(_))));
        assert!(matches!(
            with(Some("pass"), None),
            Err(KeyError::Read { .. })
        ));
        assert!(matches!(
            with(Some("nowhere"), None),
            Err(KeyError::Read { .. })
        ));
        let nobody = wrap(&key, &Holders::default());
        assert!(matches!(nobody, Err(KeyError::Missing)));
        let text = format!("{kept:?}{key:?}");
        assert!(!text.contains("horse") && !text.contains("SECRET"));
    }
}

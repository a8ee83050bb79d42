//! Small text objects of a repository (`config`, manifests, `LATEST`) with a hash of themselves:
//!
//! ```text
//! switchboard backup <title> <version>
//! <blake3 of what follows, in hex>
//! <JSON>
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::digest::Digest;

/// The version this binary writes.
pub const VERSION: u32 = 1;
/// The version of what says how a repository is encrypted, and the newest this binary reads. Binaries that
/// know nothing of keys refuse it.
pub const ENCRYPTED: u32 = 2;
const FAMILY: &str = "switchboard backup";

/// Why bytes are not the object they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The bytes are not what was written.
    #[error("it is damaged")]
    Damaged,
    /// Written by a newer binary (exit 19).
    #[error("it has version {0}; this binary reads up to {ENCRYPTED}")]
    TooNew(u32),
    /// Its hash fits, but it does not say what it should.
    #[error("it makes no sense: {0}")]
    Nonsense(String),
}

/// The object's bytes.
pub fn seal<T: Serialize>(title: &str, content: &T) -> Result<Vec<u8>, Flaw> {
    seal_as(VERSION, title, content)
}

/// The object's bytes in this version.
pub fn seal_as<T: Serialize>(version: u32, title: &str, content: &T) -> Result<Vec<u8>, Flaw> {
    let mut text =
        serde_json::to_vec(content).map_err(|error| Flaw::Nonsense(error.to_string()))?;
    text.push(b'\n');
    let mut bytes = format!("{FAMILY} {title} {version}\n{}\n", Digest::of(&text)).into_bytes();
    bytes.append(&mut text);
    Ok(bytes)
}

/// What the bytes say.
pub fn open<T: DeserializeOwned>(title: &str, bytes: &[u8]) -> Result<T, Flaw> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().ok_or(Flaw::Damaged);
    let (heading, hash, text) = (part()?, part()?, part()?);
    let version = str::from_utf8(heading)
        .ok()
        .and_then(|heading| heading.strip_prefix(&format!("{FAMILY} {title} ")))
        .and_then(|version| version.parse::<u32>().ok())
        .ok_or(Flaw::Damaged)?;
    let fits = hash == Digest::of(text).to_string().as_bytes();
    match version {
        // A newer one may compute its hash in another way.
        VERSION | ENCRYPTED if fits => {
            serde_json::from_slice(text).map_err(|error| Flaw::Nonsense(error.to_string()))
        }
        newer if newer > ENCRYPTED && fits => Err(Flaw::TooNew(newer)),
        _ => Err(Flaw::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let bytes = seal("test", &vec!["one", "two"]).unwrap();
        let read = |bytes: &[u8]| open::<Vec<String>>("test", bytes);
        assert_eq!(read(&bytes).unwrap(), ["one", "two"]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                assert!(read(&bad).is_err(), "byte {at}, bit {bit}");
            }
            assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(open::<Vec<String>>("other", &bytes).is_err());
        assert!(read(&[bytes.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn a_newer_version_says_so() {
        let text = String::from_utf8(seal("test", &1).unwrap()).unwrap();
        let newer = text.replace("test 1\n", "test 3\n");
        assert_eq!(open::<u32>("test", newer.as_bytes()), Err(Flaw::TooNew(3)));
    }
}

//! What makes objects unreadable without the repository's key. Deterministic: the same content in the same
//! place becomes the same bytes, so that what is there already is known again; nothing of it can be told
//! without the key.

use chacha20poly1305::aead::{AeadInPlace as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};

use super::digest::Digest;

/// The name of the way objects are encrypted, as `config` has it.
pub const CIPHER: &str = "xchacha20poly1305-64k";
const MAGIC: [u8; 8] = *b"SWseal01";
/// Bytes that are encrypted together. A beginning can be read without the rest.
const CHUNK: u64 = 64 * 1024;
const TAG: u64 = 16;
const SALT: usize = 16;
/// Magic and salt.
const START: u64 = 24;

/// The secret that everything in a repository is encrypted with. It is only ever stored wrapped.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// Of these bytes, which nobody can guess.
    pub const fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be wrapped.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A key at work.
#[derive(Clone)]
pub struct Cipher {
    aead: XChaCha20Poly1305,
    naming: [u8; 32],
    salting: [u8; 32],
    check: Digest,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher")
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}

/// An object that is too long to be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is too long to be encrypted")]
pub struct TooLong;

impl Cipher {
    /// With this key.
    pub fn with(key: &DataKey) -> Self {
        let derived = |purpose: &str| blake3::derive_key(purpose, &key.0);
        Self {
            aead: XChaCha20Poly1305::new(&derived("switchboard backup 1: contents").into()),
            naming: derived("switchboard backup 1: names"),
            salting: derived("switchboard backup 1: salts"),
            check: Digest(derived("switchboard backup 1: which key this is")),
        }
    }

    /// Tells this key apart from others, and nothing else of it.
    pub const fn check(&self) -> Digest {
        self.check
    }

    /// The name of an object whose content has this hash.
    pub fn name_of(&self, content: &Digest) -> Digest {
        Digest(*blake3::keyed_hash(&self.naming, &content.0).as_bytes())
    }

    /// The bytes to keep for these in a place like `segments/<name>`; in another place they cannot be opened.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, TooLong> {
        let mut salt = blake3::Hasher::new_keyed(&self.salting);
        salt.update(place.as_bytes()).update(&[0]).update(plain);
        let salt = salt.finalize();
        let (salt, _) = salt.as_bytes().split_at(SALT);
        let mut sealed = Vec::with_capacity(size(sealed_length(len(plain))));
        sealed.extend_from_slice(&MAGIC);
        sealed.extend_from_slice(salt);
        let mut rest = plain;
        for number in 0.. {
            let (chunk, behind) = rest.split_at(rest.len().min(size(CHUNK)));
            rest = behind;
            let begun = sealed.len();
            sealed.extend_from_slice(chunk);
            let nonce = nonce(salt, number, rest.is_empty());
            let fresh = sealed.get_mut(begun..).unwrap_or_default();
            let tag = self
                .aead
                .encrypt_in_place_detached(&nonce, place.as_bytes(), fresh)
                .map_err(|_too_long| TooLong)?;
            sealed.extend_from_slice(&tag);
            if rest.is_empty() {
                break;
            }
        }
        Ok(sealed)
    }

    /// What was sealed in this place; none when that cannot be told. Of a beginning (`whole` is not known),
    /// as much as is there in whole chunks.
    pub fn open(&self, place: &str, sealed: &[u8], whole: bool) -> Option<Vec<u8>> {
        let (start, mut rest) = sealed.split_at_checked(size(START))?;
        let salt = start.strip_prefix(&MAGIC)?;
        let mut plain = Vec::with_capacity(rest.len());
        for number in 0.. {
            let length = rest.len().min(size(CHUNK.saturating_add(TAG)));
            let (chunk, behind) = rest.split_at_checked(length)?;
            rest = behind;
            let (text, tag) = chunk.split_at_checked(chunk.len().checked_sub(size(TAG))?)?;
            let last = rest.is_empty();
            let begun = plain.len();
            let mut decrypt = |last: bool| {
                plain.truncate(begun);
                plain.extend_from_slice(text);
                let fresh = plain.get_mut(begun..).unwrap_or_default();
                let nonce = nonce(salt, number, last);
                self.aead
                    .decrypt_in_place_detached(
                        &nonce,
                        place.as_bytes(),
                        fresh,
                        Tag::from_slice(tag),
                    )
                    .is_ok()
            };
            // More may follow behind a beginning, or not.
            if !(decrypt(last) || (last && !whole && decrypt(false))) {
                return None;
            }
            if last {
                break;
            }
        }
        Some(plain)
    }
}

/// How many bytes are kept for so many.
pub const fn sealed_length(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK);
    let chunks = if chunks == 0 { 1 } else { chunks };
    START
        .saturating_add(plain)
        .saturating_add(chunks.saturating_mul(TAG))
}

/// How many bytes were kept in so many; 0 where nothing can have been.
pub const fn plain_length(sealed: u64) -> u64 {
    let body = sealed.saturating_sub(START);
    let chunks = body.div_ceil(CHUNK.saturating_add(TAG));
    body.saturating_sub(chunks.saturating_mul(TAG))
}

/// How much of a sealed object is read for a beginning of so many bytes.
pub const fn beginning(plain: u64) -> u64 {
    let chunks = (plain / CHUNK).saturating_add(1);
    START.saturating_add(chunks.saturating_mul(CHUNK.saturating_add(TAG)))
}

/// Salt, number, and whether it is the last: chunks cannot be left out, moved or cut off.
fn nonce(salt: &[u8], number: u64, last: bool) -> XNonce {
    const LAST: u64 = 1 << 63;
    let mut nonce = XNonce::default();
    let number = if last { number | LAST } else { number };
    let bytes = salt.iter().copied().chain(number.to_be_bytes());
    for (to, from) in nonce.iter_mut().zip(bytes) {
        *to = from;
    }
    nonce
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(seed: u8) -> Cipher {
        Cipher::with(&DataKey::of([seed; 32]))
    }

    #[test]
    fn what_was_sealed_comes_back_and_lengths_are_known() {
        let cipher = cipher(1);
        for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
            let plain: Vec<u8> = (0..length)
                .map(|it| u8::try_from(it % 251).unwrap())
                .collect();
            let sealed = cipher.seal("segments/a", &plain).unwrap();
            assert_eq!(len(&sealed), sealed_length(len(&plain)), "{length}");
            assert_eq!(plain_length(len(&sealed)), len(&plain), "{length}");
            assert_eq!(
                cipher.open("segments/a", &sealed, true),
                Some(plain.clone())
            );
            assert_eq!(sealed, cipher.seal("segments/a", &plain).unwrap());
            for wanted in [0, 1, 65_536, 65_537, 131_072] {
                let cut = size(beginning(wanted)).min(sealed.len());
                let start = cipher.open("segments/a", &sealed[..cut], false).unwrap();
                assert!(
                    start.len() >= size(wanted).min(plain.len()),
                    "{length}, {wanted}"
                );
                assert_eq!(start, plain[..start.len()]);
            }
        }
    }

    #[test]
    fn no_flipped_bit_no_cut_no_other_place_and_no_other_key_opens() {
        let cipher = cipher(1);
        let plain = vec![7; 70_000];
        let sealed = cipher.seal("segments/a", &plain).unwrap();
        for at in (0..sealed.len()).step_by(97) {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(cipher.open("segments/a", &bad, true), None, "{at}");
        }
        for cut in [0, 8, 24, 39, 40, 65_576, 65_592, sealed.len() - 1] {
            assert_eq!(
                cipher.open("segments/a", &sealed[..cut], true),
                None,
                "{cut}"
            );
        }
        assert_eq!(cipher.open("manifests/a", &sealed, true), None);
        assert_eq!(
            Cipher::with(&DataKey::of([2; 32])).open("segments/a", &sealed, true),
            None
        );
    }

    #[test]
    fn names_and_bytes_tell_nothing_that_was_known_before() {
        let (one, two) = (cipher(1), cipher(2));
        let content = Digest::of(b"x");
        assert_ne!(one.name_of(&content), content);
        assert_ne!(one.name_of(&content), two.name_of(&content));
        assert_ne!(one.check(), two.check());
        let sealed = one.seal("a", &[b'x'; 100]).unwrap();
        assert!(!sealed.windows(4).any(|it| it == b"xxxx"));
    }
}

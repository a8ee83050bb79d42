//! Bytes of facts: bincode 2 with fixed settings, a size limit, and no left-over bytes. The one
//! file that names bincode.
//!
//! What bincode cannot see is guarded elsewhere: enum variants are only appended, structs never
//! change, and golden bytes of every kind are compared in the tests.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest encoded fact, in bytes: a 1 MiB message with its envelope.
pub const BODY_MAX: usize = 2 * 1024 * 1024;

/// A fact that cannot be written down.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// bincode refused it.
    #[error("a fact could not be encoded")]
    Bincode(#[from] bincode::error::EncodeError),
    /// It is larger than the ledger takes.
    #[error("a fact of {size} bytes is larger than the {BODY_MAX} bytes the ledger takes")]
    TooLarge {
        /// Its encoded size.
        size: usize,
    },
}

/// Bytes that are not the fact they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// bincode refused them.
    #[error("stored bytes could not be decoded")]
    Bincode(#[from] bincode::error::DecodeError),
    /// The fact ended before its bytes did.
    #[error("{left} bytes are left over after a decoded fact")]
    LeftOver {
        /// How many.
        left: usize,
    },
}

fn settings() -> impl bincode::config::Config {
    // The limit also bounds what a hostile length makes bincode allocate.
    bincode::config::standard().with_limit::<BODY_MAX>()
}

/// The bytes of a fact.
pub fn encode<T: Serialize>(fact: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    encode_behind(fact, &mut bytes)?;
    Ok(bytes)
}

/// Puts the bytes of a fact behind those that are there. After an error some may have been added.
pub fn encode_behind<T: Serialize>(fact: &T, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = bytes.len();
    bincode::serde::encode_into_std_write(fact, bytes, settings())?;
    let size = bytes.len().saturating_sub(before);
    if size > BODY_MAX {
        return Err(EncodeError::TooLarge { size });
    }
    Ok(())
}

/// The fact behind the bytes, all of them.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    // Borrowing: texts go from the bytes to where they are kept without a stop in between.
    let (fact, read) = bincode::serde::borrow_decode_from_slice(bytes, settings())?;
    match bytes.len().saturating_sub(read) {
        0 => Ok(fact),
        left => Err(DecodeError::LeftOver { left }),
    }
}

/// The bytes of a folded state. Unlike a fact it may be large; it is this program's own and checked
/// by hash before it is read back.
pub fn encode_state<T: Serialize>(state: &T) -> Result<Vec<u8>, EncodeError> {
    Ok(bincode::serde::encode_to_vec(
        state,
        bincode::config::standard(),
    )?)
}

/// The state behind the bytes, all of them. Only for bytes whose hash was compared.
pub fn decode_state<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (state, read) = bincode::serde::decode_from_slice(bytes, bincode::config::standard())?;
    match bytes.len().saturating_sub(read) {
        0 => Ok(state),
        left => Err(DecodeError::LeftOver { left }),
    }
}

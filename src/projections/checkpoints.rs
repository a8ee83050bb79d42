//! Where folded states are kept between runs: the port, and the bytes.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fold::Fold;
use crate::events::codec;
use crate::events::ids::Position;

/// A place for checkpoints, one per name (`agents@1`). Storing replaces whole or not at all.
pub trait Checkpoints: Send + Sync + fmt::Debug {
    /// What was stored last; none when nothing was.
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, CheckpointError>;
    /// Stores the bytes durably.
    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), CheckpointError>;
    /// The names of all that is stored, in any order.
    fn names(&self) -> Result<Vec<String>, CheckpointError>;
    /// Forgets one; forgetting what is not there is no error.
    fn remove(&self, name: &str) -> Result<(), CheckpointError>;
}

/// A checkpoint that could not be read or written. Nothing is lost: the events are all there.
#[derive(Debug, thiserror::Error)]
#[error("{step} of checkpoint {name} failed: {reason}")]
pub struct CheckpointError {
    /// What was tried.
    pub step: &'static str,
    /// Which checkpoint.
    pub name: String,
    /// What the system said.
    pub reason: String,
}

/// Keeps nothing: every start folds from zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCheckpoints;

impl Checkpoints for NoCheckpoints {
    fn load(&self, _name: &str) -> Result<Option<Vec<u8>>, CheckpointError> {
        Ok(None)
    }

    fn store(&self, _name: &str, _bytes: &[u8]) -> Result<(), CheckpointError> {
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, CheckpointError> {
        Ok(Vec::new())
    }

    fn remove(&self, _name: &str) -> Result<(), CheckpointError> {
        Ok(())
    }
}

const MAGIC: &[u8; 8] = b"SBSTATE1";

/// What stands before a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    name: String,
    version: u32,
    position: Position,
    /// The chain hash at the position: tells one ledger's checkpoint from another's.
    chain: [u8; 32],
    body: [u8; 32],
}

/// A state read back.
#[derive(Clone, Debug)]
pub struct Restored<F> {
    /// The fold.
    pub fold: F,
    /// The last event in it.
    pub position: Position,
    /// The chain hash there.
    pub chain: [u8; 32],
}

/// The name a projection's checkpoint is kept under.
pub fn name_of<F: Fold>() -> String {
    format!("{}@{}", F::NAME, F::VERSION)
}

/// The bytes of a projection's checkpoint.
pub fn seal<F: Fold>(
    fold: &F,
    position: Position,
    chain: [u8; 32],
) -> Result<Vec<u8>, codec::EncodeError> {
    seal_as((F::NAME, F::VERSION), fold, position, chain)
}

/// The bytes of any state: magic, length of the header, header, state.
pub(super) fn seal_as<S: Serialize>(
    (name, version): (&str, u32),
    state: &S,
    position: Position,
    chain: [u8; 32],
) -> Result<Vec<u8>, codec::EncodeError> {
    let body = codec::encode_state(state)?;
    let header = codec::encode(&Header {
        name: name.to_owned(),
        version,
        position,
        chain,
        body: blake3::hash(&body).into(),
    })?;
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + body.len());
    bytes.extend(MAGIC);
    bytes.extend(length.to_le_bytes());
    bytes.extend(header);
    bytes.extend(body);
    Ok(bytes)
}

/// The state behind the bytes of this version's checkpoint, or what is wrong with them.
pub fn unseal<F: Fold>(bytes: &[u8]) -> Result<Restored<F>, String> {
    unseal_as((F::NAME, F::VERSION), bytes)
}

/// The state behind the bytes, or what is wrong with them.
pub(super) fn unseal_as<S: DeserializeOwned>(
    (name, version): (&str, u32),
    bytes: &[u8],
) -> Result<Restored<S>, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is no checkpoint")?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or("it is cut off")?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|e| e.to_string())?;
    let (header, body) = rest.split_at_checked(length).ok_or("it is cut off")?;
    let header: Header = codec::decode(header).map_err(|e| e.to_string())?;
    if header.name != name || header.version != version {
        return Err(format!("it is one of {}@{}", header.name, header.version));
    }
    if *blake3::hash(body).as_bytes() != header.body {
        return Err("its bytes are damaged".to_owned());
    }
    Ok(Restored {
        fold: codec::decode_state(body).map_err(|e| e.to_string())?,
        position: header.position,
        chain: header.chain,
    })
}

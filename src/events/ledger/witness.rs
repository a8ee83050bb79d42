//! What is known of sled's copy without opening it: up to where it was synced, and, after a clean
//! stop, the hash of its files. sled is opened only when its files are what they were: opening a
//! damaged sled destroys evidence, and a panic in it breaks it for the whole process.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::bytes::Reader;
use super::layout;
use super::record::Hash;

const MAGIC: [u8; 8] = *b"SWwtns01";
const SLOT: u64 = 4096;
const USED: usize = 8 + 8 + 8 + 32 + 32;

/// What the witness last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Testimony {
    /// Grows with every testimony.
    pub(super) number: u64,
    /// sled held every event up to here, synced.
    pub(super) position: u64,
    /// Chain hash there.
    pub(super) chain: Hash,
    /// Hash of sled's files; none while sled is open, or after an unclean stop.
    pub(super) files: Option<Hash>,
}

impl Testimony {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(USED + 32);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.position.to_le_bytes());
        bytes.extend_from_slice(&self.chain);
        bytes.extend_from_slice(&self.files.unwrap_or_default());
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut at = Reader(bytes);
        let covered = at.take(USED)?;
        if blake3::hash(covered) != at.array::<32>()? {
            return None;
        }
        let mut at = Reader(covered);
        (at.array() == Some(MAGIC)).then_some(())?;
        Some(Self {
            number: at.u64()?,
            position: at.u64()?,
            chain: at.array()?,
            files: at
                .array()
                .map(|hash| (hash != Hash::default()).then_some(hash))?,
        })
    }
}

/// The witness's file: two slots, written in turn, so that a torn write leaves the other.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    number: u64,
}

impl Witness {
    /// Opens or makes the file; says what it last said, if anything of it can be read.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<Testimony>)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let testimony = read(&file)?;
        if file.metadata()?.len() < SLOT * 2 {
            // Written, not only reserved: the witness must be able to speak on a full disk.
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
            let zeros = vec![
                0;
                usize::try_from(SLOT * 2)
                    .unwrap_or(0)
                    .saturating_sub(length)
            ];
            file.write_all_at(&zeros, file.metadata()?.len())?;
            file.sync_all()?;
            layout::sync_folder(layout::parent(path))?;
        }
        let number = testimony.map_or(0, |testimony| testimony.number);
        Ok((Self { file, number }, testimony))
    }

    /// Says something new; returns once it is on the device.
    pub(super) fn say(
        &mut self,
        position: u64,
        chain: Hash,
        files: Option<Hash>,
    ) -> io::Result<()> {
        let number = self.number.saturating_add(1);
        let testimony = Testimony {
            number,
            position,
            chain,
            files,
        };
        self.file
            .write_all_at(&testimony.encode(), number % 2 * SLOT)?;
        self.file.sync_data()?;
        self.number = number;
        Ok(())
    }
}

/// What a witness's file says; the newer of its readable slots.
pub(super) fn read(file: &File) -> io::Result<Option<Testimony>> {
    let slot = |at: u64| -> io::Result<Option<Testimony>> {
        let mut bytes = [0; USED + 32];
        match file.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(Testimony::decode(&bytes)),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    };
    let (one, other) = (slot(0)?, slot(SLOT)?);
    Ok(one.into_iter().chain(other).max_by_key(|said| said.number))
}

//! The journal of one epoch: frames, appended and synced; the witness of what was acknowledged.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::bytes::{Reader, len64, size};
use super::disk::{Disk, is_full};
use super::frame::{self, Fault, Frame};
use super::record::Hash;

const MAGIC: [u8; 8] = *b"SWjrnl01";
/// The header has a block of its own, so that no torn frame can take it along.
pub(super) const HEADER: u64 = 4096;
const HEADER_USED: usize = 8 + 16 + 16 + 8 + 32;
/// The file grows by as much as it has, but not by more or less than this many bytes.
pub(super) const STEP: u64 = 4 * 1024 * 1024;
const SMALL_STEP: u64 = 256 * 1024;

/// Frames are seldom larger.
const GUESS: usize = frame::TARGET + 2048;

/// What a journal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) ledger: Uuid,
    pub(super) timeline: Uuid,
    /// Position of its first event.
    pub(super) first: u64,
    /// Chain hash before its first event.
    pub(super) before: Hash,
}

impl Heading {
    /// The first 4096 bytes of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size(HEADER));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(self.ledger.as_bytes());
        bytes.extend_from_slice(self.timeline.as_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.before);
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        bytes.resize(size(HEADER), 0);
        bytes
    }

    /// What the first bytes of a file say.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut at = Reader(bytes);
        let covered = at.take(HEADER_USED)?;
        if blake3::hash(covered) != at.array::<32>()? {
            return None;
        }
        let mut at = Reader(covered);
        (at.array() == Some(MAGIC)).then_some(())?;
        Some(Self {
            ledger: at.uuid()?,
            timeline: at.uuid()?,
            first: at.u64()?,
            before: at.array()?,
        })
    }

    /// What the frames' checksums are keyed with: a frame of another journal does not fit, nor
    /// does one that somebody put into a message.
    pub(super) fn key(&self) -> Hash {
        blake3::derive_key("switchboard 2025 journal frame checksum", &self.encode())
    }
}

/// An open journal. Reading needs no lock; only the writer appends.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) file: File,
    pub(super) heading: Heading,
    pub(super) key: Hash,
    disk: Arc<dyn Disk>,
}

/// Why frames were not written.
#[derive(Debug)]
pub(super) enum WriteFailure {
    /// There was no room; nothing was changed.
    Full(String),
    /// What is on the disk now is not known.
    Broken(String),
}

/// A file made for the next journal, its room reserved, without a header yet.
#[derive(Debug)]
pub(super) struct Blank {
    file: File,
    reserved: u64,
    disk: Arc<dyn Disk>,
}

impl Blank {
    /// Makes the file, with room for so many bytes, or for as many as there are when it is enough; it
    /// must not exist.
    pub(super) fn make(
        path: &Path,
        (room, enough): (u64, &dyn Fn() -> bool),
        disk: Arc<dyn Disk>,
    ) -> io::Result<Self> {
        let file = new_file(path)?;
        let room = room.max(SMALL_STEP);
        let mut reserved = 0;
        while reserved == 0 || (reserved < room && !enough()) {
            // Step by step, so that nobody's sync waits long behind this.
            let next = reserved.saturating_add(STEP).min(room);
            disk.reserve(&file, reserved, next)?;
            reserved = next;
        }
        super::layout::sync_folder(super::layout::parent(path))?;
        Ok(Self {
            file,
            reserved,
            disk,
        })
    }

    /// Writes the header and returns once it is on the device: a journal without frames, and the
    /// length of its file.
    pub(super) fn begin(self, heading: Heading) -> io::Result<(Journal, u64)> {
        self.disk.write(&self.file, &heading.encode(), 0)?;
        self.disk.sync(&self.file)?;
        let journal = Journal {
            file: self.file,
            heading,
            key: heading.key(),
            disk: self.disk,
        };
        Ok((journal, self.reserved))
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

impl Journal {
    /// A new, synced file with nothing but its header.
    pub(super) fn create(path: &Path, heading: Heading, disk: Arc<dyn Disk>) -> io::Result<Self> {
        let mut file = new_file(path)?;
        file.write_all(&heading.encode())?;
        file.sync_all()?;
        super::layout::sync_folder(super::layout::parent(path))?;
        Ok(Self {
            file,
            heading,
            key: heading.key(),
            disk,
        })
    }

    /// An existing file; none when its header is damaged.
    pub(super) fn open(path: &Path, disk: Arc<dyn Disk>) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut header = vec![0; size(HEADER)];
        let heading = match file.read_exact_at(&mut header, 0) {
            Ok(()) => Heading::decode(&header),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(e) => return Err(e),
        };
        Ok(heading.map(|heading| Self {
            file,
            heading,
            key: heading.key(),
            disk,
        }))
    }

    /// Writes whole frames and returns once they are on the device. `reserved` is how long the
    /// file is; returns how long it is now.
    pub(super) fn append(
        &self,
        frames: &[u8],
        offset: u64,
        reserved: u64,
    ) -> Result<u64, WriteFailure> {
        if frames.is_empty() {
            return Ok(reserved);
        }
        let end = frame::next_offset(offset, len64(frames.len()));
        let reserved = self.make_room(end, reserved)?;
        let broken = |step: &str, e: &io::Error| {
            WriteFailure::Broken(format!("{step} the journal failed: {e}"))
        };
        self.disk
            .write(&self.file, frames, offset)
            .map_err(|e| broken("writing", &e))?;
        self.disk
            .sync(&self.file)
            .map_err(|e| broken("syncing", &e))?;
        Ok(reserved)
    }

    fn make_room(&self, needed: u64, reserved: u64) -> Result<u64, WriteFailure> {
        if needed <= reserved {
            return Ok(reserved);
        }
        let step = reserved.next_power_of_two().clamp(SMALL_STEP, STEP);
        let wanted = needed.next_multiple_of(step);
        // Nearly full disks still take what is needed right now.
        self.disk
            .reserve(&self.file, reserved, wanted)
            .map(|()| wanted)
            .or_else(|_: io::Error| {
                self.disk
                    .reserve(&self.file, reserved, needed)
                    .map(|()| needed)
            })
            .map_err(|e| {
                if is_full(&e) {
                    WriteFailure::Full(format!("the journal needs {needed} bytes: {e}"))
                } else {
                    WriteFailure::Broken(format!("growing the journal failed: {e}"))
                }
            })
    }

    /// The bytes of the frame at the offset, checked.
    pub(super) fn frame(&self, offset: u64) -> io::Result<Result<Vec<u8>, Fault>> {
        // Most frames come with the first read.
        let mut bytes = vec![0; GUESS];
        let mut read = self.file.read_at(&mut bytes, offset)?;
        bytes.truncate(read);
        let length = match frame::claimed_length(&bytes) {
            Ok(length) => length,
            Err(fault) => return Ok(Err(fault)),
        };
        bytes.resize(length, 0);
        read = read.min(length);
        if let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(len64(read));
            self.file.read_exact_at(rest, at)?;
        }
        let checked = Frame::read(&bytes, Some(offset), &self.key).map(|_| ());
        Ok(checked.map(|()| bytes))
    }
}

/// Walks over a journal's bytes from its first frame on, past damage too.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    file: &'a File,
    key: Hash,
    length: u64,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// What a walk comes upon.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// Bytes that are no frame, up to the next whole one or (`None`) to the end of the file.
    Gap {
        offset: u64,
        until: Option<u64>,
        fault: Fault,
    },
    /// Nothing but zeros from here on.
    End,
}

const WINDOW: u64 = 4 * 1024 * 1024;

impl<'a> Walk<'a> {
    /// A walk from `from` (a frame's beginning) to the end of the file as it is now.
    pub(super) fn new(file: &'a File, key: Hash, from: u64) -> io::Result<Self> {
        Ok(Self {
            file,
            key,
            length: file.metadata()?.len(),
            at: from,
            window: Vec::new(),
            window_at: from,
        })
    }

    /// Makes `len` bytes from `at` on readable, fewer at the end of the file.
    fn load(&mut self, at: u64, len: u64) -> io::Result<()> {
        let end = at.saturating_add(len).min(self.length);
        let have = self.window_at.saturating_add(len64(self.window.len()));
        if at >= self.window_at && end <= have {
            return Ok(());
        }
        let want = self.length.saturating_sub(at).min(len.max(WINDOW));
        self.window.resize(size(want), 0);
        self.window_at = at;
        self.file.read_exact_at(&mut self.window, at)
    }

    fn loaded(&self, at: u64) -> &[u8] {
        self.window
            .get(size(at.saturating_sub(self.window_at))..)
            .unwrap_or_default()
    }

    /// The next thing; none after the end or a gap without end.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        if self.at >= self.length {
            let ended = std::mem::replace(&mut self.at, u64::MAX);
            return Ok((ended != u64::MAX).then_some(Found::End));
        }
        let offset = self.at;
        self.load(offset, len64(frame::PREFIX))?;
        let fault = match frame::claimed_length(self.loaded(offset)) {
            Ok(length) => {
                self.load(offset, len64(length))?;
                match Frame::read(self.loaded(offset), Some(offset), &self.key) {
                    Ok(frame) => {
                        self.at = frame.end();
                        let frame = Frame::again(self.loaded(offset)).map_err(io::Error::other)?;
                        return Ok(Some(Found::Frame(frame)));
                    }
                    Err(fault) => fault,
                }
            }
            Err(fault) => fault,
        };
        self.past_damage(offset, fault).map(Some)
    }

    /// Rare and slow: reads the whole rest of the file.
    fn past_damage(&mut self, offset: u64, fault: Fault) -> io::Result<Found<'static>> {
        self.load(offset, self.length.saturating_sub(offset))?;
        let rest = self.loaded(offset);
        if rest.iter().all(|byte| *byte == 0) {
            self.at = u64::MAX;
            return Ok(Found::End);
        }
        let next = offset.saturating_add(frame::ALIGN);
        let until = frame::search(rest, offset, next, &self.key).map(|frame| frame.offset);
        self.at = until.unwrap_or(u64::MAX);
        Ok(Found::Gap {
            offset,
            until,
            fault,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::OsDisk;
    use super::*;

    #[test]
    fn a_file_that_is_waited_for_takes_what_room_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let made = |name: &str, enough: bool| {
            let path = dir.path().join(name);
            Blank::make(&path, (3 * STEP, &|| enough), Arc::new(OsDisk))
                .unwrap()
                .reserved
        };
        assert_eq!(made("calm", false), 3 * STEP);
        assert_eq!(made("awaited", true), STEP);
    }
}

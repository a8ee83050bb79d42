//! What the ledger asks of the disk where an answer can be bad: the one place where tests put
//! their faults.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::bytes::{len64, size};

/// Zeros are written in pieces of this many bytes.
const ZEROS: u64 = 1024 * 1024;

/// Writing, syncing and room.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Writes all bytes at the offset.
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns once the file's data is on the device.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Makes the file at least `length` bytes long, zeros from `from` on. The blocks are reserved and
    /// written, so that a sync of what is written there later has no metadata to carry along: that
    /// makes it up to twice as fast.
    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()>;
    /// Bytes this user may still write below the folder.
    fn free(&self, folder: &Path) -> io::Result<u64>;
    /// Asked before every other step that changes the disk (a file made, renamed or removed, sled
    /// written): an error stands for that step's failure.
    fn step(&self, _what: &'static str) -> io::Result<()> {
        Ok(())
    }
}

/// Whether an error says that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// The operating system's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        let more = length.saturating_sub(from);
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            match fallocate(file, FallocateFlags::empty(), from, more) {
                // A file system that cannot reserve: the zeros below do it.
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let zeros = vec![0; size(more.min(ZEROS))];
        let mut at = from;
        while at < length {
            let piece = zeros
                .get(..size(length.saturating_sub(at)))
                .unwrap_or(&zeros);
            file.write_all_at(piece, at)?;
            at = at.saturating_add(len64(piece.len()));
        }
        file.sync_all()
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(folder)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn reserved_room_is_zeros_that_are_on_the_disk_and_leaves_what_is_before_it() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, b"header").unwrap();
        let length = 3 * ZEROS + 77;
        OsDisk.reserve(&file, 6, length).unwrap();
        let mut bytes = vec![1; size(length)];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes.starts_with(b"header"));
        assert!(bytes.iter().skip(6).all(|byte| *byte == 0));
        let about = file.metadata().unwrap();
        assert_eq!(about.len(), length);
        assert!(about.blocks() * 512 >= length, "it has holes");
    }
}

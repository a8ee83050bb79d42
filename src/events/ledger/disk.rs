//! What the ledger asks of the disk where an answer can be bad: the one place where tests put
//! their faults.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Writing, syncing and room.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Writes all bytes at the offset.
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns once the file's data is on the device.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Makes the file at least `length` bytes long, its new blocks reserved where the file
    /// system can do that.
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

    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_variables, reason = "growing plainly needs no beginning")
    )]
    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            match fallocate(
                file,
                FallocateFlags::empty(),
                from,
                length.saturating_sub(from),
            ) {
                Ok(()) => return Ok(()),
                // This file system cannot reserve: the file grows plainly below.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                Err(other) => return Err(other.into()),
            }
        }
        file.set_len(length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(folder)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

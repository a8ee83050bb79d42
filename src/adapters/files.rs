//! Writing files so that they are there whole or not at all. The one place that renames.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers temporary files within this process.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A file or folder that could not be brought to the disk. What stood there before still does.
#[derive(Debug, thiserror::Error)]
#[error("{step} {} failed: {source}", path.display())]
pub struct NotWritten {
    /// What was being done.
    pub step: &'static str,
    /// To which file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

fn step<T>(step: &'static str, path: &Path, done: io::Result<T>) -> Result<T, NotWritten> {
    done.map_err(|source| NotWritten {
        step,
        path: path.to_owned(),
        source,
    })
}

/// Puts `content` under `path`, replacing what is there in one instant. When this returns it is
/// durable: the bytes are synced before the name, the name before the answer. `mode` are the Unix
/// permission bits, like `0o600`; other systems ignore them. The folder must exist.
pub fn write_atomic(path: &Path, content: &[u8], mode: u32) -> Result<(), NotWritten> {
    let temporary = temporary_beside(path)?;
    let written = write_synced(&temporary, content, mode).and_then(|()| {
        #[expect(clippy::disallowed_methods, reason = "this is the place for it")]
        step("naming", path, fs::rename(&temporary, path))
    });
    if written.is_err() {
        // Nobody can use the half; the first error is the one to report.
        fs::remove_file(&temporary).ok();
    }
    written?;
    sync_folder(folder_of(path))
}

/// Gives a file another name; what had that name is gone. For names without content, like sockets:
/// nothing is synced.
pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the one place for renames")]
    fs::rename(from, to)
}

/// Makes a folder with these permission bits, durably, if it is not there. Its parent must exist.
pub fn make_folder(path: &Path, mode: u32) -> Result<(), NotWritten> {
    match build_folder(path, mode) {
        Ok(()) => sync_folder(folder_of(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => step("making", path, Err(error)),
    }
}

/// Brings the names inside a folder to the disk.
pub fn sync_folder(path: &Path) -> Result<(), NotWritten> {
    if cfg!(unix) {
        let synced = File::open(path).and_then(|folder| folder.sync_all());
        step("syncing", path, synced)?;
    }
    Ok(())
}

fn temporary_beside(path: &Path) -> Result<PathBuf, NotWritten> {
    let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name");
    let name = step("naming", path, path.file_name().ok_or_else(nameless))?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}-{number}.tmp", process::id()));
    Ok(path.with_file_name(hidden))
}

fn write_synced(path: &Path, content: &[u8], mode: u32) -> Result<(), NotWritten> {
    let mut file = step("creating", path, create(path, mode))?;
    step("writing", path, file.write_all(content))?;
    step("syncing", path, file.sync_all())
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Not `create_new`: a crashed process with the same number may have left its half behind.
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _: u32 = mode;
    options.open(path)
}

fn build_folder(path: &Path, mode: u32) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(mode);
    }
    #[cfg(not(unix))]
    let _: u32 = mode;
    builder.create(path)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_reader_sees_the_old_or_the_new_and_never_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let contents = [vec![b'a'; 1 << 20], vec![b'b'; 1 << 20]];
        write_atomic(&path, &contents[0], 0o600).unwrap();
        let done = AtomicBool::new(false);
        let reads = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0;
                while !done.load(Ordering::Acquire) || reads == 0 {
                    let seen = fs::read(&path).unwrap();
                    assert!(contents.contains(&seen), "{} bytes", seen.len());
                    reads += 1;
                }
                reads
            });
            for round in 0..20 {
                write_atomic(&path, &contents[round % 2], 0o600).unwrap();
            }
            done.store(true, Ordering::Release);
            reader.join().unwrap()
        });
        assert!(reads > 0);
        assert_eq!(names(folder.path()), ["state"], "no half is left behind");
    }

    #[test]
    fn a_failed_write_leaves_what_was_there_and_names_its_step() {
        let folder = tempfile::tempdir().unwrap();
        let in_the_way = folder.path().join("state");
        fs::create_dir(&in_the_way).unwrap();
        let failure = write_atomic(&in_the_way, b"new", 0o600).unwrap_err();
        assert_eq!(failure.step, "naming");
        assert_eq!(names(folder.path()), ["state"], "no half is left behind");
        let nowhere = folder.path().join("absent/state");
        assert_eq!(
            write_atomic(&nowhere, b"new", 0o600).unwrap_err().step,
            "creating"
        );
        assert!(write_atomic(Path::new("/"), b"new", 0o600).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_narrow_from_the_first_moment() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        make_folder(&inner, 0o700).unwrap();
        make_folder(&inner, 0o700).unwrap();
        let path = inner.join("letter");
        write_atomic(&path, b"x", 0o600).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&path)), (0o700, 0o600));
        assert!(make_folder(&path, 0o700).is_err(), "a file is no folder");
    }
}

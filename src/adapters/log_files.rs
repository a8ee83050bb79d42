//! The log in files: one folder, lines of JSON, a new file when one is full or a day old, the oldest removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::events::time::{Clock, Timestamp};

/// Bytes of a file, about: a line is never torn.
const FULL: u64 = 4 * 1024 * 1024;
/// How many files are kept, the one that is written included.
const KEPT: usize = 8;
/// A file that was begun so long ago is not written any more.
const AGE: Duration = Duration::from_hours(24);

/// The folder of the log below a store's folder.
pub fn folder(store: &Path) -> PathBuf {
    store.join("logs")
}

/// Where log lines go.
#[derive(Debug)]
pub struct LogFiles(Mutex<Writing>);

#[derive(Debug)]
struct Writing {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    /// The file, its bytes, and when it was begun.
    file: Option<(File, u64, Timestamp)>,
    full: u64,
}

impl LogFiles {
    /// In this store's folder. Nothing is made before the first line.
    pub fn of_store(store: &Path, clock: Arc<dyn Clock>) -> Self {
        Self(Mutex::new(Writing {
            folder: folder(store),
            clock,
            file: None,
            full: FULL,
        }))
    }
}

impl Write for &LogFiles {
    /// One whole line, as it is given.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.line(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writing {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let now = self.clock.now();
        let fits = |(_, bytes, begun): &(File, u64, Timestamp)| {
            *bytes < self.full && now.since(*begun) < AGE
        };
        if !self.file.as_ref().is_some_and(fits) {
            self.file = Some((self.begin(now)?, 0, now));
        }
        if let Some((file, bytes, _)) = &mut self.file {
            file.write_all(line)?;
            *bytes = bytes.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// A new file, named after the instant so that names sort; the oldest ones go.
    fn begin(&self, now: Timestamp) -> io::Result<File> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.folder.join(format!("{}.jsonl", now.compact())))?;
        let mut names: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
            .collect();
        names.sort();
        let surplus = names.len().saturating_sub(KEPT);
        for old in names.iter().take(surplus) {
            fs::remove_file(old)?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Debug)]
    struct Ticking(AtomicU64);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0.fetch_add(1_000_000, Ordering::Relaxed))
        }
    }

    #[test]
    fn files_are_bounded_in_size_and_number_and_no_line_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Ticking(AtomicU64::new(1_738_324_800_000_000)));
        let files = LogFiles::of_store(folder.path(), clock);
        files.0.lock().unwrap().full = 100;
        for number in 0..200 {
            let line = format!("{{\"number\":{number}}}\n");
            (&files).write_all(line.as_bytes()).unwrap();
        }
        let found: Vec<_> = fs::read_dir(super::folder(folder.path()))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(found.len(), KEPT);
        for path in found {
            let text = fs::read_to_string(path).unwrap();
            assert!(text.len() < 100 + 16 && text.ends_with("}\n"), "{text}");
        }
    }
}

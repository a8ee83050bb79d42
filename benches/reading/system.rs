//! What the system knows: memory, the page cache, bytes read from the disk.

use std::path::{Path, PathBuf};

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Drops a store's pages from memory; where it is allowed, names and inodes too.
pub(crate) fn cold(store: &Path) {
    for path in files(store) {
        // A socket or a lock that somebody holds has no pages.
        if let Ok(file) = std::fs::File::open(path) {
            drop(file.sync_all());
            let _unless_refused = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }
    drop(std::fs::write("/proc/sys/vm/drop_caches", "2"));
}

fn field(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default();
    line.split_whitespace()
        .next()
        .map_or(0, |word| word.parse().unwrap())
}

/// Everything of this process that is in memory, in MiB.
pub(crate) fn resident() -> f64 {
    field("/proc/self/status", "VmRSS:") as f64 / 1024.0
}

/// Bytes this process made the disk read.
pub(crate) fn read_bytes() -> u64 {
    field("/proc/self/io", "read_bytes:")
}

//! What kind of machine this is, and how busy: read from the system, and from one small file that is
//! written, synced and removed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::events::facts::timing::Machine;

/// How often the small file is written and synced.
const WRITES: usize = 5;

/// The machine at this moment; the disk is the store's. What cannot be read is 0.
pub fn look(store: &Path) -> Machine {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let free = disk_free_kib(store).unwrap_or(0);
    Machine {
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        load_per_mille: per_mille(&load),
        memory_kib: kib(&memory, "MemTotal:"),
        memory_free_kib: kib(&memory, "MemAvailable:"),
        disk_free_kib: free,
        disk_sync_micros: durable_write(store).map_or(0, |span| {
            u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
        }),
    }
}

/// How much may still be written below a folder; none where the system does not say.
pub fn disk_free_kib(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize) / 1_024)
}

/// The first number of `/proc/loadavg`, like `0.75`, in thousandths.
fn per_mille(text: &str) -> u64 {
    let first = text.split_whitespace().next().unwrap_or_default();
    let (whole, part) = first.split_once('.').unwrap_or((first, "0"));
    let part = format!("{part:0<3}");
    let thousandths = part.get(..3).and_then(|part| part.parse::<u64>().ok());
    let whole = whole.parse::<u64>().unwrap_or(0);
    whole
        .saturating_mul(1_000)
        .saturating_add(thousandths.unwrap_or(0))
}

fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The middle of a few small writes, each made durable.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what it is for"
)]
fn durable_write(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join(format!(".measured-{}", std::process::id()));
    let mut file = File::create(&path)?;
    let mut spans = Vec::with_capacity(WRITES);
    let mut written = Ok(());
    for _ in 0..WRITES {
        let begun = Instant::now();
        written = file.write_all(&[0; 4_096]).and_then(|()| file.sync_data());
        if written.is_err() {
            break;
        }
        spans.push(begun.elapsed());
    }
    fs::remove_file(&path)?;
    written?;
    spans.sort_unstable();
    Ok(spans.get(spans.len() / 2).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(per_mille("0.75 0.60 0.50 1/100 7\n"), 750);
        assert_eq!(per_mille("12.5"), 12_500);
        assert_eq!(per_mille(""), 0);
        let memory = "MemTotal:        8000 kB\nMemFree:  1 kB\nMemAvailable:   4000 kB\n";
        assert_eq!(kib(memory, "MemTotal:"), 8_000);
        assert_eq!(kib(memory, "MemAvailable:"), 4_000);
        assert_eq!(kib(memory, "Swap:"), 0);
    }

    #[test]
    fn a_machine_is_looked_at_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let machine = look(folder.path());
        assert!(machine.cores > 0 && machine.memory_kib > 0, "{machine:?}");
        assert!(machine.disk_sync_micros > 0, "{machine:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(look(Path::new("/does/not/exist")).disk_sync_micros, 0);
    }
}

//! Processes of this machine, as locks tell them apart.

use std::fs;
use std::process;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::backup::lock::Holder;
use crate::events::time::Timestamp;

/// This process as a holder of locks.
pub fn myself(what: &str, now: Timestamp) -> Holder {
    let kernel = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/kernel/{name}"));
        text.unwrap_or_default().trim().to_owned()
    };
    let pid = process::id();
    Holder {
        what: what.to_owned(),
        host: kernel("hostname"),
        boot: kernel("random/boot_id"),
        pid,
        begun: begun(pid).unwrap_or(0),
        heartbeat: now,
    }
}

/// Whether the process that began then goes on.
pub fn lives(pid: u32, when: u64) -> bool {
    begun(pid) == Some(when)
}

/// When a process began, in ticks since the boot.
fn begun(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; the beginning is the 20th field behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// What this process takes of its machine; none where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory in bytes that is really there.
    pub resident: Option<u64>,
    /// Time on processors, in microseconds.
    pub busy_micros: Option<u64>,
    /// Files and sockets that are open.
    pub open_files: Option<u64>,
    /// How many may be.
    pub open_files_max: Option<u64>,
    /// When it began.
    pub begun: Option<Timestamp>,
}

/// What this process takes of its machine.
pub fn usage() -> Usage {
    let ticks = |ticks: u64| {
        ticks
            .saturating_mul(1_000_000)
            .checked_div(rustix::param::clock_ticks_per_second())
    };
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let field = |nth: usize| -> Option<u64> {
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_ascii_whitespace().nth(nth)?.parse().ok()
    };
    let line = |file: &str, name: &str| -> Option<u64> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    let busy = || ticks(field(11)?.checked_add(field(12)?)?);
    let begun = || {
        let since_boot = ticks(field(19)?)?;
        let boot = line("/proc/stat", "btime")?.checked_mul(1_000_000)?;
        Some(Timestamp::from_micros(boot.checked_add(since_boot)?))
    };
    let open = fs::read_dir("/proc/self/fd").ok();
    Usage {
        resident: line("/proc/self/status", "VmRSS:").map(|kib| kib.saturating_mul(1024)),
        busy_micros: busy(),
        open_files: open.and_then(|open| u64::try_from(open.count()).ok()),
        open_files_max: getrlimit(Resource::Nofile).current,
        begun: begun(),
    }
}

/// Lets this process have as many files and sockets open as the system allows it.
pub fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum {
        let more = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, more) {
            tracing::debug!(%error, "no more files may be open than before");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something_of_its_machine() {
        let usage = usage();
        assert!(usage.resident.unwrap() > 100_000);
        assert!(usage.open_files.unwrap() >= 3);
        assert!(usage.busy_micros.is_some());
        assert!(usage.begun.unwrap() > Timestamp::from_micros(1_600_000_000_000_000));
    }

    #[test]
    fn this_process_lives_and_another_of_its_number_does_not() {
        let me = myself("test", Timestamp::EPOCH);
        assert!(lives(me.pid, me.begun));
        assert!(!lives(me.pid, me.begun + 1));
        assert!(!me.boot.is_empty() && !me.host.is_empty());
    }
}

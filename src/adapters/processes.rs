//! Processes of this machine, as locks tell them apart.

use std::fs;
use std::process;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_of_its_number_does_not() {
        let me = myself("test", Timestamp::EPOCH);
        assert!(lives(me.pid, me.begun));
        assert!(!lives(me.pid, me.begun + 1));
        assert!(!me.boot.is_empty() && !me.host.is_empty());
    }
}

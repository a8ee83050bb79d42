//! The lock of a repository: one writer at a time. It says who holds it; a holder that is gone is found
//! out, and its lock is broken by whoever comes next.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::BackupError;
use super::ports::{Claimed, Locks};
use crate::events::time::{Clock, Timestamp};

/// The lock of those that write.
const WRITER: &str = "writer";
/// How often a holder says that it goes on.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A holder on another machine that was silent for so long is gone.
const SILENCE: Duration = Duration::from_mins(15);

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What it does, like `backup` or `prune`.
    pub what: String,
    /// The machine's name.
    pub host: String,
    /// The machine's boot: another one means that no process of it goes on.
    pub boot: String,
    /// The process.
    pub pid: u32,
    /// When the process began, in ticks of its machine: pids are used again.
    pub begun: u64,
    /// When it last said that it goes on.
    pub heartbeat: Timestamp,
}

impl Holder {
    /// In words.
    pub fn words(&self) -> String {
        format!(
            "{} of process {} on {}, last heard of at {}",
            self.what, self.pid, self.host, self.heartbeat
        )
    }

    /// Whether it is gone, as `me` can tell: `lives` says whether a process of this boot goes on.
    pub fn is_gone(&self, me: &Self, lives: &dyn Fn(u32, u64) -> bool) -> bool {
        if self.host != me.host {
            return me.heartbeat.since(self.heartbeat) > SILENCE;
        }
        self.boot != me.boot || !lives(self.pid, self.begun)
    }

    fn bytes(&self) -> Vec<u8> {
        // Texts and numbers: nothing of it can fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A lock, held until it is dropped.
#[derive(Debug)]
pub struct Held {
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
    /// Whose lock was broken for it, in words.
    pub broken: Option<String>,
}

impl Held {
    /// Takes the writer's lock, or says who has it.
    pub fn take(
        locks: Arc<dyn Locks>,
        me: Holder,
        lives: &dyn Fn(u32, u64) -> bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BackupError> {
        // What nobody can read was being written when its owner went away.
        let is_dead = |bytes: &[u8]| {
            serde_json::from_slice::<Holder>(bytes).map_or(true, |it| it.is_gone(&me, lives))
        };
        let words = |bytes: &[u8]| {
            serde_json::from_slice::<Holder>(bytes)
                .map_or_else(|_| "somebody".to_owned(), |it| it.words())
        };
        let broken = match locks.claim(WRITER, &me.bytes(), &is_dead)? {
            Claimed::Taken => None,
            Claimed::Broken(bytes) => Some(words(&bytes)),
            Claimed::Held(bytes) => {
                return Err(BackupError::Locked {
                    holder: words(&bytes),
                });
            }
        };
        let (stop, stopped) = channel();
        let beating = std::thread::Builder::new()
            .name("backup-lock".to_owned())
            .spawn(move || {
                let mut said = me.bytes();
                while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                    let next = Holder {
                        heartbeat: clock.now(),
                        ..me.clone()
                    };
                    // A full disk takes no heartbeat; the process lives all the same.
                    if locks.renew(WRITER, &said, &next.bytes()).unwrap_or(false) {
                        said = next.bytes();
                    }
                }
                // What stays behind is broken by whoever comes next.
                drop(locks.release(WRITER, &said));
            });
        Ok(Self {
            stop: Some(stop),
            beating: beating.ok(),
            broken,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beating) = self.beating.take() {
            // A thread that panicked has nothing to say here.
            drop(beating.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(host: &str, boot: &str, minutes: u64) -> Holder {
        Holder {
            what: "backup".to_owned(),
            host: host.to_owned(),
            boot: boot.to_owned(),
            pid: 7,
            begun: 70,
            heartbeat: Timestamp::EPOCH.after(Duration::from_mins(minutes)),
        }
    }

    #[test]
    fn a_holder_is_gone_with_its_process_its_boot_or_after_long_silence() {
        let me = holder("here", "b", 100);
        for (other, lives, gone) in [
            (holder("here", "b", 1), true, false),
            (holder("here", "b", 100), false, true),
            (holder("here", "a", 100), true, true),
            (holder("there", "x", 90), false, false),
            (holder("there", "x", 80), true, true),
        ] {
            assert_eq!(other.is_gone(&me, &|_, _| lives), gone, "{other:?}");
        }
        // The same number, another process.
        let began_at_70 = |pid: u32, begun: u64| (pid, begun) == (7, 70);
        let mut again = holder("here", "b", 100);
        assert!(!again.is_gone(&me, &began_at_70));
        again.begun = 71;
        assert!(again.is_gone(&me, &began_at_70));
    }
}

//! The process that the fault campaigns do harm to: it works on a ledger by a script, and says over
//! a socket what it was told. A socket, because its writes are no writes to files: a fault put into
//! those does not hit its words.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use switchboard::events::ledger::append::AppendError;
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::{Ledger, OpenError};

use crate::torture_disks::SyncsNothing;
use crate::torture_kit::{Ack, Load, Seeded, create_on, open_on, shown};

/// Not a test by itself. The script's words: `open` (makes the store when there is none), `append:N`
/// (0: until it is killed), `threads:N`, `close`, `verify`.
#[test]
#[ignore = "what the fault campaigns start and harm"]
#[expect(
    clippy::exit,
    reason = "the test harness's own last words could meet the fault"
)]
fn plays_its_script() {
    let socket = UnixStream::connect(said("SOCKET")).unwrap();
    let mut go = String::new();
    BufReader::new(socket.try_clone().unwrap())
        .read_line(&mut go)
        .unwrap();
    let disk: Arc<dyn Disk> = if said("DISK") == "syncs-nothing" {
        Arc::new(SyncsNothing)
    } else {
        Arc::new(OsDisk)
    };
    let victim = Playing {
        socket: Mutex::new(socket),
        store: said("STORE").into(),
        load: Load::named(&said("LOAD")),
        next: AtomicU64::new(said("FROM").parse().unwrap()),
        acks: Mutex::new(Vec::new()),
        disk,
    };
    let mut ledger = None;
    let mut threads = 1;
    for word in said("SCRIPT").split(' ') {
        let (word, count) = word.split_once(':').unwrap_or((word, "1"));
        let count: u64 = count.parse().unwrap();
        match (word, &ledger) {
            ("open", _) => ledger = victim.open(),
            ("threads", _) => threads = count,
            ("append", Some(ledger)) => victim.append(ledger, threads, count),
            ("verify", Some(ledger)) => victim.verify(ledger),
            ("settle", Some(ledger)) => drop(ledger.settle()),
            ("close", _) => victim.close(ledger.take()),
            // Without a ledger there is nothing to do: it could not be opened.
            _ => {}
        }
    }
    drop(ledger);
    victim.say("DONE");
    std::process::exit(0);
}

fn said(name: &str) -> String {
    std::env::var(format!("SWITCHBOARD_VICTIM_{name}")).unwrap_or_default()
}

struct Playing {
    socket: Mutex<UnixStream>,
    store: PathBuf,
    load: Load,
    next: AtomicU64,
    acks: Mutex<Vec<Ack>>,
    disk: Arc<dyn Disk>,
}

impl Playing {
    fn say(&self, word: &str) {
        // A parent that is gone kills this process anyway.
        drop(writeln!(self.socket.lock().unwrap(), "{word}"));
    }

    fn open(&self) -> Option<Ledger> {
        let disk = || Arc::clone(&self.disk);
        let opened = match open_on(disk(), &self.store) {
            Err(OpenError::Absent { .. }) => create_on(disk(), &self.store),
            opened => opened.map(|(ledger, _)| ledger),
        };
        match opened {
            Ok(ledger) => {
                self.say(&format!("OPENED {}", ledger.head().position));
                Some(ledger)
            }
            Err(e) => {
                let kind = match &e {
                    OpenError::Io { .. } => "Io",
                    OpenError::Corrupt { .. } => "Corrupt",
                    OpenError::Absent { .. }
                    | OpenError::Present { .. }
                    | OpenError::NotAStore { .. }
                    | OpenError::Locked { .. }
                    | OpenError::TooNew { .. } => "Other",
                };
                self.say(&format!("NOT-OPENED {kind} {}", shown(&e)));
                None
            }
        }
    }

    fn append(&self, ledger: &Ledger, threads: u64, count: u64) {
        let left = AtomicU64::new(if count == 0 { u64::MAX } else { count });
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while left
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                            left.checked_sub(1)
                        })
                        .is_ok()
                    {
                        self.append_one(ledger);
                    }
                });
            }
        });
    }

    fn append_one(&self, ledger: &Ledger) {
        let seeded = Seeded {
            load: self.load,
            number: self.next.fetch_add(1, Ordering::SeqCst),
        };
        match ledger.append(seeded.commit()) {
            Ok(appended) => {
                let ack = Ack {
                    seeded,
                    first: appended.first.0,
                    last: appended.last.0,
                };
                self.acks.lock().unwrap().push(ack);
                self.say(&ack.say());
            }
            Err(e) => {
                let kind = match &e {
                    AppendError::Poisoned { .. } => "Poisoned",
                    AppendError::NoSpace { .. } => "NoSpace",
                    AppendError::WrongVersion { .. }
                    | AppendError::Conflict { .. }
                    | AppendError::Invalid { .. }
                    | AppendError::Encode(_)
                    | AppendError::Unreadable { .. }
                    | AppendError::Closed => "Other",
                };
                self.say(&format!("NO {kind} {}", shown(&e)));
                self.reads(ledger);
            }
        }
    }

    /// Refused writing, it must still read what was acknowledged.
    fn reads(&self, ledger: &Ledger) {
        let acks = self.acks.lock().unwrap().clone();
        for ack in acks {
            let position = switchboard::events::ids::Position(ack.first);
            let count = usize::try_from(ack.last - ack.first + 1).unwrap();
            match ledger.read(position, count) {
                Ok(events) if events.len() == count => {}
                Ok(_) => return self.say(&format!("UNREAD {} is not there", ack.first)),
                Err(e) => return self.say(&format!("UNREAD {}: {}", ack.first, shown(&e))),
            }
        }
        self.say("READ");
    }

    fn verify(&self, ledger: &Ledger) {
        match ledger.verify() {
            Ok(verified) if verified.ok => self.say("VERIFIED"),
            Ok(verified) => self.say(&format!("DAMAGED {:?}", verified.damage)),
            Err(e) => self.say(&format!("UNVERIFIED {}", shown(&e))),
        }
    }

    fn close(&self, ledger: Option<Ledger>) {
        let Some(ledger) = ledger else { return };
        match ledger.close() {
            Ok(()) => self.say("CLOSED"),
            Err(e) => self.say(&format!("NOT-CLOSED {}", shown(&e))),
        }
    }
}

/// Longer than this, and the victim hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process of this same test binary that plays `torture_victim` on a store.
#[derive(Debug)]
pub(crate) struct Victim {
    pub(crate) child: Child,
    lines: BufReader<UnixStream>,
    say: UnixStream,
    errors: PathBuf,
}

impl Victim {
    /// Starts it and waits until it is ready; it begins with [`Self::go`].
    pub(crate) fn start(folder: &Path, store: &Path, load: Load, from: u64, script: &str) -> Self {
        Self::start_with(folder, store, load, (from, script), &[])
    }

    /// With more environment.
    pub(crate) fn start_with(
        folder: &Path,
        store: &Path,
        load: Load,
        (from, script): (u64, &str),
        more: &[(&str, &str)],
    ) -> Self {
        let socket = folder.join("s");
        drop(std::fs::remove_file(&socket));
        let listener = UnixListener::bind(&socket).unwrap();
        let errors = folder.join("stderr");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "torture_victim::plays_its_script"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env("SWITCHBOARD_VICTIM_SOCKET", &socket)
            .env("SWITCHBOARD_VICTIM_STORE", store)
            .env("SWITCHBOARD_VICTIM_LOAD", load.name())
            .env("SWITCHBOARD_VICTIM_FROM", from.to_string())
            .env("SWITCHBOARD_VICTIM_SCRIPT", script)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let (say, _) = listener.accept().unwrap();
        say.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            child,
            lines: BufReader::new(say.try_clone().unwrap()),
            say,
            errors,
        }
    }

    pub(crate) fn go(&mut self) {
        self.say.write_all(b"GO\n").unwrap();
    }

    /// The next thing it says; none when it is gone. A silence beyond patience is a hang.
    pub(crate) fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) if line.ends_with('\n') => Ok(Some(line.trim_end().to_owned())),
            // Cut off in the middle of a word.
            Ok(_) => Ok(None),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => Ok(None),
            Err(e) => Err(format!("it hangs: {e}")),
        }
    }

    /// What it has said until now, without waiting for more than a moment.
    pub(crate) fn said_so_far(&mut self) -> Vec<String> {
        self.say
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        let mut said = Vec::new();
        while let Ok(Some(line)) = self.line() {
            said.push(line);
        }
        self.say.set_read_timeout(Some(PATIENCE)).unwrap();
        said
    }

    /// Everything it still says, until it is gone.
    pub(crate) fn rest(&mut self) -> Result<Vec<String>, String> {
        let mut said = Vec::new();
        while let Some(line) = self.line()? {
            said.push(line);
        }
        Ok(said)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Waits for its end; says so when it panicked outside of sled (whose panics are guarded).
    pub(crate) fn end(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if start.elapsed() > PATIENCE {
                self.kill();
                return Err("it does not end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
        let panicked = errors
            .lines()
            .find(|line| line.contains("panicked at") && !line.contains("/sled-"));
        panicked.map_or(Ok(()), |line| Err(format!("it panicked: {line}\n{errors}")))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

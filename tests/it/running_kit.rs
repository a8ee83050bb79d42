//! The built binary with a store of its own: one command after the other, and owners that stay.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Long enough for a machine that does a lot of other things.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A ledger in a folder, and commands that see nothing else.
pub(crate) struct Desk {
    folder: TempDir,
    /// Variables that every command gets.
    pub(crate) variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The objects that it printed.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The last object that it printed.
    pub(crate) fn item(&self) -> Value {
        self.items().pop().unwrap_or_default()
    }

    /// The error that ends stderr in JSON mode.
    pub(crate) fn exit_error(&self) -> Value {
        let last = self.err.lines().last().unwrap_or_default();
        let record: Value = serde_json::from_str(last).unwrap_or_default();
        assert_eq!(record["record"], "exit_error", "{}", self.err);
        assert_eq!(record["exit"], self.code);
        record
    }
}

impl Desk {
    /// A new ledger.
    pub(crate) fn new() -> Self {
        let desk = Self {
            folder: TempDir::new().unwrap(),
            variables: Vec::new(),
        };
        desk.must(&["init"]);
        desk
    }

    /// The same, on a display.
    pub(crate) fn on(display: &str) -> Self {
        let mut desk = Self::new();
        desk.variables
            .push(("DISPLAY".to_owned(), display.to_owned()));
        desk
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn command(&self, line: &[&str]) -> Command {
        self.command_in(&self.store(), line)
    }

    /// Runs what must succeed with another store beside this one; its last object.
    pub(crate) fn must_in(&self, store: &str, line: &[&str]) -> Value {
        let store = self.folder.path().join(store);
        let ran = Ran::of(self.command_in(&store, line).output().unwrap());
        assert_eq!(ran.code, 0, "{line:?}: {ran:?}");
        ran.item()
    }

    fn command_in(&self, store: &std::path::Path, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .envs(self.variables.iter().map(|(name, text)| (name, text)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .arg("--json")
            .arg("--store")
            .arg(store)
            .args(line);
        command
    }

    pub(crate) fn run(&self, line: &[&str]) -> Ran {
        Ran::of(self.command(line).output().unwrap())
    }

    /// Runs what must succeed; its last object.
    pub(crate) fn must(&self, line: &[&str]) -> Value {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line:?}: {ran:?}");
        ran.item()
    }

    /// Starts a command and leaves it running.
    pub(crate) fn start(&self, line: &[&str]) -> Running {
        let mut command = self.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (told, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let out = std::thread::spawn(move || {
            let mut all = String::new();
            for line in out.lines().map_while(Result::ok) {
                all.push_str(&line);
                all.push('\n');
                told.send(line).ok();
            }
            all
        });
        let mut err = child.stderr.take().unwrap();
        let err = std::thread::spawn(move || {
            let mut all = String::new();
            err.read_to_string(&mut all).unwrap();
            all
        });
        Running {
            child: Some(child),
            lines: Mutex::new(lines),
            out: Some(out),
            err: Some(err),
        }
    }

    /// A daemon that answers.
    pub(crate) fn serve(&self, more: &[&str]) -> Running {
        let running = self.start(&[&["serve"], more].concat());
        let serving: Value = serde_json::from_str(&running.line()).unwrap();
        assert_eq!(serving["record"], "serving");
        running
    }

    /// The events of a message's story with this name.
    pub(crate) fn story(&self, message: &str, event: &str) -> Vec<Value> {
        let ran = self.run(&["why", message]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let mut items = ran.items();
        items.retain(|item| item["event"] == event);
        items
    }
}

/// A command that was started. Killed with its test.
pub(crate) struct Running {
    child: Option<Child>,
    lines: Mutex<mpsc::Receiver<String>>,
    out: Option<JoinHandle<String>>,
    err: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut child = self.child.take().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("it did not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ran {
            code: status.code().unwrap_or(-1),
            out: self.out.take().unwrap().join().unwrap(),
            err: self.err.take().unwrap().join().unwrap(),
        }
    }

    /// Asks it to go and waits.
    pub(crate) fn stop(self) -> Ran {
        self.signal("-TERM");
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

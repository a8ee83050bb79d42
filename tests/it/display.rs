//! Virtual displays with real windows, one for every test.
//!
//! arboard serves one display per process, and only the one that `$DISPLAY` names. So a test that
//! needs a display starts one and then runs itself again in a process of its own on it: that works
//! the same under `cargo test` and under nextest.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use switchboard::events::facts::screen::{Point, Rect};

/// Names the display to a test that runs on it.
const ON_DISPLAY: &str = "SWITCHBOARD_TEST_DISPLAY";
/// Names the process of the display server to it.
const SERVER: &str = "SWITCHBOARD_TEST_SERVER";
/// Makes a missing display server a failure instead of a skipped test.
const REQUIRED: &str = "SWITCHBOARD_REQUIRE_DISPLAY";
/// Long enough for a machine that does a lot of other things.
const PATIENCE: Duration = Duration::from_mins(1);
const TEST_MAX: Duration = Duration::from_mins(10);

/// Declares tests that run on a display of their own. `bare` leaves the window manager out.
macro_rules! on_a_display {
    ($($(#[$meta:meta])* $($bare:literal)? fn $name:ident($display:ident) $body:block)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            let here = concat!(module_path!(), "::", stringify!($name));
            let bare = [$($bare,)? ""].contains(&"bare");
            $crate::display::run(here, bare, |$display: &$crate::display::Display| $body);
        }
    )*};
}

pub(crate) use on_a_display;

/// A display that this test alone uses.
pub(crate) struct Display {
    pub(crate) name: String,
    /// The process of the display server.
    pub(crate) server: u32,
    folder: tempfile::TempDir,
}

/// A process that dies with its test.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // A window may be a shell with a terminal in it: those spawned on a display lead a group.
        let group = format!("-{}", self.0.id());
        let mut kill = Command::new("kill");
        kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
        kill.status().ok();
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A window that stands for an agent.
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) process: Process,
    /// The middle of its input box.
    pub(crate) at: Point,
    log: PathBuf,
}

/// What an agent wrote down.
#[derive(Debug, Deserialize)]
struct Line {
    text: String,
}

impl Agent {
    /// Everything that was submitted to it, in order.
    pub(crate) fn received(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let whole = log.lines().filter(|line| !line.is_empty());
        if self.log.extension().is_some_and(|kind| kind == "txt") {
            return whole.map(str::to_owned).collect();
        }
        whole
            .map(|line| serde_json::from_str::<Line>(line).unwrap().text)
            .collect()
    }
}

/// Runs the body on a new display, or says why it cannot.
pub(crate) fn run(test: &str, bare: bool, body: impl FnOnce(&Display)) {
    if let Ok(name) = std::env::var(ON_DISPLAY) {
        body(&Display {
            name,
            server: std::env::var(SERVER).unwrap().parse().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        });
        return;
    }
    if let Some(missing) = missing() {
        assert!(
            std::env::var(REQUIRED).is_err(),
            "{missing} is missing and {REQUIRED} is set"
        );
        println!("SKIPPED: {test}: {missing} is missing; scripts/install-packages installs it");
        eprintln!("SKIPPED: {test}: {missing} is missing; scripts/install-packages installs it");
        return;
    }
    let (server, name) = start_server();
    let _manager = (!bare).then(|| start_window_manager(&name));
    run_again(test, &name, server.0.id());
    drop(server);
}

/// Whether a program can be found.
pub(crate) fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The first package that is needed and not there.
fn missing() -> Option<&'static str> {
    let there = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !on_path("Xvfb") {
        Some("xvfb")
    } else if !on_path("openbox") {
        Some("openbox")
    } else if !there("/usr/bin/python3", &["-c", "import tkinter"]) {
        Some("python3-tk")
    } else {
        None
    }
}

fn start_server() -> (Process, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1280x900x24"]);
    command.args(["-nolisten", "tcp", "-noreset"]);
    let mut server = spawn(command.stderr(Stdio::null()));
    let name = format!(":{}", first_line(&mut server, "Xvfb").trim());
    (server, name)
}

fn start_window_manager(display: &str) -> Process {
    let mut command = Command::new("openbox");
    command.env("DISPLAY", display).stderr(Stdio::null());
    let manager = spawn(&mut command);
    let (conn, screen) = x11rb::connect(Some(display)).unwrap();
    until("openbox manages the screen", || {
        has_property(&conn, screen, b"_NET_SUPPORTING_WM_CHECK")
    });
    manager
}

fn has_property(conn: &x11rb::rust_connection::RustConnection, screen: usize, name: &[u8]) -> bool {
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::ConnectionExt as _;

    let root = conn.setup().roots[screen].root;
    let atom = conn.intern_atom(false, name).unwrap().reply().unwrap().atom;
    let asked = conn.get_property(false, root, atom, 0_u32, 0, 1).unwrap();
    asked.reply().unwrap().value_len > 0
}

fn run_again(test: &str, display: &str, server: u32) {
    let (_, name) = test.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--include-ignored"]);
    command
        .env("DISPLAY", display)
        .env(ON_DISPLAY, display)
        .env(SERVER, server.to_string());
    command.env_remove("WAYLAND_DISPLAY");
    let mut test = spawn(command.stderr(Stdio::piped()));
    let out = read_all(test.0.stdout.take().unwrap());
    let err = read_all(test.0.stderr.take().unwrap());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = test.0.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < TEST_MAX, "{name} did not end");
        thread::sleep(Duration::from_millis(10));
    };
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    println!("{out}");
    eprintln!("{err}");
    assert!(status.success(), "{name} failed on {display}: {status}");
    assert!(out.contains("1 passed"), "{name} did not run");
}

fn read_all(mut from: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).ok();
        String::from_utf8_lossy(&all).into_owned()
    })
}

fn spawn(command: &mut Command) -> Process {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Process(
        command
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}")),
    )
}

/// Reads until the process prints a line with this word in it.
pub(crate) fn line_with(process: &mut Process, word: &str) {
    let out = BufReader::new(process.0.stdout.take().unwrap());
    let found = out
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains(word));
    assert!(found, "the process never said {word}");
}

/// The first line that a process prints. What it prints later is read and dropped.
pub(crate) fn first_line(process: &mut Process, what: &str) -> String {
    let mut out = BufReader::new(process.0.stdout.take().unwrap());
    let (told, line) = mpsc::channel();
    thread::spawn(move || {
        let mut first = String::new();
        out.read_line(&mut first).ok();
        told.send(first).ok();
        out.read_to_end(&mut Vec::new()).ok();
    });
    let line = line.recv_timeout(PATIENCE).expect("a first line in time");
    assert!(!line.is_empty(), "{what} ended without a word");
    line
}

/// Looks again and again until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never came true: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

impl Display {
    /// A folder that goes away with the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program on this display.
    pub(crate) fn spawn(&self, command: &mut Command) -> Process {
        spawn(command.env("DISPLAY", &self.name).process_group(0))
    }

    /// A Tk window; `more` are further arguments of `tk_agent.py`.
    pub(crate) fn tk(&self, name: &str, place: Rect, more: &[&str]) -> Agent {
        self.agent(name, "tk_agent.py", place, more)
    }

    /// A GTK 3 window.
    pub(crate) fn gtk(&self, name: &str, place: Rect, more: &[&str]) -> Agent {
        self.agent(name, "gtk_agent.py", place, more)
    }

    /// A terminal; its size is in characters.
    pub(crate) fn xterm(&self, name: &str, place: Rect, more: &[&str]) -> Agent {
        self.agent(name, "xterm_agent.sh", place, more)
    }

    fn agent(&self, name: &str, script: &str, place: Rect, more: &[&str]) -> Agent {
        let kind = if script.starts_with("xterm") {
            "txt"
        } else {
            "jsonl"
        };
        let log = self.folder().join(format!("{name}.{kind}"));
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/windows");
        let mut command = Command::new(scripts.join(script));
        command.arg(name);
        command.args([place.x, place.y].map(|n| n.to_string()));
        command.args([place.width, place.height].map(|n| n.to_string()));
        command.arg("--log").arg(&log).args(more);
        let mut process = self.spawn(&mut command);
        let line = first_line(&mut process, script);
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["ready", said, x, y] = words[..] else {
            panic!("{script} said {line:?}");
        };
        assert_eq!(said, name);
        Agent {
            name: name.to_owned(),
            process,
            at: Point {
                x: x.parse().unwrap(),
                y: y.parse().unwrap(),
            },
            log,
        }
    }
}

/// A rectangle in a word.
pub(crate) fn rect(x: i32, y: i32, width: u32, height: u32) -> Rect {
    Rect {
        x,
        y,
        width,
        height,
    }
}

//! `switchboard top` on a terminal of its own: it shows what changes, keeps to the screen, and gives the
//! terminal back.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

use super::running_kit::{Desk, PATIENCE, until};

/// A terminal on which a line of shell runs. `script` makes it, and is on every Debian.
struct Pty {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Pty {
    /// Says which terminal it is and as whom it runs, shows the desk, and says how it left.
    fn top(desk: &Desk) -> Self {
        let binary = env!("CARGO_BIN_EXE_switchboard");
        let line = format!(
            "tty; stty rows 24 cols 80; sh -c 'echo pid $$; exec \"{binary}\" --store \"{}\" top'; \
             echo left with $?; stty -a",
            desk.store().display()
        );
        let mut child = Command::new("script")
            .args(["--quiet", "--flush", "--command", &line, "/dev/null"])
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", desk.store())
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("script (bsdutils) makes a terminal");
        let mut out = child.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                kept.lock().unwrap().push_str(&text);
            }
        });
        Self {
            keys: child.stdin.take().unwrap(),
            child,
            shown,
        }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Waits for words, and forgets everything before.
    fn wait_for(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let mut shown = self.shown.lock().unwrap();
            if let Some(at) = shown.find(words) {
                let end = at + words.len();
                let seen = shown[..end].to_owned();
                shown.drain(..end);
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "no `{words}` in {shown:?}");
            drop(shown);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// The word behind these.
    fn word_after(&self, words: &str) -> String {
        self.wait_for(words);
        until("a whole line", || self.shown().contains('\n'));
        let shown = self.shown();
        shown.split_whitespace().next().unwrap().to_owned()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the terminal was given back, with this exit code.
    fn left_with(mut self, code: u8) {
        self.wait_for("\x1b[?7h\x1b[?25h\x1b[?1049l");
        self.wait_for(&format!("left with {code}"));
        let settings = self.wait_for("echoke");
        for word in settings.split([' ', ';', '\n', '\r']) {
            let off = ["-icanon", "-echo", "-isig", "-opost", "-icrnl"];
            assert!(!off.contains(&word), "{word} in {settings}");
        }
        until("it ends", || self.child.try_wait().unwrap().is_some());
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn top_shows_what_changes_and_gives_the_terminal_back() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "early", "--channel", "inbox"]);
    let daemon = desk.serve(&["--desktop", "none", "--listen", "127.0.0.1:0"]);
    let mut pty = Pty::top(&desk);
    let terminal = pty.word_after("/dev/");
    pty.wait_for("\x1b[?1049h");
    pty.wait_for("[1 Agents 1]");
    pty.wait_for("early");
    desk.must(&["agent", "add", "late-comer", "--channel", "inbox"]);
    pty.wait_for("[1 Agents 2]");
    pty.wait_for("late-comer");
    // Paused, nothing that happens is shown; going on, it is.
    pty.press("p");
    pty.wait_for("PAUSED at");
    pty.press("\t");
    pty.wait_for("[2 Queue 0]");
    pty.press("p");
    pty.wait_for("now");
    // Another size: everything is drawn anew, and nothing wider than that.
    let resized = Command::new("stty")
        .args(["-F", &format!("/dev/{terminal}"), "rows", "9", "cols", "40"])
        .status()
        .unwrap();
    assert!(resized.success());
    pty.wait_for("\x1b[2J");
    pty.press("?");
    let screen = pty.wait_for("Keys");
    assert!(!screen.contains("\x1b[10;1H"), "{screen:?}");
    pty.press("q");
    pty.left_with(0);
    assert_eq!(daemon.stop().code, 143);
}

#[test]
fn top_without_a_daemon_says_so_and_a_signal_or_ctrl_c_ends_it_cleanly() {
    let desk = Desk::new();
    let pty = Pty::top(&desk);
    let id = pty.word_after("pid ");
    pty.wait_for("no daemon: nothing is delivered");
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
    pty.left_with(143);

    let mut pty = Pty::top(&desk);
    pty.wait_for("no daemon: nothing is delivered");
    pty.press("\x03");
    pty.left_with(130);
    // Looking changed nothing.
    assert_eq!(desk.must(&["status"])["head"], 1);
}

#[test]
fn top_goes_on_when_the_daemon_leaves() {
    let desk = Desk::new();
    let daemon = desk.serve(&["--desktop", "none", "--listen", "127.0.0.1:0"]);
    let mut pty = Pty::top(&desk);
    pty.wait_for("delivering with none");
    assert_eq!(daemon.stop().code, 143);
    pty.wait_for("no daemon: nothing is delivered");
    pty.press("q");
    pty.left_with(0);
}

#[test]
fn top_without_a_terminal_prints_one_look_in_words_or_json() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    desk.must(&["send", "--to", "a", "--via", "inbox", "hello"]);
    let item = desk.must(&["top"]);
    assert_eq!(item["day"]["counts"]["inboxed"], 1);
    assert_eq!(item["agents"][0]["id"], "a");
    assert_eq!(item["agents"][0]["unread"], 1);
    assert_eq!(item["daemon"], false);
    assert_eq!(item["events"][0]["event"], "attempt.inboxed");
    assert_eq!(item["backup"]["taken_at"], Value::Null);
    for more in [&["top", "--once"][..], &["top"]] {
        let ran = Command::new(env!("CARGO_BIN_EXE_switchboard"))
            .env_clear()
            .env("HOME", desk.store())
            .args(["--store", desk.store().to_str().unwrap()])
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success());
        assert!(text.contains("no daemon") && text.contains("Agents") && text.contains("Events"));
        assert!(!text.contains('\x1b'), "{text:?}");
    }
    std::fs::remove_dir_all(desk.store()).unwrap();
    assert_eq!(desk.run(&["top"]).exit_error()["exit"], 10);
}

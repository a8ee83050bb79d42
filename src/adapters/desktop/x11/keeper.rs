//! The clipboard after its worker is gone. On X11 a program that put a text there must go on serving
//! it. A worker must not stay for that: it would hold the seat, or its owner's pipes. So it hands the
//! text to a process that holds nothing else and ends as soon as somebody else owns the clipboard.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use arboard::SetExtLinux as _;
use x11rb::connection::Connection as _;
use x11rb::protocol::xfixes::{ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xproto::EventMask;

use crate::delivery::ports::Trouble;

use super::clipboard::{is_this_process, owner_of};
use super::link::{Link, lost, trouble};
use super::listener::Deadline;

/// How long taking the clipboard over may last.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the keeper says once the clipboard is its own.
const TAKEN: &str = "taken";

/// A text in the clipboard, and whose window serves it.
#[derive(Clone, PartialEq, Eq)]
pub struct Holding {
    /// The window that owns the clipboard now.
    pub window: u32,
    /// Whether clipboard histories are to leave it out.
    pub private: bool,
    /// What is there.
    pub text: String,
}

impl std::fmt::Debug for Holding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The content is nobody's business.
        f.debug_struct("Holding")
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Starts a keeper: this same binary with the hidden verb `clipboard-keeper`, in a process group and a
/// folder of its own, on nobody's pipes. Returns when the clipboard is its own, or will not be.
pub fn hand_on(seat: &str, holding: &Holding, span: Duration) -> io::Result<()> {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["clipboard-keeper", "--seat", seat])
        .args(["--from", &holding.window.to_string()])
        .args(["--span", &format!("{}ms", span.as_millis())])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    if holding.private {
        command.arg("--private");
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(holding.text.as_bytes())?;
    }
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut String::new())?;
    }
    Ok(())
}

/// Takes the clipboard over from its present owner, says so on `output`, and serves its text until
/// somebody else owns it, the display is gone, or the span is over. Does nothing when the clipboard
/// changed hands already.
pub fn keep(
    display: &str,
    holding: Holding,
    span: Duration,
    output: &mut dyn io::Write,
) -> Result<(), Trouble> {
    let link = Link::open(display)?;
    let clipboard = link.atoms.CLIPBOARD;
    let window = link.hidden_window(EventMask::NO_EVENT)?;
    let asked = link.conn.xfixes_query_version(5, 0).map_err(lost)?;
    asked.reply().map_err(trouble)?;
    let changes = SelectionEventMask::SET_SELECTION_OWNER
        | SelectionEventMask::SELECTION_WINDOW_DESTROY
        | SelectionEventMask::SELECTION_CLIENT_CLOSE;
    link.conn
        .xfixes_select_selection_input(window, clipboard, changes)
        .map_err(lost)?;
    if owner_of(&link, clipboard)? != holding.window {
        return Ok(());
    }
    let clip = |error: arboard::Error| Trouble::Clipboard(error.to_string());
    let mut arboard = arboard::Clipboard::new().map_err(clip)?;
    let set = arboard.set();
    let set = if holding.private {
        set.exclude_from_history()
    } else {
        set
    };
    set.text(holding.text).map_err(clip)?;
    let deadline = Deadline::within(PATIENCE);
    let ours = loop {
        let now = owner_of(&link, clipboard)?;
        if now != holding.window && now != x11rb::NONE && is_this_process(&link, now)? {
            break now;
        }
        if deadline.left().is_zero() {
            return Ok(());
        }
    };
    // The worker may be gone already; the clipboard is kept all the same.
    writeln!(output, "{TAKEN}")
        .and_then(|()| output.flush())
        .unwrap_or_default();
    let (told, over) = mpsc::channel();
    thread::Builder::new()
        .name("clipboard-owner".to_owned())
        .spawn(move || {
            while link.conn.wait_for_event().is_ok()
                && owner_of(&link, clipboard).is_ok_and(|now| now == ours)
            {}
            told.send(())
        })
        .map_err(|e| Trouble::Unsupported(format!("no thread to listen with: {e}")))?;
    // Somebody else's, or the time is over: either way there is nothing more to do.
    over.recv_timeout(span).unwrap_or_default();
    Ok(())
}

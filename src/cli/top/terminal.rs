//! The terminal while a live screen is on it. However the program leaves, it is given back as it was found.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

use super::frame::Size;
use crate::cli::output::paint::Paint;

/// The other screen, no cursor, no line that goes on in the next one.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";

/// The same, undone.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// What a terminal is taken to be that does not say.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};

/// Bytes of keys that are read at a time.
const CHUNK: usize = 256;

/// A terminal that was taken over.
pub struct Terminal {
    found: Termios,
    keys: mpsc::Receiver<io::Result<Vec<u8>>>,
    drawn: Vec<String>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

/// Whether somebody sits there: keys come from a terminal, and what is written goes to one.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// How large the terminal is that is written to; none when it is no terminal.
pub fn size() -> Option<Size> {
    let said = tcgetwinsize(io::stdout()).ok()?;
    let (columns, rows) = (usize::from(said.ws_col), usize::from(said.ws_row));
    Some(if columns == 0 || rows == 0 {
        USUAL
    } else {
        Size { columns, rows }
    })
}

impl Terminal {
    /// Takes it over: keys come at once and unseen, and what stood there is kept for later.
    pub fn enter() -> io::Result<Self> {
        let found = tcgetattr(io::stdin())?;
        let mut raw = found.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        // From here on it is given back whatever happens.
        let terminal = Self {
            found,
            keys: listen(),
            drawn: Vec::new(),
        };
        write(ENTER)?;
        Ok(terminal)
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        size().unwrap_or(USUAL)
    }

    /// The next bytes of keys; nothing once nobody can press any more.
    pub async fn keys(&mut self) -> io::Result<Vec<u8>> {
        self.keys.recv().await.unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Shows these lines: only what differs from what is there is written.
    pub fn draw(&mut self, lines: &[super::line::Line], paint: Paint) -> io::Result<()> {
        let wanted: Vec<String> = lines.iter().map(|line| line.render(paint)).collect();
        let mut text = String::new();
        for (nth, line) in wanted.iter().enumerate() {
            if self.drawn.get(nth) != Some(line) {
                text.push_str(&row(nth, line));
            }
        }
        for nth in wanted.len()..self.drawn.len() {
            text.push_str(&row(nth, ""));
        }
        self.drawn = wanted;
        if text.is_empty() {
            return Ok(());
        }
        write(&text)
    }

    /// Forgets what is there: everything is written anew.
    pub fn wipe(&mut self) -> io::Result<()> {
        self.drawn.clear();
        write("\x1b[2J")
    }
}

/// Reads keys in a thread of its own. It ends with the program: nothing can call it back from waiting for a
/// key, and a runtime's own thread would be waited for.
fn listen() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, keys) = mpsc::channel(1);
    thread::spawn(move || {
        loop {
            let mut bytes = [0; CHUNK];
            let read = io::stdin().read(&mut bytes);
            let is_over = !matches!(read, Ok(1..));
            let pressed = read.map(|count| bytes.get(..count).unwrap_or_default().to_vec());
            if sender.blocking_send(pressed).is_err() || is_over {
                return;
            }
        }
    });
    keys
}

/// A line in its row, and nothing behind it. The row is wiped first: behind a line as wide as the screen
/// the cursor stands on its last letter.
fn row(nth: usize, line: &str) -> String {
    format!("\x1b[{};1H\x1b[0m\x1b[2K{line}", nth.saturating_add(1))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let _gone = write(LEAVE);
        let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.found);
    }
}

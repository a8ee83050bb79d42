//! The two streams, and who gets what on them.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;

use super::escape;
use super::paint::{Paint, Tone};
use crate::cli::exit::{Exit, Failure};

/// How a run speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// JSON only on stdout.
    pub json: bool,
    /// Nothing but what was asked for.
    pub quiet: bool,
    /// Colours on stdout.
    pub paint: Paint,
    /// Colours on stderr.
    pub paint_errors: Paint,
}

/// Prints answers to stdout, progress and failures to stderr. Only this type writes to them.
pub struct Printer {
    manner: Manner,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer")
            .field("manner", &self.manner)
            .finish_non_exhaustive()
    }
}

/// Code of the failure that is none: whoever read the output has read enough.
const READER_LEFT: &str = "reader_left";

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, READER_LEFT, "the reader of the output left");
        }
        Self::new(
            Exit::Failed,
            "output",
            format!("the output cannot be written: {error}"),
        )
    }
}

impl Printer {
    /// A printer on the process's own streams.
    pub fn on_stdio(manner: Manner) -> Self {
        Self::on(manner, io::stdout(), io::stderr())
    }

    /// A printer on any streams.
    pub fn on(
        manner: Manner,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self {
            manner,
            out: Box::new(out),
            err: Box::new(err),
        }
    }

    /// Takes the streams over; what is left behind speaks to nobody.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let silent = Self::on(self.manner, io::sink(), io::sink());
        std::mem::replace(self, silent)
    }

    /// How it speaks.
    pub const fn manner(&self) -> Manner {
        self.manner
    }

    /// Prints one answer: the object in JSON mode, else the words made from it.
    pub fn answer(
        &mut self,
        item: &Value,
        words: impl FnOnce(&Value, Paint) -> String,
    ) -> Result<(), Failure> {
        if self.manner.json {
            writeln!(self.out, "{item}")?;
        } else {
            let text = words(item, self.manner.paint);
            write_block(&mut self.out, &text)?;
        }
        Ok(self.out.flush()?)
    }

    /// Prints a list: one object per line in JSON mode, else the words made from all of them.
    pub fn list(
        &mut self,
        items: &[Value],
        words: impl FnOnce(&[Value], Paint) -> String,
    ) -> Result<(), Failure> {
        if self.manner.json {
            for item in items {
                writeln!(self.out, "{item}")?;
            }
        } else {
            let text = words(items, self.manner.paint);
            write_block(&mut self.out, &text)?;
        }
        Ok(self.out.flush()?)
    }

    /// Prints bytes as they are: scripts, exports.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes)?;
        Ok(self.out.flush()?)
    }

    /// Says something about the progress, on stderr; nothing when quiet.
    pub fn say(&mut self, words: &str) {
        if !self.manner.quiet {
            // Nobody listening on stderr is no reason to stop.
            let _unheard = writeln!(self.err, "{}", escape::line(words));
        }
    }

    /// Says how far something has come, on stderr: a line that changes on a terminal, a JSON line in
    /// JSON mode, nothing when quiet.
    pub fn progress(&mut self, item: &Value) {
        let _unheard = if self.manner.json {
            writeln!(self.err, "{item}")
        } else if self.manner.quiet || !io::stderr().is_terminal() {
            Ok(())
        } else {
            let (done, total) = (&item["done"], &item["total"]);
            let end = if done == total { "\n" } else { "" };
            let pace = match (&item["per_second"], &item["seconds_left"]) {
                (Value::Number(rate), Value::Number(left)) => format!(", {rate}/s, {left} s left"),
                _ => String::new(),
            };
            write!(self.err, "\r{done} of {total}{pace}\x1b[K{end}").and_then(|()| self.err.flush())
        };
    }

    /// Shows something that changes all the time, on one line of stderr; nothing when quiet.
    pub fn live(&mut self, words: &str) {
        if !self.manner.quiet {
            // The rest of a longer line before it is wiped away.
            let line = escape::line(words);
            let _unheard = write!(self.err, "\r\x1b[K{line}").and_then(|()| self.err.flush());
        }
    }

    /// Prints a complaint that is already in words and begins with `error:`, on stderr.
    pub fn complain(&mut self, text: &str) {
        let safe = escape::lines(text);
        let painted = match safe.strip_prefix("error:") {
            Some(rest) => {
                let label = self.manner.paint_errors.tone(Tone::Bad, "error:");
                format!("{label}{rest}")
            }
            None => safe,
        };
        let _unheard = write!(self.err, "{painted}").and_then(|()| self.err.flush());
    }

    /// Reports a failure as the last thing on stderr, and gives the exit code.
    pub fn failure(&mut self, failure: &Failure) -> Exit {
        if failure.code == READER_LEFT {
            return failure.exit;
        }
        let text = if self.manner.json {
            failure.to_json().to_string()
        } else {
            told(failure, self.manner.paint_errors)
        };
        let _unheard = writeln!(self.err, "{text}").and_then(|()| self.err.flush());
        failure.exit
    }
}

fn write_block(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", text.trim_end_matches('\n'))
}

fn told(failure: &Failure, paint: Paint) -> String {
    let error = paint.tone(Tone::Bad, "error:");
    let message = escape::lines(&failure.message);
    match &failure.hint {
        Some(hint) => {
            let label = paint.tone(Tone::Strong, "hint:");
            format!("{error} {message}\n{label} {}", escape::lines(hint))
        }
        None => format!("{error} {message}"),
    }
}

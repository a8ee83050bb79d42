//! From a command line to an exit code.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use clap::error::ErrorKind;
use serde_json::json;

use super::args::{self, Cli, Globals, Verb};
use super::exit::{Exit, Failure};
use super::output::paint::Paint;
use super::output::printer::{Manner, Printer};
use super::verbs;
use crate::config::environment::Environment;
use crate::config::layers::{Flag, Sources};

/// Everything a verb needs besides its own arguments.
#[derive(Debug)]
pub struct Run {
    /// The flags that every verb has.
    pub globals: Globals,
    /// The process's environment.
    pub environment: Environment,
    /// Where answers go.
    pub printer: Printer,
}

/// Runs one command line, the program's name first.
pub fn run(line: Vec<OsString>, environment: Environment) -> Exit {
    let cli = match Cli::read(line.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return refused(&line, &environment, &error),
    };
    let printer = Printer::on_stdio(Manner {
        json: cli.globals.json,
        quiet: cli.globals.quiet,
        paint: paint(&cli.globals, &environment),
    });
    let mut run = Run {
        globals: cli.globals,
        environment,
        printer,
    };
    match dispatch(cli.verb, &mut run) {
        Ok(exit) => exit,
        Err(failure) => run.printer.failure(&failure),
    }
}

fn paint(globals: &Globals, environment: &Environment) -> Paint {
    let no_color =
        environment.text("NO_COLOR").is_some() || environment.text("TERM") == Some("dumb");
    Paint::new(globals.color, no_color, std::io::stdout().is_terminal())
}

/// What clap refused, or answered itself (help and version).
fn refused(line: &[OsString], environment: &Environment, error: &clap::Error) -> Exit {
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if !asked_for && args::wants_json(line) {
        return Printer::on_stdio(Manner {
            json: true,
            ..Manner::default()
        })
        .failure(&usage_failure(error));
    }
    let colours = environment.text("NO_COLOR").is_none();
    let text = error.render();
    let text = if colours && !asked_for && std::io::stderr().is_terminal() {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    let mut printer = Printer::on_stdio(Manner::default());
    if asked_for {
        match printer.raw(text.as_bytes()) {
            Ok(()) => Exit::Done,
            Err(failure) => printer.failure(&failure),
        }
    } else {
        printer.complain(&text);
        Exit::Usage
    }
}

/// A usage error in one sentence, its tips as the hint.
fn usage_failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut message = first.trim_start_matches("error: ").to_owned();
    let mut hint = None;
    for line in lines {
        if let Some(tip) = line.strip_prefix("tip: ") {
            hint.get_or_insert_with(|| tip.to_owned());
        } else if !line.starts_with("Usage:") && !line.starts_with("For more information") {
            message = format!("{message} {line}");
        }
    }
    Failure::new(Exit::Usage, "usage", message)
        .hint(hint.unwrap_or_else(|| "`switchboard help` shows how it is used".to_owned()))
}

impl Run {
    /// What settings are taken from, but for those in the ledger.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::usual(self.environment.clone(), self.globals.config.clone());
        let mut flag = |key: &str, text: String, flag: String| {
            sources.flags.push(Flag {
                key: key.to_owned(),
                text,
                flag,
            });
        };
        for set in &self.globals.set {
            flag(&set.key, set.text.clone(), format!("--set {}", set.key));
        }
        if let Some(wait) = self.globals.lock_timeout {
            let text = format!("{}us", wait.as_micros());
            flag("socket.lock_timeout", text, "--lock-timeout".to_owned());
        }
        sources
    }

    /// The store folder: flag, environment, or the user's data folder.
    pub fn store(&self) -> Result<std::path::PathBuf, Failure> {
        let named = self.globals.store.clone();
        named
            .or_else(|| self.environment.path("SWITCHBOARD_STORE"))
            .or_else(|| self.environment.default_store())
            .ok_or_else(|| {
                Failure::new(Exit::NoLedger, "no_store", "nobody says where the store is")
                    .hint("name a folder with --store, or set HOME")
            })
    }
}

fn dispatch(verb: Verb, run: &mut Run) -> Result<Exit, Failure> {
    match verb {
        Verb::Completions(args) => {
            run.printer.raw(&verbs::completions::script(&args))?;
            Ok(Exit::Done)
        }
        Verb::Man(args) => {
            let pages = verbs::man::write(&args)?;
            let items: Vec<_> = pages
                .iter()
                .map(|page| json!({"file": page.display().to_string()}))
                .collect();
            run.printer.list(&items, |items, _| {
                format!(
                    "{} manual pages written to {}",
                    items.len(),
                    args.dir.display()
                )
            })?;
            Ok(Exit::Done)
        }
        Verb::Config(args) => verbs::config::run(&args, run),
        other => Err(Failure::new(
            Exit::Failed,
            "not_built",
            format!("this verb is not built yet: {other:?}"),
        )),
    }
}

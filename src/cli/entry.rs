//! From a command line to an exit code.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::str::FromStr;

use clap::error::ErrorKind;
use serde_json::json;

use super::args::{self, Cli, Globals, Verb};
use super::exit::{Exit, Failure};
use super::output::paint::Paint;
use super::output::printer::{Manner, Printer};
use super::values::Color;
use super::verbs;
use crate::config::environment::Environment;
use crate::config::layers::{Flag, Sources};
use crate::events::ids::{AgentId, NotAName, SeatId};

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
pub fn run(line: &[OsString], environment: Environment) -> Exit {
    let cli = match Cli::read(line.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return refused(line, &environment, &error),
    };
    let printer = Printer::on_stdio(manner(&cli.globals, &environment));
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

fn manner(globals: &Globals, environment: &Environment) -> Manner {
    let no_color =
        environment.text("NO_COLOR").is_some() || environment.text("TERM") == Some("dumb");
    let paint = |terminal| Paint::new(globals.color, no_color, terminal);
    Manner {
        json: globals.json,
        quiet: globals.quiet,
        paint: paint(std::io::stdout().is_terminal()),
        paint_errors: paint(std::io::stderr().is_terminal()),
    }
}

/// What clap refused, or answered itself (help and version).
fn refused(line: &[OsString], environment: &Environment, error: &clap::Error) -> Exit {
    let no_color = environment.text("NO_COLOR").is_some();
    let mut printer = Printer::on_stdio(Manner {
        json: args::wants_json(line),
        paint_errors: Paint::new(Color::Auto, no_color, std::io::stderr().is_terminal()),
        ..Manner::default()
    });
    let text = error.render().to_string();
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if asked_for {
        return match printer.raw(text.as_bytes()) {
            Ok(()) => Exit::Done,
            Err(failure) => printer.failure(&failure),
        };
    }
    if printer.manner().json {
        return printer.failure(&usage_failure(error.kind(), &text));
    }
    printer.complain(&text);
    Exit::Usage
}

/// A usage error in one sentence, its tips as the hint.
fn usage_failure(kind: ErrorKind, text: &str) -> Failure {
    let advice = "`switchboard help` shows how it is used";
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::new(Exit::Usage, "usage", "a verb is missing").hint(advice);
    }
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
    Failure::new(Exit::Usage, "usage", message).hint(hint.unwrap_or_else(|| advice.to_owned()))
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

    /// The agent that speaks here, if `SWITCHBOARD_AGENT` names one.
    pub fn agent(&self) -> Result<Option<AgentId>, Failure> {
        self.named("SWITCHBOARD_AGENT")
    }

    /// Who sends: the flag, the agent that speaks here, or the operator.
    pub fn sender(&self, from: Option<&AgentId>) -> Result<AgentId, Failure> {
        match from {
            Some(from) => Ok(from.clone()),
            None => Ok(self.agent()?.unwrap_or_else(AgentId::operator)),
        }
    }

    /// Which display is meant: the flag, or `DISPLAY`.
    pub fn seat(&self, seat: Option<&SeatId>) -> Result<Option<SeatId>, Failure> {
        match seat {
            Some(seat) => Ok(Some(seat.clone())),
            None => self.named("DISPLAY"),
        }
    }

    /// A name in the environment that must keep the same rule as on the command line.
    fn named<T: FromStr<Err = NotAName>>(&self, variable: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.environment.text(variable) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|e: NotAName| {
            let message = format!("environment variable {variable}: {e}");
            Failure::new(Exit::Usage, "usage", message)
        })
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
        Verb::Config(args) => verbs::config::run(args, run),
        Verb::Init(args) => args.run(run),
        Verb::Agent(args) => args.run(run),
        Verb::Send(args) => args.run(run),
        Verb::Broadcast(args) => args.run(run),
        Verb::Ask(args) => args.run(run),
        Verb::Reply(args) => args.run(run),
        Verb::Ack(args) => args.run(run),
        Verb::Inbox(args) => args.run(run),
        Verb::Messages(args) => args.run(run),
        Verb::Show(args) => args.run(run),
        Verb::Why(args) => args.run(run),
        Verb::Queue(args) => args.run(run),
        Verb::Alerts(args) => args.run(run),
        Verb::Cancel(args) => args.run(run),
        Verb::Requeue(args) => args.run(run),
        Verb::Resolve(args) => args.run(run),
        Verb::Pause(args) => args.run(run),
        Verb::Resume(args) => args.run(run),
        Verb::Panic(args) => args.run(run),
        Verb::Status(args) => args.run(run),
        Verb::Top(args) => args.run(run),
        Verb::Doctor(args) => args.run(run),
        Verb::Events(args) => args.run(run),
        Verb::Replay(args) => args.run(run),
        Verb::Projections(args) => args.run(run),
        Verb::Verify(args) => args.run(run),
        Verb::Append(args) => args.run(run),
        Verb::Onboard(args) => args.run(run),
        Verb::Calibrate(args) => args.run(run),
        Verb::Timing(args) => args.run(run),
        Verb::Simulate(args) => args.run(run),
        Verb::Backup(args) => args.run(run),
        Verb::Restore(args) => args.run(run),
        Verb::Serve(args) => args.run(run),
        Verb::SeatWorker(args) => args.run(run),
        Verb::ClipboardKeeper(args) => args.run(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &[&str], variables: &[(&str, &str)]) -> Run {
        let words = ["switchboard"].iter().chain(line).map(Into::into);
        Run {
            globals: Cli::read(words).unwrap().globals,
            environment: Environment::of(variables.iter().copied()),
            printer: Printer::on(Manner::default(), Vec::new(), Vec::new()),
        }
    }

    #[test]
    fn the_sender_is_the_flag_then_the_agent_here_then_the_operator() {
        let named: AgentId = "agent-1".parse().unwrap();
        let agent = run(&["status"], &[("SWITCHBOARD_AGENT", "Agent-7")]);
        assert_eq!(agent.sender(Some(&named)).unwrap(), named);
        assert_eq!(agent.sender(None).unwrap().as_str(), "agent-7");
        let person = run(&["status"], &[("SWITCHBOARD_AGENT", "")]);
        assert_eq!(person.sender(None).unwrap(), AgentId::operator());
        let wrong = run(&["status"], &[("SWITCHBOARD_AGENT", "a b")]);
        let refused = wrong.sender(None).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.message.contains("SWITCHBOARD_AGENT"));
    }

    #[test]
    fn the_store_is_the_flag_then_the_variable_then_the_users_folder() {
        let all = [("SWITCHBOARD_STORE", "/b"), ("HOME", "/home/ada")];
        for (line, variables, store) in [
            (&["--store", "/a", "status"][..], &all[..], "/a"),
            (&["status"], &all[..], "/b"),
            (&["status"], &all[1..], "/home/ada/.local/share/switchboard"),
        ] {
            let found = run(line, variables).store().unwrap();
            assert_eq!(found, std::path::Path::new(store));
        }
        let nowhere = run(&["status"], &[]).store().unwrap_err();
        assert_eq!(nowhere.exit, Exit::NoLedger);
    }

    #[test]
    fn flags_that_are_settings_reach_the_configuration() {
        let run = run(&["--lock-timeout", "1500ms", "status"], &[]);
        let config = crate::config::layers::Config::load(&Sources {
            flags: run.sources().flags,
            ..Sources::default()
        });
        let timeout = config.unwrap().settings().socket.lock_timeout;
        assert_eq!(timeout.to_string(), "1500ms");
    }
}

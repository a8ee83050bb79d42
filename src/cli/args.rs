//! The whole command line as types. Each verb's own arguments stand in its file below `verbs`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::values::{Assignment, Color, words};
use super::verbs;
use crate::events::time::parse_span;

/// The message ledger and delivery desk for a fleet of AI agents on a desktop.
///
/// Messages are written down durably, typed into the agents' real windows, looked for on the screen,
/// tried again when they did not arrive, and put into a file inbox when nothing else helps.
#[derive(Debug, Parser)]
#[command(
    name = "switchboard",
    version,
    before_help = "Examples:
  switchboard init
  switchboard agent add agent-3 --seat :0 --at 640,980
  switchboard send --to agent-3 \"Please run the tests.\"
  switchboard why 0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11
  switchboard status"
)]
pub struct Cli {
    /// Flags that every verb has.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags that every verb has.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::doc_markdown, reason = "help for a terminal, not Markdown")]
pub struct Globals {
    /// The store folder [env: SWITCHBOARD_STORE] [default: $XDG_DATA_HOME/switchboard]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Configuration file, taken instead of ./switchboard.toml [env: SWITCHBOARD_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one setting for this run (repeatable)
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<Assignment>,
    /// Print JSON only: one object, or one per line for lists
    #[arg(long, global = true)]
    pub json: bool,
    /// Print nothing but errors and what was asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to colour text; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto",
          value_parser = words!(Color), hide_possible_values = false)]
    pub color: Color,
    /// Never ask, fail instead
    #[arg(long, global = true)]
    pub no_input: bool,
    /// How long to wait while another process has the ledger [default: 10s]
    #[arg(long, global = true, value_name = "D", value_parser = parse_span)]
    pub lock_timeout: Option<Duration>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "each verb is documented at its arguments")]
pub enum Verb {
    Init(verbs::init::InitArgs),
    Agent(verbs::agent::AgentArgs),
    Send(verbs::send::SendArgs),
    Broadcast(verbs::broadcast::BroadcastArgs),
    Ask(verbs::ask::AskArgs),
    Reply(verbs::reply::ReplyArgs),
    Ack(verbs::ack::AckArgs),
    Inbox(verbs::inbox::InboxArgs),
    Messages(verbs::messages::MessagesArgs),
    Show(verbs::show::ShowArgs),
    Why(verbs::why::WhyArgs),
    Queue(verbs::queue::QueueArgs),
    Alerts(verbs::alerts::AlertsArgs),
    Cancel(verbs::cancel::CancelArgs),
    Requeue(verbs::requeue::RequeueArgs),
    Resolve(verbs::resolve::ResolveArgs),
    Pause(verbs::pause::PauseArgs),
    Resume(verbs::resume::ResumeArgs),
    Panic(verbs::panic::PanicArgs),
    Status(verbs::status::StatusArgs),
    Top(verbs::top::TopArgs),
    Doctor(verbs::doctor::DoctorArgs),
    Events(verbs::events::EventsArgs),
    Replay(verbs::replay::ReplayArgs),
    Projections(verbs::projections::ProjectionsArgs),
    Verify(verbs::verify::VerifyArgs),
    Append(verbs::append::AppendArgs),
    Onboard(verbs::onboard::OnboardArgs),
    Calibrate(verbs::calibrate::CalibrateArgs),
    Timing(verbs::timing::TimingArgs),
    Simulate(verbs::simulate::SimulateArgs),
    Backup(verbs::backup::args::BackupArgs),
    Restore(verbs::restore::RestoreArgs),
    Serve(verbs::serve::ServeArgs),
    Config(verbs::config::ConfigArgs),
    Completions(verbs::completions::CompletionsArgs),
    Man(verbs::man::ManArgs),
    SeatWorker(verbs::seat_worker::SeatWorkerArgs),
    ClipboardKeeper(verbs::clipboard_keeper::ClipboardKeeperArgs),
}

/// The examples come first: most readers look for one and leave.
const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}";

/// The command line as clap knows it, every verb's help with its examples first.
pub fn command() -> clap::Command {
    dressed(Cli::command())
}

fn dressed(command: clap::Command) -> clap::Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    names.into_iter().fold(
        command.help_template(TEMPLATE).max_term_width(100),
        |command, name| command.mut_subcommand(name, dressed),
    )
}

impl Cli {
    /// Reads a command line, the program's name first.
    pub fn read(line: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = command().try_get_matches_from(line)?;
        Self::from_arg_matches(&matches)
    }
}

/// Whether `--json` stands on a line that clap refused.
pub fn wants_json(line: &[OsString]) -> bool {
    line.iter()
        .take_while(|word| *word != "--")
        .any(|word| word == "--json")
}

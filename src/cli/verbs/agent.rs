//! `switchboard agent …`: who there is, and where their windows stand.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::values::words;
use crate::events::facts::agent::{Envelope, Target};
use crate::events::facts::attempt::Channel;
use crate::events::facts::manners::{Drafts, Mode};
use crate::events::facts::screen::Point;
use crate::events::facts::words::{Word, worded};
use crate::events::ids::{AgentId, SeatId};
use crate::events::time::parse_span;

/// Who there is, and where their windows stand.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent add agent-3 --seat :0 --at 640,980 --role builder
  switchboard agent place agent-3 -308,481
  switchboard agent list --check
  switchboard agent import coordinates.json")]
pub struct AgentArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: AgentVerb,
}

/// What can be done with agents.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "each verb is documented at its arguments")]
pub enum AgentVerb {
    Add(AddArgs),
    List(ListArgs),
    Show(ShowArgs),
    Set(SetArgs),
    Place(PlaceArgs),
    Capture(CaptureArgs),
    Remove(RemoveArgs),
    Import(ImportArgs),
    Export(ExportArgs),
}

/// What can be declared of an agent.
#[derive(Clone, Debug, Default, Args)]
pub struct ProfileArgs {
    /// What it is in the fleet (repeatable)
    #[arg(long = "role", value_name = "R")]
    pub roles: Vec<Word>,
    /// What it can do (repeatable)
    #[arg(long = "capability", value_name = "C")]
    pub capabilities: Vec<Word>,
    /// The display its window is on [default: $DISPLAY]
    #[arg(long, value_name = "DISPLAY")]
    pub seat: Option<SeatId>,
    /// Its input box, in pixels; left and upper monitors are negative
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true)]
    pub at: Option<Point>,
    /// Where a new chat is started, in pixels
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true)]
    pub onboarding_at: Option<Point>,
    /// A regular expression that its window's title must match
    #[arg(long, value_name = "TITLE-REGEX")]
    pub window: Option<String>,
    /// What kind of program it is
    #[arg(long, value_name = "KIND", value_parser = words!(Target), ignore_case = true)]
    pub target: Option<Target>,
    /// A way to it; repeat it in the order of choice
    #[arg(long = "channel", value_name = "CHANNEL", value_parser = words!(Channel), ignore_case = true)]
    pub channels: Vec<Channel>,
    /// Its rank; the captain has the highest
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub rank: Option<i32>,
    /// What is typed around a body
    #[arg(long, value_name = "ENVELOPE", value_parser = words!(Envelope), ignore_case = true)]
    pub envelope: Option<Envelope>,
    /// In words
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Whether it takes part at all
    #[arg(long, value_name = "true|false")]
    pub active: Option<bool>,
}

/// Declare a new agent.
///
/// Names are lower-cased: Agent-3 is agent-3. Without `--channel` an agent with a place is reached by
/// gui, then inbox; one without a place by inbox.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent add agent-3 --seat :0 --at 640,980
  switchboard agent add shell-1 --target terminal --at -308,481 --window '^shell'
  switchboard agent add scribe --channel inbox --role writer --rank 5")]
pub struct AddArgs {
    /// Its name
    #[arg(value_name = "ID")]
    pub id: AgentId,
    /// What is declared.
    #[command(flatten)]
    pub profile: ProfileArgs,
}

/// List agents, one per line.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent list
  switchboard agent list --check
  switchboard --json agent list | jq -r .id")]
pub struct ListArgs {
    /// Look at the display whether each place lies on a monitor and the right window stands there
    #[arg(long)]
    pub check: bool,
}

/// Show everything known of one agent.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent show agent-3")]
pub struct ShowArgs {
    /// Which agent
    #[arg(value_name = "ID")]
    pub id: AgentId,
}

worded! {
    /// A declaration that can be taken back.
    Field, "a field" {
        /// Every role.
        Roles = "roles",
        /// Every capability.
        Capabilities = "capabilities",
        /// The display.
        Seat = "seat",
        /// The input box.
        Place = "place",
        /// Where a new chat is started.
        Onboarding = "onboarding",
        /// The window's title.
        Window = "window",
        /// The words.
        Description = "description",
    }
}

/// Change what is declared of an agent.
///
/// What is not named stays. Repeatable flags replace the whole list.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent set agent-3 --role captain --rank 10
  switchboard agent set agent-3 --envelope stamp --clear window
  switchboard agent set agent-3 --active false")]
pub struct SetArgs {
    /// Whether its window may be interrupted
    #[arg(long, value_name = "MODE", value_parser = words!(Mode), ignore_case = true)]
    pub mode: Option<Mode>,
    /// How long its window must be at rest to count as idle, like 2s
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub idle_for: Option<Duration>,
    /// What becomes of words that somebody left unfinished in its box
    #[arg(long, value_name = "POLICY", value_parser = words!(Drafts), ignore_case = true)]
    pub drafts: Option<Drafts>,
    /// Which agent
    #[arg(value_name = "ID")]
    pub id: AgentId,
    /// What changes.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Take a declaration back (repeatable)
    #[arg(long, value_name = "FIELD", value_parser = words!(Field), ignore_case = true)]
    pub clear: Vec<Field>,
}

/// Say where an agent's input box is.
///
/// The place must lie on a monitor (exit 6). Without a readable display it is not checked, and the
/// answer says so.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent place agent-3 640,980
  switchboard agent place agent-3 -308,481 --seat :0")]
pub struct PlaceArgs {
    /// Which agent
    #[arg(value_name = "ID")]
    pub id: AgentId,
    /// The input box, in pixels; left and upper monitors are negative
    #[arg(value_name = "X,Y", allow_hyphen_values = true)]
    pub at: Point,
    /// On which display [default: the agent's own, else $DISPLAY]
    #[arg(long, value_name = "DISPLAY")]
    pub seat: Option<SeatId>,
}

/// Take an agent's input box, and the window it is in, from where the pointer is.
///
/// In a terminal the place and the window under the pointer are shown until Enter is pressed (q and Enter:
/// leave it). Elsewhere, with --no-input or --after, the pointer is taken at once or after that time.
/// What is taken is a window's class, title, process and size, and where in it the box is: a window that
/// is moved later is found again. Exit 6 when no window lies under the pointer.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent capture agent-3
  switchboard agent capture agent-3 --after 5s
  switchboard agent capture agent-3 --onboarding")]
pub struct CaptureArgs {
    /// Which agent
    #[arg(value_name = "ID")]
    pub id: AgentId,
    /// On which display [default: the agent's own, else $DISPLAY]
    #[arg(long, value_name = "DISPLAY")]
    pub seat: Option<SeatId>,
    /// Take the pointer after this time, without asking
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub after: Option<Duration>,
    /// Take the place where a new chat is started, not the input box
    #[arg(long)]
    pub onboarding: bool,
}

/// Remove an agent; nothing is carried to it any more.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent remove agent-3")]
pub struct RemoveArgs {
    /// Which agent
    #[arg(value_name = "ID")]
    pub id: AgentId,
}

/// Take agents and their places from a coordinates.json.
///
/// Three shapes are understood (docs/configuration.md). Agents that are known already are changed.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent import coordinates.json
  switchboard agent import coordinates.json --seat :1 --dry-run")]
pub struct ImportArgs {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The display the places are on [default: $DISPLAY]
    #[arg(long, value_name = "DISPLAY")]
    pub seat: Option<SeatId>,
    /// Which layout of the file, like 8-agent, where it holds several
    #[arg(long, value_name = "NAME")]
    pub layout: Option<String>,
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// Write agents and their places as a coordinates.json.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard agent export coordinates.json
  switchboard agent export -")]
pub struct ExportArgs {
    /// The file; `-` writes standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

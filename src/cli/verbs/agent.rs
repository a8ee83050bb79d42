//! `switchboard agent …`: who there is, and where their windows stand.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::adapters::files;
use crate::cli::coordinates;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::fleet;
use crate::cli::owner::request::What;
use crate::cli::sight::{self, Sight};
use crate::cli::values::words;
use crate::commands::add_agent::AddAgent;
use crate::commands::change_agent::ChangeAgent;
use crate::commands::command::Command;
use crate::commands::import_agents::ImportAgents;
use crate::commands::place_agent::PlaceAgent;
use crate::commands::remove_agent::RemoveAgent;
use crate::events::facts::agent::{Envelope, Profile, Target};
use crate::events::facts::attempt::Channel;
use crate::events::facts::screen::Point;
use crate::events::facts::words::{Word, worded};
use crate::events::ids::{AgentId, SeatId};

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

/// The largest coordinates file that is read, in bytes.
const FILE_MAX: u64 = 16 * 1024 * 1024;

impl AgentArgs {
    /// Does it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        match self.verb {
            AgentVerb::Add(args) => args.run(run),
            AgentVerb::List(args) => args.run(run),
            AgentVerb::Show(args) => run.tell(What::Agent(args.id), fleet::agent),
            AgentVerb::Set(args) => args.run(run),
            AgentVerb::Place(args) => args.run(run),
            AgentVerb::Remove(args) => run.execute(RemoveAgent { agent: args.id }, fleet::agent),
            AgentVerb::Import(args) => args.run(run),
            AgentVerb::Export(args) => args.run(run),
        }
    }
}

impl ProfileArgs {
    /// What is said here over what was declared before.
    fn over(self, mut profile: Profile) -> Profile {
        fn set<T>(old: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *old = new;
            }
        }
        fn set_list<T>(old: &mut Vec<T>, new: Vec<T>) {
            if !new.is_empty() {
                *old = new;
            }
        }
        set_list(&mut profile.roles, self.roles);
        set_list(&mut profile.capabilities, self.capabilities);
        set_list(&mut profile.channels, self.channels);
        profile.seat = self.seat.or(profile.seat);
        profile.place = self.at.or(profile.place);
        profile.onboarding_place = self.onboarding_at.or(profile.onboarding_place);
        profile.window = self.window.or(profile.window);
        set(&mut profile.target, self.target);
        set(&mut profile.rank, self.rank);
        set(&mut profile.envelope, self.envelope);
        set(&mut profile.description, self.description);
        set(&mut profile.active, self.active);
        profile
    }
}

/// Looks at the profile's places; the window found there is what the agent is known by.
fn look(profile: &mut Profile) -> Result<Sight, Failure> {
    let places: Vec<Point> = profile
        .place
        .into_iter()
        .chain(profile.onboarding_place)
        .collect();
    let Some(seat) = profile.seat.as_ref().filter(|_| !places.is_empty()) else {
        return Ok(Sight::default());
    };
    let mut sight = sight::look(seat, &places)?;
    if profile.place.is_none() {
        sight.window = None;
    }
    profile.fingerprint.clone_from(&sight.window);
    Ok(sight)
}

impl Run {
    /// Has it carried out, and says in the answer whether places were checked.
    fn declare(&mut self, command: impl Into<Command>, sight: &Sight) -> Result<Exit, Failure> {
        let (exit, items) = self.ask(What::Execute(Box::new(command.into())))?;
        for mut item in items {
            if let Value::Object(fields) = &mut item {
                fields.insert("place_checked".to_owned(), json!(sight.checked));
                fields.insert("remark".to_owned(), json!(sight.remark));
            }
            self.printer.answer(&item, fleet::agent)?;
        }
        if let Some(remark) = &sight.remark {
            self.printer.say(remark);
        }
        Ok(exit)
    }

    /// An agent's declaration as it is now.
    fn profile(&self, agent: &AgentId) -> Result<Profile, Failure> {
        let (_, items) = self.ask(What::Agent(agent.clone()))?;
        let profile = items
            .into_iter()
            .next()
            .and_then(|mut item| Some(item.get_mut("profile")?.take()));
        serde_json::from_value(profile.unwrap_or_default()).map_err(|error| {
            Failure::new(
                Exit::Failed,
                "bad_answer",
                format!("the owner's answer: {error}"),
            )
        })
    }
}

impl AddArgs {
    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let nothing = coordinates::Imported {
            place: self.profile.at,
            ..coordinates::Imported::default()
        };
        let seat = run.seat(None)?.filter(|_| self.profile.at.is_some());
        let mut profile = self.profile.over(nothing.over(None, seat.as_ref()));
        let sight = look(&mut profile)?;
        run.declare(
            AddAgent {
                agent: self.id,
                profile,
            },
            &sight,
        )
    }
}

impl ListArgs {
    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let (mut exit, mut items) = run.ask(What::Agents)?;
        if self.check {
            for item in &mut items {
                let (ok, detail) = check(item);
                if !ok {
                    exit = Exit::Partly;
                }
                if let Value::Object(fields) = item {
                    fields.insert("check".to_owned(), json!({"ok": ok, "detail": detail}));
                }
            }
        }
        run.printer.list(&items, fleet::agents)?;
        Ok(exit)
    }
}

/// Whether the agent's place lies on a monitor, with the window it is known by.
fn check(item: &Value) -> (bool, String) {
    let Ok(profile) =
        serde_json::from_value::<Profile>(item.get("profile").cloned().unwrap_or_default())
    else {
        return (false, "its declaration cannot be read".to_owned());
    };
    let (Some(seat), Some(place)) = (&profile.seat, profile.place) else {
        return (true, "no place to check".to_owned());
    };
    match sight::look(seat, &[place]) {
        Err(failure) => (false, failure.message),
        Ok(Sight {
            remark: Some(remark),
            ..
        }) => (false, remark),
        Ok(Sight { window: None, .. }) => (false, "no window stands there".to_owned()),
        Ok(Sight {
            window: Some(seen), ..
        }) => match &profile.fingerprint {
            Some(known) if known.class != seen.class => (
                false,
                format!("`{}` stands there, not `{}`", seen.title, known.title),
            ),
            _ => (true, format!("`{}` stands there", seen.title)),
        },
    }
}

impl SetArgs {
    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let known = run.profile(&self.id)?;
        let (seat, place) = (known.seat.clone(), known.place);
        let mut profile = self.profile.over(known);
        for field in self.clear {
            match field {
                Field::Roles => profile.roles.clear(),
                Field::Capabilities => profile.capabilities.clear(),
                Field::Seat => profile.seat = None,
                Field::Place => profile.place = None,
                Field::Onboarding => profile.onboarding_place = None,
                Field::Window => profile.window = None,
                Field::Description => profile.description.clear(),
            }
        }
        let moved = profile.seat != seat || profile.place != place;
        let sight = if moved {
            look(&mut profile)?
        } else {
            Sight::default()
        };
        run.declare(
            ChangeAgent {
                agent: self.id,
                profile,
            },
            &sight,
        )
    }
}

impl PlaceArgs {
    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let known = run.profile(&self.id)?;
        let Some(seat) = self.seat.or(known.seat).or(run.seat(None)?) else {
            let text = format!("nobody says on which display {} is", self.id);
            return Err(Failure::new(Exit::Usage, "no_seat", text).hint("name it with --seat :0"));
        };
        let sight = sight::look(&seat, &[self.at])?;
        let place = PlaceAgent {
            agent: self.id,
            seat,
            place: self.at,
            checked: sight.checked,
            fingerprint: sight.window.clone(),
        };
        run.declare(place, &sight)
    }
}

impl ImportArgs {
    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let text = read(&self.file)?;
        let imported = coordinates::parse(&text, self.layout.as_deref())?;
        let seat = run.seat(self.seat.as_ref())?;
        let known = run.profiles()?;
        let mut agents = Vec::new();
        let mut remarks = std::collections::BTreeSet::new();
        for (agent, imported) in imported {
            let before = known.get(&agent);
            let mut profile = imported.over(before, seat.as_ref());
            if before.is_none_or(|it| it.place != profile.place || it.seat != profile.seat) {
                let sight = look(&mut profile).map_err(|failure| Failure {
                    message: format!("agent {agent}: {}", failure.message),
                    ..failure
                })?;
                remarks.extend(sight.remark);
            }
            agents.push((agent, profile));
        }
        if self.dry_run {
            let rows: Vec<Value> = agents
                .iter()
                .map(|(agent, profile)| {
                    let effect = match known.get(agent) {
                        None => "added",
                        Some(known) if known == profile => "same",
                        Some(_) => "changed",
                    };
                    json!({"id": agent, "effect": effect, "dry_run": true})
                })
                .collect();
            run.printer.list(&rows, fleet::imported)?;
            return Ok(Exit::Done);
        }
        let command = Command::from(ImportAgents { agents });
        let exit = run.list(What::Execute(Box::new(command)), fleet::imported)?;
        for remark in remarks {
            run.printer.say(&remark);
        }
        Ok(exit)
    }
}

impl ExportArgs {
    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let text = coordinates::render(&run.profiles()?);
        if self.file == Path::new("-") {
            run.printer.raw(text.as_bytes())?;
        } else {
            files::write_atomic(&self.file, text.as_bytes(), 0o644)
                .map_err(|error| Failure::new(Exit::Failed, "not_written", error.to_string()))?;
            run.printer
                .say(&format!("agents written to {}", self.file.display()));
        }
        Ok(Exit::Done)
    }
}

impl Run {
    fn profiles(&self) -> Result<BTreeMap<AgentId, Profile>, Failure> {
        let (_, items) = self.ask(What::Agents)?;
        let profiles = items.into_iter().filter_map(|mut item| {
            let id = item.get("id")?.as_str()?.parse().ok()?;
            let profile = item.get_mut("profile")?.take();
            Some((id, serde_json::from_value(profile).ok()?))
        });
        Ok(profiles.collect())
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        let absent = error.kind() == std::io::ErrorKind::NotFound;
        Failure::new(
            if absent {
                Exit::NotFound
            } else {
                Exit::Refused
            },
            "unreadable",
            format!("{} cannot be read: {error}", file.display()),
        )
    };
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(FILE_MAX)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
    } else {
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        opened
            .take(FILE_MAX)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
    }
    Ok(text)
}

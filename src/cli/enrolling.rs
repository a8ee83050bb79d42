//! What `switchboard agent …` does: declarations, looked at on the display before they are made.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use super::coordinates;
use super::entry::Run;
use super::exit::{Exit, Failure};
use super::output::fleet;
use super::owner::request::What;
use super::sight::{self, Sight, Standing};
use super::verbs::agent::{
    AddArgs, AgentArgs, AgentVerb, ExportArgs, Field, ImportArgs, ListArgs, PlaceArgs, ProfileArgs,
    SetArgs,
};
use crate::adapters::files;
use crate::commands::add_agent::AddAgent;
use crate::commands::change_agent::ChangeAgent;
use crate::commands::command::Command;
use crate::commands::import_agents::ImportAgents;
use crate::commands::place_agent::PlaceAgent;
use crate::commands::remove_agent::RemoveAgent;
use crate::commands::set_manners::SetManners;
use crate::events::facts::agent::Profile;
use crate::events::facts::manners::{AgentMannersSet, Manners};
use crate::events::facts::screen::Point;
use crate::events::ids::AgentId;

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
            AgentVerb::Capture(args) => args.run(run),
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
    pub(super) fn declare(
        &mut self,
        command: impl Into<Command>,
        sight: &Sight,
    ) -> Result<Exit, Failure> {
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
    pub(super) fn profile(&self, agent: &AgentId) -> Result<Profile, Failure> {
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
    let seen = serde_json::from_value(item.get("window").cloned().unwrap_or_default());
    match sight::find(seat, place, &profile, seen.ok().as_ref()) {
        Standing::Unseen(why) | Standing::Hindered(why) => (false, why),
        Standing::At(now, title) if now == place => (true, format!("`{title}` stands there")),
        Standing::At(now, title) => (
            true,
            format!("`{title}` was moved; its box is now at {now}, and is found there"),
        ),
    }
}

impl SetArgs {
    /// How its window wants to be treated, where something is said of it.
    fn manners(&self, run: &mut Run) -> Result<Option<SetManners>, Failure> {
        if self.mode.is_none() && self.idle_for.is_none() && self.drafts.is_none() {
            return Ok(None);
        }
        let (_, items) = run.ask(What::Agent(self.id.clone()))?;
        let known = items.first().map(|item| item["manners"].clone());
        let mut manners: Manners =
            serde_json::from_value(known.unwrap_or_default()).unwrap_or_default();
        manners.mode = self.mode.unwrap_or(manners.mode);
        manners.drafts = self.drafts.unwrap_or(manners.drafts);
        if let Some(span) = self.idle_for {
            manners.idle_micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        }
        Ok(Some(SetManners {
            set: AgentMannersSet {
                agent: self.id.clone(),
                by: run.asker()?,
                manners,
            },
        }))
    }

    fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        if let Some(set) = self.manners(run)? {
            run.ask(What::Execute(Box::new(set.into())))?;
        }
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

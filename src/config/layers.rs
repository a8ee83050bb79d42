//! The layers, merged: each setting's value and where it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::environment::Environment;
use super::error::{ConfigError, Origin};
use super::settings::Settings;
use super::{files, keys};

/// `config/default.toml`, built in: every setting, with its meaning.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Names after `SWITCHBOARD_` that are no settings.
const NOT_SETTINGS: &[&str] = &["STORE", "CONFIG", "AGENT"];

/// A flag that carries a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The setting's dotted name.
    pub key: String,
    /// Its value as text.
    pub text: String,
    /// The flag as it was written, for errors and origins.
    pub flag: String,
}

/// Everything that settings are taken from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// From the command line.
    pub flags: Vec<Flag>,
    /// From the process.
    pub environment: Environment,
    /// From the ledger: dotted name and JSON text, later ones win. Names this binary does not know
    /// are skipped (a newer binary may have set them) and listed in `Config::skipped`.
    pub runtime: Vec<(String, String)>,
    /// `--config FILE`, taken instead of a project file.
    pub file: Option<PathBuf>,
    /// Where a project file `switchboard.{toml,yaml,json}` may lie.
    pub project_folder: Option<PathBuf>,
    /// Where the machine's `config.{toml,yaml,json}` may lie.
    pub system_folder: Option<PathBuf>,
}

impl Sources {
    /// What a process takes its settings from, but for flags and runtime: the environment, the file
    /// named by `--config` or `SWITCHBOARD_CONFIG`, the working folder, `/etc/switchboard`.
    pub fn usual(environment: Environment, file: Option<PathBuf>) -> Self {
        Self {
            file: file.or_else(|| environment.path("SWITCHBOARD_CONFIG")),
            environment,
            project_folder: Some(PathBuf::from(".")),
            system_folder: Some(PathBuf::from("/etc/switchboard")),
            ..Self::default()
        }
    }
}

/// The merged configuration.
#[derive(Clone, Debug)]
pub struct Config {
    settings: Settings,
    values: BTreeMap<String, (Value, Origin)>,
    skipped: Vec<String>,
}

/// Every layer but the runtime one, read and checked whole.
#[derive(Clone, Debug)]
pub struct Layers {
    below: Merge,
    above: Merge,
}

impl Layers {
    /// Reads files, environment and flags. The sources' runtime layer is left out.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let mut merged = Merge::default();
        merged.defaults()?;
        if let Some(folder) = &sources.system_folder {
            merged.file(files::find(folder, "config")?, Origin::System)?;
        }
        if let Some(folder) = sources.environment.user_folder() {
            merged.file(files::find(&folder, "config")?, Origin::User)?;
        }
        let project = match (&sources.file, &sources.project_folder) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(folder)) => files::find(folder, "switchboard")?,
            (None, None) => None,
        };
        merged.file(project, Origin::Project)?;
        let mut above = Merge::default();
        above.environment(&sources.environment)?;
        for flag in &sources.flags {
            above.text(&flag.key, &flag.text, Origin::Flag(flag.flag.clone()))?;
        }
        Ok(Self {
            below: merged,
            above,
        })
    }

    /// Merges them with what the ledger says.
    pub fn with_runtime(&self, runtime: &[(String, String)]) -> Result<Config, ConfigError> {
        let mut merged = self.below.clone();
        merged.runtime(runtime)?;
        merged.values.extend(self.above.values.clone());
        merged.finish()
    }
}

impl Config {
    /// Reads and merges every layer. Every layer is checked whole, also what a higher one hides.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        Layers::read(sources)?.with_runtime(&sources.runtime)
    }

    /// The built-in settings alone.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::load(&Sources::default())
    }

    /// The typed settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every setting's dotted name, value and origin, sorted by name.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.values
            .iter()
            .map(|(key, (value, origin))| (key.as_str(), value, origin))
    }

    /// Runtime settings that this binary does not know.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Every setting's dotted name, sorted.
    pub fn known_keys() -> Vec<String> {
        keys::known_keys()
    }
}

/// The value that `config set KEY TEXT` stores, under the setting's real name.
pub fn check_value(key: &str, text: &str) -> Result<(String, Value), ConfigError> {
    let key = keys::real_name(key);
    let origin = Origin::Runtime;
    let shape = keys::shape_of(key).ok_or_else(|| unknown(key, origin.clone()))?;
    shape
        .read(text)
        .map(|value| (key.to_owned(), value))
        .map_err(|reason| bad(key, origin, reason))
}

fn unknown(key: &str, origin: Origin) -> ConfigError {
    ConfigError::UnknownKey {
        key: key.to_owned(),
        origin,
        nearest: keys::nearest(key),
    }
}

fn bad(key: &str, origin: Origin, reason: String) -> ConfigError {
    ConfigError::BadValue {
        key: key.to_owned(),
        origin,
        reason,
    }
}

#[derive(Clone, Debug, Default)]
struct Merge {
    values: BTreeMap<String, (Value, Origin)>,
    skipped: Vec<String>,
}

impl Merge {
    fn value(&mut self, key: &str, value: &Value, origin: Origin) -> Result<(), ConfigError> {
        let key = keys::real_name(key);
        let Some(shape) = keys::shape_of(key) else {
            return Err(unknown(key, origin));
        };
        match shape.check(value) {
            Ok(checked) => {
                self.values.insert(key.to_owned(), (checked, origin));
                Ok(())
            }
            Err(reason) => Err(bad(key, origin, reason)),
        }
    }

    fn text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let key = keys::real_name(key);
        let Some(shape) = keys::shape_of(key) else {
            return Err(unknown(key, origin));
        };
        match shape.read(text) {
            Ok(checked) => {
                self.values.insert(key.to_owned(), (checked, origin));
                Ok(())
            }
            Err(reason) => Err(bad(key, origin, reason)),
        }
    }

    fn defaults(&mut self) -> Result<(), ConfigError> {
        let built_in = Path::new("config/default.toml");
        for entry in files::entries(built_in, DEFAULTS)? {
            self.value(&entry.key, &entry.value, Origin::Default)?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        file: Option<PathBuf>,
        origin: impl Fn(super::error::Place) -> Origin,
    ) -> Result<(), ConfigError> {
        let Some(file) = file else { return Ok(()) };
        for entry in files::read(&file)? {
            self.value(&entry.key, &entry.value, origin(entry.place))?;
        }
        Ok(())
    }

    fn runtime(&mut self, settings: &[(String, String)]) -> Result<(), ConfigError> {
        for (key, text) in settings {
            if keys::shape_of(keys::real_name(key)).is_none() {
                self.skipped.push(key.clone());
                continue;
            }
            let value = serde_json::from_str(text)
                .map_err(|e| bad(key, Origin::Runtime, format!("not JSON: {e}")))?;
            self.value(key, &value, Origin::Runtime)?;
        }
        Ok(())
    }

    fn environment(&mut self, environment: &Environment) -> Result<(), ConfigError> {
        for (variable, rest, text) in environment.own() {
            let origin = Origin::Environment(variable.to_owned());
            let key = rest.to_ascii_lowercase().replace("__", ".");
            if NOT_SETTINGS.contains(&rest) {
                continue;
            }
            if !rest.contains("__") {
                // One underscore where two were meant is worth an error; other people's variables
                // are not.
                let flat = |name: &str| name.replace(['.', '_'], "");
                let meant = keys::known_keys()
                    .into_iter()
                    .find(|known| flat(known) == flat(&key));
                if meant.is_none() {
                    continue;
                }
                return Err(ConfigError::UnknownKey {
                    key,
                    origin,
                    nearest: meant.map(|m| variable_of(&m)),
                });
            }
            let Some(text) = text else {
                return Err(bad(&key, origin, "it is not UTF-8".to_owned()));
            };
            self.text(&key, text, origin)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Config, ConfigError> {
        let mut tree = Value::Object(Map::new());
        for (key, (value, _)) in &self.values {
            plant(&mut tree, key, value);
        }
        let settings = serde_json::from_value(tree)
            .map_err(|e| bad("*", Origin::Default, format!("cannot be used: {e}")))?;
        self.whole_applications(&settings)?;
        Ok(Config {
            settings,
            values: self.values,
            skipped: self.skipped,
        })
    }
}

impl Merge {
    /// What no single setting can tell: every application says what it is, and what was chosen is there.
    fn whole_applications(&self, settings: &Settings) -> Result<(), ConfigError> {
        let origin = |beginning: &str| {
            let told = self
                .values
                .iter()
                .find(|(key, _)| key.starts_with(beginning));
            told.map_or(Origin::Default, |(_, (_, origin))| origin.clone())
        };
        let mut nameless = settings.applications.iter();
        if let Some((name, _)) = nameless.find(|(_, it)| it.target.is_none()) {
            let own = format!("applications.{name}.");
            let reason = "it is missing: chat, editor or terminal".to_owned();
            return Err(bad(&format!("{own}target"), origin(&own), reason));
        }
        let known = |name: &str| settings.applications.contains_key(name);
        let mut chosen = settings.delivery.application_of();
        if let Some((_, name)) = chosen.find(|(_, name)| !known(name)) {
            let key = "delivery.application_of";
            return Err(bad(
                key,
                origin(key),
                format!("there is no application `{name}`"),
            ));
        }
        Ok(())
    }
}

/// The variable that carries a setting.
pub fn variable_of(key: &str) -> String {
    format!(
        "SWITCHBOARD_{}",
        key.replace('.', "__").to_ascii_uppercase()
    )
}

fn plant(tree: &mut Value, key: &str, value: &Value) {
    let (name, rest) = match key.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (key, None),
    };
    let Value::Object(table) = tree else { return };
    match rest {
        None => {
            table.insert(name.to_owned(), value.clone());
        }
        Some(rest) => {
            let branch = table
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            plant(branch, rest, value);
        }
    }
}

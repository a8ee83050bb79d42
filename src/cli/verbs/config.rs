//! `switchboard config …`: settings and where they come from.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::paint::{Paint, Tone};
use crate::cli::owner::request::What;
use crate::commands::configure::SetConfig;
use crate::config::error::Origin;
use crate::config::keys::{Applied, applied, real_name};
use crate::config::layers::{Config, check_value};

/// Settings and where they come from.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard config show --origin
  switchboard config check
  switchboard config set retry.max_retries 5")]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

/// What can be done with settings.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "each verb is documented at its arguments")]
pub enum ConfigVerb {
    Show(ShowArgs),
    Check(CheckArgs),
    Set(SetArgs),
    Unset(UnsetArgs),
}

/// Show every setting in force.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard config show
  switchboard config show --origin
  switchboard --json config show | jq -r 'select(.key == \"retry.max_retries\").value'")]
pub struct ShowArgs {
    /// Also say where each value comes from
    #[arg(long)]
    pub origin: bool,
}

/// Check every layer of configuration (exit 14 when one cannot be used).
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard config check
  switchboard --config new.toml config check")]
pub struct CheckArgs {}

/// Change a setting while running; it is kept in the ledger as an event.
///
/// A running desk goes by it at once, from the next attempt on (`"applied":"now"`). Only from the next
/// start on (`"applied":"next_start"`): `delivery.desktop`, `log.format`, `serve.listen`, `serve.hosts`,
/// `serve.request_within`, `serve.answer_within`, `serve.read_within`, `serve.keep_alive`,
/// `serve.streams_max`, `seat.panic_corner`, `telemetry.otlp`, `telemetry.within`. Not at all, because
/// every process needs it before it can read the ledger (exit 6): `socket.lock_timeout`. Environment and
/// flags of the running desk stand above it (`"overridden"` names them).
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard config set retry.max_retries 5
  switchboard config set delivery.nudge false")]
pub struct SetArgs {
    /// Dotted name of the setting
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Its value
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,
}

/// Take back a setting that was changed with `config set`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard config unset retry.max_retries")]
pub struct UnsetArgs {
    /// Dotted name of the setting
    #[arg(value_name = "KEY")]
    pub key: String,
}

/// Shows, checks, sets or takes back.
pub fn run(args: ConfigArgs, run: &mut Run) -> Result<Exit, Failure> {
    match args.verb {
        ConfigVerb::Show(show) => {
            let items = items(&whole(run)?);
            run.printer
                .list(&items, |items, paint| shown(items, show.origin, paint))?;
        }
        ConfigVerb::Check(_) => {
            let answer = checked(&whole(run)?);
            run.printer.answer(&answer, |answer, paint| {
                let ok = paint.tone(Tone::Good, "ok");
                format!(
                    "{ok}  {} settings, {} of them changed",
                    answer["settings"], answer["changed"]
                )
            })?;
        }
        ConfigVerb::Set(set) => {
            let (key, value) = check_value(&set.key, &set.value)?;
            if applied(&key) == Applied::Never {
                let text = format!("{key} is needed before the ledger can be read");
                return Err(Failure::new(Exit::Refused, "not_at_run_time", text)
                    .hint("put it into a configuration file, the environment or a flag"));
            }
            let value = Some(value.to_string());
            return run.execute(SetConfig { key, value }, was_set);
        }
        ConfigVerb::Unset(unset) => {
            let key = real_name(&unset.key).to_owned();
            return run.execute(SetConfig { key, value: None }, was_set);
        }
    }
    Ok(Exit::Done)
}

/// Every layer, the runtime layer too where there is a ledger.
fn whole(run: &Run) -> Result<Config, Failure> {
    let mut sources = run.sources();
    // The other layers first: what is wrong there is said whether or not there is a ledger.
    let without = Config::load(&sources)?;
    let there = run
        .store()
        .is_ok_and(|store| store.join("format").is_file());
    if !there {
        return Ok(without);
    }
    let (_, items) = run.ask(What::ConfigRuntime)?;
    sources.runtime = items
        .iter()
        .filter_map(|item| {
            let text = |field| item.get(field).and_then(Value::as_str).map(str::to_owned);
            Some((text("key")?, text("value")?))
        })
        .collect();
    Ok(Config::load(&sources)?)
}

fn was_set(item: &Value, paint: Paint) -> String {
    let done = paint.tone(Tone::Good, "set");
    let key = item.get("key").and_then(Value::as_str).unwrap_or_default();
    let word = |name| item.get(name).and_then(Value::as_str);
    let when = match (word("overridden"), word("applied")) {
        (Some(above), _) => format!("but {above} stands above it"),
        (None, Some("now")) => "from now on".to_owned(),
        (None, _) => "from the next start of the desk on".to_owned(),
    };
    match item.get("value") {
        None | Some(Value::Null) => {
            format!("{done}  {key} to what it is without `config set`, {when}")
        }
        Some(value) => format!("{done}  {key} = {value}, {when}"),
    }
}

/// `{"key","value","layer","origin"}` of every setting, sorted by key.
pub fn items(config: &Config) -> Vec<Value> {
    config
        .origins()
        .map(|(key, value, origin)| {
            json!({
                "key": key,
                "value": value,
                "layer": origin.layer(),
                "origin": origin.to_string(),
            })
        })
        .collect()
}

fn checked(config: &Config) -> Value {
    let changed = config
        .origins()
        .filter(|(.., origin)| **origin != Origin::Default)
        .count();
    json!({
        "ok": true,
        "settings": config.origins().count(),
        "changed": changed,
        "skipped": config.skipped(),
    })
}

fn shown(items: &[Value], with_origin: bool, paint: Paint) -> String {
    let mut rows = Vec::new();
    for item in items {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let value = item
            .get("value")
            .map(ToString::to_string)
            .unwrap_or_default();
        let line = format!("{} = {value}", text("key"));
        rows.push(if with_origin {
            format!("{line:<44}  {}", paint.tone(Tone::Dim, text("origin")))
        } else {
            line
        });
    }
    rows.join("\n")
}

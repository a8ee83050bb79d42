//! `switchboard config …`: settings and where they come from.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::paint::{Paint, Tone};
use crate::config::error::Origin;
use crate::config::layers::Config;

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

/// `show` and `check` over the layers that need no ledger.
pub fn run(args: &ConfigArgs, run: &mut Run) -> Result<Exit, Failure> {
    let config = Config::load(&run.sources())?;
    match &args.verb {
        ConfigVerb::Show(show) => {
            let items = items(&config);
            run.printer
                .list(&items, |items, paint| shown(items, show.origin, paint))?;
        }
        ConfigVerb::Check(_) => {
            let answer = checked(&config);
            run.printer.answer(&answer, |answer, paint| {
                let ok = paint.tone(Tone::Good, "ok");
                format!(
                    "{ok}  {} settings, {} of them changed",
                    answer["settings"], answer["changed"]
                )
            })?;
        }
        ConfigVerb::Set(_) | ConfigVerb::Unset(_) => {
            return Err(Failure::new(Exit::NoLedger, "no_ledger", "no ledger yet"));
        }
    }
    Ok(Exit::Done)
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

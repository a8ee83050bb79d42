//! `switchboard append`: somebody's own facts.

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::values::{expected, json};
use crate::events::ids::StreamId;
use crate::events::ledger::append::Expected;

/// Append a note of your own; Switchboard keeps it and does nothing with it.
///
/// Exit 5 with code `wrong_version` when the stream is not where you expected it.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard append --stream note/plan --kind note.decided --data '{\"by\":\"ada\"}'
  switchboard append --stream note/plan --kind note.decided --data '{}' --expect 3")]
pub struct AppendArgs {
    /// To which stream, like note/plan
    #[arg(long, value_name = "S")]
    pub stream: StreamId,
    /// Of which kind: note.WORD
    #[arg(long, value_name = "K")]
    pub kind: String,
    /// The note, in JSON
    #[arg(long, value_name = "JSON", value_parser = json, allow_hyphen_values = true)]
    pub data: Value,
    /// What you believe of the stream: any, none, exists, or its last version
    #[arg(long, value_name = "any|none|exists|N", default_value = "any", value_parser = expected)]
    pub expect: Expected,
    /// Your id for this wish: asking twice is harmless [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
}

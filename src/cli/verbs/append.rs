//! `switchboard append`: somebody's own facts.

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::past;
use crate::cli::owner::request::What;
use crate::cli::values::{expected, json};
use crate::commands::note::{Belief, KeepNote};
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

impl AppendArgs {
    /// Appends the note.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let word = self
            .kind
            .strip_prefix("note.")
            .and_then(|word| word.parse().ok());
        let Some(word) = word else {
            let text = format!("`{}` cannot be appended", self.kind);
            return Err(Failure::new(Exit::Refused, "not_a_note", text)
                .hint("only kinds like note.decided can: `note.` and one word"));
        };
        let expected = match self.expect {
            Expected::Any => Belief::Any,
            Expected::NoStream => Belief::None,
            Expected::Exists => Belief::Exists,
            Expected::Exact(version) => Belief::Exact(version),
        };
        let note = KeepNote {
            stream: self.stream,
            expected,
            word,
            data: self.data,
        };
        let what = What::Execute(Box::new(note.into()));
        let (exit, items) = run.ask_with(what, self.id, None)?;
        for item in &items {
            run.printer.answer(item, past::appended)?;
        }
        Ok(exit)
    }
}

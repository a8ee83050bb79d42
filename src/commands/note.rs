//! Note: somebody's own fact, kept by the desk.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decision::{Decision, Plan};
use super::refusal::{Code, Refusal};
use super::send::BODY_MAX;
use crate::events::facts::ledger::Note;
use crate::events::facts::words::Word;
use crate::events::ids::StreamId;
use crate::events::ledger::append::Expected;

/// A fact of kind `note.<word>` for any stream. The command's id makes it repeatable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepNote {
    /// Where.
    pub stream: StreamId,
    /// What the asker believes about the stream.
    pub expected: Belief,
    /// The last part of the kind's name.
    pub word: Word,
    /// The data, kept as compact JSON text.
    pub data: Value,
}

/// What an asker believes about a stream's version; the ledger's own `Expected`, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Belief {
    /// Nothing.
    Any,
    /// No event yet.
    None,
    /// At least one event.
    Exists,
    /// The last event has this version.
    Exact(u64),
}

impl From<Belief> for Expected {
    fn from(belief: Belief) -> Self {
        match belief {
            Belief::Any => Self::Any,
            Belief::None => Self::NoStream,
            Belief::Exists => Self::Exists,
            Belief::Exact(version) => Self::Exact(version),
        }
    }
}

impl KeepNote {
    /// Whether the belief holds is the ledger's to say.
    pub fn decide(&self) -> Result<Decision, Refusal> {
        let data = self.data.to_string();
        if data.len() > BODY_MAX {
            let text = format!(
                "the note has {} bytes; at most {BODY_MAX} are taken",
                data.len()
            );
            return Err(Refusal::new(Code::BadNote, text));
        }
        let note = Note {
            word: self.word.as_str().to_owned(),
            data,
        };
        Ok(Plan::one(self.stream.clone(), self.expected.into(), note).into())
    }
}

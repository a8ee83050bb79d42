//! What the layers below cannot do, as people and scripts are told: a word, a sentence, an exit
//! code, and the way out.

use std::io::ErrorKind;

use serde_json::json;
use tokio::task::JoinError;

use super::coordinates::CoordinatesError;
use super::exit::{Exit, Failure};
use crate::commands::desk::Refused;
use crate::commands::refusal::{Class, Refusal};
use crate::delivery::dispatch::Stopped;
use crate::events::ledger::append::{AppendError, Expected};
use crate::events::ledger::handle::{OpenError, ReadError};
use crate::projections::host::SaveError;

/// The whole chain of causes in one sentence.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let text = told(&error);
        match error {
            OpenError::Absent { .. } => Self::new(Exit::NoLedger, "no_ledger", text)
                .hint("`switchboard init` makes one; --store names another folder"),
            OpenError::Present { .. } => Self::new(Exit::NotEmpty, "ledger_exists", text)
                .hint("it is left as it is and can be used; --store names another folder"),
            OpenError::NotAStore { .. } => {
                Self::new(Exit::NoLedger, "not_a_store", text).hint("--store names another folder")
            }
            OpenError::Locked { .. } => Self::new(Exit::Locked, "locked", text)
                .hint("another process owns this ledger; `fuser DIR/lock` names it"),
            OpenError::TooNew { .. } => Self::new(Exit::TooNew, "too_new", text)
                .hint("use the binary that wrote it, or a newer one"),
            OpenError::Corrupt { .. } => Self::new(Exit::Corrupt, "corrupt", text)
                .hint("nothing was changed; restore from a backup, or keep the folder for repair"),
            OpenError::Io { source, .. } => refused_by_system(&source, text),
        }
    }
}

/// What the system refused: whoever asks may not, or the place takes no writes, or it failed.
fn refused_by_system(source: &std::io::Error, text: String) -> Failure {
    let kind = source.kind();
    if kind == ErrorKind::PermissionDenied {
        return Failure::new(Exit::NotAllowed, "not_allowed", text)
            .hint("a store belongs to the user who made it; --store names another folder");
    }
    if kind == ErrorKind::ReadOnlyFilesystem {
        return Failure::new(Exit::NoSpace, "read_only", text).hint(
            "even reading locks the store: make its file system writable, or work on a copy",
        );
    }
    Failure::new(Exit::Failed, "io", text)
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let text = told(&error);
        match error {
            ReadError::Corrupt { .. } => Self::new(Exit::Corrupt, "corrupt", text)
                .hint("`switchboard verify` names all damage"),
            ReadError::Io { .. } => Self::new(Exit::Failed, "io", text),
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        let text = told(&error);
        match error {
            AppendError::WrongVersion {
                expected, actual, ..
            } => {
                let expected = match expected {
                    Expected::Any => json!("any"),
                    Expected::NoStream => json!("none"),
                    Expected::Exists => json!("exists"),
                    Expected::Exact(version) => json!(version),
                };
                Self::new(Exit::Conflict, "wrong_version", text)
                    .fields(json!({"expected": expected, "actual": actual}))
                    .hint("read the stream again, and decide again")
            }
            AppendError::Conflict { .. } => Self::new(Exit::Conflict, "command_conflict", text)
                .hint("an id names one wish for ever: choose a new one"),
            AppendError::Invalid { .. } => Self::new(Exit::Refused, "invalid", text),
            AppendError::Encode(_) => Self::new(Exit::Refused, "too_large", text),
            AppendError::NoSpace { .. } => Self::new(Exit::NoSpace, "no_space", text)
                .hint("free space on the disk of the store; reading goes on meanwhile"),
            AppendError::Poisoned { .. } => Self::new(Exit::NoSpace, "read_only", text)
                .hint("`switchboard doctor` says why; start again once the disk is well"),
            AppendError::Unreadable { .. } => Self::new(Exit::Corrupt, "corrupt", text)
                .hint("`switchboard verify` names what is damaged; a backup has it"),
            AppendError::Closed => Self::new(Exit::Unreachable, "closed", text),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal.class() {
            Class::NotFound => Exit::NotFound,
            Class::Conflict => Exit::Conflict,
            Class::Refused => Exit::Refused,
            Class::NotAllowed => Exit::NotAllowed,
        };
        let failure = Self::new(exit, refusal.code.word(), refusal.message);
        match refusal.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Refusal(refusal) => refusal.into(),
            Refused::Append(error) => error.into(),
            Refused::Read(error) => error.into(),
            conflict @ Refused::Conflict { .. } => {
                Self::new(Exit::Conflict, "conflict", told(&conflict)).hint("try again")
            }
        }
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Ledger(refused) => refused.into(),
            Stopped::Broke(error) => error.into(),
        }
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        Self::new(Exit::Failed, "checkpoint", told(&error))
            .hint("the ledger is whole; projections are folded anew at the next start")
    }
}

impl From<CoordinatesError> for Failure {
    fn from(error: CoordinatesError) -> Self {
        Self::new(Exit::Refused, "bad_coordinates", error.to_string())
            .hint("docs/configuration.md shows the shapes that are understood")
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self::new(
            Exit::Failed,
            "internal",
            format!("a part of this program broke: {error}"),
        )
    }
}

//! What is asked of the ledger's writer, and what it answers.

use crate::events::codec::EncodeError;
use crate::events::envelope::Cause;
use crate::events::ids::{CommandId, Position, StreamId};
use crate::events::kind::Fact;

/// What the asker believes about a stream's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// No event yet.
    NoStream,
    /// At least one event.
    Exists,
    /// The last event has this version.
    Exact(u64),
}

/// Facts for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which stream.
    pub stream: StreamId,
    /// What the asker believes about it.
    pub expected: Expected,
    /// What happened, in order; at least one.
    pub facts: Vec<Fact>,
}

/// All that one command makes happen: written whole or not at all. A stream occurs at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Who, and as part of what.
    pub cause: Cause,
    /// At least one.
    pub parts: Vec<Part>,
}

/// A commit that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of its first event.
    pub first: Position,
    /// Position of its last event.
    pub last: Position,
    /// Version of the last event in the first part's stream.
    pub version: u64,
    /// True when the same command with the same content was carried out before.
    pub repeated: bool,
}

/// A commit that was not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream moved on since the asker looked.
    #[error("stream {stream} is at {}, not at {}", show(*.actual), wanted(*.expected))]
    WrongVersion {
        /// Which stream.
        stream: StreamId,
        /// What the asker believed.
        expected: Expected,
        /// Its last version; none when it does not exist.
        actual: Option<u64>,
    },
    /// The command's id was used before, for something else.
    #[error("command {command} was already carried out with other content")]
    Conflict {
        /// Which command.
        command: CommandId,
        /// Where the other content stands.
        at: Position,
    },
    /// The commit breaks a limit or is empty.
    #[error("the commit cannot be written: {reason}")]
    Invalid {
        /// Which limit.
        reason: String,
    },
    /// A fact cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The disk is full, or nearly.
    #[error("no space left for the ledger: {detail}")]
    NoSpace {
        /// What was needed and what there is.
        detail: String,
    },
    /// An earlier write or sync failed; the ledger takes no more writes until it is opened again.
    #[error("the ledger takes no more writes: {reason}")]
    Poisoned {
        /// What failed.
        reason: String,
    },
    /// Events that decide about it are damaged (exit 9). Other commits are taken.
    #[error("whether it may be written cannot be told: {reason}")]
    Unreadable {
        /// What cannot be read.
        reason: String,
    },
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
}

fn wanted(expected: Expected) -> String {
    match expected {
        Expected::Any => "any version".to_owned(),
        Expected::NoStream => "no event".to_owned(),
        Expected::Exists => "any event".to_owned(),
        Expected::Exact(version) => format!("version {version}"),
    }
}

fn show(version: Option<u64>) -> String {
    version.map_or_else(
        || "no event".to_owned(),
        |version| format!("version {version}"),
    )
}

//! What can be wrong with a setting, said so that it can be found and mended.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of this command line, as it was written.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// `switchboard config set`, kept in the ledger.
    Runtime,
    /// The file given with `--config`, or found in the working folder.
    Project(Place),
    /// The user's own file.
    User(Place),
    /// The machine's file.
    System(Place),
    /// Built in.
    Default,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which file.
    pub file: PathBuf,
    /// Which line, from 1, where it could be found.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

impl Origin {
    /// The layer's name: `flag`, `environment`, `runtime`, `project`, `user`, `system`, `default`.
    pub const fn layer(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Environment(_) => "environment",
            Self::Runtime => "runtime",
            Self::Project(_) => "project",
            Self::User(_) => "user",
            Self::System(_) => "system",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Runtime => f.write_str("runtime (config set)"),
            Self::Project(place) => write!(f, "project file {place}"),
            Self::User(place) => write!(f, "user file {place}"),
            Self::System(place) => write!(f, "system file {place}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Configuration that cannot be used: exit 14, code `config_invalid`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A name that no setting has.
    #[error("unknown setting `{key}` in {origin}")]
    UnknownKey {
        /// As it was written, dotted.
        key: String,
        /// Where.
        origin: Origin,
        /// The setting it resembles most.
        nearest: Option<String>,
    },
    /// A value that the setting cannot have.
    #[error("setting `{key}` in {origin}: {reason}")]
    BadValue {
        /// Which setting.
        key: String,
        /// Where.
        origin: Origin,
        /// What was found, and what it should be.
        reason: String,
    },
    /// A file that cannot be understood.
    #[error("{place} is not valid {format}: {reason}")]
    Syntax {
        /// Where.
        place: Place,
        /// `TOML`, `YAML` or `JSON`.
        format: &'static str,
        /// What the reader stumbled over.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{file} cannot be read: {reason}", file = file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Two files of one layer: which one counts would be a guess.
    #[error("{first} and {second} are both there; keep one", first = first.display(), second = second.display())]
    TwoFiles {
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey {
                nearest: Some(near),
                ..
            } => Some(format!("did you mean `{near}`?")),
            Self::UnknownKey { nearest: None, .. } | Self::BadValue { .. } => {
                Some("`switchboard config show` lists every setting".to_owned())
            }
            Self::Unreadable { .. } | Self::Syntax { .. } | Self::TwoFiles { .. } => None,
        }
    }
}

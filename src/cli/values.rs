//! Values of flags, read at the edge into types that cannot be wrong further down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::events::facts::words::worded;
use crate::events::ids::{AgentId, NotAName, Position, SeatId};
use crate::events::ledger::append::Expected;
use crate::events::time::Timestamp;
use crate::projections::states::Moment;

/// A value parser that lists the words of an enum in help, errors and completions.
macro_rules! words {
    ($worded:ty) => {
        clap::builder::TypedValueParser::try_map(
            clap::builder::PossibleValuesParser::new(<$worded>::ALL.iter().map(|v| v.word())),
            |word: String| word.parse::<$worded>(),
        )
    };
}

pub(crate) use words;

worded! {
    /// How far a message must have come before the sender is told.
    Wait, "what is waited for" {
        /// Only that it is in the ledger.
        Accepted = "accepted",
        /// Enter was pressed, or better.
        Submitted = "submitted",
        /// Seen to arrive, or better.
        Observed = "observed",
        /// Nothing more happens by itself.
        Settled = "settled",
        /// The agent says that it was read.
        Acknowledged = "acknowledged",
        /// The agent replied.
        Answered = "answered",
    }
}

worded! {
    /// When text is coloured.
    Color, "a colour setting" {
        /// On a terminal, unless `NO_COLOR` is set.
        Auto = "auto",
        /// In any case.
        Always = "always",
        /// Not at all.
        Never = "never",
    }
}

/// A point of the ledger's past: all digits are a position, anything else an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// After this event.
    Position(Position),
    /// After the last event recorded up to this instant, inclusive.
    Instant(Timestamp),
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(|moment| match moment {
            Moment::Position(position) => Self::Position(position),
            Moment::Instant(at) => Self::Instant(at),
        })
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

/// Reads `any`, `none`, `exists` or a version.
pub fn expected(text: &str) -> Result<Expected, String> {
    match text {
        "any" => Ok(Expected::Any),
        "none" => Ok(Expected::NoStream),
        "exists" => Ok(Expected::Exists),
        number => number
            .parse()
            .map(Expected::Exact)
            .map_err(|e| format!("`{text}` is not any, none, exists or a version like 3: {e}")),
    }
}

/// Reads a position.
pub fn position(text: &str) -> Result<Position, String> {
    text.parse()
        .map(Position)
        .map_err(|e| format!("`{text}` is not a position like 42: {e}"))
}

/// Reads one JSON value.
pub fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

/// Which desktop the hands use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesktopChoice {
    /// The real one.
    X11,
    /// None: a file takes what the hands would have done.
    Record(std::path::PathBuf),
    /// None at all.
    None,
}

impl FromStr for DesktopChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("record:")) {
            ("x11", _) => Ok(Self::X11),
            ("none", _) => Ok(Self::None),
            (_, Some(file)) if !file.is_empty() => Ok(Self::Record(file.into())),
            _ => Err(format!("`{text}` is not x11, none or record:FILE")),
        }
    }
}

impl fmt::Display for DesktopChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X11 => f.write_str("x11"),
            Self::Record(file) => write!(f, "record:{}", file.display()),
            Self::None => f.write_str("none"),
        }
    }
}

/// What can be paused: a seat is named like its display, everything else is an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pausable {
    /// One display's hands.
    Seat(SeatId),
    /// One agent's messages.
    Agent(AgentId),
}

impl FromStr for Pausable {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        if text.contains(':') {
            text.parse().map(Self::Seat)
        } else {
            text.parse().map(Self::Agent)
        }
    }
}

/// One `--set KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Dotted name of a setting.
    pub key: String,
    /// Its value as text.
    pub text: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not KEY=VALUE, like retry.max_retries=5"))?;
        Ok(Self {
            key: key.trim().to_owned(),
            text: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_position_and_everything_else_an_instant() {
        assert_eq!("17".parse(), Ok(AsOf::Position(Position(17))));
        let noon: AsOf = "2025-01-31T13:00:00+01:00".parse().unwrap();
        assert_eq!(noon.to_string(), "2025-01-31T12:00:00.000000Z");
        for bad in [
            "",
            "-1",
            "99999999999999999999",
            "yesterday",
            "2025-01-31T13:00:00",
        ] {
            assert!(bad.parse::<AsOf>().is_err(), "{bad}");
        }
    }

    #[test]
    fn seats_and_agents_are_told_apart_by_the_colon() {
        assert_eq!(":0".parse(), Ok(Pausable::Seat(":0".parse().unwrap())));
        let agent = Pausable::Agent("agent-3".parse().unwrap());
        assert_eq!("Agent-3".parse(), Ok(agent));
        assert!("a b".parse::<Pausable>().is_err());
    }

    #[test]
    fn expectations_are_words_or_versions() {
        assert_eq!(expected("none"), Ok(Expected::NoStream));
        assert_eq!(expected("7"), Ok(Expected::Exact(7)));
        assert!(expected("some").is_err());
    }
}

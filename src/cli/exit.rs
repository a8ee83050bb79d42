//! Exit codes, and failures as they are reported.

use std::process::ExitCode;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::config::error::ConfigError;

/// How the program ended. The numbers are part of the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// Some recipients or items, not all.
    Partly = 3,
    /// No such agent, message, backup.
    NotFound = 4,
    /// Wrong version, id with other content, duplicate.
    Conflict = 5,
    /// Refused by validation or pre-flight.
    Refused = 6,
    /// Settled by the inbox, not by the window.
    Inboxed = 7,
    /// Waited long enough; the message stays queued.
    TimedOut = 8,
    /// Ledger, projection or backup is damaged.
    Corrupt = 9,
    /// No ledger there.
    NoLedger = 10,
    /// Another process has the ledger.
    Locked = 11,
    /// The process that has the ledger does not answer.
    Unreachable = 12,
    /// Not allowed.
    NotAllowed = 13,
    /// The configuration cannot be used.
    BadConfig = 14,
    /// The wanted point of time is not covered.
    OutOfRange = 15,
    /// The target is not empty.
    NotEmpty = 16,
    /// No space, or the ledger takes no more writes after a storage fault.
    NoSpace = 17,
    /// Cut off after Enter may have been pressed.
    Unknown = 18,
    /// Written by a newer binary.
    TooNew = 19,
    /// The key does not open it.
    WrongKey = 20,
    /// A recovery drill missed its plan.
    PlanMissed = 21,
    /// Interrupted from the keyboard.
    Interrupted = 130,
    /// Terminated.
    Terminated = 143,
}

impl Exit {
    /// Every exit code.
    pub const ALL: &'static [Self] = &[
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Partly,
        Self::NotFound,
        Self::Conflict,
        Self::Refused,
        Self::Inboxed,
        Self::TimedOut,
        Self::Corrupt,
        Self::NoLedger,
        Self::Locked,
        Self::Unreachable,
        Self::NotAllowed,
        Self::BadConfig,
        Self::OutOfRange,
        Self::NotEmpty,
        Self::NoSpace,
        Self::Unknown,
        Self::TooNew,
        Self::WrongKey,
        Self::PlanMissed,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number.
    #[expect(clippy::as_conversions, reason = "the enum's own representation")]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Exit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(from)?;
        let known = Self::ALL.iter().find(|exit| exit.number() == number);
        known.copied().ok_or_else(|| {
            serde::de::Error::custom(format!("{number} is no exit code of this program"))
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why the program could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A word for programs, like `unknown_agent`.
    pub code: String,
    /// The exit code.
    pub exit: Exit,
    /// A sentence for people.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// More fields for programs, like `expected` and `actual`; an object, or null for none.
    pub fields: Value,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            exit,
            message: message.into(),
            hint: None,
            fields: Value::Null,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with more fields for programs.
    #[must_use]
    pub fn fields(mut self, fields: Value) -> Self {
        self.fields = fields;
        self
    }

    /// The line that ends stderr in JSON mode.
    pub fn to_json(&self) -> Value {
        let mut record = json!({
            "record": "exit_error",
            "code": self.code,
            "exit": self.exit.number(),
            "message": self.message,
            "hint": self.hint,
        });
        if let (Value::Object(record), Value::Object(fields)) = (&mut record, &self.fields) {
            for (name, value) in fields {
                record.entry(name).or_insert_with(|| value.clone());
            }
        }
        record
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::new(Exit::BadConfig, "config_invalid", error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_survive_the_way_through_a_socket() {
        for exit in Exit::ALL {
            let text = serde_json::to_string(exit).unwrap();
            assert_eq!(text, exit.number().to_string());
            assert_eq!(serde_json::from_str::<Exit>(&text).unwrap(), *exit);
        }
        assert!(serde_json::from_str::<Exit>("99").is_err());
    }

    #[test]
    fn a_failure_for_programs_carries_its_own_fields() {
        let failure = Failure::new(Exit::Conflict, "wrong_version", "stream is at 3")
            .fields(json!({"expected": 2, "actual": 3, "exit": 0}));
        assert_eq!(
            failure.to_json(),
            json!({"record": "exit_error", "code": "wrong_version", "exit": 5,
                   "message": "stream is at 3", "hint": null, "expected": 2, "actual": 3})
        );
    }
}

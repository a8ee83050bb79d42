//! The register of kinds: every fact has a number that is never used again, and a dotted name in
//! the past tense. Numbers are what is stored; names are what people see.

use serde_json::Value;

use super::codec::{self, DecodeError};
use super::facts::agent::{
    AgentAdded, AgentChanged, AgentPaused, AgentPausedAsAsked, AgentPlaced, AgentRemoved,
    AgentResumed, BoxLearnt,
};
use super::facts::alert::{
    AlertAcknowledged, AlertDismissed, AlertEscalated, AlertNoticed, AlertRaised, AlertResolved,
    AlertUntold,
};
use super::facts::attempt::{
    AttemptFailed, AttemptInboxed, AttemptObserved, AttemptPasted, AttemptStarted,
    AttemptSubmitted, AttemptSubmitting, AttemptUnknown,
};
use super::facts::backup::{
    BackupCaughtUp, BackupFailed, BackupLate, BackupTaken, BackupsPruned, DrillMissed, DrillPassed,
};
use super::facts::breaker::{BreakerClosed, BreakerOpened, BreakerProbed};
use super::facts::ledger::{
    ClockSteppedBack, ConfigLoaded, ConfigSet, LedgerCreated, LedgerMended, LedgerRebuilt,
    LedgerRestored, Note,
};
use super::facts::limits::{AgentQuarantined, AgentReleased, PairQuarantined, PairReleased};
use super::facts::manners::{AgentMannersSet, DraftRestored, DraftSaved, MessageModeChosen};
use super::facts::message::{
    MessageAccepted, MessageAcknowledged, MessageAnswered, MessageCancelled, MessageDied,
    MessageExpired, MessageRead, MessageRequeued, MessageResolved,
};
use super::facts::seat::{SeatPaused, SeatResumed};
use super::facts::timing::{TimingBegan, TimingCalibrated, TimingDrifted, TimingMissed};

macro_rules! register {
    (
        $($number:literal $name:literal $fact:ident;)*
        retired { $($old:literal $old_name:literal $shape:ident => $now:ident;)* }
    ) => {
        /// One thing that happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum Fact {
            $($fact($fact),)*
            /// A kind this binary does not know: kept raw, carried along, never lost.
            Unknown { kind: u16, body: Vec<u8> },
        }

        /// Number and name of every kind, in the order of their numbers. `note` stands for
        /// `note.<word>`.
        pub const KINDS: &[(u16, &str)] = &[$(($number, $name)),*];

        /// Number and name of every kind that is only read any more: nothing writes it, its bytes
        /// decode as the shape that took its place.
        pub const RETIRED: &[(u16, &str)] = &[$(($old, $old_name)),*];

        impl Fact {
            /// The kind's number.
            pub const fn kind(&self) -> u16 {
                match self {
                    $(Self::$fact(_) => $number,)*
                    Self::Unknown { kind, .. } => *kind,
                }
            }

            /// The bytes that are stored for the fact.
            pub fn encode(&self) -> Result<Vec<u8>, codec::EncodeError> {
                let mut bytes = Vec::new();
                self.encode_behind(&mut bytes)?;
                Ok(bytes)
            }

            /// Puts the bytes that are stored for the fact behind those that are there.
            pub fn encode_behind(&self, bytes: &mut Vec<u8>) -> Result<(), codec::EncodeError> {
                match self {
                    $(Self::$fact(fact) => codec::encode_behind(fact, bytes),)*
                    Self::Unknown { body, .. } => {
                        bytes.extend_from_slice(body);
                        Ok(())
                    }
                }
            }

            /// The fact behind stored bytes, a retired kind as what took its place. Unknown numbers
            /// are no error.
            pub fn decode(kind: u16, body: &[u8]) -> Result<Self, DecodeError> {
                match kind {
                    $($number => codec::decode(body).map(Self::$fact),)*
                    $($old => codec::decode::<$shape>(body).map(|old| Self::$now(old.into())),)*
                    _ => Ok(Self::Unknown { kind, body: body.to_vec() }),
                }
            }

            fn value(&self) -> serde_json::Result<Value> {
                match self {
                    $(Self::$fact(fact) => serde_json::to_value(fact),)*
                    Self::Unknown { body, .. } => Ok(serde_json::json!({
                        "bytes": body.len(),
                        "blake3": blake3::hash(body).to_hex().to_string(),
                    })),
                }
            }
        }

        $(impl From<$fact> for Fact {
            fn from(fact: $fact) -> Self {
                Self::$fact(fact)
            }
        })*
    };
}

register! {
    1 "ledger.created" LedgerCreated;
    2 "ledger.restored" LedgerRestored;
    3 "ledger.rebuilt" LedgerRebuilt;
    4 "clock.stepped_back" ClockSteppedBack;
    5 "ledger.mended" LedgerMended;
    100 "message.accepted" MessageAccepted;
    101 "message.expired" MessageExpired;
    102 "message.cancelled" MessageCancelled;
    103 "message.acknowledged" MessageAcknowledged;
    104 "message.answered" MessageAnswered;
    105 "message.requeued" MessageRequeued;
    106 "message.resolved" MessageResolved;
    107 "message.died" MessageDied;
    108 "message.read" MessageRead;
    110 "message.mode_chosen" MessageModeChosen;
    111 "draft.saved" DraftSaved;
    112 "draft.restored" DraftRestored;
    200 "attempt.started" AttemptStarted;
    201 "attempt.pasted" AttemptPasted;
    202 "attempt.submitting" AttemptSubmitting;
    203 "attempt.submitted" AttemptSubmitted;
    204 "attempt.observed" AttemptObserved;
    205 "attempt.failed" AttemptFailed;
    206 "attempt.unknown" AttemptUnknown;
    207 "attempt.inboxed" AttemptInboxed;
    300 "agent.added" AgentAdded;
    301 "agent.placed" AgentPlaced;
    302 "agent.changed" AgentChanged;
    303 "agent.removed" AgentRemoved;
    305 "agent.resumed" AgentResumed;
    306 "agent.paused" AgentPaused;
    310 "box.learnt" BoxLearnt;
    311 "agent.quarantined" AgentQuarantined;
    312 "agent.released" AgentReleased;
    313 "pair.quarantined" PairQuarantined;
    314 "pair.released" PairReleased;
    315 "agent.manners_set" AgentMannersSet;
    400 "seat.paused" SeatPaused;
    401 "seat.resumed" SeatResumed;
    500 "breaker.opened" BreakerOpened;
    501 "breaker.probed" BreakerProbed;
    502 "breaker.closed" BreakerClosed;
    600 "config.loaded" ConfigLoaded;
    601 "config.set" ConfigSet;
    700 "timing.calibrated" TimingCalibrated;
    701 "timing.drifted" TimingDrifted;
    702 "timing.began" TimingBegan;
    703 "timing.missed" TimingMissed;
    720 "backup.taken" BackupTaken;
    721 "drill.passed" DrillPassed;
    722 "drill.missed" DrillMissed;
    723 "backup.failed" BackupFailed;
    724 "backup.pruned" BackupsPruned;
    725 "backup.late" BackupLate;
    726 "backup.caught_up" BackupCaughtUp;
    740 "alert.noticed" AlertNoticed;
    741 "alert.dismissed" AlertDismissed;
    742 "alert.raised" AlertRaised;
    743 "alert.acknowledged" AlertAcknowledged;
    744 "alert.escalated" AlertEscalated;
    745 "alert.resolved" AlertResolved;
    746 "alert.untold" AlertUntold;
    900 "note" Note;
    retired {
        304 "agent.paused" AgentPausedAsAsked => AgentPaused;
    }
}

/// The number of `ledger.restored`.
pub const LEDGER_RESTORED: u16 = 2;
/// Numbers of what happens to backups themselves, and of alerts, which may be about them: no backup is taken
/// for their sake.
pub const BACKUPS: std::ops::RangeInclusive<u16> = 720..=759;
/// The number of `message.accepted`.
pub const MESSAGE_ACCEPTED: u16 = 100;

impl Fact {
    /// The kind's dotted name; `note.<word>` for notes, `unknown.<number>` for unknown kinds.
    pub fn name(&self) -> String {
        if let Self::Note(note) = self {
            return format!("note.{}", note.word);
        }
        let number = self.kind();
        name_of(number).map_or_else(|| format!("unknown.{number}"), str::to_owned)
    }

    /// The fact as people and other programs see it: one JSON object.
    pub fn to_json(&self) -> Value {
        // A note's own data is the event's data; text that is no JSON stays text.
        if let Self::Note(note) = self {
            return serde_json::from_str(&note.data)
                .unwrap_or_else(|_| Value::String(note.data.clone()));
        }
        self.value().unwrap_or(Value::Null)
    }
}

/// The dotted name of a kind that this binary knows; `note` for notes.
pub fn name_of(kind: u16) -> Option<&'static str> {
    let mut kinds = KINDS.iter().chain(RETIRED);
    kinds
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_used_once_and_sorted() {
        assert!(KINDS.is_sorted_by(|a, b| a.0 < b.0));
        let names: std::collections::BTreeSet<_> = KINDS.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), KINDS.len());
        for (number, name) in RETIRED {
            assert!(KINDS.iter().all(|(other, _)| other != number), "{number}");
            assert!(
                names.contains(name),
                "{name}: what took its place keeps its name"
            );
        }
    }

    #[test]
    fn names_of_numbers_are_used() {
        let accepted = KINDS.iter().find(|(number, _)| *number == MESSAGE_ACCEPTED);
        assert_eq!(accepted.map(|(_, name)| *name), Some("message.accepted"));
        let restored = KINDS.iter().find(|(number, _)| *number == LEDGER_RESTORED);
        assert_eq!(restored.map(|(_, name)| *name), Some("ledger.restored"));
    }

    #[test]
    fn an_unknown_kind_is_kept_raw() {
        let fact = Fact::decode(60_000, b"later").unwrap();
        assert_eq!(fact.encode().unwrap(), b"later");
        assert_eq!(fact.name(), "unknown.60000");
    }
}

//! What each failure class gets: how many retries, and whether another channel may help.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff::Backoff;
use crate::events::facts::attempt::FailureClass;

/// What one failure class gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Attempts after the first on the same channel; none means the policy's usual number.
    pub retries_max: Option<u32>,
    /// Whether the next channel is tried when retries are used up.
    pub fallback: bool,
}

/// How failures are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Attempts after the first on one channel.
    pub retries_max: u32,
    /// When the next one is due.
    pub backoff: Backoff,
    /// How long hands stay off a seat after a person was at it; the pause before the first retry of
    /// what a person prevented. Zero leaves both to `backoff`.
    #[serde(with = "super::runs::millis")]
    pub human_pause: Duration,
    /// What is different for some classes, over [`Policy::shipped`].
    pub rules: BTreeMap<FailureClass, Rule>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retries_max: 3,
            backoff: Backoff::default(),
            human_pause: Duration::from_secs(2),
            rules: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// The rule for a class.
    pub fn rule(&self, class: FailureClass) -> Rule {
        let shipped = || Self::shipped(class);
        self.rules.get(&class).copied().unwrap_or_else(shipped)
    }

    /// How many attempts may follow the first on the same channel.
    pub fn retries(&self, class: FailureClass) -> u32 {
        self.rule(class).retries_max.unwrap_or(self.retries_max)
    }

    /// The pause before a retry, counted from 0; `dice` as in [`Backoff::delay`]. A person who was
    /// there once is likely still at it: later pauses grow from `human_pause` as others do.
    pub fn pause(&self, class: FailureClass, retry: u32, dice: u16) -> Duration {
        let mut backoff = self.backoff;
        if class == FailureClass::HumanActive && !self.human_pause.is_zero() {
            backoff.base = self.human_pause;
            backoff.cap = backoff.cap.max(self.human_pause);
        }
        backoff.delay(retry, dice)
    }

    /// How long a seat is left alone after an attempt that failed so.
    pub fn seat_rest(&self, class: FailureClass) -> Duration {
        if class == FailureClass::HumanActive {
            self.human_pause
        } else {
            Duration::ZERO
        }
    }

    /// The rule as shipped.
    pub const fn shipped(class: FailureClass) -> Rule {
        let (retries_max, fallback) = match class {
            // May be repaired by a moment's patience.
            FailureClass::FocusFailed
            | FailureClass::WindowBusy
            | FailureClass::DialogInTheWay
            | FailureClass::DraftInTheWay
            | FailureClass::PasteNotSeen
            | FailureClass::SubmitNotSeen
            | FailureClass::ClipboardLost
            | FailureClass::Misdirected
            | FailureClass::Interrupted => (None, true),
            // Agents are at work for long; it is asked again in growing pauses.
            FailureClass::AgentBusy => (Some(100), true),
            // A window that is gone or elsewhere seldom comes back within seconds.
            FailureClass::TargetNotFound
            | FailureClass::TargetMoved
            | FailureClass::DisplayGone => (Some(1), true),
            // People finish what they do; nothing is wrong with the window.
            FailureClass::HumanActive => (Some(10), true),
            // Will not change by trying again.
            FailureClass::Permission | FailureClass::Invalid | FailureClass::BreakerOpen => {
                (Some(0), true)
            }
            // Waits for the operator, however long that takes.
            FailureClass::Paused => (Some(u32::MAX), false),
            // There is nothing behind the inbox.
            FailureClass::InboxFailed => (None, false),
        };
        Rule {
            retries_max,
            fallback,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_rule_stands_before_the_shipped_one() {
        let mut policy = Policy::default();
        assert_eq!(policy.retries(FailureClass::PasteNotSeen), 3);
        assert_eq!(policy.retries(FailureClass::TargetMoved), 1);
        policy.rules.insert(
            FailureClass::TargetMoved,
            Rule {
                retries_max: None,
                fallback: false,
            },
        );
        assert_eq!(policy.retries(FailureClass::TargetMoved), 3);
        assert!(!policy.rule(FailureClass::TargetMoved).fallback);
    }

    #[test]
    fn what_a_person_prevented_waits_for_the_person_not_for_the_backoff() {
        let pauses = |pause, retry| {
            let policy = Policy {
                human_pause: Duration::from_millis(pause),
                ..Policy::default()
            };
            let of = |class, retry| policy.pause(class, retry, 0).as_millis();
            (
                of(FailureClass::HumanActive, retry),
                of(FailureClass::PasteNotSeen, 0),
            )
        };
        for (pause, retry, millis) in [
            (2_000, 0, 2_000),
            (2_000, 1, 4_000),
            (2_000, 9, 60_000),
            (300, 0, 300),
            (120_000, 0, 120_000),
            (120_000, 5, 120_000),
            (0, 0, 1_000),
        ] {
            assert_eq!(pauses(pause, retry), (millis, 1_000), "{pause} {retry}");
        }
        let policy = Policy::default();
        assert_eq!(policy.seat_rest(FailureClass::HumanActive).as_secs(), 2);
        assert!(policy.seat_rest(FailureClass::FocusFailed).is_zero());
    }

    #[test]
    fn a_policy_survives_json() {
        let mut policy = Policy::default();
        policy
            .rules
            .insert(FailureClass::Paused, Policy::shipped(FailureClass::Paused));
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    }
}

//! The circuit breaker of one agent and channel: after too many failures in a row it rests, then
//! lets one message through to see. States come from events, limits were decided when the events
//! were written.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::events::facts::attempt::FailureClass;
use crate::events::time::Timestamp;
use crate::projections::agents::counts_for_breaker;

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Failures in a row.
    pub threshold: u32,
    /// How long nothing passes.
    #[serde(with = "super::runs::millis")]
    pub rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threshold: 5,
            rest: Duration::from_secs(30),
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Everything passes.
    Closed {
        /// Failures in a row up to now.
        failures: u32,
    },
    /// Nothing passes until then.
    Open {
        /// When a probe may pass.
        until: Timestamp,
    },
    /// One message is under way to see.
    Probing {
        /// When it is taken for lost, and another may go.
        until: Timestamp,
    },
}

/// Whether a message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Yes.
    Free,
    /// Yes, as the probe: write `breaker.probed` first.
    Probe,
    /// Not before that instant.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
}

/// What an attempt's end makes of it, to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `breaker.opened`.
    Opened {
        /// Failures in a row.
        failures: u32,
        /// When a probe may pass.
        until: Timestamp,
    },
    /// `breaker.closed`.
    Closed,
}

impl Breaker {
    /// Whether a message may go now.
    pub fn ask(self, now: Timestamp) -> Pass {
        match self {
            Self::Closed { .. } => Pass::Free,
            Self::Open { until } | Self::Probing { until } if now >= until => Pass::Probe,
            Self::Open { until } | Self::Probing { until } => Pass::Wait { until },
        }
    }

    /// The state once `breaker.probed` was written.
    #[must_use]
    pub fn probed(limits: &Limits, now: Timestamp) -> Self {
        Self::Probing {
            until: now.after(limits.rest),
        }
    }

    /// The state after an attempt arrived, and what is to be written.
    #[must_use]
    pub const fn arrived(self) -> (Self, Option<Change>) {
        let closed = Self::Closed { failures: 0 };
        match self {
            Self::Closed { .. } => (closed, None),
            Self::Open { .. } | Self::Probing { .. } => (closed, Some(Change::Closed)),
        }
    }

    /// The state after an attempt failed, and what is to be written.
    #[must_use]
    pub fn failed(
        self,
        class: FailureClass,
        limits: &Limits,
        now: Timestamp,
    ) -> (Self, Option<Change>) {
        let until = now.after(limits.rest);
        let open = |failures| {
            let change = Change::Opened { failures, until };
            (Self::Open { until }, Some(change))
        };
        match self {
            // A probe that met a person has shown nothing; the next may try at once.
            Self::Probing { .. } if !counts_for_breaker(class) => (Self::Open { until: now }, None),
            Self::Probing { .. } => open(limits.threshold),
            Self::Closed { failures } if counts_for_breaker(class) => {
                let failures = failures.saturating_add(1);
                if failures >= limits.threshold {
                    open(failures)
                } else {
                    (Self::Closed { failures }, None)
                }
            }
            Self::Closed { .. } | Self::Open { .. } => (self, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(7_000_000);
    const BAD: FailureClass = FailureClass::PasteNotSeen;

    #[test]
    fn it_opens_rests_probes_and_closes() {
        let limits = Limits::default();
        let until = NOW.after(limits.rest);
        let mut breaker = Breaker::Closed { failures: 0 };
        for failures in 1..5 {
            let change;
            (breaker, change) = breaker.failed(BAD, &limits, NOW);
            assert_eq!((breaker, change), (Breaker::Closed { failures }, None));
            assert_eq!(breaker.ask(NOW), Pass::Free);
        }
        let (open, change) = breaker.failed(BAD, &limits, NOW);
        assert_eq!(change, Some(Change::Opened { failures: 5, until }));
        assert_eq!(open.ask(NOW), Pass::Wait { until });
        assert_eq!(open.ask(until), Pass::Probe);

        let probing = Breaker::probed(&limits, until);
        assert_ne!(probing.ask(until), Pass::Free, "one probe at a time");
        let (again, change) = probing.failed(BAD, &limits, until);
        assert_eq!(
            again.ask(until),
            Pass::Wait {
                until: until.after(limits.rest)
            }
        );
        assert!(matches!(change, Some(Change::Opened { .. })));
        assert_eq!(
            probing.arrived(),
            (Breaker::Closed { failures: 0 }, Some(Change::Closed))
        );
    }

    #[test]
    fn an_arrival_forgets_the_failures_before_it() {
        let (breaker, change) = Breaker::Closed { failures: 4 }.arrived();
        assert_eq!((breaker, change), (Breaker::Closed { failures: 0 }, None));
    }

    #[test]
    fn people_and_drafts_speak_against_no_window() {
        let limits = Limits::default();
        let nearly = Breaker::Closed { failures: 4 };
        for class in [FailureClass::HumanActive, FailureClass::DraftInTheWay] {
            assert_eq!(nearly.failed(class, &limits, NOW), (nearly, None));
        }
    }

    #[test]
    fn a_probe_that_was_lost_is_sent_again() {
        let limits = Limits::default();
        let probing = Breaker::probed(&limits, NOW);
        assert_eq!(probing.ask(NOW.after(limits.rest)), Pass::Probe);
    }
}

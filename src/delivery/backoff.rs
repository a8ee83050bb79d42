//! How long to wait before the next attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Exponential delays: `base * multiplier^retry`, at most `cap`, plus jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Before the first retry.
    #[serde(with = "super::runs::millis")]
    pub base: Duration,
    /// From one retry to the next, per cent: 200 doubles. Below 100 counts as 100.
    pub multiplier_percent: u32,
    /// No delay is longer, jitter apart.
    #[serde(with = "super::runs::millis")]
    pub cap: Duration,
    /// At most this much is added, per cent of the delay.
    pub jitter_percent: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            multiplier_percent: 200,
            cap: Duration::from_mins(1),
            jitter_percent: 20,
        }
    }
}

impl Backoff {
    /// The delay before a retry, counted from 0. `dice` is 0..=1000, the share of the jitter that
    /// is added; more counts as 1000.
    pub fn delay(&self, retry: u32, dice: u16) -> Duration {
        let cap = self.cap.as_micros();
        let factor = u128::from(self.multiplier_percent.max(100));
        let mut delay = self.base.as_micros().min(cap);
        for _ in 0..retry {
            let next = delay.saturating_mul(factor) / 100;
            if next >= cap {
                delay = cap;
                break;
            }
            if next == delay {
                break;
            }
            delay = next;
        }
        let dice = u128::from(dice.min(1_000));
        let jitter = delay.saturating_mul(u128::from(self.jitter_percent)) / 100 * dice / 1_000;
        Duration::from_micros(u64::try_from(delay.saturating_add(jitter)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delays_double_up_to_the_cap_and_jitter_only_adds() {
        let backoff = Backoff::default();
        for (retry, dice, millis) in [
            (0, 0, 1_000),
            (1, 0, 2_000),
            (2, 0, 4_000),
            (2, 500, 4_400),
            (2, 1_000, 4_800),
            (2, 60_000, 4_800),
            (6, 0, 60_000),
            (u32::MAX, 1_000, 72_000),
        ] {
            assert_eq!(
                backoff.delay(retry, dice),
                Duration::from_millis(millis),
                "{retry} {dice}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_later_retry_never_waits_less(
            retry in 0_u32..64, base in 0_u64..100_000, factor in 0_u32..1_000, cap in 0_u64..1_000_000,
        ) {
            let backoff = Backoff {
                base: Duration::from_millis(base),
                multiplier_percent: factor,
                cap: Duration::from_millis(cap),
                jitter_percent: 30,
            };
            prop_assert!(backoff.delay(retry + 1, 0) >= backoff.delay(retry, 0));
            prop_assert!(backoff.delay(retry, 0) <= backoff.cap);
        }
    }
}

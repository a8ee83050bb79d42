//! Latencies in whole numbers: buckets that grow with the value, four to every doubling.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How often which latency was had. A bucket's upper bound is at most a quarter above its lower one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    buckets: BTreeMap<u16, u64>,
    count: u64,
    sum_micros: u64,
    max_micros: u64,
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.buckets.entry(bucket_of(micros)).or_default();
        *bucket = bucket.saturating_add(1);
        self.count = self.count.saturating_add(1);
        self.sum_micros = self.sum_micros.saturating_add(micros);
        self.max_micros = self.max_micros.max(micros);
    }

    /// Counts everything that another one counted, too.
    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            let own = self.buckets.entry(*bucket).or_default();
            *own = own.saturating_add(*count);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum_micros = self.sum_micros.saturating_add(other.sum_micros);
        self.max_micros = self.max_micros.max(other.max_micros);
    }

    /// How many were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All of them together, in microseconds.
    pub const fn sum_micros(&self) -> u64 {
        self.sum_micros
    }

    /// The longest.
    pub const fn max(&self) -> Duration {
        Duration::from_micros(self.max_micros)
    }

    /// The latency that this share of all (in thousandths) did not exceed, rounded up to its bucket's
    /// upper bound; none when nothing was counted.
    pub fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let wanted = self.count.saturating_mul(per_mille).div_ceil(1000).max(1);
        let mut seen: u64 = 0;
        for (bucket, count) in &self.buckets {
            seen = seen.saturating_add(*count);
            if seen >= wanted {
                let micros = upper_bound(*bucket).min(self.max_micros);
                return Some(Duration::from_micros(micros));
            }
        }
        None
    }

    /// What was counted since an earlier state of the same histogram. The longest is the longest of all.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bucket: &u16| earlier.buckets.get(bucket).copied().unwrap_or(0);
        Self {
            buckets: self
                .buckets
                .iter()
                .map(|(bucket, count)| (*bucket, count.saturating_sub(before(bucket))))
                .filter(|(_, count)| *count > 0)
                .collect(),
            count: self.count.saturating_sub(earlier.count),
            sum_micros: self.sum_micros.saturating_sub(earlier.sum_micros),
            max_micros: self.max_micros,
        }
    }

    /// These and those together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (bucket, count) in &other.buckets {
            let own = self.buckets.entry(*bucket).or_default();
            *own = own.saturating_add(*count);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum_micros = self.sum_micros.saturating_add(other.sum_micros);
        self.max_micros = self.max_micros.max(other.max_micros);
        self
    }

    /// Every bucket that is not empty: its upper bound in microseconds (inclusive) and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets
            .iter()
            .map(|(bucket, count)| (upper_bound(*bucket), *count))
    }

    /// Whole numbers only: quantiles are the reader's.
    pub fn to_json(&self) -> Value {
        let buckets: serde_json::Map<String, Value> = self
            .buckets()
            .map(|(bound, count)| (format!("{bound:020}"), json!(count)))
            .collect();
        json!({
            "buckets": buckets,
            "count": self.count,
            "max_micros": self.max_micros,
            "sum_micros": self.sum_micros,
        })
    }
}

/// 0, 1, 2 and 3 have buckets of their own; above, the two bits after the highest one tell four
/// buckets in every doubling apart.
fn bucket_of(micros: u64) -> u16 {
    let Some(highest) = micros.checked_ilog2().filter(|highest| *highest >= 2) else {
        return u16::try_from(micros).unwrap_or(0);
    };
    let quarter = (micros >> (highest - 2)) & 3;
    u16::try_from(u64::from(highest - 1) * 4 + quarter).unwrap_or(u16::MAX)
}

fn upper_bound(bucket: u16) -> u64 {
    if bucket < 4 {
        return u64::from(bucket);
    }
    let (octave, quarter) = (u32::from(bucket / 4 - 1), u64::from(bucket % 4));
    // The bucket begins at (4 + quarter) << octave and ends before the next one.
    let next = u128::from(5 + quarter) << octave.min(62);
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_no_bucket_is_wider_than_a_quarter() {
        let mut values: Vec<u64> = (0..70_000).collect();
        values.extend((0..64).flat_map(|bit| {
            let power = 1_u64 << bit;
            [
                power - 1,
                power,
                power + power / 4,
                power.saturating_mul(2) - 1,
            ]
        }));
        values.push(u64::MAX);
        for value in values {
            let bucket = bucket_of(value);
            assert!(value <= upper_bound(bucket), "{value} above {bucket}");
            if bucket > 0 {
                let below = upper_bound(bucket - 1);
                assert!(value > below, "{value} below {bucket}");
                let width = upper_bound(bucket) - below;
                assert!(width <= 1 + below / 4 + 1, "{value}: {width} wide");
            }
        }
    }

    #[test]
    fn the_difference_of_two_states_is_what_came_between_them() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::from_millis(3));
        let before = histogram.clone();
        histogram.record(Duration::from_secs(2));
        let between = histogram.since(&before);
        assert_eq!(between.count(), 1);
        assert_eq!(between.quantile(500), Some(Duration::from_secs(2)));
        assert_eq!(before.and(&between), histogram);
    }

    #[test]
    fn a_quantile_is_never_below_the_true_one() {
        let mut histogram = Histogram::default();
        for millis in 1..=1000 {
            histogram.record(Duration::from_millis(millis));
        }
        let median = histogram.quantile(500).unwrap();
        assert!(median >= Duration::from_millis(500) && median <= Duration::from_millis(625));
        assert_eq!(histogram.quantile(1000), Some(Duration::from_secs(1)));
        assert_eq!(Histogram::default().quantile(500), None);
    }
}

//! Which backups a policy keeps, decided from when they were taken alone: no IO, no clock, no randomness.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use uuid::Uuid;

use super::manifest::Manifest;
use crate::events::facts::backup::Kind;
use crate::events::time::{CalendarSpan, Timestamp};

/// What is kept. Rules add up: what any of them keeps is kept. They count for each timeline by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The newest so many.
    pub last: usize,
    /// The newest of each of the last so many hours that have one.
    pub hourly: usize,
    /// The same by days (UTC).
    pub daily: usize,
    /// The same by weeks from Monday on.
    pub weekly: usize,
    /// The same by months.
    pub monthly: usize,
    /// The same by years.
    pub yearly: usize,
    /// Everything that is at most so much older than the newest.
    pub within: Option<Span>,
    /// Everything with one of these words.
    pub tags: Vec<String>,
}

/// A span of the calendar, like `2y5m7d3h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(pub CalendarSpan);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is not a span like 2y5m7d3h (m = months)");
        let mut span = CalendarSpan::default();
        let mut rest = text;
        let mut units = "ymdh".chars();
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, behind) = rest.split_at_checked(digits).ok_or_else(refuse)?;
            let unit = behind.chars().next().ok_or_else(refuse)?;
            // Each unit once, the large ones first.
            if !units.any(|next| next == unit) {
                return Err(refuse());
            }
            let number: u32 = number.parse().map_err(|_no_number| refuse())?;
            match unit {
                'y' => span.years = number,
                'm' => span.months = number,
                'd' => span.days = number,
                _ => span.hours = number,
            }
            rest = behind.get(1..).unwrap_or_default();
        }
        if text.is_empty() {
            return Err(refuse());
        }
        Ok(Self(span))
    }
}

/// Why a backup is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which.
    pub backup: Uuid,
    /// The rules that keep it; none when nothing does.
    pub because: Vec<&'static str>,
}

/// A rule's name, how many buckets it keeps, and the bucket of an instant.
type Rule = (&'static str, usize, fn(Timestamp) -> String);

impl Policy {
    /// Whether it keeps nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What becomes of each backup, in the order they were made. Labels are always kept.
    pub fn judge(&self, manifests: &[Manifest], sound: &dyn Fn(&Manifest) -> bool) -> Vec<Verdict> {
        let mut kept: BTreeMap<Uuid, Vec<&'static str>> = BTreeMap::new();
        let timelines: BTreeSet<Uuid> = manifests.iter().map(|it| it.timeline).collect();
        for timeline in timelines {
            let newest_first: Vec<&Manifest> = manifests
                .iter()
                .rev()
                .filter(|it| it.kind != Kind::Label && it.timeline == timeline)
                .collect();
            self.judge_timeline(&newest_first, &mut kept);
            // Whatever the policy says, one full backup that is whole stays.
            let full = newest_first
                .iter()
                .find(|it| it.kind == Kind::Full && sound(it));
            if let Some(full) = full {
                kept.entry(full.id).or_default().push("last full");
            }
        }
        let verdict = |it: &Manifest| Verdict {
            backup: it.id,
            because: if it.kind == Kind::Label {
                vec!["label"]
            } else {
                kept.remove(&it.id).unwrap_or_default()
            },
        };
        manifests.iter().map(verdict).collect()
    }

    fn judge_timeline(
        &self,
        newest_first: &[&Manifest],
        kept: &mut BTreeMap<Uuid, Vec<&'static str>>,
    ) {
        let mut keep = |it: &Manifest, because| kept.entry(it.id).or_default().push(because);
        for it in newest_first.iter().take(self.last) {
            keep(it, "last");
        }
        let rules: [Rule; 5] = [
            ("hourly", self.hourly, |at| beginning(at, 13)),
            ("daily", self.daily, |at| beginning(at, 10)),
            ("weekly", self.weekly, week),
            ("monthly", self.monthly, |at| beginning(at, 7)),
            ("yearly", self.yearly, |at| beginning(at, 4)),
        ];
        for (name, count, bucket) in rules {
            let mut seen = BTreeSet::new();
            for it in newest_first {
                if seen.len() < count && seen.insert(bucket(it.taken_at)) {
                    keep(it, name);
                }
            }
        }
        if let (Some(Span(span)), Some(newest)) = (self.within, newest_first.first()) {
            let oldest = newest.taken_at.before(span);
            for it in newest_first.iter().filter(|it| it.taken_at >= oldest) {
                keep(it, "within");
            }
        }
        for it in newest_first {
            if it.tags.iter().any(|tag| self.tags.contains(tag)) {
                keep(it, "tag");
            }
        }
    }
}

/// The first letters of `2025-01-31T12:00:00Z`: a year, month, day or hour.
fn beginning(at: Timestamp, letters: usize) -> String {
    at.to_string().chars().take(letters).collect()
}

/// Weeks since the Monday before 1970.
fn week(at: Timestamp) -> String {
    const DAY: u64 = 86_400_000_000;
    // 1970-01-01 was a Thursday.
    (at.micros() / DAY)
        .saturating_add(3)
        .div_euclid(7)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_name_each_unit_once_from_large_to_small() {
        let span = "2y5m7d3h".parse::<Span>().unwrap().0;
        assert_eq!(
            (span.years, span.months, span.days, span.hours),
            (2, 5, 7, 3)
        );
        assert_eq!("7d".parse::<Span>().unwrap().0.days, 7);
        for bad in ["", "7", "d", "3h7d", "1d1d", "5w", "-1d", "7dü", "ü"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        let week_of = |text: &str| week(text.parse().unwrap());
        assert_eq!(
            week_of("2025-02-02T23:59:59Z"),
            week_of("2025-01-27T00:00:00Z")
        );
        assert_ne!(
            week_of("2025-02-02T23:59:59Z"),
            week_of("2025-02-03T00:00:00Z")
        );
    }
}

//! Which scheduled work is due, decided from when it was done last and what the time is now: no IO, no clock.

use std::time::Duration;

use super::manifest::Manifest;
use super::plan_calendar::Calendar;
use crate::events::facts::backup::{Kind, Work};
use crate::events::time::Timestamp;

/// After a failure it is tried again so much later …
const PATIENCE: Duration = Duration::from_mins(1);
/// … twice as long after each further one, but no longer than this.
const PATIENCE_MAX: Duration = Duration::from_hours(1);

/// When what is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Full backups.
    pub full: Option<Calendar>,
    /// Differential backups.
    pub differential: Option<Calendar>,
    /// Incremental backups.
    pub incremental: Option<Calendar>,
    /// Removing what no rule keeps.
    pub prune: Option<Calendar>,
}

/// When what was done last, and what failed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The last full backup.
    pub full: Option<Timestamp>,
    /// The last differential one.
    pub differential: Option<Timestamp>,
    /// The last incremental one.
    pub incremental: Option<Timestamp>,
    /// When was pruned last.
    pub prune: Option<Timestamp>,
    /// What fails.
    pub failing: Option<Failing>,
}

/// Something that failed and was not done since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// What.
    pub work: Work,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before this.
    pub retry_at: Timestamp,
    /// In words.
    pub reason: String,
}

impl Past {
    /// As the repository's backups tell.
    pub fn of(manifests: &[Manifest]) -> Self {
        let last = |kind| {
            let of_kind = manifests.iter().filter(|it| it.kind == kind);
            of_kind.map(|it| it.taken_at).max()
        };
        Self {
            full: last(Kind::Full),
            differential: last(Kind::Differential),
            incremental: last(Kind::Incremental),
            ..Self::default()
        }
    }

    /// The same with what this process knows besides: runs that found nothing to do, failures. Backups that
    /// come from the future were taken by a clock that was ahead; they count as now, unless it is known
    /// better.
    #[must_use]
    pub fn with(self, known: Self, now: Timestamp) -> Self {
        let last = |found: Option<Timestamp>, known: Option<Timestamp>| match found {
            Some(found) if found > now => known.or(Some(now)),
            found => found.max(known),
        };
        Self {
            full: last(self.full, known.full),
            differential: last(self.differential, known.differential),
            incremental: last(self.incremental, known.incremental),
            prune: last(self.prune, known.prune),
            failing: known.failing,
        }
    }

    /// Nothing was done later than now, and nothing is put off for longer than it should be: a clock that
    /// stepped back must not hold up everything until it is there again. To be called at every look, as
    /// what is kept from then on.
    pub fn settle(&mut self, now: Timestamp) {
        let each = [
            &mut self.full,
            &mut self.differential,
            &mut self.incremental,
            &mut self.prune,
        ];
        for last in each {
            *last = last.map(|it| it.min(now));
        }
        if let Some(failing) = &mut self.failing
            && failing.retry_at.since(now) > PATIENCE_MAX
        {
            failing.retry_at = now;
        }
    }

    /// When the work was last done, or other work that does it too: a full backup holds what an
    /// incremental one would.
    fn last(&self, work: Work) -> Option<Timestamp> {
        match work {
            Work::Full => self.full,
            Work::Differential => self.differential.max(self.full),
            Work::Incremental => self.incremental.max(self.differential).max(self.full),
            Work::Prune => self.prune,
        }
    }

    /// It was done, or there was nothing to do.
    pub fn done(&mut self, work: Work, at: Timestamp) {
        let last = match work {
            Work::Full => &mut self.full,
            Work::Differential => &mut self.differential,
            Work::Incremental => &mut self.incremental,
            Work::Prune => &mut self.prune,
        };
        *last = Some(at);
        if self
            .failing
            .as_ref()
            .is_some_and(|it| it.work == work || work != Work::Prune)
        {
            self.failing = None;
        }
    }

    /// It failed; says how often by now, and when it is tried again.
    pub fn failed(&mut self, work: Work, at: Timestamp, reason: String) -> &Failing {
        let before = self.failing.take();
        let (since, attempts) = before.map_or((at, 0), |it| (it.since, it.attempts));
        let factor = 1_u32.checked_shl(attempts).unwrap_or(u32::MAX).max(1);
        let rest = PATIENCE.saturating_mul(factor).min(PATIENCE_MAX);
        self.failing.insert(Failing {
            work,
            since,
            attempts: attempts.saturating_add(1),
            retry_at: at.after(rest),
            reason,
        })
    }
}

impl Times {
    /// Whether nothing is ever done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is done next, and when: in the past when it was missed. Of several that are due, the one that
    /// does most.
    pub fn next(&self, past: &Past, now: Timestamp) -> Option<(Work, Timestamp)> {
        let each = [
            (Work::Full, &self.full),
            (Work::Differential, &self.differential),
            (Work::Incremental, &self.incremental),
            (Work::Prune, &self.prune),
        ];
        let backs_up = each
            .iter()
            .any(|(work, times)| *work != Work::Prune && times.is_some());
        if backs_up && past.full.is_none() {
            // Nothing can build on nothing.
            return Some((Work::Full, now));
        }
        let mut best: Option<(Work, Timestamp)> = None;
        for (work, times) in each {
            let Some(times) = times else { continue };
            let at = match past.last(work) {
                Some(last) => times.after(last),
                None => Some(now),
            };
            let Some(at) = at else { continue };
            let is_better = best.is_none_or(|(_, found)| found > now && at < found);
            if is_better {
                best = Some((work, at));
            }
        }
        best
    }

    /// What is to be done now.
    pub fn due(&self, past: &Past, now: Timestamp) -> Option<Work> {
        let waits = past.failing.as_ref().is_some_and(|it| now < it.retry_at);
        let (work, at) = self.next(past, now)?;
        (at <= now && !waits).then_some(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2025-01-{text}Z").parse().unwrap()
    }

    fn times() -> Times {
        let times = |text: &str| Some(text.parse().unwrap());
        Times {
            full: times("0 3 * * *"),
            differential: times("0 */6 * * *"),
            incremental: times("*/15 * * * *"),
            prune: times("30 4 * * *"),
        }
    }

    fn past(now: Timestamp) -> Past {
        Past {
            full: Some(now),
            prune: Some(now),
            ..Past::default()
        }
    }

    #[test]
    fn the_first_one_is_full_and_at_once() {
        let now = at("31T12:07:00");
        assert_eq!(times().due(&Past::default(), now), Some(Work::Full));
        assert_eq!(Times::default().due(&Past::default(), now), None);
        let only_prune = Times {
            prune: times().prune,
            ..Times::default()
        };
        assert_eq!(only_prune.due(&Past::default(), now), Some(Work::Prune));
    }

    #[test]
    fn a_day_goes_by_the_calendar() {
        let mut past = past(at("30T03:00:00"));
        let mut done = Vec::new();
        let mut now = at("30T03:00:01");
        while now < at("31T03:00:01") {
            now = now.after(Duration::from_secs(20));
            if let Some(work) = times().due(&past, now) {
                past.done(work, now);
                done.push(work);
            }
        }
        let count = |work| done.iter().filter(|it| **it == work).count();
        assert_eq!(count(Work::Full), 1);
        assert_eq!(count(Work::Prune), 1);
        assert_eq!(count(Work::Differential), 4);
        assert_eq!(count(Work::Incremental), 96 - 5, "the others hold as much");
    }

    #[test]
    fn what_was_missed_is_made_up_once() {
        let mut past = past(at("10T03:00:00"));
        let now = at("31T12:07:00");
        assert_eq!(times().due(&past, now), Some(Work::Full));
        past.done(Work::Full, now);
        assert_eq!(times().due(&past, now), Some(Work::Prune));
        past.done(Work::Prune, now);
        assert_eq!(times().due(&past, now), None);
        let next = times().next(&past, now);
        assert_eq!(next, Some((Work::Incremental, at("31T12:15:00"))));
    }

    #[test]
    fn a_clock_that_steps_never_stops_the_schedule() {
        // It was a fortnight ahead when the last backup was taken.
        let found = past(at("28T12:00:00"));
        let mut ahead = found.clone().with(Past::default(), at("14T12:07:00"));
        ahead.settle(at("14T12:07:00"));
        assert_eq!(times().due(&ahead, at("14T12:07:00")), None);
        let due = times().due(&ahead, at("14T12:15:00"));
        assert_eq!(due, Some(Work::Incremental));
        ahead.done(Work::Incremental, at("14T12:15:01"));
        // What is read anew still comes from the future, and is not believed again.
        let mut ahead = found.with(ahead, at("14T13:00:00"));
        ahead.settle(at("14T13:00:00"));
        let mut done = Vec::new();
        for hours in 13..40 {
            let now = at("14T00:00:00").after(Duration::from_hours(hours));
            ahead.settle(now);
            while let Some(work) = times().due(&ahead, now) {
                ahead.done(work, now);
                done.push(work);
            }
        }
        for work in [
            Work::Full,
            Work::Differential,
            Work::Incremental,
            Work::Prune,
        ] {
            assert!(done.contains(&work), "{work}");
        }
        // It steps back while something waits to be tried again.
        ahead.failed(Work::Full, at("28T12:00:00"), "no".to_owned());
        ahead.settle(at("16T12:00:00"));
        assert!(times().due(&ahead, at("16T12:15:00")).is_some());
        // It steps forward by a fortnight: everything is due, once.
        let mut behind = past(at("14T12:00:00"));
        let now = at("28T12:00:30");
        while let Some(work) = times().due(&behind, now) {
            behind.done(work, now);
        }
        assert_eq!(times().due(&behind, at("28T12:14:59")), None);
        assert_eq!(
            times().due(&behind, at("28T12:15:00")),
            Some(Work::Incremental)
        );
    }

    #[test]
    fn failures_are_tried_again_later_and_later_and_forgotten_when_it_works() {
        let mut past = past(at("30T03:00:00"));
        let mut now = at("30T03:15:00");
        let mut rests = Vec::new();
        let times = || Times {
            differential: None,
            ..times()
        };
        for _ in 0..9 {
            assert_eq!(times().due(&past, now), Some(Work::Incremental));
            let retry_at = past
                .failed(Work::Incremental, now, "full".to_owned())
                .retry_at;
            rests.push(retry_at.since(now).as_secs() / 60);
            assert_eq!(times().due(&past, now), None);
            now = retry_at;
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        past.done(Work::Full, now);
        assert_eq!(past.failing, None);
    }

    #[test]
    fn a_calendar_is_asked_wherever_the_clock_stands() {
        let mut past = past(at("01T00:00:00"));
        let mut seed = 7_u64;
        for _ in 0..300 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let now = at("01T00:00:00").after(Duration::from_secs(seed % (30 * 86_400)));
            past.settle(now);
            for _ in 0..5 {
                if let Some(work) = times().due(&past, now) {
                    past.done(work, now);
                }
            }
            assert_eq!(times().due(&past, now), None, "never twice at {now}");
            let (_, next) = times().next(&past, now).unwrap();
            assert!(next > now && next.since(now) <= Duration::from_mins(15));
        }
    }
}

//! Times that come again, written like cron's: minute, hour, day of the month, month, weekday, in UTC. No
//! IO, no clock: what the time is now is an argument.

use std::fmt;
use std::str::FromStr;

use crate::events::time::Timestamp;

const MINUTE: u64 = 60_000_000;
const MINUTES_OF_DAY: u64 = 24 * 60;
/// A leap day on a certain weekday comes again within 40 years.
const DAYS_AHEAD: u64 = 366 * 41;
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Minutes of the calendar, each a bit per value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether days of the month and weekdays are both restricted: then either will do, as in cron.
    either_day: bool,
}

/// A text that names no times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no times: minute hour day month weekday, like `*/15 * * * *` or `0 3 * * sun`, or @hourly, \
     @daily, @weekly, @monthly"
)]
pub struct NoTimes(String);

impl FromStr for Calendar {
    type Err = NoTimes;

    fn from_str(text: &str) -> Result<Self, NoTimes> {
        let refuse = || NoTimes(text.to_owned());
        let text = text.trim();
        let plain = match text {
            "@hourly" => "0 * * * *",
            "@daily" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            plain => plain,
        };
        let fields: Vec<&str> = plain.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, of_week] = fields.as_slice() else {
            return Err(refuse());
        };
        let read = |field, from, to, names| values(field, (from, to), names).ok_or_else(refuse);
        let mut weekdays = read(of_week, 0, 7, WEEKDAYS)?;
        // Sunday is 0 and 7.
        if weekdays & (1 << 7) != 0 {
            weekdays = (weekdays | 1) & !(1 << 7);
        }
        let calendar = Self {
            text: text.to_owned(),
            minutes: read(minutes, 0, 59, &[])?,
            hours: read(hours, 0, 23, &[])?,
            days: read(days, 1, 31, &[])?,
            months: read(months, 1, 12, MONTHS)?,
            weekdays,
            either_day: !days.starts_with('*') && !of_week.starts_with('*'),
        };
        // The 31st of February never comes.
        calendar.after(Timestamp::EPOCH).ok_or_else(refuse)?;
        Ok(calendar)
    }
}

/// The values of one field: `*`, `3`, `mon`, `1-5`, each with `/2`, and lists of them.
fn values(field: &str, (from, to): (u64, u64), names: &[&str]) -> Option<u64> {
    let one = |text: &str| -> Option<u64> {
        let place = names.iter().position(|it| it.eq_ignore_ascii_case(text));
        let number = match place {
            // Months begin with 1.
            Some(place) => u64::try_from(place).ok()?.checked_add(from)?,
            None => text.parse().ok()?,
        };
        (from..=to).contains(&number).then_some(number)
    };
    let mut bits = 0;
    for part in field.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, step.parse::<usize>().ok().filter(|it| *it > 0)?),
            None => (part, 1),
        };
        let (first, last) = match span.split_once('-') {
            _ if span == "*" => (from, to),
            Some((first, last)) => (one(first)?, one(last)?),
            // `5/10` means from 5 on.
            None if step > 1 => (one(span)?, to),
            None => (one(span)?, one(span)?),
        };
        if first > last {
            return None;
        }
        for number in (first..=last).step_by(step) {
            bits |= 1_u64 << number;
        }
    }
    Some(bits)
}

const fn has(bits: u64, number: u64) -> bool {
    bits & (1 << number) != 0
}

impl Calendar {
    /// The first of its minutes after an instant; none beyond all reckoning.
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let next = (at.micros() / MINUTE).checked_add(1)?;
        let (today, mut from) = (next / MINUTES_OF_DAY, next % MINUTES_OF_DAY);
        for day in today..today.saturating_add(DAYS_AHEAD) {
            if self.has_day(day) {
                let mut minutes = from..MINUTES_OF_DAY;
                let fits = |it: &u64| has(self.hours, it / 60) && has(self.minutes, it % 60);
                if let Some(minute) = minutes.find(fits) {
                    let minute = day.checked_mul(MINUTES_OF_DAY)?.checked_add(minute)?;
                    return Some(Timestamp::from_micros(minute.checked_mul(MINUTE)?));
                }
            }
            from = 0;
        }
        None
    }

    fn has_day(&self, day: u64) -> bool {
        let (month, of_month) = month_and_day(day);
        // 1970-01-01 was a Thursday.
        let weekday = (day + 4) % 7;
        let (by_month, by_week) = (has(self.days, of_month), has(self.weekdays, weekday));
        has(self.months, month)
            && if self.either_day {
                by_month || by_week
            } else {
                by_month && by_week
            }
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Month and day of the month, of days since 1970 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
const fn month_and_day(days: u64) -> (u64, u64) {
    let of_era = (days + 719_468) % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &str, at: &str) -> String {
        let calendar: Calendar = times.parse().unwrap();
        calendar.after(at.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_the_one_that_is_meant() {
        for (times, at, next) in [
            ("*/15 * * * *", "2025-01-31T12:00:00Z", "2025-01-31T12:15"),
            (
                "*/15 * * * *",
                "2025-01-31T11:59:59.999999Z",
                "2025-01-31T12:00",
            ),
            ("0 3 * * sun", "2025-01-31T12:00:00Z", "2025-02-02T03:00"),
            ("0 3 * * 7", "2025-02-02T03:00:00Z", "2025-02-09T03:00"),
            ("30 4 29 2 *", "2025-01-01T00:00:00Z", "2028-02-29T04:30"),
            ("@monthly", "2024-12-31T23:59:00Z", "2025-01-01T00:00"),
            ("0 0 13 * fri", "2025-06-01T00:00:00Z", "2025-06-06T00:00"),
            (
                "5/20 8-10/2 * jan,mar *",
                "2025-01-31T08:45:00Z",
                "2025-01-31T10:05",
            ),
            ("0 0 31 * *", "2025-02-01T00:00:00Z", "2025-03-31T00:00"),
            ("59 23 31 12 *", "2025-12-31T23:58:59Z", "2025-12-31T23:59"),
        ] {
            assert!(after(times, at).starts_with(next), "{times} after {at}");
        }
    }

    #[test]
    fn what_names_no_times_is_refused() {
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "0 0 31 2 *",
            "@yearly",
            "* * * * * *",
        ] {
            assert!(bad.parse::<Calendar>().is_err(), "{bad}");
        }
    }
}

//! Instants and spans as the ledger stores them: whole microseconds, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where time comes from. Production asks the operating system, tests bring their own.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant as this clock sees it; it may step back.
    fn now(&self) -> Timestamp;
}

/// An instant: microseconds since 1970-01-01T00:00:00Z. Stored as a number, written as RFC 3339
/// with six digits and `Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The last microsecond that RFC 3339 can write with any offset: late on 9999-12-30.
const LAST_MICROS: u64 = 253_402_207_199_999_999;

/// A text that is no RFC 3339 instant with an offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an instant like 2025-01-31T12:00:00Z: {reason}")]
pub struct NotAnInstant {
    text: String,
    reason: String,
}

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);

    /// An instant from microseconds since 1970; later than the year 9999 becomes its end.
    pub const fn from_micros(micros: u64) -> Self {
        Self(if micros > LAST_MICROS {
            LAST_MICROS
        } else {
            micros
        })
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// This much later, stopping at the end of the year 9999.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Self::from_micros(self.0.saturating_add(span))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The compact form used in file names: `20250131T120000.000000Z`.
    pub fn compact(self) -> String {
        self.to_string().replace(['-', ':'], "")
    }
}

/// A span in units of the calendar, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CalendarSpan {
    /// Years.
    pub years: u32,
    /// Months.
    pub months: u32,
    /// Days of 24 hours.
    pub days: u32,
    /// Hours.
    pub hours: u32,
}

impl Timestamp {
    /// This much earlier: years and months by the calendar, where the 31st of a shorter month is its last
    /// day; stops at 1970.
    #[must_use]
    pub fn before(self, span: CalendarSpan) -> Self {
        let earlier = || {
            let instant = jiff::Timestamp::from_microsecond(i64::try_from(self.0).ok()?).ok()?;
            let span = jiff::Span::new()
                .try_years(span.years)
                .and_then(|it| it.try_months(span.months))
                .and_then(|it| it.try_days(span.days))
                .and_then(|it| it.try_hours(span.hours))
                .ok()?;
            let there = instant.to_zoned(jiff::tz::TimeZone::UTC);
            let there = there.checked_sub(span).ok()?.timestamp();
            u64::try_from(there.as_microsecond()).ok()
        };
        Self(earlier().unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_microsecond(micros) {
            Ok(instant) => write!(f, "{instant:.6}"),
            Err(_) => write!(f, "{micros}us"),
        }
    }
}

impl Timestamp {
    /// The same as reading it, but what lies before 1970 is 1970: for questions, since nothing was recorded before.
    pub fn asked(text: &str) -> Result<Self, NotAnInstant> {
        let known = text.trim().parse::<jiff::Timestamp>();
        if known.is_ok_and(|instant| instant < jiff::Timestamp::UNIX_EPOCH) {
            return Ok(Self::EPOCH);
        }
        text.parse()
    }
}

impl FromStr for Timestamp {
    type Err = NotAnInstant;

    fn from_str(text: &str) -> Result<Self, NotAnInstant> {
        let refuse = |reason: String| NotAnInstant {
            text: text.to_owned(),
            reason,
        };
        let instant: jiff::Timestamp = text.trim().parse().map_err(|e| refuse(format!("{e}")))?;
        u64::try_from(instant.as_microsecond())
            .map(Self::from_micros)
            .map_err(|_out_of_range| refuse("it lies before 1970".to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            to.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            String::deserialize(from)?.parse().map_err(D::Error::custom)
        } else {
            u64::deserialize(from).map(Self::from_micros)
        }
    }
}

/// A span as people write it: `500ms`, `10s`, `2h`, `1h 30m`. Nothing needs no unit: `0`.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let refuse = |why: String| format!("`{text}` is not a duration like 500ms, 10s or 2h: {why}");
    let span: jiff::SignedDuration = text.trim().parse().map_err(|e| refuse(format!("{e}")))?;
    Duration::try_from(span).map_err(|_out_of_range| refuse("it is negative".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_writing_and_reading() {
        for micros in [
            0,
            1,
            999_999,
            1_738_324_800_000_000,
            1_738_324_800_123_456,
            LAST_MICROS,
        ] {
            let instant = Timestamp::from_micros(micros);
            assert_eq!(instant.to_string().parse(), Ok(instant), "{instant}");
        }
    }

    #[test]
    fn an_offset_is_understood_and_required() {
        let noon: Timestamp = "2025-01-31T13:00:00+01:00".parse().unwrap();
        assert_eq!(noon.to_string(), "2025-01-31T12:00:00.000000Z");
        assert_eq!(noon.compact(), "20250131T120000.000000Z");
        assert!("2025-01-31T13:00:00".parse::<Timestamp>().is_err());
    }

    #[test]
    fn going_back_follows_the_calendar() {
        let at: Timestamp = "2025-03-31T12:00:00Z".parse().unwrap();
        let back = |years, months, days, hours| {
            let span = CalendarSpan {
                years,
                months,
                days,
                hours,
            };
            at.before(span).to_string()
        };
        assert_eq!(back(0, 1, 0, 0), "2025-02-28T12:00:00.000000Z");
        assert_eq!(back(1, 0, 7, 3), "2024-03-24T09:00:00.000000Z");
        assert_eq!(back(100, 0, 0, 0), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("2h", 7_200_000),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_span(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in ["", "10", "-1s", "ten seconds"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}

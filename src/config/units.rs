//! Spans and sizes as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, written `500ms`, `10s`, `1h 30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

impl Span {
    /// Reads a span.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = |e: jiff::Error| format!("`{text}` is not a span like 500ms, 10s or 2h: {e}");
        let span: jiff::SignedDuration = text.trim().parse().map_err(refuse)?;
        Duration::try_from(span).map(Self).map_err(refuse)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        let units = [
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1_000, "ms"),
        ];
        if micros == 0 {
            return f.write_str("0s");
        }
        let (size, unit) = units
            .into_iter()
            .find(|(size, _)| micros.is_multiple_of(*size))
            .unwrap_or((1, "us"));
        write!(f, "{}{unit}", micros / size)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A span, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaybeSpan(pub Option<Duration>);

impl MaybeSpan {
    /// Reads a span or `none`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self(None));
        }
        Span::parse(text)
            .map(|span| Self(Some(span.0)))
            .map_err(|why| format!("{why}, or none"))
    }
}

impl Serialize for MaybeSpan {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(span) => Span(span).serialize(to),
            None => to.serialize_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for MaybeSpan {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A number of bytes, written `512KiB`, `32MiB`, `1GiB` or plainly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

const SIZES: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl Size {
    /// Reads a size.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is not a size like 512KiB or 32MiB");
        let text = text.trim();
        let (number, unit) = SIZES
            .into_iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
            .unwrap_or((text, 1));
        let number: Option<u64> = number.trim().parse().ok();
        number
            .and_then(|number| number.checked_mul(unit))
            .map(Self)
            .ok_or_else(refuse)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit) = SIZES
            .into_iter()
            .find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit))
            .unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_they_are_read() {
        for text in ["500ms", "10s", "2h", "90m", "250us", "0s", "1500ms"] {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "10", "-1s", "ten"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_written_as_they_are_read() {
        for text in ["32MiB", "512KiB", "1GiB", "1000B", "0B"] {
            assert_eq!(Size::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "MiB", "-1B", "1.5MiB", "99999999999999GiB"] {
            assert!(Size::parse(bad).is_err(), "{bad}");
        }
    }
}

//! Pixels as text: runs of equal colours. A box is mostly one colour, so a picture that would be
//! hundreds of kilobytes as a list of numbers crosses the process boundary as a few.

use std::fmt::Write as _;

/// More than any monitor has; a run that says more is damage or malice.
const PIXELS_MAX: usize = 64 * 1024 * 1024;

/// Red, green, blue bytes as `COUNT*RRGGBB` joined by spaces; bytes left over at the end are lost.
pub fn colours_to_text(rgb: &[u8]) -> String {
    let mut text = String::new();
    let mut pixels = rgb.chunks_exact(3).peekable();
    while let Some(pixel) = pixels.next() {
        let mut count = 1_usize;
        while pixels.next_if_eq(&pixel).is_some() {
            count = count.saturating_add(1);
        }
        if !text.is_empty() {
            text.push(' ');
        }
        if let [r, g, b] = pixel {
            // Writing into a string cannot fail.
            let _infallible = write!(text, "{count}*{r:02x}{g:02x}{b:02x}");
        }
    }
    text
}

/// The bytes behind [`colours_to_text`].
pub fn colours_from_text(text: &str) -> Result<Vec<u8>, String> {
    let mut rgb = Vec::new();
    for run in text.split_ascii_whitespace() {
        let refuse = || format!("`{run}` is no run of a colour like 12*ffffff");
        let (count, colour) = run.split_once('*').ok_or_else(refuse)?;
        let count: usize = count.parse().map_err(|_malformed| refuse())?;
        let value = u32::from_str_radix(colour, 16).map_err(|_malformed| refuse())?;
        if colour.len() != 6 || rgb.len() / 3 + count.min(PIXELS_MAX) >= PIXELS_MAX {
            return Err(refuse());
        }
        let [_, r, g, b] = value.to_be_bytes();
        for _ in 0..count {
            rgb.extend([r, g, b]);
        }
    }
    Ok(rgb)
}

/// For `#[serde(with = "colours")]` on red, green, blue bytes.
pub mod colours {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{colours_from_text, colours_to_text};

    /// Runs where people may read it, plain bytes elsewhere.
    pub fn serialize<S: Serializer>(rgb: &[u8], to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_str(&colours_to_text(rgb))
        } else {
            rgb.serialize(to)
        }
    }

    /// Refuses what is no run.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        if from.is_human_readable() {
            colours_from_text(&String::deserialize(from)?).map_err(D::Error::custom)
        } else {
            Vec::deserialize(from)
        }
    }
}

/// For `#[serde(with = "marks")]` on a mark per pixel: lengths of the runs, unmarked ones first.
pub mod marks {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::PIXELS_MAX;

    /// Lengths of alternating runs.
    pub fn serialize<S: Serializer>(marks: &[bool], to: S) -> Result<S::Ok, S::Error> {
        let mut runs: Vec<usize> = Vec::new();
        let mut present = false;
        let mut count = 0_usize;
        for mark in marks {
            if *mark == present {
                count = count.saturating_add(1);
            } else {
                runs.push(count);
                present = *mark;
                count = 1;
            }
        }
        runs.push(count);
        runs.serialize(to)
    }

    /// Refuses more pixels than a screen has.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<bool>, D::Error> {
        let runs: Vec<usize> = Vec::deserialize(from)?;
        let total = runs
            .iter()
            .fold(0_usize, |sum, run| sum.saturating_add(*run));
        if total > PIXELS_MAX {
            return Err(D::Error::custom("more marks than a screen has pixels"));
        }
        let mut marks = Vec::with_capacity(total);
        for (turn, run) in runs.iter().enumerate() {
            marks.resize(marks.len().saturating_add(*run), turn % 2 == 1);
        }
        Ok(marks)
    }
}

/// For `#[serde(with = "millis")]` on a span: whole milliseconds.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Parts of a millisecond are lost.
    pub fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    /// Any number is a span.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[test]
    fn pixels_survive_writing_and_reading() {
        let rgb = vec![255, 255, 255, 255, 255, 255, 0, 1, 2, 255, 255, 255];
        let text = colours_to_text(&rgb);
        assert_eq!(text, "2*ffffff 1*000102 1*ffffff");
        assert_eq!(colours_from_text(&text), Ok(rgb));
        assert_eq!(colours_from_text(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_run_is_refused() {
        for bad in [
            "x",
            "1*",
            "1*fffff",
            "-1*ffffff",
            "1*gggggg",
            "99999999999999*ffffff",
        ] {
            assert!(colours_from_text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn marks_survive_writing_and_reading() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Held(#[serde(with = "marks")] Vec<bool>);
        for row in [
            vec![],
            vec![true],
            vec![false, true, true, false],
            vec![false; 9],
        ] {
            let text = serde_json::to_string(&Held(row.clone())).unwrap();
            assert_eq!(
                serde_json::from_str::<Held>(&text).unwrap(),
                Held(row),
                "{text}"
            );
        }
        assert!(serde_json::from_str::<Held>("[18446744073709551615]").is_err());
    }
}

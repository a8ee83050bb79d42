//! What a setting may be: its shape, and how a value that does not fit is told.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::applications;
use super::units::{MaybeSpan, Size, Span};

/// What values a setting may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// true or false.
    Switch,
    /// A whole number within bounds.
    Whole { min: u64, max: u64 },
    /// A number within bounds.
    Ratio { min: f64, max: f64 },
    /// A span within bounds.
    Span { min: Duration, max: Duration },
    /// A span or `none`.
    MaybeSpan,
    /// A number of bytes.
    Size,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `x11`, `none` or `record:FILE`.
    Desktop,
    /// A file or folder; empty for none.
    File,
    /// Words that only their user can judge; empty for none.
    Text,
    /// ADDRESS:PORT.
    Address,
    /// Keys pressed together.
    Chord,
    /// A list of such.
    Chords,
    /// A list of `WORD=KEYS`.
    ClassChords,
    /// A list of words.
    Words,
    /// A list of `AGENT=APPLICATION`.
    Choices,
    /// A list of texts, each as it is written.
    Texts,
}

impl Shape {
    /// The value in its one spelling, or why it cannot be one.
    pub(super) fn check(self, value: &Value) -> Result<Value, String> {
        let checked = match self {
            Self::Switch => value.as_bool().map(Value::from),
            Self::Whole { min, max } => value
                .as_u64()
                .filter(|number| (min..=max).contains(number))
                .map(Value::from),
            Self::Ratio { min, max } => value
                .as_f64()
                .filter(|number| (min..=max).contains(number))
                .map(Value::from),
            Self::Span { min, max } => Self::text(value, |text| {
                Span::parse(text)
                    .ok()
                    .filter(|span| (min..=max).contains(&span.0))
                    .map(|span| span.to_string())
            }),
            Self::MaybeSpan => Self::text(value, |text| {
                let span = MaybeSpan::parse(text).ok()?;
                Some(
                    span.0
                        .map_or_else(|| "none".to_owned(), |s| Span(s).to_string()),
                )
            }),
            Self::Size => value
                .as_u64()
                .map(|bytes| Value::from(Size(bytes).to_string()))
                .or_else(|| Self::text(value, |text| Some(Size::parse(text).ok()?.to_string()))),
            Self::Word(words) => Self::text(value, |text| {
                let lower = text.to_ascii_lowercase();
                words.contains(&lower.as_str()).then_some(lower)
            }),
            Self::Desktop => Self::text(value, |text| {
                let record = text.strip_prefix("record:").is_some_and(|f| !f.is_empty());
                (record || text == "x11" || text == "none").then(|| text.to_owned())
            }),
            Self::File | Self::Text => Self::text(value, |text| {
                (!text.contains('\0')).then(|| text.to_owned())
            }),
            Self::Address => Self::text(value, |text| {
                Some(text.parse::<SocketAddr>().ok()?.to_string())
            }),
            Self::Chord => Self::text(value, chord),
            Self::Chords => Self::texts(value, chord),
            Self::ClassChords => Self::texts(value, |text| {
                let (class, keys) = text.split_once('=')?;
                let class = class.trim().to_lowercase();
                (!class.is_empty()).then_some(())?;
                Some(format!("{class}={}", chord(keys)?))
            }),
            Self::Words => Self::texts(value, |text| {
                let word = text.trim().to_lowercase();
                (!word.is_empty()).then_some(word)
            }),
            Self::Texts => Self::texts(value, |text| {
                (!text.contains('\0')).then(|| text.to_owned())
            }),
            Self::Choices => Self::texts(value, |text| {
                let (agent, name) = text.split_once('=')?;
                let (agent, name) = (agent.trim().to_lowercase(), name.trim().to_lowercase());
                (!agent.is_empty() && applications::is_name(&name))
                    .then(|| format!("{agent}={name}"))
            }),
        };
        checked.ok_or_else(|| format!("{} is not {}", shown(value), self.wanted()))
    }

    /// The value behind the text of a flag, a variable or `config set`.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let plain = Value::from(text);
        let guess = match self {
            Self::Switch | Self::Whole { .. } | Self::Ratio { .. } => {
                serde_json::from_str(&text.to_ascii_lowercase()).unwrap_or(plain)
            }
            Self::Chords | Self::ClassChords | Self::Words | Self::Choices | Self::Texts
                if text.starts_with('[') =>
            {
                serde_json::from_str(text).unwrap_or(plain)
            }
            Self::Chords | Self::ClassChords | Self::Words | Self::Choices | Self::Texts => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect(),
            Self::Span { .. }
            | Self::MaybeSpan
            | Self::Size
            | Self::Word(_)
            | Self::Desktop
            | Self::File
            | Self::Text
            | Self::Address
            | Self::Chord => plain,
        };
        self.check(&guess)
    }

    fn text(value: &Value, read: impl Fn(&str) -> Option<String>) -> Option<Value> {
        value.as_str().and_then(read).map(Value::from)
    }

    fn texts(value: &Value, read: impl Fn(&str) -> Option<String>) -> Option<Value> {
        let list = value.as_array()?.iter();
        list.map(|one| Self::text(one, &read))
            .collect::<Option<Vec<_>>>()
            .map(Value::from)
    }

    fn wanted(self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Ratio { min, max } => format!("a number from {min:.1} to {max:.1}"),
            Self::Span { min, max } if max == Duration::MAX => {
                format!("a span of at least {} (like \"500ms\", \"10s\")", Span(min))
            }
            Self::Span { min, max } => format!(
                "a span from {} to {} (like \"500ms\", \"10s\")",
                Span(min),
                Span(max)
            ),
            Self::MaybeSpan => "a span (like \"500ms\", \"10s\") or \"none\"".to_owned(),
            Self::Size => "a size (like \"512KiB\", \"32MiB\")".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Desktop => "x11, none or record:FILE".to_owned(),
            Self::Text => "a text, or \"\" for none".to_owned(),
            Self::File => "a file's name, or \"\" for none".to_owned(),
            Self::Address => "an ADDRESS:PORT (like \"127.0.0.1:7717\")".to_owned(),
            Self::Chord => "keys (like \"enter\", \"ctrl+shift+v\")".to_owned(),
            Self::ClassChords => "a list of WORD=KEYS (like [\"xterm=shift+insert\"])".to_owned(),
            Self::Texts => "a list of texts (like [\"/usr/local/bin/tell\", \"--now\"])".to_owned(),
            Self::Words => "a list of words (like [\"cursor\"])".to_owned(),
            Self::Choices => "a list of AGENT=APPLICATION (like [\"agent-3=tmux\"])".to_owned(),
            Self::Chords => "a list of keys (like [\"ctrl+a\", \"delete\"])".to_owned(),
        }
    }
}

fn shown(value: &Value) -> String {
    if value.is_object() {
        "a table".to_owned()
    } else {
        value.to_string()
    }
}

const MODIFIERS: &[&str] = &["ctrl", "shift", "alt", "meta"];
const NAMED_KEYS: &[&str] = &[
    "enter",
    "tab",
    "escape",
    "insert",
    "delete",
    "backspace",
    "home",
    "end",
    "left",
    "right",
    "plus",
    "space",
];

/// The same grammar as `delivery::ports::Chord`, which this module must not name; a test compares.
fn chord(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let mut parts: Vec<&str> = lower.split('+').collect();
    let key = parts.pop()?;
    let known = NAMED_KEYS.contains(&key) || key.chars().count() == 1;
    (known && parts.iter().all(|part| MODIFIERS.contains(part))).then(|| lower.clone())
}

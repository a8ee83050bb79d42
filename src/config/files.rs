//! Configuration files: found, read, and turned into dotted keys with the lines they stand on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place};
use super::keys;

/// A configuration file is never larger; more is a mistake, or somebody's attack.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Toml,
    Yaml,
    Json,
}

impl Format {
    fn of(file: &Path) -> Self {
        match file.extension().and_then(|e| e.to_str()) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            _ => Self::Toml,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        }
    }
}

/// One setting as a file says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Dotted.
    pub(super) key: String,
    /// As it stands there.
    pub(super) value: Value,
    /// Where it stands.
    pub(super) place: Place,
}

/// The file `stem.{toml,yaml,yml,json}` in a folder, if there is one; two are an error.
pub(super) fn find(folder: &Path, stem: &str) -> Result<Option<PathBuf>, ConfigError> {
    let mut found = ["toml", "yaml", "yml", "json"]
        .into_iter()
        .map(|extension| folder.join(format!("{stem}.{extension}")))
        .filter(|file| file.exists());
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(ConfigError::TwoFiles { first, second }),
        (first, _) => Ok(first),
    }
}

/// Every setting of a file. A table under a setting's name stays one (wrong) value, and a section
/// that is none is told, even when it is empty.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable {
        file: file.to_owned(),
        reason,
    };
    let size = fs::metadata(file).map_err(|e| unreadable(e.to_string()))?;
    if size.len() > FILE_MAX_BYTES {
        return Err(unreadable(format!(
            "it is larger than {FILE_MAX_BYTES} bytes"
        )));
    }
    let text = fs::read_to_string(file).map_err(|e| {
        unreadable(if e.kind() == io::ErrorKind::InvalidData {
            "it is not UTF-8".to_owned()
        } else {
            e.to_string()
        })
    })?;
    entries(file, &text)
}

pub(super) fn entries(file: &Path, text: &str) -> Result<Vec<Entry>, ConfigError> {
    let format = Format::of(file);
    let syntax = |reason: String, line: Option<usize>| ConfigError::Syntax {
        place: Place {
            file: file.to_owned(),
            line,
        },
        format: format.name(),
        reason,
    };
    let tree = match format {
        Format::Toml => toml::from_str(text).map_err(|e| {
            let line = e.span().map(|span| line_at(text, span.start));
            syntax(e.message().trim().to_owned(), line)
        })?,
        Format::Yaml if text.trim().is_empty() => Value::Null,
        Format::Yaml => serde_saphyr::from_str(text).map_err(|e| {
            let line = e.location().and_then(|l| usize::try_from(l.line()).ok());
            let shown = e.to_string();
            let first = shown.lines().next().unwrap_or_default();
            syntax(first.trim_start_matches("error: ").to_owned(), line)
        })?,
        Format::Json => serde_json::from_str(text)
            .map_err(|e| syntax(e.to_string(), Some(e.line()).filter(|line| *line > 0)))?,
    };
    if tree.is_null() {
        return Ok(Vec::new());
    }
    let Value::Object(table) = tree else {
        return Err(syntax("a table of settings was expected".to_owned(), None));
    };
    let mut found = Vec::new();
    for (key, value) in table {
        flatten(key, value, &mut found);
    }
    // Parsed once for all keys: for each it would take longer than everything else a verb does.
    let lines = Lines::of(format, text);
    let entry = |(key, value): (String, Value)| Entry {
        place: Place {
            file: file.to_owned(),
            line: lines.line_of(&key),
        },
        key,
        value,
    };
    Ok(found.into_iter().map(entry).collect())
}

fn flatten(key: String, value: Value, into: &mut Vec<(String, Value)>) {
    // An empty section, as YAML leaves it when every line below is a comment.
    if value.is_null() && keys::is_section(&key) {
        return;
    }
    match value {
        Value::Object(table) if !keys::is_key(&key) && !table.is_empty() => {
            for (name, inner) in table {
                flatten(format!("{key}.{name}"), inner, into);
            }
        }
        Value::Object(table) if table.is_empty() && keys::is_section(&key) => {}
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => into.push((key, value)),
    }
}

fn line_at(text: &str, byte: usize) -> usize {
    let before = text.bytes().take(byte);
    before.filter(|b| *b == b'\n').count().saturating_add(1)
}

/// Where the settings of a file stand.
struct Lines<'t> {
    text: &'t str,
    /// Of a TOML file.
    document: Option<Spanned<DeTable<'t>>>,
    format: Format,
}

impl<'t> Lines<'t> {
    fn of(format: Format, text: &'t str) -> Self {
        let document = match format {
            Format::Toml => DeTable::parse(text).ok(),
            Format::Yaml | Format::Json => None,
        };
        Self {
            text,
            document,
            format,
        }
    }

    fn line_of(&self, key: &str) -> Option<usize> {
        match self.format {
            Format::Toml => self.toml_line(key),
            Format::Yaml | Format::Json => scanned_line(self.text, key),
        }
    }

    fn toml_line(&self, key: &str) -> Option<usize> {
        let mut table = self.document.as_ref()?.get_ref();
        let mut at = None;
        for part in key.split('.') {
            let (name, value) = table.get_key_value(part)?;
            at = Some(line_at(self.text, name.span().start));
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => return at,
            }
        }
        at
    }
}

/// The line where the parts of the key have each appeared as a name, one after the other.
fn scanned_line(text: &str, key: &str) -> Option<usize> {
    let mut parts = key.split('.');
    let mut part = parts.next()?;
    for (number, line) in text.lines().enumerate() {
        let mut rest = line;
        while let Some(after) = after_name(rest, part) {
            rest = after;
            match parts.next() {
                Some(next) => part = next,
                None => return number.checked_add(1),
            }
        }
    }
    None
}

/// What follows `name:` or `"name":` in the line.
fn after_name<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.match_indices(name).find_map(|(at, _)| {
        let before = line.get(..at)?;
        let after = line.get(at.checked_add(name.len())?..)?;
        let starts = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let ends = after.trim_start_matches(['"', '\'']).trim_start();
        (starts && ends.starts_with(':')).then_some(ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, text: &str) -> Vec<(String, Option<usize>)> {
        entries(Path::new(name), text)
            .unwrap()
            .into_iter()
            .map(|entry| (entry.key, entry.place.line))
            .collect()
    }

    #[test]
    fn every_format_gives_the_same_keys_with_their_lines() {
        let expected = |retry, log| {
            vec![
                ("log.level".to_owned(), Some(log)),
                ("retry.max_retries".to_owned(), Some(retry)),
            ]
        };
        for (name, text, retry, log) in [
            (
                "a.toml",
                "# x\n[retry]\nmax_retries = 1\n[log]\nlevel = \"info\"\n",
                3,
                5,
            ),
            (
                "a.toml",
                "retry.max_retries = 1\nlog.level = \"info\"\n",
                1,
                2,
            ),
            (
                "a.yaml",
                "retry:\n  # max\n  max_retries: 1\nlog:\n  level: info\n",
                3,
                5,
            ),
            (
                "a.yml",
                "log: {level: info}\nretry: {max_retries: 1}\n",
                2,
                1,
            ),
            (
                "a.json",
                "{\n\"retry\": {\"max_retries\": 1},\n\"log\": {\n\"level\": \"info\"}}",
                2,
                4,
            ),
        ] {
            let mut found = lines(name, text);
            found.sort();
            assert_eq!(found, expected(retry, log), "{name}: {text}");
        }
    }

    #[test]
    fn broken_files_say_what_and_where() {
        for (name, text, line) in [
            ("a.toml", "[retry]\nmax_retries = = 1\n", Some(2)),
            ("a.yaml", "retry:\n  - a\n b: [", None),
            ("a.json", "{\n\"retry\": }", Some(2)),
            ("a.json", "[1]", None),
        ] {
            let Err(ConfigError::Syntax { place, .. }) = entries(Path::new(name), text) else {
                panic!("{text} was taken");
            };
            if line.is_some() {
                assert_eq!(place.line, line, "{text}");
            }
        }
    }
}

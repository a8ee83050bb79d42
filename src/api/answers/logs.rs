//! The daemon's own log lines, from its files.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::facts::words::worded;
use crate::events::time::Timestamp;

worded! {
    /// How important a line is.
    Level, "a level" {
        /// Something failed.
        Error = "error",
        /// Somebody should look.
        Warn = "warn",
        /// What happens.
        Info = "info",
        /// Every detail.
        Debug = "debug",
        /// More than that.
        Trace = "trace",
    }
}

/// Lines, newest first.
pub fn list(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let level = asked.level("level")?;
    let (since, until) = (asked.instant("since")?, asked.instant("until")?);
    let id = asked.id("message")?;
    let correlation = asked.id("correlation")?;
    let session = asked.id("session")?;
    let request = asked.text("request");
    let (after, limit) = (asked.after()?, asked.limit()?);
    let fits = |line: &Value| {
        let own = line["level"]
            .as_str()
            .and_then(|it| it.parse::<Level>().ok());
        let at = line["timestamp"].as_str();
        let at = at.and_then(|it| it.parse::<Timestamp>().ok());
        level.is_none_or(|most| own.is_some_and(|own| own <= most))
            && since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && until.is_none_or(|until| at.is_some_and(|at| at <= until))
            && session.as_ref().is_none_or(|id| line["session"] == **id)
            && correlation.as_ref().is_none_or(|id| {
                line.pointer("/fields/correlation")
                    .is_some_and(|it| it == id.as_str())
            })
            && request.is_none_or(|id| line.pointer("/fields/request").is_some_and(|it| it == id))
    };
    let mut items: Vec<Value> = Vec::new();
    let mut last = None;
    'files: for path in files(house) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // A file that was removed meanwhile has no lines any more.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
        lines.reverse();
        for (number, line) in lines {
            let key = format!("{name}:{number:09}");
            let passed = after.as_ref().is_some_and(|after| key >= *after);
            if passed || id.as_ref().is_some_and(|id| !line.contains(id)) {
                continue;
            }
            let Ok(value) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            if !fits(&value) {
                continue;
            }
            if items.len() == limit {
                break 'files;
            }
            items.push(shown(&value));
            last = Some(key);
        }
    }
    let more = items.len() == limit;
    Ok(Answer::page(
        house.head(),
        asked,
        &items,
        last.as_deref().filter(|_| more),
    ))
}

fn shown(line: &Value) -> Value {
    let level = line["level"].as_str().unwrap_or_default().to_lowercase();
    json!({
        "timestamp": line["timestamp"],
        "level": level,
        "target": line["target"],
        "session": line["session"],
        "fields": line["fields"],
    })
}

/// Newest first.
fn files(house: &House) -> Vec<PathBuf> {
    let found = fs::read_dir(house.reads.store.join("logs"));
    let mut files: Vec<PathBuf> = found
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files
}

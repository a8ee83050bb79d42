//! Backups and restores for people.

use serde_json::Value;

use super::items::{inline, instant, number, truth, word};
use super::paint::{Paint, Tone};
use super::table::{Cell, Table};

/// A number of bytes in words.
fn bytes(item: &Value, field: &str) -> String {
    let bytes = number(item, field);
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes >> shift > 0);
    match unit {
        Some((shift, name)) => {
            let tenths = (bytes.saturating_mul(10)) >> shift;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// What became of a backup.
pub fn taken(items: &[Value], paint: Paint) -> String {
    let lines = items.iter().map(|item| {
        let notes = item["notes"].as_array().into_iter().flatten();
        let notes = notes.map(|note| format!("note: {}\n", inline(note)));
        let notes: String = notes.collect();
        let last = word(item, "last_position");
        let done = paint.tone(Tone::Good, "done");
        if item["kind"] == "label" {
            let label = word(item, "label");
            return format!("{notes}{done}  `{label}` stands at position {last}");
        }
        if truth(item, "unchanged") {
            let id = word(item, "id");
            return format!("{notes}{done}  nothing came since backup {id} at position {last}");
        }
        format!(
            "{notes}{done}  {} backup {} of positions {} to {last}: {} stored of {}, {} s",
            word(item, "kind"),
            word(item, "id"),
            word(item, "first_position"),
            bytes(item, "bytes_stored"),
            bytes(item, "bytes_raw"),
            seconds(item),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn seconds(item: &Value) -> String {
    format!("{:.2}", item["seconds"].as_f64().unwrap_or_default())
}

/// Who opens a repository now.
pub fn rekeyed(item: &Value, paint: Paint) -> String {
    let recipients = item["recipients"].as_array().map_or(0, Vec::len);
    let passphrase = if truth(item, "passphrase") {
        " and a passphrase"
    } else {
        ""
    };
    format!(
        "{}  {recipients} public keys{passphrase} open repository {} from now on",
        paint.tone(Tone::Good, "done"),
        word(item, "repository")
    )
}

/// Backups, a row each.
pub fn backups(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "taken at", "kind", "id", ">from", ">to", "until", ">stored", "label", "tags",
    ]);
    let mut next = String::new();
    for item in items {
        if item["record"] == "next" {
            next = format!(
                "\nnext by the schedule: {} at {}",
                word(item, "work"),
                instant(item, "at", false)
            );
            continue;
        }
        let is_label = item["kind"] == "label";
        let unless_label = |text: String| if is_label { String::new() } else { text };
        table = table.row(vec![
            instant(item, "taken_at", false).into(),
            word(item, "kind").into(),
            word(item, "id").into(),
            unless_label(word(item, "first_position")).into(),
            word(item, "last_position").into(),
            instant(item, "last_at", true).into(),
            unless_label(bytes(item, "bytes_stored")).into(),
            word(item, "label").into(),
            word(item, "tags").into(),
        ]);
    }
    let table = table.render("no backups yet; `switchboard backup full` takes one", paint);
    format!("{}{next}", table.trim_end())
}

/// What can be restored, a row each.
pub fn ranges(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&["timeline", ">from", ">to", "first", "last"]);
    for item in items {
        table = table.row(vec![
            word(item, "timeline").into(),
            word(item, "first_position").into(),
            word(item, "last_position").into(),
            instant(item, "first_at", true).into(),
            instant(item, "last_at", true).into(),
        ]);
    }
    table.render("nothing can be restored", paint)
}

/// What becomes of each backup, then what that means.
pub fn pruned(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&["taken at", "kind", "id", ">to", "kept", "because"]);
    let mut end = String::new();
    for item in items {
        if item["record"] == "verdict" {
            table = table.row(vec![
                instant(item, "taken_at", false).into(),
                word(item, "kind").into(),
                word(item, "id").into(),
                word(item, "last_position").into(),
                if truth(item, "kept") { "yes" } else { "no" }
                    .to_owned()
                    .into(),
                word(item, "because").into(),
            ]);
            continue;
        }
        let (backups, segments, blobs) = (
            word(item, "backups"),
            word(item, "segments"),
            word(item, "blobs"),
        );
        let what = format!(
            "{backups} backups, {segments} segments, {blobs} bodies, {}",
            bytes(item, "bytes")
        );
        end = if truth(item, "confirmed") {
            let done = paint.tone(Tone::Good, "removed");
            format!("{done}  {what}")
        } else {
            format!("would remove {what}; --confirm does it")
        };
    }
    let table = table.render("no backups", paint);
    format!("{}\n{end}", table.trim_end())
}

/// How each drill went.
pub fn drilled(items: &[Value], paint: Paint) -> String {
    let mut table = Table::new(&[
        "scenario",
        "plan",
        ">position",
        ">recovery",
        ">may take",
        ">lost",
        ">may lose",
        "reason",
    ]);
    let seconds = |item: &Value, field: &str| {
        let seconds = item[field].as_f64();
        seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s"))
    };
    for item in items.iter().filter(|item| item["record"] == "drill") {
        let plan = if item["passed"].is_null() {
            Cell::from("left out".to_owned())
        } else if truth(item, "passed") {
            Cell::toned("kept", Tone::Good)
        } else {
            Cell::toned("missed", Tone::Bad)
        };
        table = table.row(vec![
            word(item, "scenario").into(),
            plan,
            word(item, "position").into(),
            seconds(item, "rto_seconds").into(),
            seconds(item, "rto_limit_seconds").into(),
            seconds(item, "rpo_seconds").into(),
            seconds(item, "rpo_limit_seconds").into(),
            word(item, "reason").into(),
        ]);
    }
    table.render("no drills", paint)
}

/// Damage, then whether there is any.
pub fn verified(items: &[Value], paint: Paint) -> String {
    let mut lines = Vec::new();
    for item in items {
        if item["record"] == "damage" {
            let kills = item["kills"].as_array().map_or(0, Vec::len);
            let kills = match kills {
                0 => "kills no backup".to_owned(),
                1 => format!("kills backup {}", word(item, "kills")),
                more => format!("kills {more} backups: {}", word(item, "kills")),
            };
            let (object, problem) = (word(item, "object"), word(item, "problem"));
            lines.push(format!("{object}: {problem}; {kills}"));
        } else if item["record"] == "trial" {
            let at = word(item, "position");
            let timeline = word(item, "timeline");
            lines.push(match item["problem"].as_str() {
                None => format!("restored to position {at} of timeline {timeline}: whole"),
                Some(_) => format!(
                    "restored to position {at} of timeline {timeline}: {}",
                    word(item, "problem")
                ),
            });
        } else {
            let verdict = if truth(item, "ok") {
                paint.tone(Tone::Good, "whole")
            } else {
                paint.tone(Tone::Bad, "damaged")
            };
            lines.push(format!(
                "{verdict}  {} backups, {} objects looked at, {} read",
                word(item, "backups"),
                word(item, "objects"),
                bytes(item, "bytes"),
            ));
        }
    }
    lines.join("\n")
}

/// What was restored.
pub fn restored(item: &Value, paint: Paint) -> String {
    let stopped = &item["stopped_at"];
    let at = format!(
        "position {} ({})",
        word(stopped, "position"),
        instant(stopped, "recorded_at", true)
    );
    let behind = &item["first_excluded"];
    let behind = if behind.is_null() {
        "nothing that was backed up comes after it".to_owned()
    } else {
        format!(
            "the first event left out is {} ({})",
            word(behind, "position"),
            instant(behind, "recorded_at", true)
        )
    };
    let state = word(item, "hash");
    let target = word(item, "target");
    if truth(item, "dry_run") {
        return format!("would restore up to {at}; {behind}\nstate {state}");
    }
    format!(
        "{}  {target} holds the ledger up to {at}; {behind}\nstate {state}\ndeliveries are paused: \
         `switchboard --store {target} resume` lets them go on",
        paint.tone(Tone::Good, "restored")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_restore_says_where_it_stopped_and_what_it_left_out() {
        let item = json!({"stopped_at": {"position": 7, "recorded_at": "2025-01-31T12:00:00.000001Z"},
            "first_excluded": {"position": 8, "recorded_at": "2025-01-31T12:00:00.500000Z"},
            "hash": "ab", "target": "./again", "dry_run": true});
        assert_eq!(
            restored(&item, Paint::PLAIN),
            "would restore up to position 7 (2025-01-31 12:00:00.000); the first event left out is 8 \
             (2025-01-31 12:00:00.500)\nstate ab"
        );
    }

    #[test]
    fn sizes_have_units() {
        let item = json!({"a": 512, "b": 1536, "c": 3_u64 << 30});
        assert_eq!(bytes(&item, "a"), "512 B");
        assert_eq!(bytes(&item, "b"), "1.5 KiB");
        assert_eq!(bytes(&item, "c"), "3.0 GiB");
    }
}

//! `doctor`: what could be wrong, what is, and what to do about it.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::events::ids::Position;
use crate::events::ledger::handle::Condition;
use crate::events::lifecycle::State;
use crate::projections::host::Row;

/// How long something that is behind has to get on.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// A line per check; exit 1 when one is not well.
pub async fn answer(asked: Asked) -> Result<Exit, Failure> {
    let checks = asked.off_thread(|asked| Ok(checks(asked))).await?;
    let well = checks.iter().all(|check| check["ok"] == json!(true));
    for check in checks {
        asked.items.say(check).await?;
    }
    Ok(if well { Exit::Done } else { Exit::Failed })
}

fn check(name: &str, ok: bool, detail: impl Into<String>, fix: Option<&str>) -> Value {
    json!({"check": name, "ok": ok, "detail": detail.into(), "fix": fix.filter(|_| !ok)})
}

fn checks(asked: &Asked) -> Vec<Value> {
    let owner = &asked.owner;
    let ledger = owner.desk.ledger();
    let caught_up = owner.projections.catch_up_serving(ledger);
    let opening = &owner.opening;
    let condition = ledger.condition();
    let mut checks = vec![
        check(
            "ledger writes",
            ledger.poisoned().is_none(),
            ledger
                .poisoned()
                .unwrap_or_else(|| "the ledger takes writes".to_owned()),
            Some("free space or mend the disk, then start again: the ledger checks itself"),
        ),
        check(
            "ledger opening",
            true,
            match (&condition.rebuilt, &*opening.mended) {
                (None, []) => "opened as it was left".to_owned(),
                (Some(why), _) => format!("sled was written anew from the journal: {why}"),
                (None, mended) => format!("mended from sled: positions {mended:?}"),
            },
            None,
        ),
        check(
            "torn tail",
            true,
            format!(
                "{} bytes that were never acknowledged set aside",
                opening.torn_bytes
            ),
            None,
        ),
    ];
    checks.extend(background(&condition));
    if let Err(error) = caught_up {
        let error = error.to_string();
        checks.push(check(
            "projections",
            false,
            error,
            Some("switchboard verify"),
        ));
    }
    checks.extend(projections(asked));
    checks.extend(desk(asked));
    checks.push(backups(asked));
    checks
}

/// Whether the schedule keeps the plan.
fn backups(asked: &Asked) -> Value {
    let fix = Some("`switchboard backup incremental --repo DIR` says why it fails");
    let standings = match asked.owner.backup_standings() {
        Ok(standings) if standings.is_empty() => {
            return check("backups", true, "no schedule: backup.repo is not set", None);
        }
        Ok(standings) => standings,
        Err(failure) => return check("backups", false, failure.message, fix),
    };
    let mut well = true;
    let told = standings.iter().map(|it| {
        let word = |field: &str| it[field].as_str().unwrap_or_default().to_owned();
        let repo = word("repo");
        if let Some(reason) = it.pointer("/failing/reason").and_then(Value::as_str) {
            well = false;
            return format!(
                "{repo}: {} fails: {reason}",
                it.pointer("/failing/work")
                    .and_then(Value::as_str)
                    .unwrap_or("it")
            );
        }
        if let Some(problem) = it["problem"].as_str() {
            well = false;
            return format!("{repo}: {problem}");
        }
        let lag = it["lag_seconds"].as_f64().unwrap_or_default();
        if it["late"] == json!(true) {
            well = false;
            let asleep = if it["running"] == json!(true) {
                ""
            } else {
                "; only `switchboard serve` follows the schedule"
            };
            return format!("{repo}: {lag:.0} s would be lost, more than the plan allows{asleep}");
        }
        format!("{repo}: {lag:.0} s would be lost, as planned")
    });
    let told: Vec<String> = told.collect();
    check("backups", well, told.join("; "), fix)
}

/// Whether each projection holds what the ledger holds, or is on its way there.
fn projections(asked: &Asked) -> Vec<Value> {
    let owner = &asked.owner;
    let ledger = owner.desk.ledger();
    let first = owner.projections.list(ledger.head());
    let moving = |rows: &[Row]| rows.iter().any(|row| row.state == "rebuilding");
    let second = if moving(&first) {
        // Looked at twice: who is behind must be getting on.
        ledger.wait_beyond(Position(u64::MAX), LOOK_AGAIN);
        owner.projections.list(ledger.head())
    } else {
        first.clone()
    };
    let rows = first.into_iter().zip(second);
    rows.map(|(before, row)| {
        let place = row.rebuilt_to.unwrap_or(row.position);
        let moved = place > before.rebuilt_to.unwrap_or(before.position);
        let (ok, detail) = match (row.state, row.stopped_at) {
            ("rebuilding", _) if row.rebuilt_to.is_none() || moved => (
                true,
                format!("being folded anew, at {place} of {}", row.head),
            ),
            ("rebuilding", _) => (false, format!("stuck at {place} of {}", row.head)),
            (_, Some(stopped)) => {
                let reason = row.reason.unwrap_or_default();
                (false, format!("stopped before {stopped}: {reason}"))
            }
            _ => {
                let note = row.note.unwrap_or_else(|| format!("at {place}"));
                (row.lag_events == 0, note)
            }
        };
        let fix = "what the event needs, then `switchboard projections rebuild`";
        check(&format!("projection {}", row.name), ok, detail, Some(fix))
    })
    .collect()
}

/// What the ledger does in the background.
fn background(condition: &Condition) -> [Value; 3] {
    let fix = Some("free space or mend the disk: it is tried again by itself");
    [
        check(
            "sled",
            condition.sled_fails.is_none(),
            condition
                .sled_fails
                .clone()
                .unwrap_or_else(|| "sled follows the journal".to_owned()),
            fix,
        ),
        check(
            "epochs",
            condition.closing_fails.is_none(),
            condition
                .closing_fails
                .clone()
                .unwrap_or_else(|| format!("{} full epochs wait to be closed", condition.full)),
            fix,
        ),
        check(
            "closed epochs",
            condition.lost.is_empty(),
            if condition.lost.is_empty() {
                format!("{} closed epochs", condition.closed)
            } else {
                condition.lost.join("; ")
            },
            Some("bring their seal and folder back from a backup; all else is read and written"),
        ),
    ]
}

/// What waits for a person.
fn desk(asked: &Asked) -> [Value; 3] {
    let (unknown, dead, paused) = asked.owner.projections.read(|states| {
        let outbox = &states.outbox;
        (
            outbox.count(State::Unknown),
            outbox.count(State::Dead),
            outbox.all_paused(),
        )
    });
    [
        check(
            "unknown outcomes",
            unknown == 0,
            format!("{unknown} messages"),
            Some("look at the windows, then `switchboard resolve MSG delivered|failed`"),
        ),
        check(
            "dead letters",
            dead == 0,
            format!("{dead} messages"),
            Some("`switchboard messages --state dead`, then `switchboard requeue MSG`"),
        ),
        check(
            "hands",
            !paused,
            if paused {
                "every seat is paused"
            } else {
                "not paused"
            },
            Some("switchboard resume"),
        ),
    ]
}

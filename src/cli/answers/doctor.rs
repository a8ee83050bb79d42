//! `doctor`: what could be wrong, what is, and what to do about it.

use serde_json::{Value, json};

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::events::ledger::handle::Condition;
use crate::events::lifecycle::State;

/// A line per check; exit 1 when one is not well.
pub async fn answer(asked: Asked) -> Result<Exit, Failure> {
    let checks = asked.off_thread(checks).await?;
    let well = checks.iter().all(|check| check["ok"] == json!(true));
    for check in checks {
        asked.items.say(check).await?;
    }
    Ok(if well { Exit::Done } else { Exit::Failed })
}

fn check(name: &str, ok: bool, detail: impl Into<String>, fix: Option<&str>) -> Value {
    json!({"check": name, "ok": ok, "detail": detail.into(), "fix": fix.filter(|_| !ok)})
}

fn checks(asked: &Asked) -> Result<Vec<Value>, Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    let ledger = owner.desk.ledger();
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
    for row in owner.projections.list(ledger.head()) {
        let detail = row.note.unwrap_or_else(|| format!("at {}", row.position));
        checks.push(check(
            &format!("projection {}", row.name),
            row.lag_events == 0,
            detail,
            Some("switchboard projections rebuild"),
        ));
    }
    checks.extend(desk(asked));
    Ok(checks)
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

//! `backup drill`: disasters rehearsed by whoever owns the ledger, so that what is lost can be measured.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::answer::Asked;
use super::backup::{Pace, record_here, vault};
use crate::adapters::harm::flip_journals;
use crate::backup::drill::{Ground, drill};
use crate::backup::error::Progress;
use crate::backup::restore::Into;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::request::Drill;
use crate::commands::record_backup::RecordDrill;
use crate::events::facts::backup::{Measured, Scenario};
use crate::events::ledger::disk::OsDisk;
use crate::events::ledger::handle::Edge;
use crate::events::ledger::options::Options;
use crate::events::ledger::reserve::Reserve;

/// Rehearses the disasters that are asked for, notes how each went, and says so.
pub async fn rehearse(asked: Asked, wanted: Drill) -> Result<Exit, Failure> {
    let all = wanted
        .scenario
        .map_or_else(|| Scenario::ALL.to_vec(), |one| vec![one]);
    let mut missed = 0_usize;
    for scenario in &all {
        let (wanted, scenario) = (wanted.clone(), *scenario);
        let record = asked
            .off_thread(move |asked| one(asked, &wanted, scenario))
            .await?;
        let reason = record.missed();
        missed = missed.saturating_add(usize::from(reason.is_some()));
        let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
        let measured = &record.measured;
        let item = json!({
            "record": "drill",
            "scenario": scenario,
            "passed": reason.is_none(),
            "reason": reason,
            "backup": measured.backup,
            "position": measured.position,
            "rto_seconds": seconds(measured.recovery_micros),
            "rto_limit_seconds": seconds(measured.recovery_limit_micros),
            "rpo_seconds": seconds(measured.lost_micros),
            "rpo_limit_seconds": seconds(measured.lost_limit_micros),
        });
        asked.items.say(item).await?;
    }
    let summary = json!({
        "record": "summary", "ok": missed == 0, "drills": all.len(), "missed": missed,
    });
    asked.items.say(summary).await?;
    Ok(if missed == 0 {
        Exit::Done
    } else {
        Exit::PlanMissed
    })
}

fn one(asked: &Asked, wanted: &Drill, scenario: Scenario) -> Result<RecordDrill, Failure> {
    let owner = &asked.owner;
    let begun = owner.now();
    let folder = format!("switchboard-drill-{}", owner.ids.fresh(begun));
    let scratch: PathBuf = wanted.scratch.join(folder);
    let into = Into {
        target: scratch.clone(),
        edge: Edge {
            clock: Arc::clone(&owner.clock),
            ids: Arc::clone(&owner.ids),
            reserve: Reserve::default(),
        },
        disk: Arc::new(OsDisk),
        options: Options::default(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let ground = Ground {
        scratch: &scratch,
        into: &into,
        harm: &flip_journals,
    };
    let mut pace = Pace::begun(begun);
    let mut tell = |progress: Progress| {
        let going = *owner.leaving().borrow();
        let item = pace.item(progress, owner.now());
        if going || asked.items.0.blocking_send(item).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let drilled = drill(&vault(&wanted.repo), scenario, &ground, &mut tell);
    let ended = owner.now();
    // Whatever came out of it, nothing stays behind.
    std::fs::remove_dir_all(&scratch).ok();
    let drilled = drilled?;
    let head = owner.desk.ledger().head();
    let lost = match (drilled.trial.position, drilled.recorded_at) {
        (Some(position), _) if position >= head.position.0 => Duration::ZERO,
        // Backing up to before an event on purpose loses nothing else.
        (Some(_), Some(at)) => head.recorded_at.since(at),
        (Some(_), None) | (None, _) => head
            .recorded_at
            .since(crate::events::time::Timestamp::EPOCH),
    };
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let record = RecordDrill {
        scenario,
        measured: Measured {
            backup: drilled.trial.backup,
            position: drilled.trial.position,
            recovery_micros: micros(ended.since(begun)),
            recovery_limit_micros: micros(wanted.rto),
            lost_micros: micros(lost),
            lost_limit_micros: micros(wanted.rpo),
        },
        problem: drilled.trial.problem,
    };
    record_here(asked, record.clone())?;
    Ok(record)
}

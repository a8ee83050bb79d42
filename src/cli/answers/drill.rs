//! `backup drill`: disasters rehearsed by whoever owns the ledger, so that what is lost can be measured.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::answer::Asked;
use super::backup::{Pace, record_here};
use crate::adapters::harm::flip_journals;
use crate::adapters::keys::{self, Holders, KeyError, KeyFiles, write_identity};
use crate::adapters::vault::FolderVault;
use crate::backup::cipher::Cipher;
use crate::backup::copying::As;
use crate::backup::drill::{Ground, Rekeyed, drill};
use crate::backup::encryption::Encrypted;
use crate::backup::error::{BackupError, Progress};
use crate::backup::ports::Vault;
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
    let wanted = settled(&asked, wanted)?;
    let all = wanted
        .scenario
        .map_or_else(|| Scenario::ALL.to_vec(), |one| vec![one]);
    let (mut missed, mut skipped) = (0_usize, 0_usize);
    for scenario in &all {
        if wanted.scenario.is_none()
            && *scenario == Scenario::SiteLoss
            && wanted.second_repo.is_none()
        {
            skipped = skipped.saturating_add(1);
            let item = json!({
                "record": "drill", "scenario": scenario, "passed": null,
                "reason": "left out: no second repository is named (--second-repo, backup.second_repo)",
            });
            asked.items.say(item).await?;
            continue;
        }
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
        "record": "summary", "ok": missed == 0, "drills": all.len().saturating_sub(skipped),
        "missed": missed, "skipped": skipped,
    });
    asked.items.say(summary).await?;
    Ok(if missed == 0 {
        Exit::Done
    } else {
        Exit::PlanMissed
    })
}

/// The drill with what the settings say about it.
fn settled(asked: &Asked, wanted: Drill) -> Result<Drill, Failure> {
    let config = asked.owner.config();
    let settings = &config.settings().backup;
    let class = wanted.class.unwrap_or_else(|| settings.class.clone());
    let plan = settings.plan_of(&class).ok_or_else(|| {
        let text = format!("there is no class `{class}` in backup.classes");
        Failure::new(Exit::BadConfig, "config_invalid", text)
    })?;
    let second = Some(&settings.second_repo).filter(|it| !it.is_empty());
    Ok(Drill {
        rto: Some(wanted.rto.unwrap_or(plan.rto.0)),
        rpo: Some(wanted.rpo.unwrap_or(plan.rpo.0)),
        class: Some(class),
        second_repo: wanted.second_repo.or_else(|| second.map(PathBuf::from)),
        keys: wanted.keys.or(settings),
        ..wanted
    })
}

/// A place in this folder for a repository with keys that nobody had before.
fn rekeyed(folder: &Path, id: uuid::Uuid) -> Result<Rekeyed, Failure> {
    let plain: Arc<dyn Vault> = Arc::new(FolderVault::at(folder));
    plain.prepare().map_err(BackupError::from)?;
    let file = folder.with_extension("identity");
    let public = write_identity(&file)
        .map_err(|error| Failure::new(Exit::Failed, "io", format!("no fresh key: {error}")))?;
    let holders = Holders {
        recipients: vec![public],
        passphrase_file: None,
    };
    let with = KeyFiles {
        identities: vec![file],
        passphrase_file: None,
    };
    let failed = |error: KeyError| Failure::new(Exit::Failed, "key", error.to_string());
    let encryption = keys::encryption(&keys::fresh(), &holders).map_err(failed)?;
    // The way somebody will go who has the identity alone.
    let key = keys::unwrap(&encryption, &with).map_err(failed)?;
    let other = Cipher::with(&keys::fresh());
    Ok(Rekeyed {
        vault: Arc::new(Encrypted::over(Arc::clone(&plain), Cipher::with(&key))),
        strangers: vec![Arc::clone(&plain), Arc::new(Encrypted::over(plain, other))],
        becomes: As {
            repository: id,
            encryption: Some(encryption),
        },
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
    let vault = wanted.keys.vault(&wanted.repo)?;
    let second = wanted.second_repo.as_deref();
    let second = second.map(|it| wanted.keys.vault(it)).transpose()?;
    let id = owner.ids.fresh(begun);
    let ground = Ground {
        scratch: &scratch,
        into: &into,
        harm: &flip_journals,
        rekeyed: &|folder| rekeyed(folder, id).map_err(|failure| failure.message),
        second: second.filter(|_| scenario == Scenario::SiteLoss),
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
    let drilled = drill(&vault, scenario, &ground, &mut tell);
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
            recovery_limit_micros: micros(wanted.rto.unwrap_or_default()),
            lost_micros: micros(lost),
            lost_limit_micros: micros(wanted.rpo.unwrap_or_default()),
        },
        problem: drilled.trial.problem,
    };
    record_here(owner, &asked.cause, record.clone())?;
    Ok(record)
}

//! The part of `/metrics` that tells what would be lost: backups, drills, and the clock of the plan.

use super::answers::backups;
use super::answers::copies::Known;
use super::answers::overview::unsaved_since;
use super::house::House;
use super::problem::Problem;
use super::written::Written;
use crate::events::facts::backup::{Kind, Work};
use crate::events::ids::Position;
use crate::events::time::Timestamp;

/// All of it.
pub fn safety(to: &mut Written, house: &House, now: Timestamp) -> Result<(), Problem> {
    let reads = &house.reads;
    let known = reads.memory.copies.known(&reads.ledger)?;
    taken(to, &known);
    exposure(to, house, now)?;
    schedule(to, house, now);
    to.counter(
        "switchboard_backup_failures_total",
        "How often scheduled work failed",
    );
    for work in Work::ALL {
        let count = known.failed.get(work).copied().unwrap_or(0);
        to.whole(&[("work", work.word())], count);
    }
    drills(to, &known);
    Ok(())
}

/// The last backup of each kind.
fn taken(to: &mut Written, known: &Known) {
    to.counter("switchboard_backups_total", "Backups taken");
    for kind in Kind::ALL {
        let count = known.copied.get(kind).map_or(0, |it| it.count);
        to.whole(&[("kind", kind.word())], count);
    }
    to.gauge(
        "switchboard_backup_last_timestamp_seconds",
        "When the last backup was taken",
    );
    for (kind, it) in &known.copied {
        to.seconds(&[("kind", kind.word())], it.at.micros());
    }
    to.gauge(
        "switchboard_backup_last_position",
        "The last position in the last backup",
    );
    for (kind, it) in &known.copied {
        to.whole(&[("kind", kind.word())], it.position);
    }
    to.gauge(
        "switchboard_backup_last_duration_seconds",
        "How long the last backup took",
    );
    for (kind, it) in &known.copied {
        to.seconds(&[("kind", kind.word())], it.micros);
    }
    to.gauge(
        "switchboard_backup_last_size_bytes",
        "Bytes that the last backup wrote",
    );
    for (kind, it) in &known.copied {
        to.whole(&[("kind", kind.word())], it.stored);
    }
}

/// The last drill of each scenario.
fn drills(to: &mut Written, known: &Known) {
    to.gauge(
        "switchboard_drill_last_timestamp_seconds",
        "When the last drill was",
    );
    for (scenario, it) in &known.rehearsed {
        to.seconds(&[("scenario", scenario.word())], it.at.micros());
    }
    to.gauge("switchboard_drill_last_passed", "1 when it kept its plan");
    for (scenario, it) in &known.rehearsed {
        to.whole(&[("scenario", scenario.word())], u64::from(it.passed));
    }
    to.gauge(
        "switchboard_drill_last_recovery_seconds",
        "How long recovery took in the last drill",
    );
    for (scenario, it) in &known.rehearsed {
        let micros = it.measured.recovery_micros;
        to.seconds(&[("scenario", scenario.word())], micros);
    }
    to.gauge(
        "switchboard_drill_last_lost_seconds",
        "How much of the newest time would have been lost",
    );
    for (scenario, it) in &known.rehearsed {
        to.seconds(&[("scenario", scenario.word())], it.measured.lost_micros);
    }
}

/// What is in no backup at all, wherever it lies.
fn exposure(to: &mut Written, house: &House, now: Timestamp) -> Result<(), Problem> {
    let ledger = &house.reads.ledger;
    let last = backups::last(ledger)?;
    if let Some((_, Some(restorable))) = last.backup {
        to.gauge(
            "switchboard_backup_restorable_timestamp_seconds",
            "The last instant that can be restored",
        );
        to.seconds(&[], restorable.micros());
    }
    let covered = last.restorable.unwrap_or(Position::START);
    let since = unsaved_since(&house.reads, covered, ledger.head().position)?;
    to.gauge(
        "switchboard_backup_unsaved_seconds",
        "How long ago the oldest event was recorded that is in no backup; 0 when there is none",
    );
    to.seconds(&[], age(since, now));
    Ok(())
}

/// How each repository of the schedule stands. There are two at most.
fn schedule(to: &mut Written, house: &House, now: Timestamp) {
    let repositories = house.reads.surroundings.repositories();
    to.gauge(
        "switchboard_backup_repository_unsaved_seconds",
        "How long ago the oldest event was recorded that is not in this repository of the schedule",
    );
    for it in &repositories {
        let labels = [("repository", it.place.as_str())];
        to.seconds(&labels, age(it.unsaved_since, now));
    }
    to.gauge(
        "switchboard_backup_repository_position",
        "Up to here everything is in this repository",
    );
    for it in &repositories {
        to.whole(&[("repository", it.place.as_str())], it.covered);
    }
    to.gauge(
        "switchboard_backup_repository_failing_attempts",
        "How often in a row scheduled work failed there; 0 when it goes well",
    );
    for it in &repositories {
        to.whole(&[("repository", it.place.as_str())], it.failing_attempts);
    }
    to.gauge(
        "switchboard_backup_rpo_seconds",
        "How much of the newest time may be lost by the plan",
    );
    for it in &repositories {
        if let Some(limit) = it.allowed {
            let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
            to.seconds(&[("repository", it.place.as_str())], micros);
        }
    }
}

fn age(since: Option<Timestamp>, now: Timestamp) -> u64 {
    let age = since.map(|since| now.since(since).as_micros());
    u64::try_from(age.unwrap_or_default()).unwrap_or(u64::MAX)
}

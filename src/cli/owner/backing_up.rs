//! The schedule of backups in the process that serves: what is due is done, what fails is said and tried
//! again, and a clock tells how much would be lost.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::background::Background;
use super::open::Owner;
use super::serve::turned;
use crate::api::surroundings::Repository;
use crate::backup::catalog::Catalog;
use crate::backup::error::BackupError;
use crate::backup::manifest::Ancestor;
use crate::backup::plan_prune::Policy;
use crate::backup::plan_schedule::{Past, Times};
use crate::backup::prune;
use crate::cli::answers::backup::{hold, record_here, take_for, wanted};
use crate::cli::exit::{Exit, Failure};
use crate::cli::keys::{KeyArgs, Keys};
use crate::cli::owner::request::Backup;
use crate::cli::settings;
use crate::commands::record_backup::RecordSchedule;
use crate::events::envelope::Cause;
use crate::events::facts::backup::{
    BackupCaughtUp, BackupFailed, BackupLate, BackupsPruned, Kind, Work,
};
use crate::events::ids::{AgentId, CommandId, CorrelationId, Position, StreamId};
use crate::events::kind::{BACKUPS, Fact};
use crate::events::time::Timestamp;

/// How often is looked whether something is due.
const LOOK: Duration = Duration::from_secs(5);
/// How long removed objects lie in the trash.
const TRASH_AGE: Duration = Duration::from_hours(24);
/// The word that scheduled backups carry.
const TAG: &str = "scheduled";

/// What is known of each repository of the schedule, by its folder, and who looks after them.
#[derive(Debug, Default)]
pub struct Watch {
    known: Mutex<BTreeMap<PathBuf, Standing>>,
    task: Background,
}

/// How one repository stands.
#[derive(Clone, Debug, Default)]
struct Standing {
    past: Past,
    /// The last of the ledger's positions that is backed up there.
    covered: u64,
    /// Whether more could be lost than the plan allows.
    late: bool,
    /// The newest `backup.taken` when this was read; none before it was.
    read_at: Option<Position>,
}

/// The first event that is not backed up: when it was recorded.
type Unsaved = Option<Timestamp>;

impl Watch {
    fn of(&self, repo: &Path) -> Standing {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(repo).cloned().unwrap_or_default()
    }

    fn keep(&self, repo: &Path, standing: Standing) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(repo.to_owned(), standing);
    }
}

/// Does what is due until the owner goes away.
async fn keep_backed_up(owner: Owner) {
    let mut leaving = owner.leaving();
    loop {
        let own = owner.clone();
        let looked = tokio::task::spawn_blocking(move || own.look_after_backups()).await;
        if let Err(error) = looked {
            tracing::error!(%error, "the schedule of backups broke off");
        }
        tokio::select! {
            () = turned(&mut leaving) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

impl Owner {
    /// Begins to follow the schedule of backups.
    pub fn begin_backups(&self) {
        self.watch.task.begin(keep_backed_up(self.clone()));
    }

    /// Waits until nothing of the schedule is under way any more. A backup is broken off at its next
    /// segment once the owner leaves.
    pub(super) async fn end_backups(&self) {
        self.watch.task.end().await;
    }

    /// Repositories of the schedule, and what is done there.
    fn schedule(&self) -> Result<(Vec<PathBuf>, Times, Policy), Failure> {
        let config = self.config();
        let settings = &config.settings().backup;
        let (times, policy) = settings::backups(settings)?;
        let named = [&settings.repo, &settings.second_repo];
        let mut repos = Vec::new();
        if !settings.repo.is_empty() && !times.is_empty() {
            for repo in named.into_iter().filter(|it| !it.is_empty()) {
                repos.push(wanted(Kind::Full, Path::new(repo))?.repo);
            }
        }
        Ok((repos, times, policy))
    }

    fn look_after_backups(&self) {
        match self.schedule() {
            Ok((repos, times, policy)) => {
                for repo in repos {
                    let mut standing = self.watch.of(&repo);
                    self.look_after(&repo, (&times, &policy), &mut standing);
                    self.watch.keep(&repo, standing);
                }
            }
            Err(failure) => tracing::error!(reason = failure.message, "no schedule of backups"),
        }
    }

    /// One piece of work at most, then the clock.
    fn look_after(&self, repo: &Path, (times, policy): (&Times, &Policy), standing: &mut Standing) {
        let now = self.now();
        let read = self.read_standing(repo, standing);
        standing.past.settle(now);
        if let Some(work) = times.due(&standing.past, now) {
            let done = read.and_then(|()| self.carry_out(repo, work, policy, standing));
            match done {
                Ok(()) => standing.past.done(work, self.now()),
                // It is done when somebody serves again.
                Err(failure) if failure.exit == Exit::Interrupted => {}
                Err(failure) => self.told_failure(repo, work, failure, standing),
            }
        }
        if let Err(failure) = self.tell_lateness(repo, standing) {
            tracing::error!(
                reason = failure.message,
                "how late backups are is not known"
            );
        }
    }

    /// Reads what is there, unless nothing was backed up since.
    fn read_standing(&self, repo: &Path, standing: &mut Standing) -> Result<(), Failure> {
        let ledger = self.desk.ledger();
        let newest = ledger.stream_head(&StreamId::backups())?;
        let newest = newest.map_or(Position::START, |(_, position)| position);
        if standing.read_at == Some(newest) {
            return Ok(());
        }
        if standing.read_at.is_none() {
            standing.late = self.was_late(repo)?;
        }
        let known = std::mem::take(&mut standing.past);
        let found = Catalog::open(self.keys().vault(repo)?);
        let (past, covered) = match found {
            Ok(catalog) => {
                let timelines: Vec<Ancestor> = ledger
                    .lineage()?
                    .into_iter()
                    .map(|(timeline, until)| Ancestor { timeline, until })
                    .collect();
                let backups = catalog.manifests.iter().filter(|it| it.kind != Kind::Label);
                let shared = backups.map(|it| it.shared_with(&timelines));
                (Past::of(&catalog.manifests), shared.max().unwrap_or(0))
            }
            Err(BackupError::NoRepository(_)) => (Past::default(), 0),
            Err(error) => {
                standing.past = known;
                return Err(error.into());
            }
        };
        standing.past = past.with(known, self.now());
        standing.covered = covered;
        standing.read_at = Some(newest);
        Ok(())
    }

    /// Whether the last word about this repository was that it is late.
    fn was_late(&self, repo: &Path) -> Result<bool, Failure> {
        let place = repo.display().to_string();
        let events = self
            .desk
            .ledger()
            .read_stream(&StreamId::backup_schedule())?;
        let last = events.iter().rev().find_map(|event| {
            if let Fact::BackupLate(it) = &event.fact {
                return (it.place == place).then_some(true);
            }
            let Fact::BackupCaughtUp(it) = &event.fact else {
                return None;
            };
            (it.place == place).then_some(false)
        });
        Ok(last.unwrap_or(false))
    }

    fn keys(&self) -> Keys {
        Keys::of(&KeyArgs::default(), &[], &self.config().settings().backup)
    }

    fn scheduled_cause(&self) -> Cause {
        let id = self.ids.fresh(self.now());
        Cause {
            actor: AgentId::switchboard(),
            correlation: CorrelationId(id),
            causation: None,
            command: CommandId(id),
        }
    }

    fn carry_out(
        &self,
        repo: &Path,
        work: Work,
        policy: &Policy,
        standing: &mut Standing,
    ) -> Result<(), Failure> {
        let kind = match work {
            Work::Full => Kind::Full,
            Work::Differential => Kind::Differential,
            Work::Incremental => Kind::Incremental,
            Work::Prune => return self.prune(repo, policy),
        };
        if kind != Kind::Full && self.unsaved(standing.covered)?.is_none() {
            return Ok(());
        }
        let backup = Backup {
            tags: vec![TAG.to_owned()],
            keys: self.keys(),
            ..wanted(kind, repo)?
        };
        let leaving = self.leaving();
        let taken = take_for(self, &backup, &self.scheduled_cause(), &mut |_| {
            if *leaving.borrow() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        standing.covered = standing.covered.max(taken.manifest.last_position);
        tracing::info!(
            repo = %repo.display(),
            kind = %taken.manifest.kind,
            last = taken.manifest.last_position,
            notes = taken.notes.join("; "),
            "backed up by the schedule"
        );
        Ok(())
    }

    fn prune(&self, repo: &Path, policy: &Policy) -> Result<(), Failure> {
        if policy.is_empty() {
            return Ok(());
        }
        let vault = self.keys().vault(repo)?;
        let _held = hold(repo, "prune", Arc::clone(&self.clock))?;
        let catalog = Catalog::open(vault)?;
        let now = self.now();
        let plan = prune::plan(&catalog, policy, (now, TRASH_AGE))?;
        prune::apply(&catalog, &plan, now, false)?;
        if plan.manifests.is_empty() {
            return Ok(());
        }
        let pruned = RecordSchedule::Pruned(BackupsPruned {
            place: repo.display().to_string(),
            backups: u64::try_from(plan.manifests.len()).unwrap_or(u64::MAX),
            bytes: plan.bytes(),
        });
        record_here(self, &self.scheduled_cause(), pruned)
    }

    fn told_failure(&self, repo: &Path, work: Work, failure: Failure, standing: &mut Standing) {
        let place = repo.display().to_string();
        tracing::error!(
            repo = place,
            work = %work,
            code = failure.code,
            reason = failure.message,
            "scheduled work failed"
        );
        let failing = standing.past.failed(work, self.now(), failure.message);
        let failed = RecordSchedule::Failed(BackupFailed {
            place,
            work,
            attempts: failing.attempts,
            retry_at: failing.retry_at,
            reason: failing.reason.clone(),
        });
        if let Err(failure) = record_here(self, &self.scheduled_cause(), failed) {
            tracing::error!(
                reason = failure.message,
                "that failure is not in the ledger"
            );
        }
    }

    /// When the first event behind this position was recorded that a backup is worth.
    fn unsaved(&self, covered: u64) -> Result<Unsaved, Failure> {
        let ledger = self.desk.ledger();
        let mut found = None;
        ledger.scan(
            Position(covered.saturating_add(1)),
            ledger.head().position,
            |stored| {
                if BACKUPS.contains(&stored.kind()) {
                    return ControlFlow::Continue(());
                }
                found = Some(stored.recorded_at());
                ControlFlow::Break(())
            },
        )?;
        Ok(found)
    }

    fn allowed(&self) -> Option<Duration> {
        let config = self.config();
        let settings = &config.settings().backup;
        settings.plan_of(&settings.class).map(|plan| plan.rpo.0)
    }

    /// How much is not backed up in each repository of the schedule that was looked at, and how much may be.
    pub(super) fn backup_lags(&self) -> Result<Vec<(Duration, Duration)>, Failure> {
        let Some(limit) = self.allowed() else {
            return Ok(Vec::new());
        };
        let (repos, ..) = self.schedule()?;
        let standings = repos.iter().map(|repo| self.watch.of(repo));
        let known = standings.filter(|it| it.read_at.is_some());
        known
            .map(|standing| {
                let unsaved = self.unsaved(standing.covered)?;
                let lag = unsaved.map_or(Duration::ZERO, |since| self.now().since(since));
                Ok((lag, limit))
            })
            .collect()
    }

    /// How each repository of the schedule stands, as it was looked at last: no repository is read for it.
    pub fn repositories_seen(&self) -> Result<Vec<Repository>, Failure> {
        let (repos, ..) = self.schedule()?;
        let allowed = self.allowed();
        let standings = repos.into_iter().map(|repo| (self.watch.of(&repo), repo));
        let known = standings.filter(|(standing, _)| standing.read_at.is_some());
        known
            .map(|(standing, repo)| {
                let failing = standing.past.failing.as_ref();
                Ok(Repository {
                    place: repo.display().to_string(),
                    covered: standing.covered,
                    unsaved_since: self.unsaved(standing.covered)?,
                    allowed,
                    failing_attempts: failing.map_or(0, |it| u64::from(it.attempts)),
                })
            })
            .collect()
    }

    fn tell_lateness(&self, repo: &Path, standing: &mut Standing) -> Result<(), Failure> {
        let Some(limit) = self.allowed() else {
            return Ok(());
        };
        let place = repo.display().to_string();
        let unsaved = self.unsaved(standing.covered)?;
        let late = unsaved.filter(|since| self.now().since(*since) > limit);
        let told = match (standing.late, late) {
            (false, Some(since)) => RecordSchedule::Late(BackupLate {
                place,
                covered: standing.covered,
                since,
                limit_micros: u64::try_from(limit.as_micros()).unwrap_or(u64::MAX),
            }),
            (true, None) => RecordSchedule::CaughtUp(BackupCaughtUp {
                place,
                covered: standing.covered,
            }),
            _ => return Ok(()),
        };
        record_here(self, &self.scheduled_cause(), told)?;
        standing.late = late.is_some();
        Ok(())
    }

    /// How each repository of the schedule stands, for `status` and `doctor`.
    pub fn backup_standings(&self) -> Result<Vec<Value>, Failure> {
        let (repos, times, _) = self.schedule()?;
        let now = self.now();
        let mut items = Vec::new();
        for repo in repos {
            let mut standing = self.watch.of(&repo);
            // What cannot be read is told; the rest is as it was known last.
            let unread = self.read_standing(&repo, &mut standing).err();
            standing.past.settle(now);
            let next = times.next(&standing.past, now);
            let unsaved = self.unsaved(standing.covered)?;
            let lag = unsaved.map_or(Duration::ZERO, |since| now.since(since));
            let limit = self.allowed();
            let failing = standing.past.failing.as_ref().map(|it| {
                json!({
                    "work": it.work, "since": it.since, "attempts": it.attempts,
                    "retry_at": it.retry_at, "reason": it.reason,
                })
            });
            items.push(json!({
                "repo": repo.display().to_string(),
                "running": self.daemon,
                "next": next.map(|(work, at)| json!({"work": work, "at": at})),
                "last_full": standing.past.full,
                "last_differential": standing.past.differential,
                "last_incremental": standing.past.incremental,
                "covered": standing.covered,
                "unsaved_since": unsaved,
                "lag_seconds": lag.as_secs_f64(),
                "rpo_seconds": limit.map(|it| it.as_secs_f64()),
                "late": limit.is_some_and(|limit| lag > limit),
                "failing": failing,
                "problem": unread.map(|failure| failure.message),
            }));
        }
        Ok(items)
    }
}

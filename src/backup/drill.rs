//! Drills: a disaster is rehearsed in a scratch folder, really restored, and measured. The ledger and the
//! repository are only read.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::catalog::Catalog;
use super::copying::{As, copy};
use super::error::{BackupError, Tell};
use super::lossy::Lossy;
use super::plan::Target;
use super::ports::Vault;
use super::restore::{Into, Restored, restore};
use super::trial::{Trial, look, try_out};
use super::verify::{Depth, verify};
use crate::events::facts::backup::{Kind, Scenario};
use crate::events::ledger::handle::Ledger;
use crate::events::time::Timestamp;

/// What a drill led to.
#[derive(Clone, Debug)]
pub struct Drilled {
    /// What came back.
    pub trial: Trial,
    /// When the last event that came back was recorded.
    pub recorded_at: Option<Timestamp>,
}

impl Drilled {
    /// Nothing came back.
    const fn failed(timeline: Uuid, problem: String) -> Self {
        Self {
            trial: failed(timeline, problem),
            recorded_at: None,
        }
    }
}

const fn failed(timeline: Uuid, problem: String) -> Trial {
    Trial {
        timeline,
        backup: None,
        position: None,
        problem: Some(problem),
    }
}

/// Where drills are done, and how harm comes there.
pub struct Ground<'g> {
    /// Folders are made below this one.
    pub scratch: &'g Path,
    /// By what means is restored; its target is replaced.
    pub into: &'g Into,
    /// Flips bytes of a ledger's files in a folder of the drill's own.
    pub harm: &'g dyn Fn(&Path) -> std::io::Result<()>,
    /// Makes keys that nobody had before, for a repository in a folder of the drill's own.
    pub rekeyed: &'g dyn Fn(&Path) -> Result<Rekeyed, String>,
    /// The repository at another site, if there is one.
    pub second: Option<Arc<dyn Vault>>,
}

/// A place for a repository with fresh keys.
#[derive(Debug)]
pub struct Rekeyed {
    /// With the fresh key.
    pub vault: Arc<dyn Vault>,
    /// As those find it who had the old keys, or none.
    pub strangers: Vec<Arc<dyn Vault>>,
    /// What the copy is.
    pub becomes: As,
}

impl std::fmt::Debug for Ground<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground")
            .field("scratch", &self.scratch)
            .finish_non_exhaustive()
    }
}

impl Ground<'_> {
    fn into(&self, name: &str) -> Into {
        Into {
            target: self.scratch.join(name),
            ..self.into.clone()
        }
    }
}

/// Rehearses one disaster with the newest timeline of the repository. What goes wrong is a problem, not an
/// error.
pub fn drill(
    vault: &Arc<dyn Vault>,
    scenario: Scenario,
    ground: &Ground<'_>,
    tell: &mut Tell<'_>,
) -> Result<Drilled, BackupError> {
    let vault = match (scenario, &ground.second) {
        (Scenario::SiteLoss, Some(second)) => second,
        (Scenario::SiteLoss, None) => {
            let problem = "there is no second repository".to_owned();
            return Ok(Drilled::failed(Uuid::nil(), problem));
        }
        _ => vault,
    };
    let catalog = Catalog::open(Arc::clone(vault))?;
    let timeline = catalog.known().newest_timeline();
    let timeline = timeline.ok_or_else(|| BackupError::NotFound {
        what: "backup".to_owned(),
        known: Vec::new(),
    })?;
    let mut trial = match scenario {
        Scenario::HardwareLoss => try_out(&catalog, timeline, &ground.into("new-machine"), tell)?,
        Scenario::Corruption => corruption(&catalog, timeline, ground, tell)?,
        Scenario::HumanError => human_error(&catalog, timeline, ground, tell)?,
        Scenario::LostObject => lost_object(&catalog, timeline, ground, tell)?,
        Scenario::StolenStore => stolen_store(&catalog, timeline, ground, tell)?,
        Scenario::SiteLoss => try_out(&catalog, timeline, &ground.into("other-site"), tell)?,
    };
    let mut recorded_at = None;
    if let Some(position) = trial.position {
        let plan = catalog
            .known()
            .restore(&Target::Position(position), Some(timeline))?;
        recorded_at = plan
            .pieces
            .iter()
            .find(|it| it.last >= position)
            .map(|it| it.last_at);
    } else if trial.problem.is_none() {
        trial.problem = Some("nothing came back".to_owned());
    }
    Ok(Drilled { trial, recorded_at })
}

/// A copy of the ledger is damaged; that must be noticed; then it is restored anew.
fn corruption(
    catalog: &Catalog,
    timeline: Uuid,
    ground: &Ground<'_>,
    tell: &mut Tell<'_>,
) -> Result<Trial, BackupError> {
    let into = ground.into("damaged");
    let first = try_out(catalog, timeline, &into, tell)?;
    if first.problem.is_some() {
        return Ok(first);
    }
    if let Err(error) = (ground.harm)(&into.target) {
        return Ok(Trial {
            problem: Some(format!("the copy could not be damaged: {error}")),
            ..first
        });
    }
    let whole = Ledger::examine(&into.target).is_ok_and(|found| found.ok);
    if whole {
        return Ok(Trial {
            problem: Some("the damage was not noticed".to_owned()),
            ..first
        });
    }
    try_out(catalog, timeline, &ground.into("restored"), tell)
}

/// Back to right before the newest event, as if that must not have happened.
fn human_error(
    catalog: &Catalog,
    timeline: Uuid,
    ground: &Ground<'_>,
    tell: &mut Tell<'_>,
) -> Result<Trial, BackupError> {
    let into = ground.into("before-it");
    let newest = catalog
        .manifests
        .iter()
        .filter(|it| it.kind != Kind::Label && it.timeline == timeline)
        .max_by_key(|it| it.last_position);
    let (last, at) = newest.map_or((0, Timestamp::EPOCH), |it| (it.last_position, it.last_at));
    let target = Target::Instant {
        at,
        exclusive: true,
    };
    restored_to(catalog, (timeline, &target), &into, tell, |restored| {
        let excluded = restored.first_excluded.map(|it| it.position);
        (excluded != Some(last)).then(|| "the unwanted event is still there".to_owned())
    })
}

/// The newest backup's last object is gone: that must be noticed, and all that is before must come back.
fn lost_object(
    catalog: &Catalog,
    timeline: Uuid,
    ground: &Ground<'_>,
    tell: &mut Tell<'_>,
) -> Result<Trial, BackupError> {
    let into = ground.into("what-is-left");
    let newest = catalog
        .manifests
        .iter()
        .filter(|it| it.kind != Kind::Label && it.timeline == timeline)
        .max_by_key(|it| it.last_position);
    let Some(lost) = newest.and_then(|it| it.segments.last()) else {
        return try_out(catalog, timeline, &into, tell);
    };
    let lossy: Arc<dyn Vault> = Arc::new(Lossy::without(Arc::clone(&catalog.vault), lost.object));
    let left = Catalog::open(lossy)?;
    let found = verify(&left, Depth::Quick, tell)?;
    if found.damage.is_empty() {
        return Ok(Trial {
            timeline,
            backup: None,
            position: None,
            problem: Some("the loss was not noticed".to_owned()),
        });
    }
    let target = match left.known().restore(&Target::Latest, Some(timeline)) {
        Err(BackupError::Hole { until, .. }) => Target::Position(until),
        _ => Target::Latest,
    };
    restored_to(&left, (timeline, &target), &into, tell, |_| None)
}

/// Everything is copied under keys that nobody had before; that must shut the old ones out, and bring
/// everything back.
fn stolen_store(
    catalog: &Catalog,
    timeline: Uuid,
    ground: &Ground<'_>,
    tell: &mut Tell<'_>,
) -> Result<Trial, BackupError> {
    let fresh = match (ground.rekeyed)(&ground.scratch.join("rekeyed")) {
        Ok(fresh) => fresh,
        Err(problem) => return Ok(failed(timeline, problem)),
    };
    match copy(catalog, &fresh.vault, &fresh.becomes, tell) {
        Ok(_) => {}
        Err(BackupError::BrokenOff) => return Err(BackupError::BrokenOff),
        Err(error) => return Ok(failed(timeline, error.to_string())),
    }
    for stranger in fresh.strangers {
        if Catalog::open(stranger).is_ok() {
            let problem = "the old key, or none, still opens it".to_owned();
            return Ok(failed(timeline, problem));
        }
    }
    let copied = Catalog::open(fresh.vault)?;
    try_out(&copied, timeline, &ground.into("with-new-keys"), tell)
}

fn restored_to(
    catalog: &Catalog,
    (timeline, target): (Uuid, &Target),
    into: &Into,
    tell: &mut Tell<'_>,
    more: impl FnOnce(&Restored) -> Option<String>,
) -> Result<Trial, BackupError> {
    let restored = catalog
        .known()
        .restore(target, Some(timeline))
        .and_then(|plan| restore(catalog, &plan, into, tell));
    Ok(match restored {
        Ok(restored) => Trial {
            timeline,
            backup: Some(restored.backup),
            position: Some(restored.stopped_at.position),
            problem: look(catalog, &restored, into).or_else(|| more(&restored)),
        },
        Err(BackupError::BrokenOff) => return Err(BackupError::BrokenOff),
        Err(error) => Trial {
            timeline,
            backup: None,
            position: None,
            problem: Some(error.to_string()),
        },
    })
}

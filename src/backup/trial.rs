//! Restoring for a look: the newest backup of a timeline into a scratch folder, opened, verified, and
//! compared with what was taken down when it was made.

use uuid::Uuid;

use super::catalog::Catalog;
use super::error::{BackupError, Tell};
use super::plan::Target;
use super::restore::{Into, Restored, restore};
use crate::events::facts::backup::Kind;
use crate::events::ledger::handle::Ledger;

/// How a trial went.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Trial {
    /// Which timeline.
    pub timeline: Uuid,
    /// The backup that knew the way.
    pub backup: Option<Uuid>,
    /// Where it stopped.
    pub position: Option<u64>,
    /// What is wrong, if anything is.
    pub problem: Option<String>,
}

/// Restores the newest backup of the timeline and looks at what comes out. What cannot be restored is
/// a problem, not an error.
pub fn try_out(
    catalog: &Catalog,
    timeline: Uuid,
    into: &Into,
    tell: &mut Tell<'_>,
) -> Result<Trial, BackupError> {
    let mut trial = Trial {
        timeline,
        backup: None,
        position: None,
        problem: None,
    };
    let restored = catalog
        .known()
        .restore(&Target::Latest, Some(timeline))
        .and_then(|plan| restore(catalog, &plan, into, tell));
    match restored {
        Ok(restored) => {
            trial.backup = Some(restored.backup);
            trial.position = Some(restored.stopped_at.position);
            trial.problem = look(catalog, &restored, into);
        }
        Err(BackupError::BrokenOff) => return Err(BackupError::BrokenOff),
        Err(error) => trial.problem = Some(error.to_string()),
    }
    Ok(trial)
}

/// What is wrong with a ledger that was restored, if anything is.
pub fn look(catalog: &Catalog, restored: &Restored, into: &Into) -> Option<String> {
    let opened = Ledger::open_with(
        into.options,
        std::sync::Arc::clone(&into.disk),
        &into.target,
        into.edge.clone(),
    );
    let (ledger, _) = match opened {
        Ok(opened) => opened,
        Err(error) => return Some(error.to_string()),
    };
    let verified = match ledger.verify() {
        Ok(verified) => verified,
        Err(error) => return Some(error.to_string()),
    };
    if let Some(damage) = verified.damage.first() {
        return Some(damage.clone());
    }
    if let Err(error) = ledger.close() {
        return Some(error.to_string());
    }
    // Hashes of another schema or projections cannot be compared, which is not the same as wrong.
    let taken = catalog
        .manifests
        .iter()
        .filter(|it| it.kind != Kind::Label && it.chain.0 == restored.chain)
        .find_map(|it| it.state.as_ref())?;
    let now = restored.state.as_ref()?;
    let comparable = (&taken.schema, &taken.projections) == (&now.schema, &now.projections);
    (comparable && taken.hash != now.hash).then(|| {
        format!(
            "the state is {}, and was {} when it was backed up",
            now.hash, taken.hash
        )
    })
}

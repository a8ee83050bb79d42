//! The way back: the events of a backup, filtered one by one and proven by their chain, into a new
//! ledger beside the target, which gets its name last.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::catalog::Catalog;
use super::error::{BackupError, Progress, Tell};
use super::manifest::StateHash;
use super::plan::{self, Restore, Stop};
use super::reading;
use crate::events::ids::EventId;
use crate::events::ledger::disk::Disk;
use crate::events::ledger::handle::Edge;
use crate::events::ledger::options::Options;
use crate::events::ledger::parcel::{Copied, LargeBody};
use crate::events::ledger::restoring::{Origin, Restoring, check_target};
use crate::events::time::Timestamp;
use crate::projections::canonical;
use crate::projections::states::States;
use crate::projections::view::View;

/// Where a restored ledger ends, or what is the first that it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its id.
    pub event: EventId,
}

impl Place {
    fn of(copied: &Copied<'_>) -> Self {
        Self {
            position: copied.position().0,
            recorded_at: copied.recorded_at(),
            event: copied.id(),
        }
    }

    fn to_json(self) -> Value {
        json!({
            "position": self.position,
            "recorded_at": self.recorded_at,
            "event": self.event,
        })
    }
}

/// What was restored, or would be.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Its last event.
    pub stopped_at: Place,
    /// The event behind it, if it is known.
    pub first_excluded: Option<Place>,
    /// The timeline that begins; none for a dry run.
    pub timeline: Option<Uuid>,
    /// The timeline that the last event belongs to.
    pub parent: Uuid,
    /// The backup it came out of.
    pub backup: Uuid,
    /// The chain hash at the last event.
    pub chain: [u8; 32],
    /// The state there; none when a projection cannot take an event.
    pub state: Option<StateHash>,
}

impl Restored {
    /// As `restore` prints it.
    pub fn to_json(&self, target: &Path) -> Value {
        json!({
            "record": "summary",
            "stopped_at": self.stopped_at.to_json(),
            "first_excluded": self.first_excluded.map(Place::to_json),
            "timeline": self.timeline,
            "parent": self.parent,
            "hash": self.state.as_ref().map(|state| &state.hash),
            "chain": blake3::Hash::from_bytes(self.chain).to_hex().to_string(),
            "backup": self.backup,
            "target": target.display().to_string(),
            "dry_run": self.timeline.is_none(),
        })
    }
}

/// The state hash with what it can be compared by; none when a projection stopped.
pub fn state_hash(states: &States) -> Option<StateHash> {
    states.stops().is_empty().then(|| StateHash {
        hash: states.hash().to_hex().to_string(),
        schema: canonical::SCHEMA.to_owned(),
        projections: View::ALL
            .map(|view| format!("{}@{}", view.name(), view.version()))
            .to_vec(),
    })
}

/// Where a ledger is restored to, and by what means.
#[derive(Clone, Debug)]
pub struct Into {
    /// The folder, absent or empty.
    pub target: PathBuf,
    /// Time, ids, and how much room stays free.
    pub edge: Edge,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The measures of its epochs.
    pub options: Options,
    /// The version of this binary.
    pub made_by: String,
}

/// Reads what a restore would read, proves it, and writes nothing.
pub fn rehearse(
    catalog: &Catalog,
    plan: &Restore,
    tell: &mut Tell<'_>,
) -> Result<Restored, BackupError> {
    let mut run = Run::new(catalog, plan, tell);
    run.read(&mut |_| Ok(()))?;
    run.done()
}

/// Restores. Whatever fails, the target is as it was.
pub fn restore(
    catalog: &Catalog,
    plan: &Restore,
    into: &Into,
    tell: &mut Tell<'_>,
) -> Result<Restored, BackupError> {
    check_target(&into.target)?;
    let timeline = into.edge.ids.fresh(into.edge.clock.now());
    let mut restoring = Restoring::begin(
        &into.target,
        (plan.ledger, timeline),
        into.edge.clone(),
        (Arc::clone(&into.disk), into.options),
    )?;
    match fill(catalog, plan, &mut restoring, tell) {
        Ok(restored) => {
            let origin = Origin {
                parent: restored.parent,
                backup: plan.backup,
            };
            restoring.finish(&restored.chain, origin, &into.made_by)?;
            Ok(Restored {
                timeline: Some(timeline),
                ..restored
            })
        }
        Err(error) => {
            restoring.give_up();
            Err(error)
        }
    }
}

fn fill(
    catalog: &Catalog,
    plan: &Restore,
    restoring: &mut Restoring,
    tell: &mut Tell<'_>,
) -> Result<Restored, BackupError> {
    // How much of the last segment is wanted is not known, so it counts whole.
    let wanted = plan.pieces.iter().filter(|it| match plan.stop {
        Stop::At(position) => it.first <= position,
        Stop::Before(micros) => it.first_at.micros() < micros,
        Stop::Event(_) => false,
    });
    restoring.check_room(Restoring::needs(wanted.map(|it| it.raw).sum()))?;
    let mut bodies = BTreeSet::new();
    let mut run = Run::new(catalog, plan, tell);
    run.read(&mut |copied| {
        if let Some(body) = copied.large()
            && bodies.insert(body)
        {
            let bytes = reading::body(catalog.vault.as_ref(), &body)?;
            restoring.add_body(&body, &bytes)?;
        }
        Ok(restoring.add(copied)?)
    })?;
    run.done()
}

/// One reading from the first event to the last that is wanted.
struct Run<'r, 't> {
    catalog: &'r Catalog,
    plan: &'r Restore,
    tell: &'r mut Tell<'t>,
    states: States,
    stopped_at: Option<Place>,
    first_excluded: Option<Place>,
    found: bool,
    chain: [u8; 32],
}

impl<'r, 't> Run<'r, 't> {
    fn new(catalog: &'r Catalog, plan: &'r Restore, tell: &'r mut Tell<'t>) -> Self {
        Self {
            catalog,
            plan,
            tell,
            states: States::default(),
            stopped_at: None,
            first_excluded: None,
            found: false,
            chain: [0; 32],
        }
    }

    /// Whether the event is not behind the last one.
    fn wanted(&self, copied: &Copied<'_>) -> bool {
        let wants = self
            .plan
            .stop
            .wants(copied.position().0, copied.recorded_at());
        wants.unwrap_or(!self.found)
    }

    fn read(
        &mut self,
        take: &mut dyn FnMut(&Copied<'_>) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let plan = self.plan;
        let vault = &self.catalog.vault;
        let total = match plan.stop {
            Stop::At(position) => position,
            Stop::Before(_) | Stop::Event(_) => plan.pieces.last().map_or(0, |it| it.last),
        };
        reading::parcels(vault, &plan.pieces, |unpacked| {
            for copied in unpacked.copies() {
                if !self.wanted(&copied) {
                    let last = copied.position().0.saturating_sub(1);
                    self.chain = unpacked.chain_at(last).unwrap_or(self.chain);
                    self.first_excluded = Some(Place::of(&copied));
                    return Ok(false);
                }
                take(&copied)?;
                self.fold(&copied);
                self.found = self.found || plan.stop == Stop::Event(copied.id());
                self.stopped_at = Some(Place::of(&copied));
            }
            self.chain = unpacked.after;
            let progress = Progress {
                done: unpacked.last.min(total),
                total,
            };
            if (self.tell)(progress).is_break() {
                return Err(BackupError::BrokenOff);
            }
            Ok(true)
        })
    }

    fn fold(&mut self, copied: &Copied<'_>) {
        let place = (copied.position(), copied.recorded_at());
        let vault = &self.catalog.vault;
        let bodies = |body: &LargeBody| {
            reading::body(vault.as_ref(), body).map_err(|error| error.to_string())
        };
        self.states
            .take(place, copied.kind(), || copied.fact(&bodies));
    }

    fn done(self) -> Result<Restored, BackupError> {
        let asked = match self.plan.stop {
            Stop::At(position) => plan::Target::Position(position).to_string(),
            Stop::Before(micros) => format!("instant {}", Timestamp::from_micros(micros)),
            Stop::Event(event) => plan::Target::Event(event).to_string(),
        };
        let missing = |what: String| BackupError::NotFound {
            what,
            known: Vec::new(),
        };
        let stopped_at = self.stopped_at.ok_or_else(|| missing(asked.clone()))?;
        let short = match self.plan.stop {
            Stop::At(position) => stopped_at.position != position,
            Stop::Before(_) => false,
            Stop::Event(_) => !self.found,
        };
        if short {
            return Err(missing(asked));
        }
        Ok(Restored {
            stopped_at,
            first_excluded: self.first_excluded,
            timeline: None,
            parent: self.plan.timeline_of(stopped_at.position),
            backup: self.plan.backup,
            chain: self.chain,
            state: state_hash(&self.states),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_state_has_a_hash_that_can_be_compared() {
        let state = state_hash(&States::default()).unwrap();
        assert_eq!(state.schema, canonical::SCHEMA);
        assert_eq!(state.projections.len(), View::ALL.len());
    }
}

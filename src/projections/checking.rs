//! Comparing what is kept with a fold from the first event.

use serde::Serialize;

use super::host::Projections;
use super::saved::Loaded;
use super::snapshots;
use super::states::States;
use super::view::{View, Views};
use crate::events::ids::Position;
use crate::events::ledger::handle::{Ledger, ReadError};

/// What comparing with a fold from zero found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether everything is as the events say.
    pub ok: bool,
    /// Up to which event it was compared.
    pub position: Position,
    /// The first projection that differs.
    pub projection: Option<String>,
    /// In words.
    pub detail: Option<String>,
}

impl Checked {
    fn differs(name: &str, position: Position, detail: String) -> Self {
        Self {
            ok: false,
            position,
            projection: Some(name.to_owned()),
            detail: Some(detail),
        }
    }
}

/// A checkpoint that cannot be read, and why.
type Damaged = (View, String);

/// Something kept, of one position.
enum Kept {
    Checkpoint(View, Box<States>),
    Snapshot(Box<States>),
}

impl Kept {
    const fn views(&self) -> Views {
        match self {
            Self::Checkpoint(view, _) => Views::NONE.with(*view),
            Self::Snapshot(_) => Views::HASHED,
        }
    }

    const fn states(&self) -> &States {
        match self {
            Self::Checkpoint(_, states) | Self::Snapshot(states) => states,
        }
    }

    const fn what(&self) -> &'static str {
        match self {
            Self::Checkpoint(..) => "checkpoint",
            Self::Snapshot(_) => "snapshot",
        }
    }
}

impl Projections {
    /// Folds every event from zero and compares: what was saved at its own position, then what is
    /// live. A projection that is stopped is not what the events say.
    pub fn check(&self, ledger: &Ledger) -> Result<Checked, ReadError> {
        self.catch_up(ledger)?;
        let _turn = self.turn();
        let position = self.catch_up_in_turn(ledger)?;
        if let Some(stop) = self.states().stops().first() {
            let detail = format!("stopped before {}: {}", stop.position, stop.reason);
            return Ok(Checked::differs(stop.view.name(), position, detail));
        }
        let mut kept = match self.kept(ledger)? {
            Ok(kept) => kept,
            Err((view, reason)) => {
                let detail = format!("its checkpoint: {reason}");
                return Ok(Checked::differs(view.name(), position, detail));
            }
        };
        kept.sort_by_key(|(at, _)| *at);
        let mut fresh = States::default();
        for (at, kept) in kept {
            fresh.advance_to(ledger, at)?;
            let wrong = fresh.differences(kept.states()).and(kept.views());
            if let Some(view) = wrong.iter().next() {
                let detail = format!("its {} at {at} is not what the events say", kept.what());
                return Ok(Checked::differs(view.name(), position, detail));
            }
        }
        fresh.advance_to(ledger, position)?;
        let wrong = fresh.differences(&self.states());
        Ok(match wrong.iter().next() {
            Some(view) => Checked::differs(
                view.name(),
                position,
                "the live state is not what the events say".to_owned(),
            ),
            None => Checked {
                ok: true,
                position,
                projection: None,
                detail: None,
            },
        })
    }

    /// Everything that is kept, or the first checkpoint that is damaged. A snapshot that is damaged is
    /// as good as none.
    fn kept(&self, ledger: &Ledger) -> Result<Result<Vec<(Position, Kept)>, Damaged>, ReadError> {
        let loading = self.loading(ledger);
        let mut kept = Vec::new();
        for view in View::ALL {
            let mut states = States::only(Views::NONE);
            match loading.load(view, &mut states)? {
                Loaded::Damaged(reason) => return Ok(Err((view, reason))),
                Loaded::Current { position, .. } => {
                    kept.push((position, Kept::Checkpoint(view, Box::new(states))));
                }
                Loaded::Nothing | Loaded::Older { .. } => {}
            }
        }
        for place in snapshots::places(loading) {
            if let Some(states) = snapshots::read(loading, place)? {
                kept.push((place, Kept::Snapshot(Box::new(states))));
            }
        }
        Ok(Ok(kept))
    }
}

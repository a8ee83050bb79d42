//! Projections as they were saved: read back, compared, brought up to date.

use super::agents::Agents;
use super::checkpoints::{Checkpoints, Restored, name_of, unseal};
use super::fold::Fold;
use super::host::{Found, PROJECTIONS};
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::states::{BATCH, States};
use super::timeline::Timeline;
use super::traffic::Traffic;
use crate::events::ids::Position;
use crate::events::ledger::handle::{Ledger, ReadError};

/// One projection's checkpoint, or what is wrong with it.
pub(super) enum SavedFold {
    Agents(Restored<Agents>),
    Outbox(Restored<Outbox>),
    Inbox(Restored<Inbox>),
    Traffic(Restored<Traffic>),
    Timeline(Restored<Timeline>),
    Damaged { name: &'static str, reason: String },
}

impl SavedFold {
    pub(super) const fn position(&self) -> Position {
        match self {
            Self::Agents(it) => it.position,
            Self::Outbox(it) => it.position,
            Self::Inbox(it) => it.position,
            Self::Traffic(it) => it.position,
            Self::Timeline(it) => it.position,
            Self::Damaged { .. } => Position::START,
        }
    }

    pub(super) fn differs(&self, fresh: &States) -> Option<&'static str> {
        let (name, same) = match self {
            Self::Agents(it) => (Agents::NAME, it.fold == fresh.agents),
            Self::Outbox(it) => (Outbox::NAME, it.fold == fresh.outbox),
            Self::Inbox(it) => (Inbox::NAME, it.fold == fresh.inbox),
            Self::Traffic(it) => (Traffic::NAME, it.fold == fresh.traffic),
            Self::Timeline(it) => (Timeline::NAME, it.fold == fresh.timeline),
            Self::Damaged { name, .. } => (*name, false),
        };
        (!same).then_some(name)
    }
}

/// The first projection in which the two differ.
pub(super) fn first_difference(a: &States, b: &States) -> Option<&'static str> {
    let same = [
        a.agents == b.agents,
        a.outbox == b.outbox,
        a.inbox == b.inbox,
        a.traffic == b.traffic,
        a.timeline == b.timeline,
    ];
    let names = PROJECTIONS.iter().map(|(name, _)| *name);
    names
        .zip(same)
        .find(|(_, same)| !same)
        .map(|(name, _)| name)
}

/// Reads checkpoints, and says what was wrong with those it could not use.
pub(super) struct Loading<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) checkpoints: &'a dyn Checkpoints,
    pub(super) found: &'a mut Found,
}

impl Loading<'_> {
    /// A projection from its checkpoint, or from nothing with a note of what was wrong with it.
    pub(super) fn one<F: Fold>(&mut self) -> Result<Restored<F>, ReadError> {
        let nothing = Restored {
            fold: F::default(),
            position: Position::START,
            chain: [0; 32],
        };
        let loaded = self.checkpoints.load(&name_of::<F>());
        let unsealed = match loaded {
            Ok(None) => return Ok(nothing),
            Ok(Some(bytes)) => unseal::<F>(&bytes),
            Err(error) => Err(error.to_string()),
        };
        let reason = match unsealed {
            Err(reason) => reason,
            Ok(restored) if restored.position > self.ledger.head().position => {
                format!(
                    "it is of position {}, which the ledger does not have",
                    restored.position
                )
            }
            Ok(restored) => {
                if self.ledger.chain_at(restored.position)? == Some(restored.chain) {
                    self.found.saved.insert(F::NAME, restored.position);
                    return Ok(restored);
                }
                "it belongs to another ledger".to_owned()
            }
        };
        self.found.notes.insert(F::NAME, reason);
        Ok(nothing)
    }
}

/// The projection folded on from its checkpoint up to a position.
pub(super) fn brought_to<F: Fold>(
    to: Position,
    from: Restored<F>,
    ledger: &Ledger,
) -> Result<F, ReadError> {
    let mut fold = from.fold;
    let mut position = from.position;
    while position < to {
        let events = ledger.read(position.next(), BATCH)?;
        let before = position;
        for event in events.iter().take_while(|event| event.position <= to) {
            fold.apply(event);
            position = event.position;
        }
        if position == before {
            break;
        }
    }
    Ok(fold)
}

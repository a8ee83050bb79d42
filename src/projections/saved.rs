//! Projections as they were saved: read back, and put where they are folded on.

use super::agents::Agents;
use super::alerts::Alerts;
use super::checkpoints::{Checkpoints, Restored, unseal_as};
use super::conduct::Conduct;
use super::fold::Fold;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::states::States;
use super::timeline::Timeline;
use super::timing::Timing;
use super::traffic::Traffic;
use super::view::View;
use crate::events::ids::Position;
use crate::events::ledger::handle::{Ledger, ReadError};

/// What was found of one projection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loaded {
    /// Nothing was saved.
    Nothing,
    /// Something was, and cannot be used.
    Damaged(String),
    /// What this version saved.
    Current { position: Position, bytes: usize },
    /// What an older version of the same shape saved.
    Older { position: Position, version: u32 },
}

/// Reads checkpoints of one ledger.
#[derive(Clone, Copy)]
pub(super) struct Loading<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) checkpoints: &'a dyn Checkpoints,
}

impl Loading<'_> {
    /// Puts a projection's checkpoint into the states, if there is one that can be used.
    pub(super) fn load(self, view: View, states: &mut States) -> Result<Loaded, ReadError> {
        let loaded = match view {
            View::Agents => self.any::<Agents>(&mut states.agents),
            View::Outbox => self.any::<Outbox>(&mut states.outbox),
            View::Inbox => self.any::<Inbox>(&mut states.inbox),
            View::Traffic => self.any::<Traffic>(&mut states.traffic),
            View::Timeline => self.any::<Timeline>(&mut states.timeline),
            View::Conduct => self.any::<Conduct>(&mut states.conduct),
            View::Alerts => self.any::<Alerts>(&mut states.alerts),
            View::Timing => self.any::<Timing>(&mut states.timing),
        }?;
        if let Loaded::Current { position, .. } | Loaded::Older { position, .. } = loaded {
            states.stands_at(view, position);
        }
        Ok(loaded)
    }

    fn any<F: Fold>(self, into: &mut F) -> Result<Loaded, ReadError> {
        let found = self.one(F::VERSION, into)?;
        if !matches!(found, Loaded::Nothing) {
            return Ok(found);
        }
        for version in (F::READS_SINCE..F::VERSION).rev() {
            if let Loaded::Current { position, .. } = self.one(version, into)? {
                return Ok(Loaded::Older { position, version });
            }
        }
        Ok(Loaded::Nothing)
    }

    fn one<F: Fold>(self, version: u32, into: &mut F) -> Result<Loaded, ReadError> {
        let bytes = match self.checkpoints.load(&format!("{}@{version}", F::NAME)) {
            Ok(None) => return Ok(Loaded::Nothing),
            Ok(Some(bytes)) => bytes,
            Err(error) => return Ok(Loaded::Damaged(error.to_string())),
        };
        Ok(match self.unsealed((F::NAME, version), &bytes)? {
            Ok(restored) => {
                *into = restored.fold;
                Loaded::Current {
                    position: restored.position,
                    bytes: bytes.len(),
                }
            }
            Err(reason) => Loaded::Damaged(reason),
        })
    }

    /// The state behind the bytes, if they are whole and of this ledger; else what is wrong.
    pub(super) fn unsealed<S: serde::de::DeserializeOwned>(
        self,
        name: (&str, u32),
        bytes: &[u8],
    ) -> Result<Result<Restored<S>, String>, ReadError> {
        let restored = match unseal_as::<S>(name, bytes) {
            Ok(restored) => restored,
            Err(reason) => return Ok(Err(reason)),
        };
        if restored.position > self.ledger.head().position {
            return Ok(Err(format!(
                "it is of position {}, which the ledger does not have",
                restored.position
            )));
        }
        let chain = self.ledger.chain_at(restored.position)?;
        Ok(if chain == Some(restored.chain) {
            Ok(restored)
        } else {
            Err("it belongs to another ledger".to_owned())
        })
    }
}

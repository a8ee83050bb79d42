//! Looking for what the writer must know in epochs that are full. The asker does it, before its
//! commit is queued: full epochs do not change, so the writer only looks at those that came since.

use std::sync::Arc;

use uuid::Uuid;

use super::append::Appended;
use super::epochs::Epochs;
use super::handle::ReadError;
use super::index::StreamHead;
use super::live::Live;
use super::prepare::Ready;
use super::record::Hash;
use super::shared::Shared;

/// What earlier epochs know of a commit's command and streams.
#[derive(Debug)]
pub(super) struct Looked {
    /// All epochs up to this position were looked at; they were full.
    up_to: u64,
    command: Option<(Appended, Hash)>,
    /// One for each part.
    heads: Vec<Option<StreamHead>>,
}

impl Shared {
    /// Looks in all epochs but the one that grows, so that the writer need not.
    pub(super) fn look_back(&self, ready: &mut Ready) {
        let epochs = self.epochs();
        let up_to = epochs.active.first().saturating_sub(1);
        if up_to == 0 {
            return;
        }
        let heads = ready.parts.iter().map(|part| {
            let stream = part.stream.as_str();
            // What the epoch that grows knows is newer, and the writer sees it.
            if epochs.active.stream_head(stream).is_some() {
                return Ok(None);
            }
            self.head_in(&epochs, (0, up_to), stream)
        });
        let heads: Result<Vec<_>, ReadError> = heads.collect();
        // What cannot be read is met again by the writer, who says so.
        if let Ok(heads) = heads
            && let Ok(command) = self.command_in(&epochs, (0, up_to), ready.cause.command.0)
        {
            ready.looked = Some(Looked {
                up_to,
                command,
                heads,
            });
        }
    }

    /// A stream's head as the writer sees it.
    pub(super) fn known_head(
        &self,
        epochs: &Epochs,
        (ready, number): (&Ready, usize),
        stream: &str,
    ) -> Result<Option<StreamHead>, ReadError> {
        let looked = still(epochs, ready);
        let from = looked.map_or(0, |looked| looked.up_to);
        let found = self.head_in(epochs, (from, u64::MAX), stream)?;
        Ok(found.or_else(|| looked?.heads.get(number).copied().flatten()))
    }

    /// The commit of a command as the writer sees it.
    pub(super) fn known_command(
        &self,
        epochs: &Epochs,
        ready: &Ready,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        let looked = still(epochs, ready);
        let from = looked.map_or(0, |looked| looked.up_to);
        let found = self.command_in(epochs, (from, u64::MAX), ready.cause.command.0)?;
        Ok(found.or_else(|| looked?.command))
    }

    /// A stream's head in the epochs that begin after one position and not after another.
    fn head_in(
        &self,
        epochs: &Epochs,
        (after, up_to): (u64, u64),
        stream: &str,
    ) -> Result<Option<StreamHead>, ReadError> {
        let found = live_in(epochs, (after, up_to)).find_map(|live| live.stream_head(stream));
        match found {
            None if after == 0 => self.past_head(epochs, stream),
            found => Ok(found),
        }
    }

    /// The commit of a command in the epochs that begin after one position and not after another.
    fn command_in(
        &self,
        epochs: &Epochs,
        (after, up_to): (u64, u64),
        command: Uuid,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        for live in live_in(epochs, (after, up_to)) {
            if let Some(found) = live.find_command(command)? {
                return Ok(Some(found));
            }
        }
        if after == 0 {
            self.past_command(epochs, command)
        } else {
            Ok(None)
        }
    }
}

/// Live epochs, newest first, that begin after one position and not after another.
fn live_in(epochs: &Epochs, (after, up_to): (u64, u64)) -> impl Iterator<Item = &Arc<Live>> {
    let within = move |live: &&Arc<Live>| (after.saturating_add(1)..=up_to).contains(&live.first());
    epochs.live().filter(within)
}

/// What was looked up, if no epoch began and was closed since.
fn still<'a>(epochs: &Epochs, ready: &'a Ready) -> Option<&'a Looked> {
    let looked = ready.looked.as_ref()?;
    (looked.up_to.saturating_add(1) >= epochs.live_from()).then_some(looked)
}

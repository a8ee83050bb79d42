//! Looking for what the writer must know in epochs that are closed. The asker does it, before its
//! commit is queued: past epochs do not change, so the writer only looks at those that came since.

use super::append::Appended;
use super::handle::ReadError;
use super::index::StreamHead;
use super::prepare::{Ready, ReadyPart};
use super::record::Hash;
use super::shared::Shared;

/// What past epochs know of a commit's command and streams.
#[derive(Debug)]
pub(super) struct Looked {
    /// All epochs up to this position were looked at.
    up_to: u64,
    command: Option<(Appended, Hash)>,
    /// One for each part.
    heads: Vec<Option<StreamHead>>,
}

impl Shared {
    /// Looks in past epochs, so that the writer need not.
    pub(super) fn look_back(&self, ready: &mut Ready) {
        let epochs = self.epochs();
        let Some(last) = epochs.past.last() else {
            return;
        };
        let heads = ready.parts.iter().map(|part| {
            let stream = part.stream.as_str();
            // What a live epoch knows is newer, and the writer sees it.
            if epochs.live().any(|live| live.stream_head(stream).is_some()) {
                return Ok(None);
            }
            self.past_head(&epochs, stream)
        });
        let heads: Result<Vec<_>, ReadError> = heads.collect();
        // What cannot be read is met again by the writer, who says so.
        if let Ok(heads) = heads
            && let Ok(command) = self.past_command(&epochs, ready.cause.command.0)
        {
            ready.looked = Some(Looked {
                up_to: last.last(),
                command,
                heads,
            });
        }
    }

    /// What was looked up, if no epoch was closed since.
    fn still<'a>(&self, ready: &'a Ready) -> Option<&'a Looked> {
        let live_from = self.epochs().live_from();
        let looked = ready.looked.as_ref()?;
        (looked.up_to.saturating_add(1) >= live_from).then_some(looked)
    }

    /// A stream's head as the writer sees it.
    pub(super) fn known_head(
        &self,
        ready: &Ready,
        number: usize,
        part: &ReadyPart,
    ) -> Result<Option<StreamHead>, ReadError> {
        let stream = part.stream.as_str();
        let epochs = self.epochs();
        if let Some(head) = epochs.live().find_map(|live| live.stream_head(stream)) {
            return Ok(Some(head));
        }
        match self.still(ready) {
            Some(looked) => Ok(looked.heads.get(number).copied().flatten()),
            None => self.past_head(&epochs, stream),
        }
    }

    /// The commit of a command as the writer sees it.
    pub(super) fn known_command(
        &self,
        ready: &Ready,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        let command = ready.cause.command.0;
        let epochs = self.epochs();
        for live in epochs.live() {
            if let Some(found) = live.find_command(command)? {
                return Ok(Some(found));
            }
        }
        match self.still(ready) {
            Some(looked) => Ok(looked.command),
            None => self.past_command(&epochs, command),
        }
    }
}

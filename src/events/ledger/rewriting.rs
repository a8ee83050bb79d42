//! One journal of a restored ledger: frames as the writer would make them, written in large pieces and
//! read once more when it is complete.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, is_full};
use super::frame::Draft;
use super::journal::{Found, HEADER, Heading, Journal, Walk, WriteFailure};
use super::layout::Layout;
use super::record::Hash;
use super::restoring::RestoreError;

/// Frames that are written and synced together.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A step that the system refused.
pub(super) fn io(step: &'static str) -> impl FnOnce(io::Error) -> RestoreError {
    move |source| {
        if is_full(&source) {
            let detail = format!("{step}: {source}");
            return RestoreError::NoSpace { detail };
        }
        RestoreError::Io { step, source }
    }
}

/// The journal being written.
#[derive(Debug)]
pub(super) struct Epoch {
    journal: Journal,
    reserved: u64,
    pub(super) events: u64,
    pub(super) offset: u64,
    synced: u64,
    pub(super) draft: Draft,
    /// Where in the journal the draft's frames begin.
    begin: u64,
}

impl Epoch {
    pub(super) fn begin(
        layout: &Layout,
        heading: Heading,
        disk: &Arc<dyn Disk>,
    ) -> Result<Self, RestoreError> {
        disk.step("making a journal")
            .map_err(io("making a journal"))?;
        let path = layout.journal(heading.first);
        let journal = Journal::create(&path, heading, Arc::clone(disk));
        Ok(Self {
            journal: journal.map_err(io("making a journal"))?,
            reserved: HEADER,
            events: 0,
            offset: HEADER,
            synced: heading.first.saturating_sub(1),
            draft: Draft::new(heading.first, heading.before),
            begin: HEADER,
        })
    }

    /// Closes the frame and begins the next.
    pub(super) fn seal(&mut self) -> Result<(), RestoreError> {
        if self.draft.is_empty() {
            return Ok(());
        }
        let frame = self.draft.seal(self.offset, self.synced, &self.journal.key);
        self.offset = frame.end();
        if self.draft.sealed().len() >= BATCH_BYTES {
            self.write()?;
        }
        Ok(())
    }

    pub(super) fn write(&mut self) -> Result<(), RestoreError> {
        let frames = self.draft.sealed();
        match self.journal.append(frames, self.begin, self.reserved) {
            Ok(reserved) => self.reserved = reserved,
            Err(WriteFailure::Full(detail)) => return Err(RestoreError::NoSpace { detail }),
            Err(WriteFailure::Broken(reason)) => {
                return Err(io("writing the journal")(io::Error::other(reason)));
            }
        }
        self.synced = self.draft.first().saturating_sub(1);
        self.begin = self.offset;
        self.draft.drop_sealed();
        Ok(())
    }

    /// Reads all of it from the file: every checksum, every frame behind the other.
    pub(super) fn reread(&self, chain: &Hash) -> Result<(), RestoreError> {
        let reading = || io("reading what was written");
        let mut walk = Walk::new(&self.journal.file, self.journal.key, HEADER).map_err(reading())?;
        let mut reached = self.journal.heading.before;
        let mut next = self.journal.heading.first;
        loop {
            match walk.next().map_err(reading())? {
                Some(Found::Frame(frame)) if frame.before == reached && frame.first == next => {
                    reached = frame.after;
                    next = frame.last().saturating_add(1);
                }
                Some(Found::End) | None => break,
                Some(Found::Frame(_) | Found::Gap { .. }) => {
                    let text = format!("the journal from position {next} on");
                    return Err(RestoreError::Differs(text));
                }
            }
        }
        if reached == *chain {
            Ok(())
        } else {
            let text = format!("the journal ends before position {next}");
            Err(RestoreError::Differs(text))
        }
    }
}

//! One journal of a restored ledger: frames as the writer would make them, written in large pieces and
//! read once more when it is complete.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::disk::{Disk, is_full};
use super::frame::Draft;
use super::journal::{Found, HEADER, Heading, Journal, Walk};
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
    pub(super) events: u64,
    pub(super) offset: u64,
    disk: Arc<dyn Disk>,
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
            events: 0,
            offset: HEADER,
            disk: Arc::clone(disk),
            draft: Draft::new(heading.first, heading.before),
            begin: HEADER,
        })
    }

    /// Closes the frame and begins the next.
    pub(super) fn seal(&mut self) -> Result<(), RestoreError> {
        if self.draft.is_empty() {
            return Ok(());
        }
        // The store gets its name after all of it was synced: whoever reads this frame may rely on what
        // stands before it.
        let before = self.draft.first().saturating_sub(1);
        let frame = self.draft.seal(self.offset, before, &self.journal.key);
        self.offset = frame.end();
        if self.draft.sealed().len() >= BATCH_BYTES {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the frames that wait; they are durable after [`Self::sync`].
    fn write(&mut self) -> Result<(), RestoreError> {
        self.disk
            .write(&self.journal.file, self.draft.sealed(), self.begin)
            .map_err(io("writing the journal"))?;
        self.begin = self.offset;
        self.draft.drop_sealed();
        Ok(())
    }

    /// Writes what waits, and returns once all of it is on the device.
    fn sync(&mut self) -> Result<(), RestoreError> {
        self.write()?;
        self.disk
            .sync(&self.journal.file)
            .map_err(io("syncing the journal"))
    }

    /// Completes it: everything is on the device, and reads as it was written, up to this chain hash.
    pub(super) fn end(&mut self, chain: &Hash) -> Result<(), RestoreError> {
        self.seal()?;
        self.sync()?;
        self.reread(chain)
    }

    /// Reads all of it from the file: every checksum, every frame behind the other.
    fn reread(&self, chain: &Hash) -> Result<(), RestoreError> {
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

/// A full epoch that is completed while the next one is filled: the device has time of its own. One at
/// a time, so that memory and what is not yet durable stay small.
#[derive(Debug, Default)]
pub(super) struct Ending(Option<JoinHandle<Result<(), RestoreError>>>);

impl Ending {
    /// Begins with this epoch, once the one before is complete. `chain` is the chain hash at its end.
    pub(super) fn begin(&mut self, mut epoch: Epoch, chain: Hash) -> Result<(), RestoreError> {
        self.wait()?;
        let thread = std::thread::Builder::new().name("restore-sync".to_owned());
        let ending = thread.spawn(move || epoch.end(&chain));
        self.0 = Some(ending.map_err(io("starting a thread"))?);
        Ok(())
    }

    /// Returns once nothing is under way.
    pub(super) fn wait(&mut self) -> Result<(), RestoreError> {
        match self.0.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_panic)) => {
                let text = "reading an epoch again broke off";
                Err(RestoreError::Differs(text.to_owned()))
            }
        }
    }
}

//! The threads of an open ledger and their end.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::append::{AppendError, Appended};
use super::handle::{OpenError, Opening, ReadError};
use super::layout::{FIRST_EPOCH, Lock};
use super::opening::Opened;
use super::prepare::Ready;
use super::reading::{Shared, corrupt};
use super::witness::Witness;
use super::writer::{self, Request};
use super::{keeper, kept};

/// The threads of an open ledger; stops them when the last handle goes.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
    requests: Sender<Request>,
    /// None once it is closed.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    writer: JoinHandle<()>,
    keeper: JoinHandle<Witness>,
    lock: Lock,
}

impl Owner {
    pub(super) fn start(opened: Opened) -> Result<(Self, Opening), OpenError> {
        let Opened {
            shared,
            witness,
            lock,
            reserved,
            opening,
        } = opened;
        let shared = Arc::new(shared);
        let (requests, waiting) = mpsc::channel();
        let starting = || shared.layout.io("starting the ledger's threads");
        let keeper = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("ledger-sled".to_owned())
                .spawn(move || keeper::run(&shared, witness))
        }
        .map_err(starting())?;
        let writer = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("ledger-writer".to_owned())
                .spawn(move || writer::run(&shared, &waiting, reserved))
        }
        .map_err(starting())?;
        let running = Running {
            writer,
            keeper,
            lock,
        };
        let owner = Self {
            shared,
            requests,
            running: Mutex::new(Some(running)),
        };
        Ok((owner, opening))
    }

    /// Hands a commit to the writer and waits for its answer.
    pub(super) fn ask(&self, ready: Ready) -> Result<Appended, AppendError> {
        let (reply, answer) = mpsc::sync_channel(1);
        let request = Request::Append(Box::new(ready), reply);
        let asked = self.requests.send(request).ok();
        match (
            asked.and_then(|()| answer.recv().ok()),
            self.shared.poisoned(),
        ) {
            (Some(result), _) => result,
            (None, Some(reason)) => Err(AppendError::Poisoned { reason }),
            (None, None) => Err(AppendError::Closed),
        }
    }

    /// Stops the threads, syncs sled, says the witness's last words and lets the lock go.
    pub(super) fn stop(&self) -> Result<(), ReadError> {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else {
            return Ok(());
        };
        // A writer that is gone already needs no word.
        drop(self.requests.send(Request::Stop));
        let wrote = running.writer.join();
        self.shared.tail.close();
        let witness = running.keeper.join();
        let sled = self
            .shared
            .sled
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        kept::shut(sled);
        let (Ok(()), Ok(mut witness)) = (wrote, witness) else {
            return Err(corrupt(0, "a thread of the ledger panicked"));
        };
        if self.shared.poisoned().is_none() {
            // Without these last words the next opening writes sled's copy anew.
            let end = self.shared.index().end;
            let folder = self.shared.layout.sled(FIRST_EPOCH);
            kept::seal(&folder)
                .and_then(|files| witness.say(end.position, end.chain, Some(files)))
                .map_err(|source| ReadError::Io {
                    step: "closing the ledger",
                    source,
                })?;
        }
        drop(running.lock);
        Ok(())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Best effort: an unclean stop costs the next opening a rebuild of sled's copy.
        drop(self.stop());
    }
}

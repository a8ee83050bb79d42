//! The threads of an open ledger and their end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::append::{AppendError, Appended};
use super::handle::{OpenError, Opening, ReadError};
use super::layout::Lock;
use super::live::Live;
use super::opening::Opened;
use super::prepare::Ready;
use super::reading::corrupt;
use super::shared::Shared;
use super::writer::{self, Held, Request};
use super::{closing, keeper, kept};

/// The threads of an open ledger; stops them when the last handle goes.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
    requests: Sender<Request>,
    pen: Arc<Held>,
    /// How many have asked and were not answered.
    asking: AtomicUsize,
    /// None once it is closed.
    running: Mutex<Option<Running>>,
}

type Run = Box<dyn FnOnce(&Arc<Shared>) + Send>;

#[derive(Debug)]
struct Running {
    writer: JoinHandle<()>,
    keeper: JoinHandle<()>,
    closer: JoinHandle<()>,
    lock: Lock,
}

impl Owner {
    pub(super) fn start(opened: Opened) -> Result<(Self, Opening), OpenError> {
        let Opened {
            shared,
            pen,
            lock,
            opening,
        } = opened;
        let shared = Arc::new(shared);
        let (requests, waiting) = mpsc::channel();
        let start = |name: &str, run: Run| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || run(&shared))
        };
        let starting = || shared.layout.io("starting the ledger's threads");
        let notes = requests.clone();
        let pen = Arc::new(Mutex::new(Some(pen)));
        let held = Arc::clone(&pen);
        let running = Running {
            keeper: start(
                "ledger-sled",
                Box::new(move |shared| keeper::run(shared, &notes)),
            )
            .map_err(starting())?,
            closer: start("ledger-closing", Box::new(|shared| closing::run(shared)))
                .map_err(starting())?,
            writer: start(
                "ledger-writer",
                Box::new(move |shared| writer::run(shared, &waiting, &held)),
            )
            .map_err(starting())?,
            lock,
        };
        let owner = Self {
            shared,
            requests,
            pen,
            asking: AtomicUsize::new(0),
            running: Mutex::new(Some(running)),
        };
        Ok((owner, opening))
    }

    /// Writes a commit, or hands it to the writer's thread where others write too.
    pub(super) fn ask(&self, ready: Ready) -> Result<Appended, AppendError> {
        let others = self.asking.fetch_add(1, Ordering::Relaxed);
        let alone = if others == 0 {
            writer::alone(&self.shared, &self.pen, &ready)
        } else {
            None
        };
        let answer = alone.map_or_else(|| self.hand_over(ready), Some);
        self.asking.fetch_sub(1, Ordering::Relaxed);
        match (answer, self.shared.poisoned()) {
            (Some(result), _) => result,
            (None, Some(reason)) => Err(AppendError::Poisoned { reason }),
            (None, None) => Err(AppendError::Closed),
        }
    }

    fn hand_over(&self, ready: Ready) -> Option<Result<Appended, AppendError>> {
        let (reply, answer) = mpsc::sync_channel(1);
        let request = Request::Append(Box::new(ready), reply);
        self.requests.send(request).ok()?;
        answer.recv().ok()
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
        self.shared.closing.stop();
        self.shared.lag.close();
        let fed = running.keeper.join();
        let closed = running.closer.join();
        let epochs = self.shared.epochs();
        for live in &epochs.full {
            kept::shut(live.take_kept());
        }
        let kept = epochs.active.take_kept();
        let was_open = kept.is_some();
        kept::shut(kept);
        let (Ok(()), Ok(()), Ok(())) = (wrote, fed, closed) else {
            return Err(corrupt(0, "a thread of the ledger panicked"));
        };
        if self.shared.poisoned().is_none() {
            // Without these last words the next opening writes sled's copy anew.
            last_words(&self.shared, &epochs.active, was_open).map_err(|source| ReadError::Io {
                step: "closing the ledger",
                source,
            })?;
        }
        drop(running.lock);
        Ok(())
    }
}

/// How far the journal reaches, and what sled's files are now. Files that were not opened are what
/// they were, and a ledger that was only looked at is left as it is.
fn last_words(shared: &Shared, live: &Live, was_open: bool) -> std::io::Result<()> {
    let end = live.index().end;
    let folder = shared.layout.sled(live.first());
    let files = if was_open {
        Some(kept::seal(&folder)?)
    } else if live
        .witness
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_some()
    {
        // sled was opened and failed: nobody knows what is there.
        None
    } else {
        match live.said {
            Some(said) if said.position == end.position => return Ok(()),
            Some(said) => said.files,
            None if folder.exists() => None,
            None => Some(kept::files_hash(&folder)?),
        }
    };
    let witness = shared.layout.witness(live.first());
    live.say(&witness, (end.position, end.chain), files)
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Best effort: an unclean stop costs the next opening a rebuild of sled's copy.
        drop(self.stop());
    }
}

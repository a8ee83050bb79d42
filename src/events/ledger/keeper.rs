//! The thread that feeds sled: what the journal has, sled gets, in small steps with a barrier after
//! each. It also compares what sled has when the ledger was opened, and writes it anew when it is
//! not what it was; nobody waits for that, since the journal has everything.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::bytes::{len64, size};
use super::disk::is_full;
use super::frame::Frame;
use super::index::FrameAt;
use super::kept::{self, Kept, KeptError, STEP, parts};
use super::lag::{LEFT, Lag};
use super::layout;
use super::live::Live;
use super::prepare::prepare;
use super::shared::Shared;
use super::writer::{Request, own_note};
use crate::events::facts::ledger::LedgerRebuilt;

/// After sled failed it is tried again after this, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Runs until the ledger closes. Damage that was mended is told to the writer, as an event.
pub(super) fn run(shared: &Shared, writer: &Sender<Request>) {
    let _end = End(&shared.lag);
    let live = Arc::clone(&shared.epochs().active);
    let opened_at = live.index().end.offset;
    let must = || shared.epochs().active.index().end.offset / LEFT != opened_at / LEFT;
    if !shared.lag.wait_to_begin(must) {
        return;
    }
    let mut keeper = Keeper {
        shared,
        writer,
        live,
        tried: false,
        calm: 0,
    };
    let mut pause = FIRST_PAUSE;
    while let Err(e) = keeper.feed() {
        if keeper.goes_on() {
            continue;
        }
        kept::shut(keeper.live.take_kept());
        let reason = format!("sled's copy cannot be written: {e}");
        if e.is_final() && shared.no_room_for(0).is_none() {
            shared.poison(reason.clone());
        }
        shared.lag.fail(reason);
        if shared.lag.pause(pause) {
            return;
        }
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// Tells everybody that sled's thread is gone, also when it panicked.
struct End<'a>(&'a Lag);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl KeptError {
    /// Whether there was no room.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Io(e) | Self::Sled(sled::Error::Io(e)) if is_full(e))
    }

    /// Whether no more writes are to be taken because of it.
    fn is_final(&self) -> bool {
        match self {
            Self::Io(_) | Self::Sled(sled::Error::Io(_)) => !self.is_full(),
            // The journal is damaged or cannot be read, which `verify` names.
            Self::Frame(_) => false,
            Self::Sled(_) | Self::Panicked(_) | Self::Hung | Self::Key => true,
        }
    }
}

/// sled's copy of one epoch while it is fed.
#[derive(Debug)]
struct Feeding {
    /// The last position it holds.
    fed: u64,
    /// None: it is only continued.
    anew: Option<Anew>,
}

/// sled's copy is written from the beginning.
#[derive(Debug)]
struct Anew {
    /// Why, if that was not to be expected.
    damaged: Option<String>,
}

struct Keeper<'a> {
    shared: &'a Shared,
    writer: &'a Sender<Request>,
    live: Arc<Live>,
    /// This epoch's sled was opened before: its files are not what the witness says.
    tried: bool,
    /// What had been written when appends came calmly the last time.
    calm: u64,
}

impl Keeper<'_> {
    /// Feeds until the ledger closes.
    fn feed(&mut self) -> Result<(), KeptError> {
        loop {
            while self.shared.lag.storms(&mut self.calm) {
                self.go_to_next();
            }
            let first = self.live.first();
            let mut feeding = self.begin()?;
            while !self.go_to_next() {
                if feeding.fed < self.live.index().end.position {
                    if self.shared.lag.late() {
                        return Ok(());
                    }
                    if !self.shared.lag.storms(&mut self.calm) {
                        self.step(&mut feeding)?;
                    }
                    continue;
                }
                layout::remove(&aside(&self.folder()))?;
                self.say_damage(&mut feeding, first);
                self.shared.lag.kept(feeding.fed, 0);
                if !self.shared.lag.wait_for_more(feeding.fed) {
                    return Ok(());
                }
            }
            // What of a full epoch is not there yet, closing brings.
            self.say_damage(&mut feeding, first);
        }
    }

    /// Goes on with the epoch behind this one, if there is one: closing copies whole what is full.
    fn go_to_next(&mut self) -> bool {
        let Some(next) = self.shared.epochs().after(self.live.first()).cloned() else {
            return false;
        };
        kept::shut(self.live.take_kept());
        self.live = next;
        self.tried = false;
        true
    }

    /// An epoch that was closed meanwhile needs no copy any more.
    fn goes_on(&mut self) -> bool {
        let epochs = self.shared.epochs();
        if epochs.live_from() <= self.live.first() {
            return false;
        }
        if let Some(next) = epochs.after(self.live.first()) {
            self.live = Arc::clone(next);
            self.tried = false;
        }
        true
    }

    fn folder(&self) -> PathBuf {
        self.shared.layout.sled(self.live.first())
    }

    /// Opens sled, or begins to write it anew.
    fn begin(&mut self) -> Result<Feeding, KeptError> {
        let (live, layout) = (&self.live, &self.shared.layout);
        let folder = self.folder();
        let trust = if self.tried {
            Trust::Unclean
        } else {
            trust(live, &folder)?
        };
        self.tried = true;
        // Whatever becomes of sled from here on, its files are not what they were.
        let end = live.index().end;
        self.shared.disk.step("opening sled")?;
        live.say(
            &layout.witness(live.first()),
            (end.position, end.chain),
            None,
        )?;
        let mut slot = live.sled.write().unwrap_or_else(PoisonError::into_inner);
        if live.is_retired() {
            return Err(io::Error::other("the epoch was closed").into());
        }
        let reason = match trust {
            Trust::Unclean => None,
            Trust::Damaged(reason) => Some(reason),
            Trust::Whole => match open_whole(live, &folder) {
                Ok((kept, fed)) => {
                    *slot = Some(kept);
                    return Ok(Feeding { fed, anew: None });
                }
                Err(e) => Some(e.to_string()),
            },
        };
        let aside = aside(&folder);
        let mut kept = begin_anew(&folder, &aside);
        if kept.is_err() && reason.is_none() {
            // The old copy may be what fills the disk, and it is no evidence of anything: the
            // journal was just read whole.
            kept = layout::remove(&aside)
                .map_err(KeptError::from)
                .and_then(|()| begin_anew(&folder, &aside));
        }
        *slot = Some(kept?);
        Ok(Feeding {
            fed: live.first().saturating_sub(1),
            anew: Some(Anew { damaged: reason }),
        })
    }

    /// Brings some frames to sled.
    fn step(&self, feeding: &mut Feeding) -> Result<(), KeptError> {
        let frames = next_frames(&self.live, feeding.fed);
        let slot = self.live.kept();
        let kept = slot
            .as_ref()
            .ok_or_else(|| io::Error::other("sled is closed"))?;
        let mut bytes = 0_u64;
        let mut since_barrier = 0_usize;
        let mut end = None;
        for at in frames {
            let read = self.live.journal.frame(at.offset)??;
            for (number, part) in parts(&read) {
                if since_barrier.saturating_add(part.len()) > STEP {
                    kept.barrier()?;
                    since_barrier = 0;
                }
                kept.put(at.first, number, part)?;
                since_barrier = since_barrier.saturating_add(part.len());
            }
            bytes = bytes.saturating_add(len64(read.len()));
            let frame = Frame::again(&read)?;
            end = Some((frame.last(), frame.after));
        }
        self.shared.disk.step("syncing sled")?;
        kept.barrier()?;
        let Some((last, chain)) = end else {
            return Err(KeptError::Key);
        };
        if last == self.live.index().end.position {
            let witness = self.shared.layout.witness(self.live.first());
            self.live.say(&witness, (last, chain), None)?;
        }
        feeding.fed = last;
        if feeding.anew.is_none() {
            self.shared.lag.kept(last, bytes);
        }
        Ok(())
    }

    /// sled's copy of the epoch that begins here is no damaged one any more: if it was, that is said.
    fn say_damage(&self, feeding: &mut Feeding, first: u64) {
        let damaged = feeding.anew.take().and_then(|anew| anew.damaged);
        if let Some(reason) = damaged {
            let written = feeding.fed.saturating_add(1).saturating_sub(first);
            self.note(written, &reason);
            self.shared.note_rebuilt(reason);
        }
    }

    /// `ledger.rebuilt`. On a full disk or while the ledger closes the note is lost.
    fn note(&self, events: u64, reason: &str) {
        let fact = LedgerRebuilt {
            events,
            reason: reason.to_owned(),
        };
        let now = self.shared.edge.clock.now();
        let ready = prepare(own_note(self.shared, now, fact));
        if let Ok(ready) = ready {
            let (reply, answer) = mpsc::sync_channel(1);
            let request = Request::Append(Box::new(ready), reply);
            if self.writer.send(request).is_ok() {
                drop(answer.recv());
            }
        }
    }
}

/// The next step's frames.
fn next_frames(live: &Live, fed: u64) -> Vec<FrameAt> {
    let index = live.index();
    let from = index.frames.partition_point(|frame| frame.first <= fed);
    let frames = index.frames.get(from..).unwrap_or_default();
    let start = frames.first().map_or(0, |frame| frame.offset);
    let step = |frame: &&FrameAt| size(frame.offset.saturating_sub(start)) < STEP;
    frames.iter().take_while(step).copied().collect()
}

/// Whether sled's files can be opened.
#[derive(Debug, PartialEq, Eq)]
enum Trust {
    /// They are byte for byte what they were after a clean stop.
    Whole,
    /// The last stop was not clean, or there is nothing: written anew from the journal, which is
    /// normal.
    Unclean,
    /// They should be whole, and are not.
    Damaged(String),
}

fn trust(live: &Live, folder: &Path) -> io::Result<Trust> {
    let Some(files) = live.said.and_then(|said| said.files) else {
        return Ok(Trust::Unclean);
    };
    let reason = if kept::files_hash(folder)? == files {
        return Ok(Trust::Whole);
    } else if folder.is_dir() {
        "sled's files are not what they were when it was closed"
    } else {
        "sled's folder is missing"
    };
    Ok(Trust::Damaged(reason.to_owned()))
}

/// sled as it was left, and the last position it holds: all, or a beginning.
fn open_whole(live: &Live, folder: &Path) -> Result<(Kept, u64), KeptError> {
    let kept = Kept::open(folder)?;
    let Some(first) = kept.last()? else {
        return Ok((kept, live.first().saturating_sub(1)));
    };
    let at = live.index().frame_of(first).filter(|at| at.first == first);
    if let Some(at) = at {
        let bytes = kept.frame(first)?.unwrap_or_default();
        if bytes == live.journal.frame(at.offset)?? {
            let last = Frame::again(&bytes)?.last();
            return Ok((kept, last));
        }
    }
    Err(io::Error::other("sled's last frame is not the journal's").into())
}

/// Where sled's old copy waits until the new one is whole.
fn aside(folder: &Path) -> PathBuf {
    folder.with_extension("aside")
}

/// Sets sled's folder aside and makes an empty one. If what follows is cut off, the next opening
/// does it again.
fn begin_anew(folder: &Path, aside: &Path) -> Result<Kept, KeptError> {
    if folder.exists() {
        if aside.exists() {
            // Writing anew was cut off: what was set aside then is the copy to keep until the end.
            layout::remove(folder)?;
        } else {
            layout::rename(folder, aside)?;
        }
    }
    layout::make_folder(layout::parent(folder))?;
    Kept::open(folder)
}

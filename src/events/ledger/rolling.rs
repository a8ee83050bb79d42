//! From one epoch to the next. The file of the next journal is made and its room reserved
//! beforehand, so that the writer waits for one barrier only: that of the new journal's header.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::index::Index;
use super::journal::{Blank, Heading, Journal, STEP};
use super::layout::{self, FORMAT};
use super::live::Live;
use super::shared::Shared;

/// So many full epochs may wait to be closed; then the active one grows on, and nobody waits.
const WAITING_MAX: usize = 8;

/// The next journal's file is asked for when one of so many parts of the epoch is left.
const IN_TIME: u64 = 2;
/// It gets all the room it will need where the disk has so many times as much.
const PLENTY: u64 = 4;

#[derive(Debug)]
struct State {
    /// The next journal's file.
    blank: Option<Blank>,
    /// Somebody should make that file, with room for so many bytes.
    wanted: Option<u64>,
    /// The writer waits for that file: it takes what room there is by now.
    awaited: bool,
    /// Rolling over failed: it is tried again only with a file made beforehand.
    failing: Option<String>,
    /// The store's format on the disk.
    format: u32,
}

/// What is there for the next epoch.
#[derive(Debug)]
pub(super) struct Rolling {
    state: Mutex<State>,
    /// Held while the next journal's file is made, or becomes a journal.
    making: Mutex<()>,
}

impl Rolling {
    /// For a store with this format.
    pub(super) fn new(format: u32) -> Self {
        Self {
            state: Mutex::new(State {
                blank: None,
                wanted: None,
                awaited: false,
                failing: None,
                format,
            }),
            making: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why there is no new epoch although there should be one.
    pub(super) fn failing(&self) -> Option<String> {
        self.state().failing.clone()
    }

    /// Whether a file for the next journal should be made.
    pub(super) fn wants_blank(&self) -> bool {
        let state = self.state();
        state.wanted.is_some() && state.blank.is_none()
    }
}

/// Makes the file of the next journal. A store that has had one epoch only becomes one of this
/// format first: a binary that knows no second epoch must not open it any more.
pub(super) fn prepare(shared: &Shared) -> io::Result<()> {
    let rolling = &shared.rolling;
    let _making = rolling.making();
    // The writer may have been faster.
    if !rolling.wants_blank() {
        return Ok(());
    }
    let room = rolling.state().wanted.unwrap_or(STEP);
    // The whole journal at once where the disk has plenty: who appends may need the room meanwhile.
    let plenty = shared.no_room_for(room.saturating_mul(PLENTY)).is_none();
    let blank = make_blank(shared, if plenty { room } else { 0 })?;
    let mut state = rolling.state();
    state.blank = Some(blank);
    state.wanted = None;
    Ok(())
}

fn make_blank(shared: &Shared, room: u64) -> io::Result<Blank> {
    let layout = &shared.layout;
    if let Some(detail) = shared.no_room_for(room) {
        return Err(io::Error::new(io::ErrorKind::StorageFull, detail));
    }
    if shared.rolling.state().format < FORMAT {
        shared.disk.step("writing the format")?;
        layout.write_format()?;
        shared.rolling.state().format = FORMAT;
    }
    // Also puts the name of the epoch before on the disk.
    layout::remove(&layout.next_journal())?;
    layout::sync_folder(&layout.journals())?;
    shared.disk.step("making the next journal")?;
    let enough = || shared.rolling.state().awaited;
    Blank::make(
        &layout.next_journal(),
        (room, &enough),
        Arc::clone(&shared.disk),
    )
}

/// What the writer writes with.
#[derive(Debug)]
pub(super) struct Pen {
    pub(super) live: Arc<Live>,
    /// The journal's length.
    pub(super) reserved: u64,
    /// Where the next batch is put together.
    pub(super) buffer: Vec<u8>,
}

impl Pen {
    /// Begins a new epoch if this one is full. When that fails, this one grows on.
    pub(super) fn roll_if_full(&mut self, shared: &Shared) {
        let end = self.live.index().end;
        let events = end
            .position
            .saturating_add(1)
            .saturating_sub(self.live.first());
        let options = &shared.options;
        let beyond = |parts: u64| {
            events
                >= options
                    .epoch_events
                    .saturating_sub(options.epoch_events / parts)
                || end.offset
                    >= options
                        .epoch_bytes
                        .saturating_sub(options.epoch_bytes / parts)
        };
        if events == 0 || !beyond(IN_TIME) {
            return;
        }
        // The next epoch's events will be as large as this one's.
        let room = (end.offset / events)
            .saturating_mul(options.epoch_events)
            .min(options.epoch_bytes);
        if events < options.epoch_events && end.offset < options.epoch_bytes {
            shared.want_blank(room);
        } else if shared.epochs().full.len() < WAITING_MAX {
            self.roll(shared);
        }
    }

    fn roll(&mut self, shared: &Shared) {
        shared.rolling.state().awaited = true;
        let _making = shared.rolling.making();
        let (blank, failing) = {
            let mut state = shared.rolling.state();
            state.awaited = false;
            state.wanted = None;
            (state.blank.take(), state.failing.is_some())
        };
        let begun = match blank {
            Some(blank) => begin(shared, &self.live, blank),
            None if failing => return shared.want_blank(STEP),
            None => make_blank(shared, STEP).and_then(|blank| begin(shared, &self.live, blank)),
        };
        match begun {
            Ok((live, reserved)) => {
                self.live = Arc::clone(&live);
                self.reserved = reserved;
                shared.change_epochs(|epochs| epochs.rolled(live));
                shared.rolling.state().failing = None;
                shared.wake_closer();
            }
            Err(e) => {
                shared.rolling.state().failing = Some(format!("a new epoch cannot begin: {e}"));
                shared.want_blank(STEP);
            }
        }
    }
}

/// The next epoch, empty. Its header is durable under one of two names before anything else is
/// written to it, so that opening can tell it from a file that was only prepared.
fn begin(shared: &Shared, before: &Live, blank: Blank) -> io::Result<(Arc<Live>, u64)> {
    let end = before.index().end;
    let heading = Heading {
        first: end.position.saturating_add(1),
        before: end.chain,
        ..before.journal.heading
    };
    let layout = &shared.layout;
    let begun = blank.begin(heading).and_then(|begun| {
        shared.disk.step("naming the next journal")?;
        layout::rename_unsynced(&layout.next_journal(), &layout.journal(heading.first))?;
        Ok(begun)
    });
    match begun {
        Ok((journal, reserved)) => Ok((Arc::new(empty(journal, before)), reserved)),
        Err(e) => {
            // Opening would tell that it has no frame. Nobody waits for this one to be gone.
            drop(layout::remove(&layout.next_journal()));
            Err(e)
        }
    }
}

fn empty(journal: Journal, before: &Live) -> Live {
    let end = before.index().end;
    let index = Index::beginning(&journal.heading, (end.recorded_at, end.clock));
    Live::new(journal, index, None)
}

impl Shared {
    /// Asks for the file of the next journal, in good time.
    fn want_blank(&self, room: u64) {
        let mut state = self.rolling.state();
        if state.blank.is_none() && state.wanted.is_none() {
            state.wanted = Some(room);
            drop(state);
            self.wake_closer();
        }
    }
}

//! Closing an epoch: its frames become pages in a fresh sled, which is compared, hashed and sealed.
//!
//! Nothing counts before the seal's file has its name. Whatever is cut off before that leaves a
//! folder without a seal, which is thrown away and begun again.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::super::bytes::{Reader, len64};
use super::super::frame::{Fault, Frame};
use super::super::index::StreamHead;
use super::super::journal::Heading;
use super::super::kept::{self, KeptError};
use super::super::layout;
use super::super::record::{Hash, Kept as Stored, Malformed, Record, chained};
use super::bloom::Filter;
use super::filing::{Filing, go, stored};
use super::footer::{PLACES, stream_blocks, word, word_blocks};
use super::leaf::{Keys, Kind};
use super::packing;
use super::page::{self, Page, Unfit};
use super::seal::{Seal, Summary};
use super::sought::{Printer, Sought};
use super::zipped::Zipper;

/// Why an epoch was not closed. Its journal still has everything.
#[derive(Debug, thiserror::Error)]
pub(in crate::events::ledger) enum SealError {
    #[error("{0}")]
    Kept(#[from] KeptError),
    #[error("writing the closed epoch: {0}")]
    Io(#[from] io::Error),
    #[error("a frame of the journal: {0}")]
    Frame(#[from] Fault),
    #[error("a record of the journal: {0}")]
    Record(#[from] Malformed),
    #[error("position {position}: {reason}")]
    Event { position: u64, reason: Unfit },
    #[error("position {0}: the chain of the journal does not hold")]
    Chain(u64),
    #[error("position {0}: it was not recorded later than the event before")]
    Time(u64),
    #[error("the epoch has no event, or too many")]
    Size,
    #[error("sled does not give back what it was given: {0}")]
    Differs(&'static str),
    #[error("it was stopped")]
    Stopped,
}

/// How far a sealing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::events::ledger) enum Step {
    /// A page was packed.
    Packed,
    /// So much was given to sled.
    Written,
    /// sled was opened again and some of it was compared.
    Compared,
    /// The files are hashed next, then sealed.
    Hashing,
}

/// Asked after every small step. Says whether to go on, and may wait before it does: so a sealing
/// is slowed down or stopped.
pub(in crate::events::ledger) type Pace<'a> = &'a mut dyn FnMut(Step) -> bool;

/// Where an epoch is closed to.
#[derive(Clone, Debug)]
pub(in crate::events::ledger) struct Target {
    /// sled's folder. What stands there without a seal is thrown away.
    pub(in crate::events::ledger) folder: PathBuf,
    pub(in crate::events::ledger) seal: PathBuf,
}

/// An epoch being closed: takes its frames in order, then finishes.
pub(in crate::events::ledger) struct Sealing<'a> {
    pace: Pace<'a>,
    heading: Heading,
    printer: Printer,
    zipper: Zipper,
    filing: Filing,
    draft: Option<page::Draft>,
    /// The records of the draft as they stand in the journal.
    originals: Vec<u8>,
    position: u64,
    chain: Hash,
    times: Vec<u64>,
    last_at: u64,
    clock: u64,
    raw_bytes: u64,
    streams: BTreeMap<Box<str>, StreamHead>,
    commands: Vec<(Sought, u64)>,
    strangers: Vec<(Sought, u64)>,
}

impl std::fmt::Debug for Sealing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealing")
            .field("heading", &self.heading)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Closes an epoch whose frames these are, in order, each checked before.
pub(in crate::events::ledger) fn seal<F: AsRef<[u8]>>(
    target: &Target,
    heading: Heading,
    frames: impl IntoIterator<Item = io::Result<F>>,
    pace: Pace<'_>,
) -> Result<Seal, SealError> {
    let mut sealing = Sealing::begin(heading, pace)?;
    for frame in frames {
        sealing.add(&Frame::again(frame?.as_ref())?)?;
    }
    sealing.finish(target)
}

impl<'a> Sealing<'a> {
    /// Nothing is written before `finish`.
    pub(in crate::events::ledger) fn begin(
        heading: Heading,
        pace: Pace<'a>,
    ) -> Result<Self, SealError> {
        Ok(Self {
            pace,
            heading,
            printer: Printer::new(heading.ledger, heading.timeline),
            zipper: Zipper::new()?,
            filing: Filing::new(Keys::new(&heading.encode())),
            draft: None,
            originals: Vec::new(),
            position: heading.first.saturating_sub(1),
            chain: heading.before,
            times: Vec::new(),
            last_at: 0,
            clock: 0,
            raw_bytes: 0,
            streams: BTreeMap::new(),
            commands: Vec::new(),
            strangers: Vec::new(),
        })
    }

    /// Takes the next frame.
    pub(in crate::events::ledger) fn add(&mut self, frame: &Frame<'_>) -> Result<(), SealError> {
        if frame.before != self.chain {
            return Err(SealError::Chain(frame.first));
        }
        for record in frame.records() {
            let (record, header) = record?;
            self.record(&record, header)?;
        }
        if frame.after == self.chain && frame.last() == self.position {
            Ok(())
        } else {
            Err(SealError::Chain(frame.last()))
        }
    }

    fn record(&mut self, record: &Record<'_>, header: &[u8]) -> Result<(), SealError> {
        let position = record.position;
        if position != self.position.saturating_add(1) {
            return Err(SealError::Chain(position));
        }
        if record.recorded_at <= self.last_at {
            return Err(SealError::Time(position));
        }
        if self.draft.as_ref().is_some_and(page::Draft::is_full) {
            self.pack()?;
        }
        let before = self.chain;
        self.chain = chained(&before, header, &record.payload_hash);
        let times = &mut self.times;
        let draft = self.draft.get_or_insert_with(|| {
            times.push(record.recorded_at);
            page::Draft::new(position, before)
        });
        draft
            .push(record, self.chain)
            .map_err(|reason| SealError::Event { position, reason })?;
        record.put_plain(&mut self.originals);
        self.position = position;
        self.last_at = record.recorded_at;
        self.clock = record.clock;
        let inline = match record.kept {
            Stored::Inline(body) => body.len(),
            Stored::Blob => 0,
        };
        let size = Record::size(record.actor.len(), record.stream.len(), inline);
        self.raw_bytes = self.raw_bytes.saturating_add(len64(size));
        self.index(record);
        Ok(())
    }

    fn index(&mut self, record: &Record<'_>) {
        let place = record.position.saturating_sub(self.heading.first);
        let head = StreamHead {
            version: record.version,
            position: record.position,
        };
        match self.streams.get_mut(record.stream) {
            Some(known) => *known = head,
            None => {
                self.streams.insert(record.stream.into(), head);
            }
        }
        if record.place == 0 {
            self.commands.push((self.printer.id(record.command), place));
        }
        if !packing::is_timely(record.id, record.recorded_at) {
            self.strangers.push((self.printer.id(record.id), place));
        }
    }

    /// Packs the page, unpacks it again and compares its records with the journal's, whose chain was
    /// computed.
    fn pack(&mut self) -> Result<(), SealError> {
        let Some(draft) = self.draft.take() else {
            return Ok(());
        };
        let packed = draft.seal(&mut self.zipper)?;
        let page = Page::read(&packed).ok_or(SealError::Differs("a page"))?;
        if page.after != self.chain || !holds(&page, &self.originals) {
            return Err(SealError::Differs("a page's records"));
        }
        self.originals.clear();
        let number = page::number(page.first).saturating_sub(page::number(self.heading.first));
        self.filing.push(Kind::Page, number, packed)?;
        go(&mut self.pace, Step::Packed)
    }

    /// Writes everything, compares it, and seals it.
    pub(in crate::events::ledger) fn finish(mut self, target: &Target) -> Result<Seal, SealError> {
        self.pack()?;
        let events = self
            .position
            .saturating_add(1)
            .saturating_sub(self.heading.first);
        if events == 0 || events >= PLACES {
            return Err(SealError::Size);
        }
        let mut seal = self.footer()?;
        layout::remove(&target.seal)?;
        layout::remove(&target.folder)?;
        self.filing.write(&target.folder, &mut self.pace)?;
        self.filing.compare(&target.folder, &mut self.pace)?;
        go(&mut self.pace, Step::Hashing)?;
        self.filing.find(&target.folder, &mut seal)?;
        seal.summary.files = kept::seal(&target.folder)?;
        seal.summary.stored_bytes = stored(&target.folder)?;
        let bytes = seal.encode();
        if Seal::decode(&bytes).as_ref() != Some(&seal) {
            return Err(SealError::Differs("the seal"));
        }
        layout::write_atomic(&target.seal, &bytes)?;
        Ok(seal)
    }

    /// Packs the footer, and says everything but where the leaves stand.
    fn footer(&mut self) -> Result<Seal, SealError> {
        let first_at = self.times.first().copied().unwrap_or_default();
        let (from, until) = (first_at / 1000, self.last_at / 1000);
        let names: Vec<Sought> = self
            .streams
            .keys()
            .map(|name| self.printer.stream(name))
            .collect();
        let streams = std::mem::take(&mut self.streams);
        let heads = streams.iter().map(|(name, head)| (&**name, *head));
        let (stream_tops, blocks) = stream_blocks(heads, &mut self.zipper)?;
        self.push_all(Kind::Streams, blocks)?;
        let (commands, strangers) = (
            std::mem::take(&mut self.commands),
            std::mem::take(&mut self.strangers),
        );
        let command_tops = self.push_words(Kind::Commands, &commands)?;
        let stranger_tops = self.push_words(Kind::Strangers, &strangers)?;
        let filter = |held: &[(Sought, u64)]| {
            let held: Vec<Sought> = held.iter().map(|(sought, _)| *sought).collect();
            Filter::of(&held, from, until)
        };
        Ok(Seal {
            summary: Summary {
                heading: self.heading,
                last: self.position,
                after: self.chain,
                first_at,
                last_at: self.last_at,
                clock: self.clock,
                raw_bytes: self.raw_bytes,
                stored_bytes: 0,
                streams: len64(streams.len()),
                commands: len64(commands.len()),
                strangers: len64(strangers.len()),
                files: Hash::default(),
            },
            page_times: std::mem::take(&mut self.times),
            pages: self.filing.places(Kind::Page),
            streams: self.filing.places(Kind::Streams),
            stream_tops,
            stream_filter: Filter::of(&names, from, until),
            commands: self.filing.places(Kind::Commands),
            command_tops,
            command_filter: filter(&commands),
            strangers: self.filing.places(Kind::Strangers),
            stranger_tops,
            stranger_filter: filter(&strangers),
        })
    }

    fn push_words(&mut self, kind: Kind, held: &[(Sought, u64)]) -> Result<Vec<u64>, SealError> {
        let mut words: Vec<u64> = held
            .iter()
            .map(|(sought, place)| word(sought.print, *place))
            .collect();
        let (tops, blocks) = word_blocks(&mut words);
        self.push_all(kind, blocks)?;
        Ok(tops)
    }

    fn push_all(&mut self, kind: Kind, blocks: Vec<Vec<u8>>) -> Result<(), SealError> {
        for (number, block) in (0..).zip(blocks) {
            self.filing.push(kind, number, block)?;
        }
        Ok(())
    }
}

/// Whether a page has these records. A hash that it leaves out was compared when it was filled.
fn holds(page: &Page, originals: &[u8]) -> bool {
    let mut rest = Reader(originals);
    let same = page.unhashed().all(|read| {
        let (Ok((mut mine, header)), Ok((original, as_was))) = (read, Record::read(&mut rest))
        else {
            return false;
        };
        if mine.payload_hash == Hash::default() && mine.kept != Stored::Blob {
            mine.payload_hash = original.payload_hash;
        }
        header == as_was && mine == original
    });
    same && rest.0.is_empty()
}

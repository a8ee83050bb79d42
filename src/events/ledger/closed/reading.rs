//! Reading a closed epoch: from the seal in memory, the shared cache, and sled's file.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{Advice, fadvise};
use uuid::Uuid;

use super::super::bytes::{len64, size};
use super::super::index::StreamHead;
use super::super::journal::Heading;
use super::super::kept;
use super::super::record::{Hash, chained};
use super::cache::{Cache, Cached};
use super::footer::{Entry, Streams, block_of, blocks_of, places_in};
use super::leaf::{Keys, Kind, Leaf};
use super::page::{self, Page};
use super::seal::{Seal, Summary};
use super::sought::Sought;

/// Pages before the one that is wanted that are asked for with it.
const EXPECTED: u32 = 12;
/// Pages that a scan asks for at once: a few hundred kilobytes, which systems take as one wish.
const STRETCH: u32 = 16;
/// At most so many bytes are asked for beforehand.
const EXPECTED_MAX: usize = 512 * 1024;

/// Why something of a closed epoch cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::events::ledger) enum Fault {
    #[error("the seal is missing")]
    NoSeal,
    #[error("the seal is damaged")]
    Seal,
    #[error("it is the seal of something else")]
    OtherSeal,
    #[error("reading a closed epoch: {0}")]
    Io(#[from] io::Error),
    #[error("positions {first} to {last}: their page is damaged")]
    Page { first: u64, last: u64 },
    #[error("a piece of the index of positions {first} to {last} is damaged")]
    Index { first: u64, last: u64 },
}

/// A closed epoch. Opening it reads its seal and nothing else.
#[derive(Debug)]
pub(in crate::events::ledger) struct Closed {
    pub(super) seal: Seal,
    pub(super) folder: PathBuf,
    pub(super) keys: Keys,
    cache: Arc<Cache>,
    file: OnceLock<File>,
}

impl Closed {
    /// The epoch that the seal's file speaks of, if that is the one that `is_it` expects: its
    /// ledger, timeline, first position and the chain hash before it.
    pub(in crate::events::ledger) fn open(
        folder: &Path,
        seal: &Path,
        is_it: impl FnOnce(&Heading) -> bool,
        cache: Arc<Cache>,
    ) -> Result<Self, Fault> {
        let seal = match Seal::read(seal) {
            Ok(Some(seal)) => seal,
            Ok(None) => return Err(Fault::Seal),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Fault::NoSeal),
            Err(e) => return Err(e.into()),
        };
        if !is_it(&seal.summary.heading) {
            return Err(Fault::OtherSeal);
        }
        Ok(Self::of(seal, folder, cache))
    }

    /// The epoch that was closed just now.
    pub(in crate::events::ledger) fn of(seal: Seal, folder: &Path, cache: Arc<Cache>) -> Self {
        Self {
            keys: Keys::new(&seal.summary.heading.encode()),
            seal,
            folder: folder.to_owned(),
            cache,
            file: OnceLock::new(),
        }
    }

    /// What it is.
    pub(in crate::events::ledger) const fn summary(&self) -> &Summary {
        &self.seal.summary
    }

    /// Position of its first event.
    pub(in crate::events::ledger) const fn first(&self) -> u64 {
        self.seal.summary.heading.first
    }

    /// Position of its last event.
    pub(in crate::events::ledger) const fn last(&self) -> u64 {
        self.seal.summary.last
    }

    fn file(&self) -> Result<&File, Fault> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = File::open(self.folder.join(kept::DATA))?;
        // The system would read far ahead of every page that is looked at alone, and the next who
        // asks would wait for that: milliseconds. What is read next is known here (`coming`).
        let _unless_refused = fadvise(&file, 0, None, Advice::Random);
        Ok(self.file.get_or_init(|| file))
    }

    /// Opens its file, so that the first who reads does not wait for that. What is wrong with it is
    /// said to whoever reads.
    pub(in crate::events::ledger) fn ready(&self) {
        drop(self.file());
    }

    /// Asks the system for the pages before and at a position, all at once and without waiting: a stream's events
    /// lead from one to the one before, and stand near each other. Returns the first position that
    /// was asked for.
    pub(in crate::events::ledger) fn expect(&self, position: u64) -> u64 {
        let number = page::number(position).saturating_sub(page::number(self.first()));
        let last = u32::try_from(number).unwrap_or(u32::MAX);
        let first = last.saturating_sub(EXPECTED);
        self.ask_for(first, last);
        self.range(first).0
    }

    /// Says that a scan has come to a position: asks for the pages behind it, a stretch at a time.
    pub(in crate::events::ledger) fn coming(&self, position: u64) {
        let number = page::number(position).saturating_sub(page::number(self.first()));
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let last = self.seal.pages.count().saturating_sub(1);
        if number == 0 {
            self.ask_for(0, last.min(STRETCH));
        }
        if number.is_multiple_of(STRETCH) {
            let next = number.saturating_add(STRETCH);
            self.ask_for(next.min(last), next.saturating_add(STRETCH).min(last));
        }
    }

    /// Asks the system for pages without waiting for them.
    fn ask_for(&self, first: u32, last: u32) {
        if let Ok(file) = self.file()
            && let Some((from, length)) = self.seal.pages.stretch(first, last)
            && length <= EXPECTED_MAX
            && let Some(length) = NonZeroU64::new(len64(length))
        {
            // Only a wish: whoever reads finds out what is wrong.
            let _unless_refused = fadvise(file, u64::from(from), Some(length), Advice::WillNeed);
        }
    }

    /// First and last position of a page of the epoch.
    pub(super) fn range(&self, number: u32) -> (u64, u64) {
        let absolute = page::number(self.first()).saturating_add(u64::from(number));
        let first = absolute.saturating_mul(page::EVENTS).saturating_add(1);
        let last = first.saturating_add(page::EVENTS).saturating_sub(1);
        (first.max(self.first()), last.min(self.last()))
    }

    pub(super) fn fault(&self, leaf: Leaf) -> Fault {
        match leaf.kind {
            Kind::Page => {
                let (first, last) = self.range(leaf.number);
                Fault::Page { first, last }
            }
            Kind::Streams | Kind::Commands | Kind::Strangers => Fault::Index {
                first: self.first(),
                last: self.last(),
            },
        }
    }

    /// A leaf's bytes from the file, its checksum behind them.
    fn bytes_of(&self, leaf: Leaf) -> Result<Vec<u8>, Fault> {
        match self.seal.places(leaf.kind).read(leaf.number, self.file()?) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(self.fault(leaf)),
            Err(e) => Err(e.into()),
        }
    }

    /// The page that holds a position as it is packed, compared with its checksum; none for a position
    /// of another epoch. Nothing of it is kept in memory.
    pub(in crate::events::ledger) fn packed(
        &self,
        position: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if position < self.first() || position > self.last() {
            return Ok(None);
        }
        let number = page::number(position).saturating_sub(page::number(self.first()));
        let leaf = Leaf {
            kind: Kind::Page,
            number: u32::try_from(number).unwrap_or(u32::MAX),
        };
        let mut bytes = self.bytes_of(leaf)?;
        let content = self.keys.open(leaf, &bytes).map(<[u8]>::len);
        bytes.truncate(content.ok_or_else(|| self.fault(leaf))?);
        Ok(Some(bytes))
    }

    /// Reads a leaf from the file, not from the cache.
    pub(super) fn read(&self, leaf: Leaf) -> Result<Cached, Fault> {
        let bytes = self.bytes_of(leaf)?;
        self.keys
            .open(leaf, &bytes)
            .and_then(|content| match leaf.kind {
                Kind::Page => Page::read(content)
                    .filter(|page| (page.first, page.last()) == self.range(leaf.number))
                    .map(|page| Cached::Page(Arc::new(page))),
                Kind::Streams => {
                    Streams::read(content).map(|found| Cached::Streams(Arc::new(found)))
                }
                Kind::Commands | Kind::Strangers => Some(Cached::Words(content.into())),
            })
            .ok_or_else(|| self.fault(leaf))
    }

    fn get(&self, kind: Kind, number: u32) -> Result<Cached, Fault> {
        let leaf = Leaf { kind, number };
        self.cache.get((self.first(), leaf), || self.read(leaf))
    }

    /// The page that holds a position; none for a position of another epoch.
    pub(in crate::events::ledger) fn page(
        &self,
        position: u64,
    ) -> Result<Option<Arc<Page>>, Fault> {
        if position < self.first() || position > self.last() {
            return Ok(None);
        }
        let number = page::number(position).saturating_sub(page::number(self.first()));
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        match self.get(Kind::Page, number)? {
            Cached::Page(page) => Ok(Some(page)),
            Cached::Streams(_) | Cached::Words(_) => Err(self.fault(Leaf {
                kind: Kind::Page,
                number,
            })),
        }
    }

    fn streams_of(&self, block: usize) -> Result<Arc<Streams>, Fault> {
        let number = u32::try_from(block).unwrap_or(u32::MAX);
        match self.get(Kind::Streams, number)? {
            Cached::Streams(entries) => Ok(entries),
            Cached::Page(_) | Cached::Words(_) => Err(self.fault(Leaf {
                kind: Kind::Streams,
                number,
            })),
        }
    }

    /// The stream's last event in this epoch. `sought` is the name's fingerprint.
    pub(in crate::events::ledger) fn stream(
        &self,
        name: &str,
        sought: &Sought,
    ) -> Result<Option<StreamHead>, Fault> {
        if !self.seal.stream_filter.may_hold(sought) {
            return Ok(None);
        }
        let Some(block) = block_of(&self.seal.stream_tops, name) else {
            return Ok(None);
        };
        Ok(self.streams_of(block)?.find(name))
    }

    /// The streams whose names begin with this, sorted, with their last events in this epoch.
    pub(in crate::events::ledger) fn streams<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = Result<Entry, Fault>> + 'a {
        let from = block_of(&self.seal.stream_tops, prefix).unwrap_or(0);
        let until = self
            .seal
            .stream_tops
            .partition_point(|top| &**top <= prefix || top.starts_with(prefix));
        (from..until).flat_map(move |block| {
            let (entries, fault) = match self.streams_of(block) {
                Ok(streams) => {
                    let of_prefix = streams.iter().filter(|(name, _)| name.starts_with(prefix));
                    let entries: Vec<Entry> =
                        of_prefix.map(|(name, head)| (name.into(), head)).collect();
                    (entries, None)
                }
                Err(fault) => (Vec::new(), Some(Err(fault))),
            };
            entries.into_iter().map(Ok).chain(fault)
        })
    }

    fn places(&self, kind: Kind, tops: &[u64], sought: &Sought) -> Result<Vec<u64>, Fault> {
        let mut positions = Vec::new();
        for block in blocks_of(tops, sought.print) {
            let number = u32::try_from(block).unwrap_or(u32::MAX);
            let fault = || self.fault(Leaf { kind, number });
            let Cached::Words(words) = self.get(kind, number)? else {
                return Err(fault());
            };
            let places = places_in(&words, sought.print).ok_or_else(fault)?;
            positions.extend(
                places
                    .iter()
                    .map(|place| self.first().saturating_add(*place)),
            );
        }
        Ok(positions)
    }

    /// Positions where a commit of this command may begin. Whoever asks looks whether it is so.
    pub(in crate::events::ledger) fn command_candidates(
        &self,
        sought: &Sought,
    ) -> Result<Vec<u64>, Fault> {
        if !self.seal.command_filter.may_hold(sought) {
            return Ok(Vec::new());
        }
        self.places(Kind::Commands, &self.seal.command_tops, sought)
    }

    /// The position of the event with this id. An id that tells when its event was recorded is
    /// looked for there; the others are in the index.
    pub(in crate::events::ledger) fn find(
        &self,
        id: Uuid,
        sought: &Sought,
    ) -> Result<Option<u64>, Fault> {
        if let Some(millis) = sought.millis
            && let Some(found) = self.find_at(id, millis)?
        {
            return Ok(Some(found));
        }
        if !self.seal.stranger_filter.may_hold(sought) {
            return Ok(None);
        }
        for position in self.places(Kind::Strangers, &self.seal.stranger_tops, sought)? {
            let page = self.page(position)?;
            let record = page.as_ref().and_then(|page| page.record(position));
            if record.is_some_and(|(record, _)| record.id == id) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    fn find_at(&self, id: Uuid, millis: u64) -> Result<Option<u64>, Fault> {
        let from = millis.saturating_mul(1000);
        let until = from.saturating_add(1000);
        if from > self.summary().last_at || until <= self.summary().first_at {
            return Ok(None);
        }
        let start = self.page_of_time(from);
        for number in start..self.seal.pages.count() {
            let begins = self.seal.page_times.get(size(u64::from(number)));
            if begins.is_none_or(|begins| *begins >= until) {
                break;
            }
            let (position, _) = self.range(number);
            let Some(page) = self.page(position)? else {
                break;
            };
            for read in page.unhashed() {
                let Ok((record, _)) = read else {
                    let (kind, number) = (Kind::Page, number);
                    return Err(self.fault(Leaf { kind, number }));
                };
                if record.id == id {
                    return Ok(Some(record.position));
                }
            }
        }
        Ok(None)
    }

    /// The last page that begins at or before an instant; the first one before all.
    fn page_of_time(&self, micros: u64) -> u32 {
        let after = self
            .seal
            .page_times
            .partition_point(|begins| *begins <= micros);
        u32::try_from(after.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The last position recorded at or before an instant (microseconds); none if all of the
    /// epoch came later.
    pub(in crate::events::ledger) fn position_at(&self, micros: u64) -> Result<Option<u64>, Fault> {
        if micros < self.summary().first_at {
            return Ok(None);
        }
        if micros >= self.summary().last_at {
            return Ok(Some(self.last()));
        }
        let (first, _) = self.range(self.page_of_time(micros));
        let Some(page) = self.page(first)? else {
            return Ok(None);
        };
        let within = page
            .unhashed()
            .map_while(Result::ok)
            .take_while(|(record, _)| record.recorded_at <= micros)
            .count();
        Ok(len64(within)
            .checked_sub(1)
            .map(|more| first.saturating_add(more)))
    }

    /// The chain hash after a position; also the one before the epoch. None elsewhere.
    pub(in crate::events::ledger) fn chain_at(&self, position: u64) -> Result<Option<Hash>, Fault> {
        if position.saturating_add(1) == self.first() {
            return Ok(Some(self.summary().heading.before));
        }
        let Some(page) = self.page(position)? else {
            return Ok(None);
        };
        let mut chain = page.before;
        for (record, header) in page.records().map_while(Result::ok) {
            chain = chained(&chain, header, &record.payload_hash);
            if record.position == position {
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }
}

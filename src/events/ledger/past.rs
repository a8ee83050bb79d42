//! Epochs that are closed, as the whole ledger reads them; and those of which nothing is left to
//! read, so that the rest goes on.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::append::Appended;
use super::closed::cache::Cache;
use super::closed::page::Page;
use super::closed::reading::{Closed, Fault};
use super::closed::sought::Sought;
use super::handle::{OpenError, ReadError};
use super::index::StreamHead;
use super::journal::{Heading, Journal};
use super::layout::{self, Layout};
use super::live::Gathered;
use super::reading::{self, corrupt};
use super::record::{Hash, Record};
use crate::events::envelope::Event;

/// Who wants more events than this gets them like a scan.
const LONG: usize = 512;

/// An epoch that is not live any more.
#[derive(Clone, Debug)]
pub(super) enum Past {
    /// Sealed.
    Closed(Arc<Closed>),
    /// Its seal is missing or damaged. A backup has it.
    Lost(Lost),
}

/// What is known of a lost epoch.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) reason: String,
}

impl Lost {
    /// What is lost, and why.
    pub(super) fn words(&self) -> String {
        let Self {
            first,
            last,
            reason,
        } = self;
        format!("the closed epoch of positions {first} to {last} cannot be read: {reason}")
    }

    fn error(&self) -> ReadError {
        corrupt(self.first, self.words())
    }
}

impl Past {
    /// Position of its first event.
    pub(super) fn first(&self) -> u64 {
        match self {
            Self::Closed(closed) => closed.first(),
            Self::Lost(lost) => lost.first,
        }
    }

    /// Position of its last event.
    pub(super) fn last(&self) -> u64 {
        match self {
            Self::Closed(closed) => closed.last(),
            Self::Lost(lost) => lost.last,
        }
    }

    fn closed(&self) -> Result<&Closed, ReadError> {
        match self {
            Self::Closed(closed) => Ok(closed),
            Self::Lost(lost) => Err(lost.error()),
        }
    }

    fn faulty(&self) -> impl Fn(Fault) -> ReadError {
        let first = self.first();
        move |fault| match fault {
            Fault::Io(source) if source.kind() != std::io::ErrorKind::NotFound => ReadError::Io {
                step: "reading a closed epoch",
                source,
            },
            Fault::Page { first, .. } => corrupt(first, fault),
            Fault::Io(_) | Fault::NoSeal | Fault::Seal | Fault::OtherSeal | Fault::Index { .. } => {
                corrupt(first, fault)
            }
        }
    }

    /// The page that holds a position, checked.
    pub(super) fn page(&self, position: u64) -> Result<Option<Arc<Page>>, ReadError> {
        self.closed()?.page(position).map_err(self.faulty())
    }

    /// The page that holds a position as it is packed, compared with its checksum.
    pub(super) fn packed(&self, position: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let closed = self.closed()?;
        closed.coming(position);
        closed.packed(position).map_err(self.faulty())
    }

    /// Asks for what a walk back along a stream will want, from this position on. Returns the first
    /// position that was asked for.
    pub(super) fn expect(&self, position: u64) -> u64 {
        match self {
            Self::Closed(closed) => closed.expect(position),
            Self::Lost(_) => position,
        }
    }

    /// Says that a scan has come to a position.
    pub(super) fn coming(&self, position: u64) {
        if let Self::Closed(closed) = self {
            closed.coming(position);
        }
    }

    /// What `visit` makes of the record at the position.
    pub(super) fn at<T>(
        &self,
        position: u64,
        mut visit: impl FnMut(&Record<'_>) -> T,
    ) -> Result<Option<T>, ReadError> {
        let page = self.closed()?.page(position).map_err(self.faulty())?;
        let found = page.as_ref().and_then(|page| page.record(position));
        Ok(found.map(|(record, _)| visit(&record)))
    }

    /// Events from `next` on, until there are `limit` or this epoch ends; `next` goes on.
    pub(super) fn read(
        &self,
        blobs: &Path,
        next: &mut u64,
        (events, limit): (&mut Vec<Event>, usize),
    ) -> Result<(), ReadError> {
        let closed = self.closed()?;
        while events.len() < limit {
            if limit > LONG {
                closed.coming(*next);
            }
            let Some(page) = closed.page(*next).map_err(self.faulty())? else {
                break;
            };
            let before = *next;
            for read in page.unhashed() {
                let (record, _) = read.map_err(|fault| corrupt(*next, fault))?;
                if record.position != *next || events.len() >= limit {
                    continue;
                }
                events.push(reading::event(blobs, &record)?);
                *next = next.saturating_add(1);
            }
            if *next == before {
                return Err(corrupt(*next, "its page does not hold it"));
            }
        }
        Ok(())
    }

    pub(super) fn stream_head(
        &self,
        stream: &str,
        sought: &Sought,
    ) -> Result<Option<StreamHead>, ReadError> {
        self.closed()?.stream(stream, sought).map_err(self.faulty())
    }

    /// Calls `visit` with the name of every stream that begins with the prefix.
    pub(super) fn streams(
        &self,
        prefix: &str,
        mut visit: impl FnMut(&str),
    ) -> Result<(), ReadError> {
        for entry in self.closed()?.streams(prefix) {
            let (name, _) = entry.map_err(self.faulty())?;
            visit(&name);
        }
        Ok(())
    }

    pub(super) fn find(&self, event: Uuid, sought: &Sought) -> Result<Option<u64>, ReadError> {
        self.closed()?.find(event, sought).map_err(self.faulty())
    }

    /// The commit of a command and the hash of its content.
    pub(super) fn find_command(
        &self,
        command: Uuid,
        sought: &Sought,
    ) -> Result<Option<(Appended, Hash)>, ReadError> {
        let closed = self.closed()?;
        let candidates = closed.command_candidates(sought);
        for position in candidates.map_err(self.faulty())? {
            if self.at(position, |record| record.command == command)? == Some(true) {
                return self.commit_at(position).map(Some);
            }
        }
        Ok(None)
    }

    fn commit_at(&self, first: u64) -> Result<(Appended, Hash), ReadError> {
        let closed = self.closed()?;
        let mut commit = Gathered::at(first);
        let mut next = first;
        while let Some(page) = closed.page(next).map_err(self.faulty())? {
            for read in page.records() {
                let (record, _) = read.map_err(|fault| corrupt(next, fault))?;
                if !commit.take(&record) {
                    return Ok(commit.done());
                }
            }
            next = page.last().saturating_add(1);
        }
        Ok(commit.done())
    }

    /// The last position of this epoch recorded at or before the instant.
    pub(super) fn position_at(&self, micros: u64) -> Result<Option<u64>, ReadError> {
        self.closed()?.position_at(micros).map_err(self.faulty())
    }

    pub(super) fn chain_at(&self, position: u64) -> Result<Option<Hash>, ReadError> {
        self.closed()?.chain_at(position).map_err(self.faulty())
    }
}

/// So many of the newest closed epochs have their files opened with the ledger, the others when they
/// are first read: a process may have a thousand files open, mostly.
const READY: usize = 128;

/// The past epochs, oldest first, without a gap. Of an epoch that has a readable seal the journal
/// is not needed any more, and is taken out of the list; one without is live while it has one.
pub(super) fn find(
    layout: &Layout,
    journals: &mut Vec<Journal>,
    cache: &Arc<Cache>,
) -> Result<Vec<Past>, OpenError> {
    let sealed = layout::epochs(&layout.sleds(), "seal");
    let mut found: Vec<Past> = Vec::new();
    for first in sealed.map_err(layout.io("listing the closed epochs"))? {
        let past = match open(layout, first, (journals, found.last()), cache)? {
            Ok(closed) => {
                journals.retain(|journal| journal.heading.first != first);
                Past::Closed(Arc::new(closed))
            }
            Err(_) if journals.iter().any(|of| of.heading.first == first) => continue,
            Err(reason) => Past::Lost(Lost {
                first,
                // Until the next epoch tells.
                last: u64::MAX,
                reason,
            }),
        };
        found.push(past);
    }
    for past in found.iter().rev().take(READY) {
        if let Past::Closed(closed) = past {
            closed.ready();
        }
    }
    let live_from = journals.first().map(|journal| journal.heading.first);
    let Some(live_from) = live_from else {
        return Ok(found);
    };
    if found.last().is_some_and(|past| past.first() >= live_from) {
        return Err(layout.corrupt(format!(
            "there is a closed epoch behind position {live_from}, whose journal is still there"
        )));
    }
    Ok(without_gaps(found, live_from))
}

/// A closed epoch, or why it is none.
fn open(
    layout: &Layout,
    first: u64,
    (journals, before): (&[Journal], Option<&Past>),
    cache: &Arc<Cache>,
) -> Result<Result<Closed, String>, OpenError> {
    let identity = journals.first().map(|journal| journal.heading);
    let is_it = |heading: &Heading| {
        let own = identity
            .is_none_or(|own| (own.ledger, own.timeline) == (heading.ledger, heading.timeline));
        let follows = match before {
            Some(Past::Closed(before)) => {
                let before = before.summary();
                // After a gap nobody knows.
                first != before.last.saturating_add(1) || heading.before == before.after
            }
            Some(Past::Lost(_)) | None => true,
        };
        own && follows && heading.first == first
    };
    let folder = layout.closed(first);
    if !folder.is_dir() {
        return Ok(Err("its folder is missing".to_owned()));
    }
    match Closed::open(&folder, &layout.seal(first), is_it, Arc::clone(cache)) {
        Ok(closed) => Ok(Ok(closed)),
        Err(Fault::Io(e)) => Err(layout.io("reading a seal")(e)),
        Err(fault) => Ok(Err(fault.to_string())),
    }
}

/// What is between two epochs, or before the first, is lost.
fn without_gaps(found: Vec<Past>, live_from: u64) -> Vec<Past> {
    let mut whole: Vec<Past> = Vec::new();
    let mut next = 1;
    let ends: Vec<u64> = found
        .iter()
        .skip(1)
        .map(Past::first)
        .chain([live_from])
        .collect();
    for (mut past, end) in found.into_iter().zip(ends) {
        if past.first() > next {
            whole.push(missing(next, past.first()));
        }
        if let Past::Lost(lost) = &mut past {
            lost.last = end.saturating_sub(1);
        }
        next = past.last().saturating_add(1);
        whole.push(past);
    }
    if next < live_from {
        whole.push(missing(next, live_from));
    }
    whole
}

fn missing(first: u64, until: u64) -> Past {
    Past::Lost(Lost {
        first,
        last: until.saturating_sub(1),
        reason: "its seal is missing".to_owned(),
    })
}

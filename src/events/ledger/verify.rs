//! Reading everything and comparing it: journal, bodies, chain, gaps, versions, sled, indexes.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::FileExt as _;

use uuid::Uuid;

use super::blobs;
use super::frame::Frame;
use super::handle::{ReadError, Verified};
use super::index::{FrameAt, StreamHead};
use super::journal::{Found, HEADER, Heading, Journal, Walk};
use super::kept::{self, KeptError};
use super::layout::Layout;
use super::live::Live;
use super::past::Past;
use super::record::{Hash, Kept as Stored, Record, chained};
use super::shared::Shared;
use crate::events::ids::Position;
use crate::events::kind::{Fact, LEDGER_RESTORED};

/// A damage list that is longer helps nobody.
const DAMAGE_MAX: usize = 1000;

/// What a reading of the journal leads to.
#[derive(Debug, Default)]
pub(super) struct Reading {
    events: u64,
    pub(super) position: u64,
    chain: Hash,
    recorded_at: Option<u64>,
    /// Which event of its commit comes next.
    place: u16,
    streams: BTreeMap<Box<str>, StreamHead>,
    ids: HashSet<Uuid>,
    frames: Vec<FrameAt>,
    /// What the journal says of the ledger's and the timeline's id.
    identity: (Uuid, Uuid),
    /// The timeline that the events lead to.
    timeline: Option<Uuid>,
    /// A position and the chain hash that is known from elsewhere to belong there.
    known: Option<(u64, Hash)>,
    /// The epoch before cannot be read, so nobody knows its chain.
    unknown: bool,
    /// Something before was lost, so what hangs on it cannot be compared.
    lost: bool,
    pub(super) damage: Vec<String>,
}

impl Reading {
    pub(super) fn damaged(&mut self, what: impl Into<String>) {
        if self.damage.len() < DAMAGE_MAX {
            self.damage.push(what.into());
        }
    }

    /// Reads the next epoch's journal anew from the disk, up to the position.
    pub(super) fn journal(
        &mut self,
        journal: &Journal,
        layout: &Layout,
        (up_to, known): (u64, Option<(u64, Hash)>),
    ) -> std::io::Result<()> {
        let reading = self;
        let heading = &journal.heading;
        reading.begin(heading.first, heading.before);
        reading.identity = (heading.ledger, heading.timeline);
        reading.known = known;
        let mut walk = Walk::new(&journal.file, heading.key(), HEADER)?;
        while reading.position < up_to {
            match walk.next()? {
                Some(Found::Frame(frame)) => reading.frame(&frame, layout),
                Some(Found::Gap {
                    offset,
                    until,
                    fault,
                }) => {
                    let next = reading.position.saturating_add(1);
                    let end =
                        until.map_or_else(|| "its end".to_owned(), |until| format!("byte {until}"));
                    reading.lost = true;
                    reading.damaged(format!(
                        "journal: bytes {offset} up to {end}, from position {next} on: {fault}"
                    ));
                }
                Some(Found::End) | None => break,
            }
        }
        Ok(())
    }

    /// Reads the next epoch, which is not live any more, anew from the disk.
    pub(super) fn past(&mut self, past: &Past, layout: &Layout) {
        let closed = match past {
            Past::Closed(closed) => closed,
            Past::Lost(lost) => {
                self.damaged(lost.words());
                self.lost = true;
                self.position = lost.last;
                self.unknown = true;
                return;
            }
        };
        let summary = closed.summary();
        self.begin(summary.heading.first, summary.heading.before);
        self.identity = (summary.heading.ledger, summary.heading.timeline);
        let mut damage = Vec::new();
        closed.verify(
            &mut |record| {
                if record.position != self.position.saturating_add(1) {
                    // Named by `closed`.
                    self.lost = true;
                    self.place = record.place;
                    self.position = record.position.saturating_sub(1);
                }
                self.facts(record, record.position);
                self.body(record, layout);
            },
            &mut |found| damage.push(found.what),
        );
        let (first, last) = (closed.first(), closed.last());
        for what in damage {
            self.damaged(format!("closed epoch {first} to {last}: {what}"));
        }
        self.position = last;
        self.chain = summary.after;
    }

    /// Goes on with the epoch that begins with this position, after this chain hash.
    fn begin(&mut self, first: u64, before: Hash) {
        let next = self.position.saturating_add(1);
        if self.position == 0 && self.events == 0 {
            self.chain = before;
        }
        let unknown = std::mem::take(&mut self.unknown);
        if first != next || (before != self.chain && !unknown) {
            self.damaged(format!(
                "the epoch from position {first} on does not follow position {}",
                self.position
            ));
            self.lost = true;
        }
        self.position = first.saturating_sub(1);
        self.chain = before;
        self.place = 0;
        self.frames.clear();
        // Ids tell when their event was recorded, and time goes on: one epoch's are enough.
        self.ids.clear();
    }

    fn frame(&mut self, frame: &Frame<'_>, layout: &Layout) {
        let next = self.position.saturating_add(1);
        if frame.first > next {
            let last = frame.first.saturating_sub(1);
            self.damaged(format!("journal: positions {next} to {last} are missing"));
            self.lost = true;
        } else if frame.first < next {
            self.damaged(format!("journal: position {} occurs again", frame.first));
        } else if frame.before != self.chain {
            self.damaged(format!("journal: the chain breaks before position {next}"));
        }
        self.chain = frame.before;
        self.position = frame.first.saturating_sub(1);
        self.place = 0;
        let mut recorded_at = None;
        for record in frame.records() {
            let next = self.position.saturating_add(1);
            match record {
                Ok((record, header)) => {
                    recorded_at.get_or_insert(record.recorded_at);
                    self.record(&record, header, next);
                    self.body(&record, layout);
                }
                Err(fault) => self.damaged(format!("position {next}: {fault}")),
            }
        }
        if self.chain != frame.after || self.position != frame.last() || self.place != 0 {
            let (first, last) = (frame.first, frame.last());
            self.damaged(format!(
                "journal: the events of positions {first} to {last} do not lead to their chain hash, or end within a commit"
            ));
        }
        self.chain = frame.after;
        self.position = frame.last();
        if self
            .known
            .is_some_and(|(at, chain)| at == self.position && chain != self.chain)
        {
            let at = self.position;
            self.damaged(format!(
                "journal: the chain at position {at} is not what it was"
            ));
        }
        self.frames.push(FrameAt {
            first: frame.first,
            offset: frame.offset,
            recorded_at: recorded_at.unwrap_or_default(),
        });
    }

    fn record(&mut self, record: &Record<'_>, header: &[u8], next: u64) {
        self.facts(record, next);
        self.chain = chained(&self.chain, header, &record.payload_hash);
    }

    /// All of a record but its place in the chain.
    fn facts(&mut self, record: &Record<'_>, next: u64) {
        if record.position != next {
            self.damaged(format!("position {next} calls itself {}", record.position));
        }
        if self
            .recorded_at
            .is_some_and(|before| record.recorded_at <= before)
        {
            self.damaged(format!("position {next} is not later than the one before"));
        }
        if record.kind == LEDGER_RESTORED {
            // A restore may stop within a commit.
            self.place = 0;
        }
        if record.place != self.place || record.place >= record.of {
            self.damaged(format!(
                "position {next} is not event {} of its commit",
                self.place
            ));
        }
        let following = record.place.saturating_add(1);
        self.place = if following < record.of { following } else { 0 };
        if !self.ids.insert(record.id) {
            self.damaged(format!("position {next} has an id that occurs before"));
        }
        let head = self.streams.get(record.stream).copied();
        let version = head.map_or(0, |head| head.version.saturating_add(1));
        let previous = head.map_or(0, |head| head.position);
        if !self.lost && (record.version, record.previous) != (version, previous) {
            self.damaged(format!(
                "position {next} is version {} of stream {} after {}, where version {version} \
                 after {previous} belongs",
                record.version, record.stream, record.previous
            ));
        }
        let head = StreamHead {
            version: record.version,
            position: next,
        };
        self.streams.insert(record.stream.into(), head);
        self.position = next;
        self.recorded_at = Some(record.recorded_at);
        self.events = self.events.saturating_add(1);
    }

    fn body(&mut self, record: &Record<'_>, layout: &Layout) {
        let checked = match record.kept {
            Stored::Inline(body) if *blake3::hash(body).as_bytes() != record.payload_hash => {
                Err("its body is not what its hash says".to_owned())
            }
            Stored::Inline(body) => record.event(body).map_err(|e| e.to_string()),
            Stored::Blob => blobs::read(&layout.blobs(), &record.payload_hash, record.body_len)
                .map_err(|e| e.to_string())
                .and_then(|body| record.event(&body).map_err(|e| e.to_string())),
        };
        match checked.map(|event| event.fact) {
            Ok(Fact::LedgerCreated(fact)) => {
                self.timeline = Some(fact.timeline);
                if fact.ledger != self.identity.0 {
                    self.damaged("journal: its header names another ledger than its first event");
                }
            }
            Ok(Fact::LedgerRestored(fact)) => self.timeline = Some(fact.timeline),
            Ok(_) => {}
            Err(reason) => self.damaged(format!("position {}: {reason}", record.position)),
        }
    }

    pub(super) fn verified(mut self) -> Verified {
        if self
            .timeline
            .is_some_and(|timeline| timeline != self.identity.1)
        {
            self.damaged("journal: its header names another timeline than its events");
        }
        Verified {
            ok: self.damage.is_empty(),
            events: self.events,
            head: Position(self.position),
            chain: blake3::Hash::from_bytes(self.chain).to_hex().to_string(),
            damage: self.damage,
        }
    }
}

/// Verifies an open ledger up to its head as it is now.
pub(super) fn verify(shared: &Shared) -> Result<Verified, ReadError> {
    let epochs = shared.epochs();
    let end = epochs.active.index().end;
    // sled gets what it still misses first, so that it can be compared too.
    shared.lag.wait_kept(end.position);
    let mut reading = Reading::default();
    for past in epochs.past.iter() {
        reading.past(past, &shared.layout);
    }
    for live in epochs.full.iter().chain(std::iter::once(&epochs.active)) {
        let up_to = live.index().end.position.min(end.position);
        let known = (end.position, end.chain);
        reading
            .journal(&live.journal, &shared.layout, (up_to, Some(known)))
            .and_then(|()| heading_is_intact(&mut reading, &live.journal))
            .map_err(|source| ReadError::Io {
                step: "reading the journal",
                source,
            })?;
        if reading.position < up_to {
            let last = reading.position;
            reading.damaged(format!(
                "journal: it leads to position {last}, but events up to {up_to} were written"
            ));
        }
        indexes(live, &mut reading);
        match sled(shared, live, &mut reading, up_to) {
            Ok(()) => {}
            // A full disk damages nothing: the journal was read whole, and sled's copy is made of it.
            Err(e) if e.is_full() => tracing::warn!(error = %e, "sled's copy cannot be compared"),
            Err(e) => reading.damaged(format!("sled: {e}")),
        }
    }
    Ok(reading.verified())
}

fn heading_is_intact(reading: &mut Reading, journal: &Journal) -> std::io::Result<()> {
    let mut header = vec![0; super::bytes::size(HEADER)];
    journal.file.read_exact_at(&mut header, 0)?;
    if Heading::decode(&header).as_ref() != Some(&journal.heading) {
        reading.damaged("journal: its header is damaged");
    }
    Ok(())
}

/// Compares what is kept in memory with what was read.
fn indexes(live: &Live, reading: &mut Reading) {
    let index = live.index();
    let mut wrong = Vec::new();
    for (stream, head) in &reading.streams {
        // Events that came after the reading began are not in it.
        let known = index.streams.get(stream);
        if head.position < live.first() {
            continue;
        }
        if known.is_none_or(|known| known.version < head.version) {
            wrong.push(format!("index: stream {stream} is not at {}", head.version));
        }
    }
    for frame in &reading.frames {
        if index.frame_of(frame.first) != Some(*frame) {
            wrong.push(format!("index: position {} is elsewhere", frame.first));
        }
    }
    drop(index);
    for what in wrong {
        reading.damaged(what);
    }
}

/// Compares sled with the journal, frame by frame, up to the position.
fn sled(shared: &Shared, live: &Live, reading: &mut Reading, up_to: u64) -> Result<(), KeptError> {
    let kept = live.kept();
    let Some(kept) = kept.as_ref() else {
        return Ok(());
    };
    let folder = shared.layout.sled(live.first());
    match kept::stray_blobs(&folder)? {
        0 => {}
        strays => reading.damaged(format!("sled: {strays} files in its blobs folder")),
    }
    let mut wrong = Vec::new();
    let mut expected = reading.frames.iter().peekable();
    kept.each(|first, bytes| {
        while let Some(missing) = expected.next_if(|frame| frame.first < first) {
            wrong.push(format!(
                "sled: the frame at position {} is missing",
                missing.first
            ));
        }
        if let Some(frame) = expected.next_if(|frame| frame.first == first) {
            let witnessed = live.journal.frame(frame.offset);
            if !witnessed.is_ok_and(|frame| frame.is_ok_and(|frame| *frame == *bytes)) {
                wrong.push(format!(
                    "sled: the frame at position {first} is not the journal's"
                ));
            }
        } else if first <= up_to {
            wrong.push(format!(
                "sled: the frame at position {first} is not in the journal"
            ));
        }
        first <= up_to
    })?;
    // What sled could not take for want of room it will take, and `doctor` says so.
    let starved = shared.lag.failing().is_some() && shared.no_room_for(0).is_some();
    let missing: Vec<u64> = expected
        .filter(|_| !starved)
        .map(|frame| frame.first)
        .collect();
    for what in wrong {
        reading.damaged(what);
    }
    if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
        reading.damaged(format!(
            "sled: {} frames from position {first} to the one at {last} are missing",
            missing.len()
        ));
    }
    Ok(())
}

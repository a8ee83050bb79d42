//! Reading all of a closed epoch anew and comparing it with its seal and with itself.

use std::collections::BTreeMap;

use super::super::index::StreamHead;
use super::super::kept;
use super::super::record::{Hash, Record, chained};
use super::cache::Cached;
use super::leaf::{Kind, Leaf};
use super::page::Page;
use super::reading::{Closed, Fault};
use super::sought::Printer;

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::events::ledger) struct Damage {
    /// The positions that cannot be read because of it; none if all can.
    pub(in crate::events::ledger) lost: Option<(u64, u64)>,
    pub(in crate::events::ledger) what: String,
}

/// What a check gathers on its way.
struct Check<'a> {
    closed: &'a Closed,
    printer: Printer,
    damaged: &'a mut dyn FnMut(Damage),
    chain: Option<Hash>,
    recorded_at: u64,
    streams: BTreeMap<Box<str>, StreamHead>,
    /// A page before was lost, so what hangs on it cannot be compared.
    lost: bool,
}

impl Closed {
    /// Calls `damaged` for everything that is wrong, and `visit` with every record that can be
    /// read, in order. Nothing is taken from the cache.
    pub(in crate::events::ledger) fn verify(
        &self,
        visit: &mut dyn FnMut(&Record<'_>),
        damaged: &mut dyn FnMut(Damage),
    ) {
        match kept::files_hash(&self.folder) {
            Ok(hash) if hash == self.summary().files => {}
            Ok(_) => damaged(Damage {
                lost: None,
                what: "its files are not what they were when it was closed".to_owned(),
            }),
            Err(e) => damaged(Damage {
                lost: None,
                what: format!("its files cannot be read: {e}"),
            }),
        }
        let heading = &self.summary().heading;
        let mut check = Check {
            closed: self,
            printer: Printer::new(heading.ledger, heading.timeline),
            damaged,
            chain: Some(self.summary().heading.before),
            recorded_at: 0,
            streams: BTreeMap::new(),
            lost: false,
        };
        for number in 0..self.seal.pages.count() {
            check.page(number, visit);
        }
        if check
            .chain
            .is_some_and(|chain| chain != self.summary().after)
        {
            check.say(
                None,
                "the chain does not end where the seal says".to_owned(),
            );
        }
        check.index();
    }
}

impl Check<'_> {
    fn say(&mut self, lost: Option<(u64, u64)>, what: String) {
        (self.damaged)(Damage { lost, what });
    }

    fn page(&mut self, number: u32, visit: &mut dyn FnMut(&Record<'_>)) {
        let kind = Kind::Page;
        let range = self.closed.range(number);
        match self.closed.read(Leaf { kind, number }) {
            Ok(Cached::Page(page)) => self.records(&page, visit),
            Ok(Cached::Streams(_) | Cached::Words(_)) => self.lose(range, "it is no page"),
            Err(Fault::Io(e)) => self.lose(range, &e.to_string()),
            Err(_) => self.lose(range, "it is damaged"),
        }
    }

    fn lose(&mut self, (first, last): (u64, u64), why: &str) {
        self.lost = true;
        self.chain = None;
        self.say(
            Some((first, last)),
            format!("the page of positions {first} to {last}: {why}"),
        );
    }

    fn records(&mut self, page: &Page, visit: &mut dyn FnMut(&Record<'_>)) {
        if self.chain.is_some_and(|chain| chain != page.before) {
            let first = page.first;
            self.say(None, format!("the chain breaks before position {first}"));
        }
        let mut chain = page.before;
        for read in page.records() {
            let Ok((record, header)) = read else {
                self.lose((page.first, page.last()), "a record cannot be understood");
                return;
            };
            chain = chained(&chain, header, &record.payload_hash);
            if record.recorded_at <= self.recorded_at {
                let position = record.position;
                self.say(None, format!("time does not go on at position {position}"));
            }
            self.recorded_at = record.recorded_at;
            let head = StreamHead {
                version: record.version,
                position: record.position,
            };
            self.streams.insert(record.stream.into(), head);
            self.indexed(&record);
            visit(&record);
        }
        if chain != page.after {
            let last = page.last();
            self.say(
                None,
                format!("the chain does not hold up to position {last}"),
            );
        }
        self.chain = Some(page.after);
    }

    /// Whether the index leads to the record.
    fn indexed(&mut self, record: &Record<'_>) {
        let printer = self.printer;
        let position = record.position;
        if record.place == 0 {
            let sought = printer.id(record.command);
            match self.closed.command_candidates(&sought) {
                Ok(found) if found.contains(&position) => {}
                // Named once, below.
                Err(_) => {}
                Ok(_) => self.say(None, format!("the index lacks the command at {position}")),
            }
        }
        if !super::packing::is_timely(record.id, record.recorded_at) {
            let found = self.closed.find(record.id, &printer.id(record.id));
            if found.is_ok_and(|found| found.is_none()) {
                self.say(None, format!("the index lacks the event id at {position}"));
            }
        }
    }

    fn index(&mut self) {
        let seal = &self.closed.seal;
        let mut stored = BTreeMap::new();
        let mut whole = true;
        for kind in [Kind::Streams, Kind::Commands, Kind::Strangers] {
            for number in 0..seal.places(kind).count() {
                match self.closed.read(Leaf { kind, number }) {
                    Ok(Cached::Streams(streams)) => stored.extend(
                        streams
                            .iter()
                            .map(|(name, head)| (Box::<str>::from(name), head)),
                    ),
                    Ok(_) => {}
                    Err(fault) => {
                        whole = false;
                        self.say(None, fault.to_string());
                    }
                }
            }
        }
        if whole && !self.lost && stored != self.streams {
            self.say(
                None,
                "the index of streams is not what the events say".to_owned(),
            );
        }
    }
}

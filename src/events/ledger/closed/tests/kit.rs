//! Epochs to close, from a few numbers.

use crate::events::ledger::bytes::size;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use uuid::{Builder, Uuid};

use crate::events::ledger::closed::cache::Cache;
use crate::events::ledger::closed::reading::{Closed, Fault};
use crate::events::ledger::closed::sealing::{Step, Target, seal};
use crate::events::ledger::frame::Draft;
use crate::events::ledger::journal::{HEADER, Heading};
use crate::events::ledger::record::{Hash, Kept, Record};

/// A record that owns its texts.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) position: u64,
    pub(super) recorded_at: u64,
    pub(super) clock: u64,
    pub(super) id: Uuid,
    pub(super) version: u64,
    pub(super) previous: u64,
    pub(super) kind: u16,
    pub(super) key: u32,
    pub(super) actor: String,
    pub(super) place: u16,
    pub(super) of: u16,
    pub(super) correlation: Uuid,
    pub(super) causation: Option<Uuid>,
    pub(super) command: Uuid,
    pub(super) stream: String,
    pub(super) body: Vec<u8>,
    /// In a file of its own.
    pub(super) blob: bool,
    /// The body was taken away: its hash is of something else.
    pub(super) hash: Option<Hash>,
}

impl Event {
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            position: self.position,
            recorded_at: self.recorded_at,
            clock: self.clock,
            id: self.id,
            version: self.version,
            previous: self.previous,
            kind: self.kind,
            place: self.place,
            of: self.of,
            key: self.key,
            correlation: self.correlation,
            causation: self.causation,
            command: self.command,
            actor: &self.actor,
            stream: &self.stream,
            body_len: u32::try_from(self.body.len()).unwrap(),
            payload_hash: self
                .hash
                .unwrap_or_else(|| *blake3::hash(&self.body).as_bytes()),
            kept: if self.blob {
                Kept::Blob
            } else {
                Kept::Inline(&self.body)
            },
        }
    }
}

/// A generator of numbers from a seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn v7(&mut self, millis: u64) -> Uuid {
        let random = (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes();
        Builder::from_unix_timestamp_millis(millis, random[..10].try_into().unwrap()).into_uuid()
    }

    pub(super) fn v4(&mut self) -> Uuid {
        Builder::from_random_bytes(
            (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes(),
        )
        .into_uuid()
    }
}

pub(super) fn heading(first: u64) -> Heading {
    Heading {
        ledger: Uuid::from_u128(7),
        timeline: Uuid::from_u128(8),
        first,
        before: [if first == 1 { 0 } else { 0xAB }; 32],
    }
}

/// The words of bodies, so that they pack like text.
const WORDS: [&str; 16] = [
    "deploy", "the", "ledger", "please", "review", "agent", "window", "paste", "failed", "again",
    "since", "queue", "build", "is", "green", "now",
];

pub(super) fn text(dice: &mut Dice, length: usize) -> Vec<u8> {
    let mut body = String::new();
    while body.len() < length {
        if dice.below(9) == 0 {
            write!(body, "{:x} ", dice.next() >> 40).unwrap();
        } else {
            body.push_str(WORDS[usize::try_from(dice.below(16)).unwrap()]);
            body.push(' ');
        }
    }
    body.truncate(length);
    body.into_bytes()
}

/// `count` events as a ledger has them: six to a stream, mostly a commit each.
#[expect(
    clippy::too_many_lines,
    reason = "a generator that is read from top to bottom"
)]
pub(super) fn events(first: u64, count: u64, seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed);
    let mut made: Vec<Event> = Vec::new();
    let mut now = 1_790_000_000_000_000 + first * 50;
    let mut open: Vec<(String, u64, u64, Uuid)> = Vec::new();
    let mut left_of_commit = 0;
    let (mut command, mut of) = (Uuid::nil(), 1);
    for position in first..first + count {
        now += 1 + dice.below(100);
        if left_of_commit == 0 {
            of = if dice.below(10) == 0 {
                1 + dice.below(5)
            } else {
                1
            };
            of = of.min(first + count - position);
            left_of_commit = of;
            command = match dice.below(12) {
                0 => dice.v4(),
                1 => {
                    let ago = dice.below(100_000_000);
                    dice.v7(now / 1000 - ago)
                }
                _ => dice.v7(now / 1000),
            };
        }
        let place = of - left_of_commit;
        left_of_commit -= 1;
        if open.len() < 8 {
            let name = match dice.below(20) {
                0 => format!("note/{}", dice.below(50)),
                1 => format!("agent/agent-{}", dice.below(9)),
                _ => format!("message/{}", dice.v7(now / 1000)),
            };
            let known = made.iter().rev().find(|event| event.stream == name);
            let (version, previous) = known.map_or((0, 0), |e| (e.version + 1, e.position));
            if !open.iter().any(|(other, ..)| *other == name) {
                open.push((name, version, previous, dice.v7(now / 1000)));
            }
        }
        let at = usize::try_from(dice.below(u64::try_from(open.len()).unwrap())).unwrap();
        let (stream, version, previous, correlation) = open[at].clone();
        let large = dice.below(200) == 0;
        let length = if large { 5000 } else { 200 + dice.below(200) };
        let body = text(&mut dice, usize::try_from(length).unwrap());
        let id = if dice.below(100) == 0 {
            dice.v4()
        } else {
            dice.v7(now / 1000)
        };
        made.push(Event {
            position,
            recorded_at: now,
            clock: if dice.below(50) == 0 {
                now - 5_000_000
            } else {
                now
            },
            id,
            version,
            previous,
            kind: 900,
            key: 0,
            actor: "agent-3".to_owned(),
            place: u16::try_from(place).unwrap(),
            of: u16::try_from(of).unwrap(),
            correlation,
            causation: (version > 0).then_some(correlation),
            command,
            stream,
            blob: large,
            body,
            hash: (dice.below(300) == 0).then_some([9; 32]),
        });
        if (version + 1) % 6 == 0 {
            open.remove(at);
        } else {
            open[at].1 += 1;
            open[at].2 = position;
        }
    }
    made
}

/// The events in frames, and the chain hash after the last.
pub(super) fn frames(
    heading: &Heading,
    events: &[Event],
    per_frame: usize,
) -> (Vec<Arc<[u8]>>, Hash) {
    let mut chain = heading.before;
    let mut offset = HEADER;
    let mut frames = Vec::new();
    for chunk in events.chunks(per_frame) {
        let mut draft = Draft::new(chunk[0].position, chain);
        for event in chunk {
            draft.push(&event.record());
        }
        chain = draft.chain();
        let sealed = draft.seal(offset, 0, &heading.key());
        offset = sealed.end();
        frames.push(draft.sealed()[..size(sealed.length)].into());
    }
    (frames, chain)
}

pub(super) fn target(folder: &Path, first: u64) -> Target {
    Target {
        folder: folder.join(format!("{first:020}")),
        seal: folder.join(format!("{first:020}.seal")),
    }
}

/// Closes an epoch of these events below the folder, and opens it.
pub(super) fn close(folder: &Path, events: &[Event]) -> (Closed, Arc<Cache>) {
    close_frames(folder, events, 12)
}

/// The same with so many events in a frame.
pub(super) fn close_frames(
    folder: &Path,
    events: &[Event],
    per_frame: usize,
) -> (Closed, Arc<Cache>) {
    let heading = heading(events[0].position);
    let (frames, _) = frames(&heading, events, per_frame);
    let target = target(folder, heading.first);
    let mut pace = |_: Step| true;
    let sealed = seal(&target, heading, frames.iter().map(Ok), &mut pace).unwrap();
    let (closed, cache) = open(folder, heading.first).unwrap();
    assert_eq!(closed.seal, sealed);
    (closed, cache)
}

/// Opens the closed epoch that begins with this position.
pub(super) fn open(folder: &Path, first: u64) -> Result<(Closed, Arc<Cache>), Fault> {
    let target = target(folder, first);
    let cache = Arc::new(Cache::new(1024 * 1024));
    let opened = Closed::open(
        &target.folder,
        &target.seal,
        |found| *found == heading(first),
        Arc::clone(&cache),
    )?;
    Ok((opened, cache))
}

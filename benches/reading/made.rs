//! The stores that are read: agents and messages as a fleet writes them, from a seed. Six events a message
//! with about 300 bytes of words, 320 messages under way at a time, so that a message's events
//! stand on pages of their own.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use switchboard::adapters::clock::SystemClock;
use switchboard::adapters::entropy::RandomIds;
use switchboard::events::envelope::Cause;
use switchboard::events::facts::agent::{AgentAdded, Envelope, Profile, Target};
use switchboard::events::facts::attempt::{
    AttemptObserved, AttemptPasted, AttemptStarted, AttemptSubmitting, Channel, Step, StepTime,
    Witness,
};
use switchboard::events::facts::message::{
    MessageAccepted, MessageAcknowledged, MessageKind, Priority, Via,
};
use switchboard::events::facts::screen::Point;
use switchboard::events::ids::{AgentId, CommandId, CorrelationId, MessageId, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected, Part};
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::{Edge, Ledger};
use switchboard::events::ledger::options::Options;
use switchboard::events::ledger::reserve::Reserve;
use uuid::{Builder, Uuid};

/// Threads that fill; each has messages of its own.
const LANES: u64 = 16;
/// Messages a lane has under way; each of its commits has one event of every one of them.
const UNDER_WAY: u64 = 20;
/// Events of a message.
pub(crate) const PER_MESSAGE: u64 = 6;

/// The edge of a store that is measured.
pub(crate) fn edge() -> Edge {
    Edge {
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        reserve: Reserve::default(),
    }
}

pub(crate) fn cause() -> Cause {
    let id = Uuid::now_v7();
    Cause {
        actor: AgentId::operator(),
        correlation: CorrelationId(id),
        causation: None,
        command: CommandId(id),
    }
}

/// A disk that does not sync: filling is not what is measured.
#[derive(Debug)]
struct Hasty;

impl Disk for Hasty {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        OsDisk.free(folder)
    }
}

/// A store with so many events, as good as closed where it is full.
pub(crate) fn fill(store: &Path, events: u64) {
    let disk = Arc::new(Hasty);
    let ledger = Ledger::create_with(Options::default(), disk, store, edge(), "bench").unwrap();
    for nth in 1..=8 {
        append(&ledger, vec![added(nth)]);
    }
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let ledger = &ledger;
            scope.spawn(move || {
                let mut lane = Lane::new(lane);
                for _ in 0..events / LANES / UNDER_WAY {
                    append(ledger, lane.next());
                    // What is closed in the background keeps up, else epochs grow.
                    while ledger.condition().full > 2 {
                        std::thread::sleep(std::time::Duration::from_millis(20));
                    }
                }
            });
        }
    });
    ledger.settle();
    ledger.close().unwrap();
}

pub(crate) fn append(ledger: &Ledger, parts: Vec<Part>) {
    let cause = cause();
    ledger.append(Commit { cause, parts }).unwrap();
}

fn part(stream: StreamId, fact: Fact) -> Part {
    Part {
        stream,
        expected: Expected::Any,
        facts: vec![fact],
    }
}

fn added(nth: i32) -> Part {
    let agent: AgentId = format!("agent-{nth}").parse().unwrap();
    let profile = Profile {
        roles: vec!["member".parse().unwrap()],
        capabilities: Vec::new(),
        channels: vec![Channel::Gui, Channel::Inbox],
        seat: Some(format!(":{nth}").parse().unwrap()),
        place: Some(Point { x: -308, y: 481 }),
        onboarding_place: None,
        window: None,
        target: Target::Chat,
        rank: nth,
        envelope: Envelope::None,
        description: String::new(),
        active: true,
        fingerprint: None,
    };
    part(
        StreamId::agent(&agent),
        AgentAdded { agent, profile }.into(),
    )
}

/// One writer's messages. The same number gives the same ones, but for the ids of commands.
pub(crate) struct Lane {
    state: u64,
    step: u64,
    under_way: Vec<(MessageId, AgentId)>,
}

/// `SplitMix64`'s finish.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const WORDS: [&str; 64] = [
    "agent",
    "please",
    "look",
    "at",
    "the",
    "failing",
    "test",
    "in",
    "module",
    "delivery",
    "and",
    "report",
    "what",
    "you",
    "find",
    "before",
    "changing",
    "anything",
    "else",
    "branch",
    "commit",
    "review",
    "merge",
    "window",
    "message",
    "ledger",
    "queue",
    "retry",
    "because",
    "build",
    "is",
    "red",
    "since",
    "this",
    "morning",
    "captain",
    "asks",
    "for",
    "status",
    "of",
    "task",
    "with",
    "priority",
    "urgent",
    "normal",
    "coordinates",
    "were",
    "moved",
    "by",
    "operator",
    "see",
    "notes",
    "then",
    "answer",
    "to",
    "all",
    "three",
    "questions",
    "about",
    "storage",
    "format",
    "limits",
    "errors",
    "thanks",
];

impl Lane {
    pub(crate) fn new(number: u64) -> Self {
        Self {
            state: mix(number + 1),
            step: 0,
            under_way: Vec::new(),
        }
    }

    fn dice(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    fn words(&mut self) -> String {
        let length = 260 + usize::try_from(self.dice() % 80).unwrap();
        let mut body = String::with_capacity(length + 16);
        while body.len() < length {
            let dice = self.dice();
            // A number now and then: text of real messages is not only words.
            if dice.is_multiple_of(9) {
                body.push_str(&format!("{:x} ", dice >> 40));
            } else {
                body.push_str(WORDS[usize::try_from(dice % 64).unwrap()]);
                body.push(' ');
            }
        }
        body
    }

    /// The next event of each message under way, messages one step apart from each other.
    pub(crate) fn next(&mut self) -> Vec<Part> {
        let parts = (0..UNDER_WAY).map(|slot| {
            let stage = (self.step + slot) % PER_MESSAGE;
            let slot = usize::try_from(slot).unwrap();
            if stage == 0 || self.under_way.len() <= slot {
                let (high, low) = (self.dice(), self.dice());
                let id = Builder::from_random_bytes(
                    ((u128::from(high) << 64) | u128::from(low)).to_be_bytes(),
                );
                let to = format!("agent-{}", self.dice() % 8 + 1).parse().unwrap();
                let fresh = (MessageId(id.into_uuid()), to);
                if self.under_way.len() <= slot {
                    self.under_way.push(fresh);
                } else {
                    self.under_way[slot] = fresh;
                }
            }
            let (message, to) = self.under_way[slot].clone();
            part(StreamId::message(message), self.fact(stage, message, to))
        });
        let parts = parts.collect();
        self.step += 1;
        parts
    }

    fn fact(&mut self, stage: u64, message: MessageId, to: AgentId) -> Fact {
        let attempt = 1;
        match stage {
            0 => MessageAccepted {
                message,
                from: AgentId::operator(),
                to,
                body: self.words(),
                kind: MessageKind::Text,
                priority: Priority::Normal,
                tags: Vec::new(),
                via: Via::Auto,
                ttl_micros: None,
                expires_at: None,
                not_before: None,
                reply_to: None,
                broadcast: None,
                hops: 0,
            }
            .into(),
            1 => AttemptStarted {
                message,
                attempt,
                channel: Channel::Gui,
                seat: Some(":1".parse().unwrap()),
                place: None,
                because: None,
            }
            .into(),
            2 => AttemptPasted {
                message,
                attempt,
                changed_pixels: 900,
                needed_pixels: 300,
                read_back: true,
                sanitised: None,
            }
            .into(),
            3 => AttemptSubmitting { message, attempt }.into(),
            4 => AttemptObserved {
                message,
                attempt,
                witness: Witness::BoxEmptied,
                presses: 1,
                window: None,
                steps: self.steps(),
            }
            .into(),
            _ => MessageAcknowledged { message, by: to }.into(),
        }
    }

    fn steps(&mut self) -> Vec<StepTime> {
        [Step::Preflight, Step::Focus, Step::Paste, Step::Submit]
            .into_iter()
            .map(|step| StepTime {
                step,
                micros: self.dice() % 20_000,
            })
            .collect()
    }
}

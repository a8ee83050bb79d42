//! The events that every store is given: about 300 bytes of body, six to a stream, from a seed.

use uuid::{Builder, Uuid};

/// Events of one stream, as one message's story has them.
pub const PER_STREAM: u64 = 6;

/// One event, before a store has given it a position.
#[derive(Clone, Debug)]
pub struct Event {
    /// 16 bytes that name its stream.
    pub stream: Uuid,
    /// Its number in the stream, from 0.
    pub version: u64,
    /// About 300 bytes of text.
    pub body: String,
}

impl Event {
    /// The bytes that a store without columns keeps: stream, version, body.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24 + self.body.len());
        bytes.extend_from_slice(self.stream.as_bytes());
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(self.body.as_bytes());
        bytes
    }

    /// Stream and version, as a key that sorts.
    pub fn key(&self) -> [u8; 24] {
        let mut key = [0; 24];
        key[..16].copy_from_slice(self.stream.as_bytes());
        key[16..].copy_from_slice(&self.version.to_be_bytes());
        key
    }
}

/// Makes one producer's events. The same seed and producer give the same events.
#[derive(Debug)]
pub struct Source {
    state: u64,
    made: u64,
    stream: Uuid,
}

/// `SplitMix64`'s finish.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const WORDS: [&str; 64] = [
    "agent", "please", "look", "at", "the", "failing", "test", "in", "module", "delivery", "and", "report",
    "what", "you", "find", "before", "changing", "anything", "else", "branch", "commit", "review", "merge",
    "window", "message", "ledger", "queue", "retry", "because", "build", "is", "red", "since", "this",
    "morning", "captain", "asks", "for", "status", "of", "task", "with", "priority", "urgent", "normal",
    "coordinates", "were", "moved", "by", "operator", "see", "notes", "then", "answer", "to", "all", "three",
    "questions", "about", "storage", "format", "limits", "errors", "thanks",
];

impl Source {
    /// The events of one producer.
    pub fn new(seed: u64, producer: u64) -> Self {
        // Through the dice, so that producers do not walk the same path a step apart.
        let state = mix(mix(seed).wrapping_add(producer));
        Self { state, made: 0, stream: Uuid::nil() }
    }

    fn dice(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// The next event.
    pub fn event(&mut self) -> Event {
        let version = self.made % PER_STREAM;
        if version == 0 {
            let (high, low) = (self.dice(), self.dice());
            self.stream = Builder::from_u128((u128::from(high) << 64) | u128::from(low)).into_uuid();
        }
        self.made += 1;
        let length = 260 + usize::try_from(self.dice() % 80).unwrap_or(0);
        let mut body = String::with_capacity(length + 16);
        while body.len() < length {
            let dice = self.dice();
            // A number now and then: text of real messages is not only words.
            if dice.is_multiple_of(9) {
                body.push_str(&format!("{:x} ", dice >> 40));
            } else {
                body.push_str(WORDS[usize::try_from(dice % 64).unwrap_or(0)]);
                body.push(' ');
            }
        }
        Event { stream: self.stream, version, body }
    }

    /// The next `count` events.
    pub fn batch(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.event()).collect()
    }
}

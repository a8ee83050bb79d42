//! What a backup is: where it stands in the ledger's history, and every segment that it takes to get
//! there from the first event.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::digest::Digest;
use crate::events::facts::backup::Kind;
use crate::events::time::Timestamp;

/// One segment, as manifests list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The hash of its bytes, which is its name.
    pub object: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// Position of its first event.
    pub first: u64,
    /// Position of its last event.
    pub last: u64,
    /// Chain hash before its first event.
    pub before: Digest,
    /// Chain hash after its last event.
    pub after: Digest,
    /// When its first event was recorded.
    pub first_at: Timestamp,
    /// When its last event was recorded.
    pub last_at: Timestamp,
    /// Bytes of its records in a journal.
    pub raw: u64,
}

/// A timeline and the last position that is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// Which.
    pub timeline: Uuid,
    /// The last of its events that the next timeline has.
    pub until: u64,
}

/// The canonical state hash at a backup's last position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateHash {
    /// In hex, as `replay` prints it.
    pub hash: String,
    /// The hash schema.
    pub schema: String,
    /// `name@version` of every projection.
    pub projections: Vec<String>,
}

/// One backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its id; its file has this name.
    pub id: Uuid,
    /// What it adds.
    pub kind: Kind,
    /// The ledger.
    pub ledger: Uuid,
    /// The timeline it was taken from.
    pub timeline: Uuid,
    /// The timelines before, oldest first.
    pub lineage: Vec<Ancestor>,
    /// The manifest that was the newest when this one was made.
    pub previous: Option<Uuid>,
    /// The backup it builds on.
    pub base: Option<Uuid>,
    /// First position that it adds.
    pub first_position: u64,
    /// The last position that can be restored from it.
    pub last_position: u64,
    /// When the first event it adds was recorded.
    pub first_at: Timestamp,
    /// When the last event was recorded.
    pub last_at: Timestamp,
    /// Chain hash at the last position.
    pub chain: Digest,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Bytes of the records that it adds.
    pub bytes_raw: u64,
    /// Bytes of the objects that it wrote.
    pub bytes_stored: u64,
    /// The state at the last position; none when a projection was stopped.
    pub state: Option<StateHash>,
    /// The name that it gives, when it is a label.
    pub label: Option<String>,
    /// Words for retention.
    pub tags: Vec<String>,
    /// The version of the binary that took it.
    pub made_by: String,
    /// Every segment from the first event to the last position, in order, without a gap.
    pub segments: Vec<Piece>,
}

/// The title of a manifest's file.
pub const TITLE: &str = "manifest";

impl Manifest {
    /// Why it contradicts itself, if it does. Its hash says that it is what was written; this says that
    /// what was written can be used.
    pub fn flaw(&self) -> Option<String> {
        let mut next = 1;
        let mut chain = Digest::default();
        for piece in &self.segments {
            if piece.first != next || piece.last < piece.first || piece.before != chain {
                return Some(format!("its segments do not follow at position {next}"));
            }
            next = piece.last.checked_add(1)?;
            chain = piece.after;
        }
        if self.kind == Kind::Label {
            let named = self.label.as_ref().is_some_and(|label| !label.is_empty());
            return (!named || !self.segments.is_empty())
                .then(|| "a label without a name, or with segments".to_owned());
        }
        (next.checked_sub(1) != Some(self.last_position) || chain != self.chain)
            .then(|| "its segments do not lead to its last position".to_owned())
    }

    /// Its timelines with the last position that belongs to each, its own last.
    pub fn timelines(&self) -> impl Iterator<Item = Ancestor> {
        self.lineage.iter().copied().chain([Ancestor {
            timeline: self.timeline,
            until: self.last_position,
        }])
    }

    /// The last of its positions that this timeline has too; 0 for a timeline it does not know.
    pub fn shared_with(&self, timelines: &[Ancestor]) -> u64 {
        let mut shared = 0;
        for (own, other) in self.timelines().zip(timelines) {
            if own.timeline != other.timeline {
                break;
            }
            shared = own.until.min(other.until);
            if own.until != other.until {
                break;
            }
        }
        shared.min(self.last_position)
    }

    /// As `backup …` and `backup list` print it.
    pub fn to_json(&self) -> Value {
        let mut item = json!({
            "id": self.id,
            "kind": self.kind,
            "timeline": self.timeline,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "bytes_raw": self.bytes_raw,
            "bytes_stored": self.bytes_stored,
            "seconds": std::time::Duration::from_micros(self.micros).as_secs_f64(),
            "hash": self.state.as_ref().map(|state| &state.hash),
            "chain": self.chain,
            "base": self.base,
            "taken_at": self.taken_at,
            "tags": self.tags,
        });
        if let (Value::Object(fields), Some(label)) = (&mut item, &self.label) {
            fields.insert("label".to_owned(), json!(label));
        }
        item
    }
}

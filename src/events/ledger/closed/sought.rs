//! What is looked for in closed epochs: an id or a name, its fingerprint made once for all of
//! them.

use uuid::Uuid;

use super::super::bytes::Reader;
use super::packing::millis;

/// Makes fingerprints. Keyed with the ledger's ids, so that nobody outside can choose ids that
/// collide.
#[derive(Clone, Copy, Debug)]
pub(in crate::events::ledger) struct Printer([u8; 32]);

/// An id or a name with its fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::events::ledger) struct Sought {
    pub(super) print: u64,
    /// Milliseconds since 1970 that it carries, if it does.
    pub(super) millis: Option<u64>,
}

impl Printer {
    /// For all epochs of this timeline of this ledger.
    pub(in crate::events::ledger) fn new(ledger: Uuid, timeline: Uuid) -> Self {
        let mut both = [0; 32];
        let (one, other) = both.split_at_mut(16);
        one.copy_from_slice(ledger.as_bytes());
        other.copy_from_slice(timeline.as_bytes());
        Self(blake3::derive_key(
            "switchboard 2026 closed epoch fingerprint",
            &both,
        ))
    }

    fn print(&self, bytes: &[u8]) -> u64 {
        let hash = blake3::keyed_hash(&self.0, bytes);
        Reader(hash.as_bytes()).u64().unwrap_or_default()
    }

    /// A command's or an event's id.
    pub(in crate::events::ledger) fn id(&self, id: Uuid) -> Sought {
        Sought {
            print: self.print(id.as_bytes()),
            millis: millis(id),
        }
    }

    /// A stream. Its time is that of the id after its category, if there is one.
    pub(in crate::events::ledger) fn stream(&self, name: &str) -> Sought {
        let id = name.split_once('/').and_then(|(_, id)| {
            // Only the one spelling that everything of ours uses.
            (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten()
        });
        Sought {
            print: self.print(name.as_bytes()),
            millis: id.and_then(millis),
        }
    }
}

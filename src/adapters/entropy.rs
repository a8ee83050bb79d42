//! Fresh identities from the operating system's randomness.

use uuid::{ContextV7, Uuid};

use crate::events::ids::Ids;
use crate::events::time::Timestamp;

/// `UUIDv7` with 74 random bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn fresh(&self, now: Timestamp) -> Uuid {
        let seconds = now.micros() / 1_000_000;
        let nanos = u32::try_from(now.micros() % 1_000_000)
            .unwrap_or(0)
            .saturating_mul(1_000);
        Uuid::new_v7(uuid::Timestamp::from_unix(ContextV7::new(), seconds, nanos))
    }
}

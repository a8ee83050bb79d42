//! What every projection is: a pure fold over events.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::events::envelope::Event;
use crate::events::ids::Position;
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// What a fold sees of an event.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its place.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened.
    pub fact: &'a Fact,
}

impl<'a> From<&'a Event> for Seen<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            position: event.position,
            recorded_at: event.recorded_at,
            fact: &event.fact,
        }
    }
}

/// A state that events add up to. Applying is total: no fact makes it fail or panic, none is applied
/// twice, and nothing but the event is looked at (no clock, no settings). What a fold cannot
/// understand it leaves alone; what cannot even be decoded never reaches it, and stops it.
pub trait Fold: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// Its name.
    const NAME: &'static str;
    /// Raised whenever the same events would give another state.
    const VERSION: u32;
    /// The oldest version whose checkpoints have this one's shape. Such a checkpoint serves while this
    /// version is folded from zero; an older one is left alone.
    const READS_SINCE: u32;

    /// Whether facts of this kind can change it. The others are not even decoded for it.
    fn cares(kind: u16) -> bool;

    /// What the event makes of it.
    fn apply(&mut self, event: &Seen<'_>);
}

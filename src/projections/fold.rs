//! What every projection is: a pure fold over events.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::events::envelope::Event;

/// A state that events add up to. Applying is total: no event makes it fail, none is applied twice,
/// and nothing but the event is looked at (no clock, no settings).
pub trait Fold: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// Its name.
    const NAME: &'static str;
    /// Raised whenever the same events would give another state: an old checkpoint is then refolded.
    const VERSION: u32;

    /// What the event makes of it.
    fn apply(&mut self, event: &Event);
}

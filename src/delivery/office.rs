//! What deliveries decide by and write into: the ledger and its projections, or a paper copy of
//! both.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::letter::Letter;
use super::settings::DispatchSettings;
use crate::commands::command::Command;
use crate::commands::desk::{Outcome, Refused};
use crate::events::envelope::Event;
use crate::events::ids::{MessageId, Position};
use crate::events::ledger::handle::ReadError;
use crate::events::time::Timestamp;
use crate::projections::states::States;
use crate::projections::story::Story;

/// Where deliveries are decided upon and written down. Everything behind it may wait for a disk.
pub trait Office: fmt::Debug {
    /// Executes a command of the desk's own; what it leads to is durable.
    fn execute(&self, command: impl Into<Command>) -> Result<Outcome, Refused>;
    /// Brings what [`Office::read`] shows up to the newest event.
    fn catch_up(&self) -> Result<(), Refused>;
    /// Looks at what is true now.
    fn read<T>(&self, look: impl FnOnce(&States) -> T) -> T;
    /// The event at a position; none beyond the newest.
    fn event(&self, at: Position) -> Result<Option<Event>, ReadError>;
    /// A message's story up to the newest event; none when there is no such message.
    fn story(&self, message: MessageId) -> Result<Option<Story>, ReadError>;
    /// Writes an inbox file; its path below the store folder once it is durable.
    fn post(&self, letter: &Letter) -> std::io::Result<String>;
    /// The present instant, never before the newest event: when the machine's clock steps back, what
    /// is due stays due, and a rest counted from now is a rest.
    fn now(&self) -> Timestamp;
    /// Patience, policy, keys as of now.
    fn settings(&self) -> Arc<DispatchSettings>;
    /// A number from 0 to 1000, for jitter.
    fn dice(&self) -> u16;
    /// An id never given before.
    fn fresh(&self) -> Uuid;
}

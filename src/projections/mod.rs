//! What is true now: folds over events, checkpointed and rebuildable.

mod agent_row;
pub mod agents;
pub mod canonical;
pub mod checkpoints;
pub mod fold;
pub mod histogram;
pub mod host;
pub mod inbox;
pub mod outbox;
mod saved;
pub mod states;
pub mod timeline;
pub mod traffic;
mod turns;

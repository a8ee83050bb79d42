//! What is true now: folds over events, checkpointed and rebuildable.

mod agent_row;
pub mod agents;
mod by_message;
pub mod canonical;
pub mod checking;
pub mod checkpoints;
pub mod conduct;
pub mod fold;
pub mod histogram;
pub mod host;
pub mod inbox;
pub mod outbox;
pub mod pages;
mod places;
pub mod positions;
pub mod rebuilding;
mod saved;
mod saving;
mod snapshots;
pub mod states;
pub mod story;
pub mod timeline;
pub mod timing;
pub mod traffic;
mod turns;
pub mod view;
pub mod what_if;

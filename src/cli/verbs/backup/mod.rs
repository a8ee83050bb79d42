//! `switchboard backup …`: one file per verb.

pub mod args;
pub mod drill;
pub mod label;
pub mod list;
pub mod prune;
pub mod ranges;
pub mod rekey;
pub mod take;
pub mod verify;

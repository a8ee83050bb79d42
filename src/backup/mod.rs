//! Copies of the ledger, and the way back. `docs/backup-format.md` describes a repository.

pub mod catalog;
pub mod cipher;
pub mod copying;
pub mod digest;
pub mod drill;
pub mod encryption;
pub mod error;
pub mod lock;
pub mod lossy;
pub mod manifest;
pub mod plan;
pub mod plan_calendar;
pub mod plan_prune;
pub mod plan_schedule;
pub mod ports;
pub mod prune;
pub mod reading;
pub mod restore;
pub mod sealed;
pub mod segment;
pub mod take;
pub mod trial;
pub mod verify;

mod looking;
mod packing;

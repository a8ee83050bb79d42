//! The ledger: the journal that witnesses, sled that keeps, and the checks between them.
//!
//! `docs/ledger-format.md` describes every byte; `docs/hazards.md` says against what each guard
//! stands.

pub mod append;
pub mod disk;
pub mod handle;
pub mod layout;
pub mod scan;

mod blobs;
mod bytes;
mod creating;
mod frame;
#[cfg(test)]
mod golden;
mod index;
mod journal;
mod keeper;
mod kept;
mod opening;
mod owner;
mod prepare;
mod reading;
mod record;
mod tail;
#[cfg(test)]
mod torn;
mod verify;
mod witness;
mod writer;

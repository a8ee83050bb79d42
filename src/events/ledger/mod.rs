//! The ledger: the journal that witnesses, sled that keeps, and the checks between them.
//!
//! `docs/ledger-format.md` describes every byte; `docs/hazards.md` says against what each guard
//! stands.

pub mod append;
pub mod disk;
pub mod handle;
pub mod layout;
pub mod options;
pub mod parcel;
pub mod priority;
pub mod reserve;
pub mod restoring;
pub mod stored;

mod batch;
mod blobs;
mod bytes;
mod closed;
mod closing;
mod creating;
mod epochs;
mod examining;
mod frame;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
mod index;
mod journal;
mod keeper;
mod kept;
mod lag;
mod live;
mod looking;
mod mending;
mod opening;
mod owner;
mod past;
mod prepare;
mod reading;
mod record;
mod repair;
mod rewriting;
mod rolling;
mod scan;
mod shared;
#[cfg(test)]
mod torn;
mod verify;
mod witness;
mod writer;

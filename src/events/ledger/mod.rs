//! The ledger: the journal that witnesses, sled that keeps, and the checks between them.
//!
//! `docs/ledger-format.md` describes every byte; `docs/hazards.md` says against what each guard
//! stands.

pub mod append;
pub mod disk;
pub mod handle;
pub mod layout;

mod blobs;
mod bytes;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "epochs are not closed by themselves yet")
)]
mod closed;
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

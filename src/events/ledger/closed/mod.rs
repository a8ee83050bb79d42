//! Closed epochs: written once, sealed, and from then on only read.
//!
//! `docs/ledger-format.md` describes every byte, `docs/decisions/closed-epochs.md` why it is so.

pub(super) mod cache;
pub(super) mod packing;
pub(super) mod page;
pub(super) mod reading;
pub(super) mod seal;
pub(super) mod sealing;
pub(super) mod sought;
pub(super) mod zipped;

mod bloom;
mod checking;
mod columns;
mod filing;
mod footer;
mod leaf;

#[cfg(test)]
mod tests;

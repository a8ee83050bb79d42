//! The ledger: the journal that witnesses, sled that keeps, and the checks between them.

pub mod append;
pub mod handle;

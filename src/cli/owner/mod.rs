//! The process that holds the ledger's lock, and therefore serves everybody else.

pub mod alerting;
pub mod background;
pub mod backing_up;
pub mod carrying;
pub mod exporting;
pub mod figures;
pub mod narrating;
pub mod open;
pub mod request;
pub mod serve;
pub mod socket;
pub mod tuning;

//! The ground: what happened, and the ledger that keeps it. Knows nothing above it.

pub mod codec;
pub mod envelope;
pub mod facts;
pub mod ids;
pub mod kind;
pub mod ledger;
pub mod lifecycle;
pub mod time;

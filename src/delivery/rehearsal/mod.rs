//! Deliveries without a ledger, a disk or a clock: the real decisions over a ledger on paper, played
//! in a theatre that has its own time. Nothing here is used while messages are really carried.

pub mod meddling;
pub mod paper;
pub mod play;

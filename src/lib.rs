//! Switchboard: the message ledger and delivery desk for a fleet of AI agents on a desktop.
//!
//! The map of the house and its arrows is in `docs/ARCHITECTURE.md`.

pub mod adapters;
pub mod api;
pub mod backup;
pub mod cli;
pub mod commands;
pub mod config;
pub mod delivery;
pub mod events;
pub mod projections;

//! What the ledger's owner does for each request: one file per sort of answer. Every answer is a row
//! of JSON objects and an exit code, so that text and JSON, near and far, cannot differ.

pub mod agents;
pub mod alerts;
pub mod answer;
pub mod backup;
pub mod calibrate;
pub mod doctor;
pub mod drill;
pub mod events;
pub mod execute;
pub mod inbox;
pub mod limits;
pub mod messages;
pub mod overview;
pub mod panic;
pub mod projections;
pub mod send;
pub mod status;
pub mod story;
pub mod timing;

//! The command line: one file per verb. Output and exit codes belong here and nowhere else.

pub mod args;
pub mod body;
pub mod coordinates;
pub mod entry;
pub mod exit;
pub mod output;
pub mod values;
pub mod verbs;
pub mod answers;
pub mod failures;
pub mod owner;
pub mod reach;
pub mod settings;
pub mod asking;
pub mod daemon;
pub mod seat_worker;
pub mod sight;

//! The command line: one file per verb. Output and exit codes belong here and nowhere else.

pub mod alarms;
pub mod answers;
pub mod args;
pub mod asking;
pub mod backup_failures;
pub mod body;
pub mod capturing;
pub mod coordinates;
pub mod daemon;
pub mod enrolling;
pub mod entry;
pub mod exit;
pub mod failures;
pub mod keys;
pub mod logging;
pub mod output;
pub mod owner;
pub mod reach;
pub mod seat_worker;
pub mod settings;
pub mod sight;
pub mod stop;
pub mod top;
pub mod values;
pub mod verbs;
pub mod web;

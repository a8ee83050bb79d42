//! What this program can do to your machine: implementations of the ports below it.

pub mod checkpoints;
pub mod clock;
pub mod desktop;
pub mod entropy;
pub mod files;
pub mod harm;
pub mod inbox;
pub mod keys;
pub mod log_files;
pub mod loopback;
pub mod machine;
pub mod processes;
pub mod seat_process;
pub mod telling;
pub mod vault;

//! What this program can do to your machine: implementations of the ports below it.

pub mod checkpoints;
pub mod clock;
pub mod entropy;
pub mod files;

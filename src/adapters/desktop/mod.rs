//! Eyes and hands: implementations of the `Desktop` port.

pub mod record;
pub mod simulated;

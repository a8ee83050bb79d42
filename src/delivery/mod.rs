//! Carrying messages: pure state machines, the ports they need, and one worker per seat.

pub mod courier;
pub mod evidence;
pub mod hands;
pub mod job;
pub mod look;
pub mod ports;
pub mod preflight;
pub mod runs;

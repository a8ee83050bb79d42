//! Carrying messages: pure state machines, the ports they need, and one worker per seat.

pub mod carriage;
pub mod courier;
pub mod dispatch;
pub mod errand;
pub mod evidence;
pub mod failing;
pub mod hands;
pub mod job;
pub mod lane;
pub mod look;
pub mod ports;
pub mod preflight;
pub mod runs;
pub mod wire;
pub mod worker;

//! Carrying messages: pure state machines, the ports they need, and one worker per seat.

pub mod backoff;
pub mod breaker;
pub mod courier;
pub mod envelope;
pub mod evidence;
pub mod hands;
pub mod job;
pub mod look;
pub mod mask;
pub mod policy;
pub mod ports;
pub mod preflight;
pub mod route;
pub mod runs;
pub mod sanitise;

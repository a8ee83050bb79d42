//! Carrying messages: pure state machines, the ports they need, and one worker per seat.

pub mod backoff;
pub mod breaker;
pub mod carriage;
pub mod courier;
pub mod dispatch;
pub mod envelope;
pub mod errand;
pub mod evidence;
pub mod failing;
pub mod hands;
pub mod job;
pub mod lane;
pub mod letter;
pub mod look;
pub mod mask;
pub mod policy;
pub mod ports;
pub mod preflight;
pub mod route;
pub mod runs;
pub mod sanitise;
pub mod settings;
pub mod whereabouts;
pub mod wire;
pub mod worker;

//! Carrying messages: pure state machines, the ports they need, and one worker per seat.

pub mod ports;

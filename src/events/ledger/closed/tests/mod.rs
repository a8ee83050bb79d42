//! Closed epochs, round trip and damage.

mod kit;
mod round_trip;

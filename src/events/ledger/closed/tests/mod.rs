//! Closed epochs, round trip and damage.

mod cached;
mod kit;
mod round_trip;

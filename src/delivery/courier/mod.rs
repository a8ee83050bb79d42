//! The courier: one attempt as a pure state machine. It says what to do next, hears what came of
//! it, and ends with exactly one outcome. It never waits, looks or presses anything itself.

mod after;
mod before;
mod blind;
mod clear;
mod draft;
mod ending;
pub mod machine;
mod measure;
pub mod moves;
mod new_chat;
mod paste;
mod phase;
mod probe;
mod rest;

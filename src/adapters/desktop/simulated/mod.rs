//! A desktop in memory: real little pictures, focus, an asynchronous clipboard, windows that react
//! late, and faults that strike before a chosen deed. Time is virtual: only waits and deeds move
//! it, so a run of many seconds takes a millisecond, and a seed always gives the same run.

pub mod desktop;
pub mod dice;
pub mod judge;
pub mod run;
pub mod script;
pub mod theatre;
pub mod window;
pub mod world;

mod faults;
mod paint;

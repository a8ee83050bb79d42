//! What people and programs see. Every answer is one JSON object; `--json` prints it, and people
//! get it in words made from the same object, so that the two cannot disagree.

pub mod alerts;
pub mod copies;
pub mod escape;
pub mod fleet;
pub mod items;
pub mod messages;
pub mod paint;
pub mod past;
pub mod printer;
pub mod simulation;
pub mod story;
pub mod table;
pub mod timing;

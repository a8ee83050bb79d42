//! What can have happened. Every struct here is frozen once it is released: a changed fact is a
//! new kind (`docs/adding-an-event.md`). Variants of enums are only ever appended, because bincode
//! stores their number.

pub mod agent;
pub mod alert;
pub mod attempt;
pub mod backup;
pub mod breaker;
pub mod ledger;
pub mod limits;
pub mod manners;
pub mod message;
pub mod screen;
pub mod seat;
pub mod timing;
pub mod words;

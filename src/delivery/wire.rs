//! What the ledger's owner and a seat's worker process say to each other: JSON lines over the
//! worker's standard input and output. The worker never sees the ledger.

use serde::{Deserialize, Serialize};

use super::courier::moves::{Answer, Ending, Milestone};
use super::job::Job;
use super::ports::Abilities;

/// From the owner to a seat's worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// Carry this.
    Carry(Box<Job>),
    /// The answer to a milestone: what the worker may do is durable, or must not be done.
    Answer(Answer),
}

/// From a seat's worker to the owner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker {
    /// The seat is claimed and its desktop open.
    Ready(Abilities),
    /// The seat cannot be used; the worker ends.
    Unable {
        /// Why, naming the display and who holds it.
        reason: String,
    },
    /// The carrying reached a point where the ledger must know first.
    Reached(Milestone),
    /// A person put the pointer into the corner that stops all hands.
    Corner,
    /// The carrying is over.
    Ended(Box<Ending>),
}

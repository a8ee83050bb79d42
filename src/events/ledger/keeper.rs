//! The thread that feeds sled: what the journal has, sled gets, in small steps with a barrier after
//! each.

use std::sync::Arc;

use super::frame::Sealed;
use super::kept::{Kept, KeptError, STEP, parts};
use super::reading::Shared;
use super::witness::Witness;

/// Runs until the tail is closed and empty, or sled fails. Gives the witness back.
pub(super) fn run(shared: &Arc<Shared>, mut witness: Witness) -> Witness {
    while let Some(frames) = shared.tail.take() {
        // A panic of sled's is an error here (`kept`), so nobody waits for a dead thread.
        if let Err(reason) = step(shared, &mut witness, &frames) {
            shared.poison(format!("sled's copy cannot be written: {reason}"));
            shared.tail.die();
            break;
        }
        if let Some(last) = frames.last() {
            shared.tail.kept(last.last);
        }
    }
    witness
}

fn step(shared: &Shared, witness: &mut Witness, frames: &[Sealed]) -> Result<(), KeptError> {
    let kept = shared.kept();
    let Some(kept) = kept.as_ref() else {
        return Err(std::io::Error::other("sled is closed").into());
    };
    let mut feeding = Feeding::default();
    for frame in frames {
        feeding.put(kept, frame.first, &frame.bytes)?;
    }
    kept.barrier()?;
    if let Some(last) = frames.last() {
        witness.say(last.last, last.after, None)?;
    }
    Ok(())
}

/// Counts the bytes since the last barrier.
#[derive(Debug, Default)]
struct Feeding(usize);

impl Feeding {
    fn put(&mut self, kept: &Kept, first: u64, bytes: &[u8]) -> Result<(), KeptError> {
        for (number, part) in parts(bytes) {
            if self.0.saturating_add(part.len()) > STEP {
                kept.barrier()?;
                self.0 = 0;
            }
            kept.put(first, number, part)?;
            self.0 = self.0.saturating_add(part.len());
        }
        Ok(())
    }
}

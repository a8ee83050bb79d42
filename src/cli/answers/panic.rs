//! `panic`: all hands stop at once, and stay off until somebody resumes them.

use serde_json::json;

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::commands::pause_seat::PauseSeat;
use crate::events::facts::seat::PauseReason;

/// Stops the hands first and writes it down afterwards: what is dangerous must not wait for a disk.
pub async fn answer(asked: Asked) -> Result<Exit, Failure> {
    asked.owner.stop_hands();
    let position = asked
        .off_thread(|asked| {
            let pause = PauseSeat {
                seat: None,
                by: asked.cause.actor.clone(),
                reason: PauseReason::Panic,
            };
            let outcome =
                asked
                    .owner
                    .desk
                    .execute(&pause.into(), &asked.cause, asked.owner.now())?;
            Ok(outcome.done().map(|done| done.last))
        })
        .await?;
    // An attempt that began between the two: nothing passes the pause now.
    asked.owner.stop_hands();
    asked
        .items
        .say(json!({"seat": null, "paused": true, "reason": "panic", "position": position}))
        .await?;
    Ok(Exit::Done)
}

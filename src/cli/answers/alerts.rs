//! `alerts`: what is wrong, and since when.

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::projections::view::View;

/// Every alert that is not over; on request also the last ones that are.
pub async fn answer(asked: Asked, all: bool) -> Result<Exit, Failure> {
    let items = asked
        .off_thread(move |asked| {
            let owner = &asked.owner;
            owner.catch_up()?;
            owner.holds(View::Alerts)?;
            Ok(owner.projections.read(|states| states.alerts.shown(all)))
        })
        .await?;
    for item in items {
        asked.items.say(item).await?;
    }
    Ok(Exit::Done)
}

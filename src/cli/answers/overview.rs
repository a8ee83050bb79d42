//! `top`: the dashboard's first page as one object.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story::set;
use crate::api::answers::overview::overview;
use crate::cli::exit::{Exit, Failure};
use crate::cli::web::reads;
use crate::projections::view::View;

/// The views it shows.
const VIEWS: [View; 5] = [
    View::Agents,
    View::Outbox,
    View::Inbox,
    View::Traffic,
    View::Alerts,
];

/// The desk at a glance, with the process that tells it.
pub async fn answer(asked: Asked) -> Result<Exit, Failure> {
    let item = asked.off_thread(|asked| {
        let owner = &asked.owner;
        owner.catch_up()?;
        for view in VIEWS {
            owner.holds(view)?;
        }
        let overview = overview(&reads(owner));
        let mut item = overview.map_err(|problem| {
            let failure = Failure::new(Exit::Failed, problem.code, problem.detail);
            match problem.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        for (name, value) in [
            ("store", json!(owner.store.display().to_string())),
            ("daemon", json!(owner.daemon)),
            ("delivering", json!(owner.serves())),
            ("desktop", json!(owner.desktop)),
            ("pid", json!(std::process::id())),
        ] {
            set(&mut item, name, value);
        }
        Ok::<Value, Failure>(item)
    });
    let item = item.await?;
    asked.items.say(item).await?;
    Ok(Exit::Done)
}

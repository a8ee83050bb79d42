//! `agent list` and `agent show`.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story::set;
use crate::cli::exit::{Exit, Failure};
use crate::commands::known::Known;
use crate::events::ids::AgentId;
use crate::projections::agents::Agent;
use crate::projections::conduct::Conduct;

/// Every agent.
pub async fn list(asked: Asked) -> Result<Exit, Failure> {
    let rows: Vec<Value> = asked
        .off_thread(|asked| {
            asked.owner.catch_up()?;
            Ok(asked.owner.projections.read(|states| {
                states
                    .agents
                    .iter()
                    .map(|(id, agent)| row(id, agent, &states.conduct))
                    .collect()
            }))
        })
        .await?;
    for row in rows {
        asked.items.say(row).await?;
    }
    Ok(Exit::Done)
}

/// One agent.
pub async fn show(asked: Asked, agent: AgentId) -> Result<Exit, Failure> {
    let row = asked
        .off_thread(move |asked| {
            asked.owner.catch_up()?;
            let known = asked.owner.projections.read(|states| {
                let known = states.agents.get(&agent);
                known.map(|known| row(&agent, known, &states.conduct))
            });
            match known {
                Some(row) => Ok(row),
                // The same words, with the nearest name, as when somebody sends to it.
                None => Err(unknown(asked, &agent)),
            }
        })
        .await?;
    asked.items.say(row).await?;
    Ok(Exit::Done)
}

/// The agent as it is shown, with its declaration as it can be changed and declared again.
pub(super) fn row(id: &AgentId, agent: &Agent, conduct: &Conduct) -> Value {
    let mut row = agent.to_json(id);
    set(&mut row, "profile", json!(agent.profile));
    let with: Vec<Value> = conduct
        .with_others(id)
        .map(|(other, held)| json!({"with": other, "held": held}))
        .collect();
    set(&mut row, "manners", json!(conduct.manners(id)));
    set(&mut row, "quarantine", json!(conduct.of(id)));
    set(&mut row, "quarantine_with", json!(with));
    row
}

/// The failure that there is no such agent, with the nearest name.
pub(super) fn unknown(asked: &Asked, agent: &AgentId) -> Failure {
    use crate::commands::remove_agent::RemoveAgent;
    let command = RemoveAgent {
        agent: agent.clone(),
    }
    .into();
    match asked.owner.desk.known(&command, &asked.cause) {
        Ok(known) => no_agent(&known, agent),
        Err(error) => Failure::from(error),
    }
}

fn no_agent(known: &Known, agent: &AgentId) -> Failure {
    match known.agent(agent) {
        Err(refusal) => Failure::from(refusal),
        Ok(_) => Failure::new(
            Exit::NotFound,
            "unknown_agent",
            format!("no agent `{agent}`"),
        ),
    }
}

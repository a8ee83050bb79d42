//! Agents, their inboxes, and the queue.

use serde_json::Value;

use crate::api::answer::{Answer, cut};
use crate::api::happened::WEIGHT;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::facts::message::Priority;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::projections::inbox::shown;
use crate::projections::story::Story;
use crate::projections::view::View;

/// Every agent.
pub fn agents(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let (after, limit) = (asked.after()?, asked.limit()?);
    let seen = house.states(asked, &[View::Agents])?;
    let (position, (agents, last)) = house.look(&seen, |states| {
        let rows = states
            .agents
            .iter()
            .map(|(id, agent)| (id.to_string(), (id, agent)));
        let (rows, last) = cut(rows, after.as_deref(), limit);
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|(id, agent)| agent.shown(id, &states.conduct))
            .collect();
        (states.position, (rows, last))
    });
    Ok(Answer::page(position, asked, &agents, last.as_deref()))
}

/// One agent.
pub fn agent(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let id = asked.agent_in_path()?;
    let seen = house.states(asked, &[View::Agents])?;
    let (position, row) = house.look(&seen, |states| {
        let row = states
            .agents
            .get(&id)
            .map(|agent| agent.shown(&id, &states.conduct));
        (states.position, row)
    });
    let row = row.ok_or_else(|| unknown_agent(&id))?;
    Ok(Answer::item(position, &row))
}

fn unknown_agent(id: &AgentId) -> Problem {
    Problem::not_found("unknown_agent", format!("there is no agent `{id}`"))
        .hint("/api/v1/messaging/agents lists every agent")
}

/// What lies in an agent's inbox, oldest first.
pub fn inbox(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let id = asked.agent_in_path()?;
    let (after, limit) = (asked.after()?, asked.limit()?);
    let unread = asked.switch("unread")?;
    let seen = house.states(asked, &[View::Agents, View::Inbox])?;
    let found = house.look(&seen, |states| {
        if id.as_str() != AgentId::OPERATOR && states.agents.get(&id).is_none() {
            return None;
        }
        let entries = states
            .inbox
            .of(&id)
            .filter(|entry| !unread || entry.is_unread());
        let rows = entries.map(|entry| (entry.inboxed_at.to_string(), entry.clone()));
        Some((states.position, cut(rows, after.as_deref(), limit)))
    });
    let (position, (entries, mut last)) = found.ok_or_else(|| unknown_agent(&id))?;
    let mut rows = Vec::new();
    let mut weight = 0_usize;
    for (number, entry) in entries.iter().enumerate() {
        if weight >= WEIGHT {
            let before = number.checked_sub(1).and_then(|it| entries.get(it));
            last = before.map(|it| it.inboxed_at.to_string());
            break;
        }
        let story = Story::up_to(&house.reads.ledger, entry.message, position)?;
        let story = story.ok_or_else(|| Problem::internal("a message without a story"))?;
        weight = weight.saturating_add(story.body.len());
        rows.push(shown(
            (entry.message, &story),
            Some(entry),
            &house.reads.store,
        ));
    }
    Ok(Answer::page(position, asked, &rows, last.as_deref()))
}

/// What waits or is being carried, in the order of turns.
pub fn queue(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let limit = asked.limit()?;
    let turn = asked.after()?.map(|key| turn(&key)).transpose()?;
    let seen = house.states(asked, &[View::Outbox])?;
    let (position, rows, last) = house.look(&seen, |states| {
        let queued = states.outbox.queue_after(turn);
        let taken = queued.get(..limit.min(queued.len())).unwrap_or_default();
        let last = taken.last().filter(|_| queued.len() > taken.len());
        let last = last.map(|(_, kept)| format!("{}:{}", kept.priority, kept.position));
        let row = |(message, kept): &(MessageId, &_)| states.outbox.row(*message, kept);
        (
            states.position,
            taken.iter().map(row).collect::<Vec<_>>(),
            last,
        )
    });
    Ok(Answer::page(position, asked, &rows, last.as_deref()))
}

fn turn(key: &str) -> Result<(Priority, Position), Problem> {
    let read = || {
        let (priority, position) = key.split_once(':')?;
        Some((priority.parse().ok()?, Position(position.parse().ok()?)))
    };
    read().ok_or_else(|| Problem::internal("a cursor that was never given"))
}

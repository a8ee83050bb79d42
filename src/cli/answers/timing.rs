//! `timing`: how long things take, the deadlines that follow, and what other deadlines would have done.

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Asked;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::open::Owner;
use crate::cli::owner::request::Timing;
use crate::cli::settings;
use crate::delivery::job::Patience;
use crate::delivery::settings::DispatchSettings;
use crate::delivery::timing;
use crate::events::facts::attempt::Step;
use crate::events::facts::timing::Figure;
use crate::events::ids::{AgentId, Position};
use crate::projections::states::States;
use crate::projections::timing::{Calibrated, StepTiming};
use crate::projections::view::View;
use crate::projections::what_if::WhatIf;

/// The kinds of facts that tell how long attempts took, the acceptance of their messages included.
const TELLING: [u16; 3] = [100, 204, 205];

/// Every step of every agent, then every calibration; or what another deadline would have done.
pub async fn answer(asked: Asked, wanted: Timing) -> Result<Exit, Failure> {
    let items = asked
        .off_thread(move |asked| {
            let owner = &asked.owner;
            owner.catch_up()?;
            owner.holds(View::Timing)?;
            if let Some(agent) = &wanted.agent {
                known(owner, agent)?;
            }
            if wanted.replay {
                replay(owner, &wanted)
            } else {
                let dispatch = settings::dispatch(owner.config().settings())?;
                Ok(owner
                    .projections
                    .read(|states| shown(states, &dispatch, &wanted)))
            }
        })
        .await?;
    for item in items {
        asked.items.say(item).await?;
    }
    Ok(Exit::Done)
}

fn known(owner: &Owner, agent: &AgentId) -> Result<(), Failure> {
    let there = owner
        .projections
        .read(|states| states.agents.get(agent).is_some());
    if there {
        return Ok(());
    }
    let text = format!("there is no agent `{agent}`");
    Err(Failure::new(Exit::NotFound, "unknown_agent", text)
        .hint("`switchboard agent list` shows every agent"))
}

/// Every step of every agent, then every calibration.
pub fn shown(states: &States, dispatch: &DispatchSettings, wanted: &Timing) -> Vec<Value> {
    let fits = |agent: &AgentId| wanted.agent.as_ref().is_none_or(|it| it == agent);
    let mut items = Vec::new();
    for (agent, steps) in states.timing.agents() {
        for (step, past) in steps.iter().filter(|_| fits(agent)) {
            if wanted.step.is_none_or(|it| it == *step) {
                items.push(row(states, dispatch, (agent, *step), past));
            }
        }
    }
    for (agent, calibrated) in states.timing.looked_at() {
        if fits(agent) {
            items.push(calibration(json!({"agent": agent}), calibrated));
        }
    }
    for (seat, calibrated) in states.timing.seats() {
        if wanted.agent.is_none() {
            items.push(calibration(json!({"seat": seat}), calibrated));
        }
    }
    items
}

/// The patience that is configured for an agent's kind of program.
fn patience(states: &States, dispatch: &DispatchSettings, agent: &AgentId) -> Option<Patience> {
    let agent = states.agents.get(agent)?;
    Some(dispatch.of(agent.profile.target).patience)
}

/// What was measured of the step in the agent's window.
fn measured(states: &States, agent: &AgentId, step: Step) -> Option<Figure> {
    let calibrated = states.timing.looked_at().get(agent)?;
    timing::figure(&calibrated.figures, step)
}

fn row(
    states: &States,
    dispatch: &DispatchSettings,
    (agent, step): (&AgentId, Step),
    past: &StepTiming,
) -> Value {
    let quantile = |per_mille| past.all().quantile(per_mille).map(micros);
    let configured =
        patience(states, dispatch, agent).and_then(|patience| timing::configured(&patience, step));
    let figure = measured(states, agent, step);
    let deadline =
        configured.map(|span| timing::deadline(span, Some(past), figure, &dispatch.learning));
    json!({
        "record": "step",
        "agent": agent,
        "seat": states.agents.get(agent).and_then(|it| it.profile.seat.clone()),
        "step": step,
        "attempts": past.all().count(),
        "p50_micros": quantile(500),
        "p95_micros": quantile(950),
        "p99_micros": quantile(990),
        "max_micros": micros(past.all().max()),
        "lately_micros": past.lately().map(micros),
        "missed": past.missed(),
        "missed_lately": past.missed_lately(),
        "configured_micros": configured.map(micros),
        "deadline_micros": deadline.map(|it| micros(it.span)),
        "why": deadline.map(|it| it.why),
    })
}

pub(super) fn calibration(mut of: Value, calibrated: &Calibrated) -> Value {
    if let Some(of) = of.as_object_mut() {
        of.insert("record".to_owned(), json!("calibration"));
        of.insert("position".to_owned(), json!(calibrated.position));
        of.insert("at".to_owned(), json!(calibrated.at));
        of.insert("figures".to_owned(), json!(calibrated.figures));
        of.insert("machine".to_owned(), json!(calibrated.machine));
    }
    of
}

fn replay(owner: &Owner, wanted: &Timing) -> Result<Vec<Value>, Failure> {
    let dispatch = settings::dispatch(owner.config().settings())?;
    let past = owner.projections.read(|states| {
        let mut past = std::collections::BTreeMap::new();
        for (agent, steps) in states.timing.agents() {
            let Some(patience) = patience(states, &dispatch, agent) else {
                continue;
            };
            for (step, timing) in steps {
                if let Some(configured) = timing::configured(&patience, *step) {
                    let figure = measured(states, agent, *step);
                    let learnt =
                        timing::deadline(configured, Some(timing), figure, &dispatch.learning);
                    past.insert((agent.clone(), *step), learnt.span);
                }
            }
        }
        past
    });
    let deadline = |agent: &AgentId, step: Step| {
        let fits = wanted.agent.as_ref().is_none_or(|it| it == agent)
            && wanted.step.is_none_or(|it| it == step);
        let learnt = past.get(&(agent.clone(), step)).copied();
        // Only where there is something to wait for.
        wanted
            .deadline
            .or(learnt)
            .filter(|_| fits && learnt.is_some())
    };
    let mut what_if = WhatIf::default();
    owner
        .desk
        .ledger()
        .scan(Position(1), Position(u64::MAX), |stored| {
            if TELLING.contains(&stored.kind())
                && let Ok(fact) = stored.fact()
            {
                what_if.apply(&fact, &deadline);
            }
            ControlFlow::Continue(())
        })?;
    let found = what_if.found().iter();
    Ok(found
        .map(|((agent, step), found)| {
            json!({
                "record": "what_if",
                "agent": agent,
                "step": step,
                "deadline_micros": micros(found.deadline),
                "within": found.within,
                "beyond": found.beyond,
                "missed": found.missed,
                "longest_micros": micros(found.longest),
                "enough": found.beyond == 0,
            })
        })
        .collect())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

//! `calibrate`: every window in turn, seats side by side.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::answer::Asked;
use super::timing::calibration;
use crate::adapters::machine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::open::Owner;
use crate::commands::calibrate::{BeginCalibration, MissCalibration};
use crate::commands::command::Command;
use crate::commands::desk::Refused;
use crate::commands::keep_timing::KeepCalibration;
use crate::delivery::brief;
use crate::delivery::courier::moves::Sample;
use crate::delivery::gauging::{Measured, WORDS, figures};
use crate::delivery::lane::{Lane, Track};
use crate::events::envelope::Cause;
use crate::events::facts::timing::{Machine, TimingBegan, TimingCalibrated, TimingMissed};
use crate::events::ids::{AgentId, SeatId};
use crate::projections::timing::Calibrated;
use crate::projections::view::View;

/// Agents by the seats their windows are on.
type Seats = BTreeMap<SeatId, Vec<AgentId>>;

/// A line per window, then one per seat.
pub async fn answer(asked: Asked, agent: Option<AgentId>) -> Result<Exit, Failure> {
    let seats = asked
        .off_thread(move |asked| {
            asked.owner.catch_up()?;
            asked.owner.holds(View::Timing)?;
            placed(&asked.owner, agent.as_ref())
        })
        .await?;
    let store = asked.owner.store.clone();
    let machine = tokio::task::spawn_blocking(move || machine::look(&store)).await?;
    let mut working = JoinSet::new();
    for (seat, agents) in seats {
        working.spawn(one_seat(asked.clone(), seat, agents, machine));
    }
    let (mut well, mut missed) = (0_usize, 0_usize);
    while let Some(seat) = working.join_next().await {
        let (of_seat, of_those) = seat??;
        well = well.saturating_add(of_seat);
        missed = missed.saturating_add(of_those);
    }
    Ok(match (well, missed) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Refused,
        _ => Exit::Partly,
    })
}

/// Whose windows can be measured.
fn placed(owner: &Owner, wanted: Option<&AgentId>) -> Result<Seats, Failure> {
    owner.projections.read(|states| {
        let mut seats = Seats::new();
        for (agent, known) in states.agents.iter() {
            let asked_for = wanted.map_or(known.profile.active, |it| it == agent);
            if let (true, Some(seat), Some(_)) =
                (asked_for, &known.profile.seat, known.profile.place)
            {
                let agents = seats.entry(seat.clone()).or_default();
                agents.push(agent.clone());
            }
        }
        if !seats.is_empty() {
            return Ok(seats);
        }
        Err(match wanted {
            Some(agent) if states.agents.get(agent).is_none() => Failure::new(
                Exit::NotFound,
                "unknown_agent",
                format!("there is no agent `{agent}`"),
            )
            .hint("`switchboard agent list` shows every agent"),
            Some(agent) => Failure::new(
                Exit::Refused,
                "no_place",
                format!("nobody said where {agent}'s window is"),
            )
            .hint(format!(
                "`switchboard agent capture {agent}` takes it from the pointer"
            )),
            None => Failure::new(
                Exit::Refused,
                "no_place",
                "no agent has a window that could be measured",
            )
            .hint("`switchboard agent add ID --at X,Y` adds one"),
        })
    })
}

/// Measures the seat's windows one after the other; how many were measured, and how many not.
async fn one_seat(
    asked: Asked,
    seat: SeatId,
    agents: Vec<AgentId>,
    machine: Machine,
) -> Result<(usize, usize), Failure> {
    // Without deliveries in this process, the seat's hands are borrowed for the moment.
    let mut own = if asked.owner.serves() {
        None
    } else {
        let track = Track::Seat(seat.clone());
        Some(Lane::new(asked.owner.world()?, track))
    };
    let mut all = Vec::new();
    let mut missed = 0_usize;
    for agent in &agents {
        let measured = one_window(&asked, own.as_mut(), &seat, agent).await?;
        let item = match measured {
            Ok(samples) => {
                let item = keep(&asked, &seat, Some(agent), &samples, machine).await?;
                all.extend(samples);
                item
            }
            Err(item) => {
                missed = missed.saturating_add(1);
                item
            }
        };
        asked.items.say(item).await?;
    }
    if let Some(mut lane) = own {
        lane.let_go().await;
    }
    if !all.is_empty() {
        let item = keep(&asked, &seat, None, &all, machine).await?;
        asked.items.say(item).await?;
    }
    Ok((agents.len().saturating_sub(missed), missed))
}

/// The samples of one window, or what is shown instead.
async fn one_window(
    asked: &Asked,
    own: Option<&mut Lane>,
    seat: &SeatId,
    agent: &AgentId,
) -> Result<Result<Vec<Sample>, Value>, Failure> {
    let (to, on) = (agent.clone(), seat.clone());
    let job = asked
        .off_thread(move |asked| {
            let world = asked.owner.world()?;
            let began = TimingBegan {
                seat: on,
                agent: to.clone(),
                by: asked.cause.actor.clone(),
                text: WORDS.to_owned(),
            };
            // Read first: what this begins to put there does not count as left behind.
            let job = brief::to_measure(&world, &to, WORDS)?;
            match execute(asked, BeginCalibration { began }) {
                Ok(()) => Ok(Ok(job)),
                Err(Refused::Refusal(refusal)) => Ok(Err(json!({
                    "record": "missed", "agent": to, "class": "invalid",
                    "code": refusal.code, "detail": refusal.message, "hint": refusal.hint,
                    "text_may_stand": false,
                }))),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
    let job = match job {
        Ok(Some(job)) => job,
        Ok(None) => {
            return Ok(Err(json!({
                "record": "missed", "agent": agent, "class": "invalid",
                "detail": "it was removed meanwhile", "text_may_stand": false,
            })));
        }
        Err(item) => return Ok(Err(item)),
    };
    let measured: Measured = match own {
        Some(lane) => lane.measure(job).await,
        None => asked.owner.calls.ask(seat.clone(), job).await,
    };
    let miss = match measured {
        Ok(samples) => return Ok(Ok(samples)),
        Err(miss) => miss,
    };
    let missed = TimingMissed {
        seat: seat.clone(),
        agent: agent.clone(),
        class: miss.class,
        detail: miss.detail.clone(),
        text_may_stand: miss.text_may_stand,
    };
    asked
        .off_thread(move |asked| Ok(execute(asked, MissCalibration { missed })?))
        .await?;
    Ok(Err(json!({
        "record": "missed", "agent": agent, "class": miss.class,
        "detail": miss.detail, "text_may_stand": miss.text_may_stand,
    })))
}

/// Writes down what was measured; how it is shown.
async fn keep(
    asked: &Asked,
    seat: &SeatId,
    agent: Option<&AgentId>,
    samples: &[Sample],
    machine: Machine,
) -> Result<Value, Failure> {
    let calibrated = TimingCalibrated {
        seat: seat.clone(),
        agent: agent.cloned(),
        by: asked.cause.actor.clone(),
        figures: figures(samples),
        machine,
    };
    let of = agent.map_or_else(|| json!({"seat": seat}), |agent| json!({"agent": agent}));
    let shown = calibrated.figures.clone();
    asked
        .off_thread(move |asked| {
            execute(asked, KeepCalibration { calibrated })?;
            let head = asked.owner.desk.ledger().head();
            let now = Calibrated {
                position: head.position,
                at: head.recorded_at,
                figures: shown,
                machine,
            };
            Ok(calibration(of, &now))
        })
        .await
}

/// Each is a command of its own, in the story of the wish.
fn execute(asked: &Asked, command: impl Into<Command>) -> Result<(), Refused> {
    let owner = &asked.owner;
    let now = owner.now();
    let cause = Cause {
        command: crate::events::ids::CommandId(owner.ids.fresh(now)),
        ..asked.cause.clone()
    };
    owner.desk.execute(&command.into(), &cause, now).map(|_| ())
}

//! What a worker is told of one attempt: the agent's window and its ways, the words as they are typed,
//! deadlines, and what may stand in the box already.

use std::time::Duration;

use super::envelope;
use super::job::{Aim, Input, Job, NewChat, Patience, Standing};
use super::look::Look;
use super::office::Office;
use super::sanitise::{Newlines, sanitise};
use super::settings::{DispatchSettings, Handling};
use super::timing::{self, Learning};
use crate::commands::desk::Refused;
use crate::commands::send::NEW_CHAT;
use crate::events::envelope::Event;
use crate::events::facts::agent::Profile;
use crate::events::facts::manners::{Drafts, Mode};
use crate::events::facts::message::MessageAccepted;
use crate::events::facts::screen::Point;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::ledger::handle::ReadError;
use crate::projections::agents::Agent;
use crate::projections::outbox::Candidate;

/// Everything the worker must know.
pub(super) fn job(
    world: &impl Office,
    candidate: &Candidate,
    agent: &Agent,
    place: Point,
) -> Result<Job, Refused> {
    let profile = &agent.profile;
    let settings = world.settings();
    let handling = handling(&settings, &candidate.to, agent);
    let message = accepted(world, candidate.position)?;
    let (text, sanitised) = typed(&message, profile, handling);
    let manners = world.read(|states| states.conduct.manners(&candidate.to));
    let mode = mode(world, candidate)?.unwrap_or(manners.mode);
    Ok(Job {
        message: candidate.message,
        attempt: candidate.attempts.saturating_add(1),
        agent: candidate.to.clone(),
        place,
        target: handling.target,
        window: profile.window.clone(),
        fingerprint: profile.fingerprint.clone(),
        known_window: agent.window.clone(),
        text,
        sanitised,
        keys: handling.manner.keys.clone(),
        patience: patience(
            world,
            &candidate.to,
            handling.manner.patience,
            &settings.learning,
        ),
        input: handling.input,
        look: look(world, agent)?,
        standing: standing(world, &candidate.to, agent, handling)?,
        expires_at: candidate.expires_at,
        read_back: settings.read_back,
        clipboard: settings.clipboard,
        aim: Aim::Deliver,
        new_chat: new_chat(&message, profile, handling, place),
        when_idle: (mode == Mode::WhenIdle).then(|| Duration::from_micros(manners.idle_micros)),
        drafts: manners.drafts,
    })
}

/// What the worker is told to measure an agent's window with these words; none when the agent has no
/// window.
pub fn to_measure(world: &impl Office, to: &AgentId, words: &str) -> Result<Option<Job>, Refused> {
    world.catch_up()?;
    let agent = world.read(|states| states.agents.get(to).cloned());
    let Some((agent, place)) = agent.and_then(|agent| {
        let place = agent.profile.place?;
        Some((agent, place))
    }) else {
        return Ok(None);
    };
    let settings = world.settings();
    let handling = handling(&settings, to, &agent);
    let profile = &agent.profile;
    Ok(Some(Job {
        message: MessageId(world.fresh()),
        attempt: 1,
        agent: to.clone(),
        place,
        target: handling.target,
        window: profile.window.clone(),
        fingerprint: profile.fingerprint.clone(),
        known_window: agent.window.clone(),
        text: words.to_owned(),
        sanitised: None,
        keys: handling.manner.keys.clone(),
        patience: handling.manner.patience,
        look: look(world, &agent)?,
        standing: standing(world, to, &agent, handling)?,
        expires_at: None,
        input: handling.input,
        read_back: settings.read_back,
        clipboard: settings.clipboard,
        aim: Aim::Measure,
        new_chat: None,
        when_idle: None,
        drafts: Drafts::Hold,
    }))
}

/// The deadlines that the agent's past attempts allow.
fn patience(
    world: &impl Office,
    agent: &AgentId,
    configured: Patience,
    learning: &Learning,
) -> Patience {
    let (past, calibrated) = world.read(|states| {
        let calibrated = states.timing.looked_at().get(agent).cloned();
        (states.timing.of(agent).cloned(), calibrated)
    });
    let of = |step| past.as_ref().and_then(|steps| steps.get(&step).cloned());
    let figures = calibrated.map_or_else(Vec::new, |it| it.figures);
    timing::patience(configured, of, &figures, learning)
}

/// How the agent's window is handled: by the class of the one it was placed in, or last seen in.
fn handling<'s>(settings: &'s DispatchSettings, to: &AgentId, agent: &Agent) -> Handling<'s> {
    let window = agent.profile.fingerprint.as_ref().or(agent.window.as_ref());
    let class = window.map_or("", |window| window.class.as_str());
    settings.manner(to, agent.profile.target, class)
}

/// When the message's sender wants it carried: said right after the message itself.
fn mode(world: &impl Office, candidate: &Candidate) -> Result<Option<Mode>, Refused> {
    let next = world.event(Position(candidate.position.0.saturating_add(1)))?;
    Ok(match next.map(|event| event.fact) {
        Some(Fact::MessageModeChosen(chosen)) if chosen.message == candidate.message => {
            Some(chosen.mode)
        }
        _ => None,
    })
}

/// The new chat that a message wants to have begun.
fn new_chat(
    accepted: &MessageAccepted,
    profile: &Profile,
    handling: Handling<'_>,
    place: Point,
) -> Option<NewChat> {
    let wanted = accepted.tags.iter().any(|tag| tag.as_str() == NEW_CHAT);
    wanted.then(|| NewChat {
        keys: handling.new_chat.cloned(),
        place: profile.onboarding_place.unwrap_or(place),
    })
}

/// What is typed for a message, and what was changed for the target.
fn typed(
    accepted: &MessageAccepted,
    profile: &Profile,
    handling: Handling<'_>,
) -> (String, Option<String>) {
    let MessageAccepted {
        message,
        from,
        body,
        ..
    } = accepted;
    let wrapped = envelope::wrap(profile.envelope, *message, from, body);
    let newlines = match handling.input {
        Input::Type => Newlines::Blank,
        Input::Paste => handling.newlines,
    };
    let clean = sanitise(handling.target, newlines, &wrapped);
    (clean.text, clean.changed)
}

/// Texts of ours that may stand in the agent's box.
fn standing(
    world: &impl Office,
    to: &AgentId,
    agent: &Agent,
    handling: Handling<'_>,
) -> Result<Vec<Standing>, Refused> {
    let mut standing = Vec::new();
    for message in &agent.texts_may_stand {
        let story = world.story(*message)?;
        if let Some(story) = story {
            let entered = story.life.entered;
            let earlier = accepted(world, story.position)?;
            let (text, _) = typed(&earlier, &agent.profile, handling);
            standing.push(Standing {
                message: *message,
                text,
                entered,
            });
        }
    }
    // Words of a measurement that was cut off.
    let left = world.read(|states| states.timing.left(to).map(str::to_owned));
    standing.extend(left.map(|text| Standing {
        message: MessageId(world.fresh()),
        text,
        entered: false,
    }));
    Ok(standing)
}

/// The look of the agent's empty box: the newest one that was proven, else the newest.
fn look(world: &impl Office, agent: &Agent) -> Result<Option<Look>, Refused> {
    let proven = agent.looks.iter().rev().find(|look| look.proven_empty);
    let Some(known) = proven.or_else(|| agent.looks.last()) else {
        return Ok(None);
    };
    let Fact::BoxLearnt(fact) = event(world, known.position)?.fact else {
        return Ok(None);
    };
    Ok(Look::from_fact(&fact))
}

pub(super) fn accepted(world: &impl Office, at: Position) -> Result<MessageAccepted, Refused> {
    let Fact::MessageAccepted(accepted) = event(world, at)?.fact else {
        return Err(not_there(at));
    };
    Ok(accepted)
}

pub(super) fn event(world: &impl Office, at: Position) -> Result<Event, Refused> {
    world.event(at)?.ok_or_else(|| not_there(at))
}

fn not_there(position: Position) -> Refused {
    Refused::Read(ReadError::Corrupt {
        position,
        reason: "a projection says that something happened here, and it did not".to_owned(),
    })
}

//! What a lane does next. The outbox suggests whose turn it is; here it is settled which lane takes
//! it, whether the breaker lets it pass, and everything the attempt needs is gathered. Commands
//! decide again when it begins.

use super::breaker::{self, Pass};
use super::carriage::Carriage;
use super::dispatch::World;
use super::failing::{self, Failed};
use super::job::Job;
use super::lane::Track;
use super::letter::Letter;
use super::look::Look;
use super::{envelope, sanitise};
use crate::commands::desk::{Outcome, Refused};
use crate::commands::start_attempt::StartAttempt;
use crate::events::facts::agent::Profile;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::{MessageAccepted, Via};
use crate::events::facts::screen::Point;
use crate::events::ids::{MessageId, Position, SeatId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::ReadError;
use crate::events::time::Timestamp;
use crate::projections::agents::AgentView;
use crate::projections::outbox::Candidate;

/// Something a lane does from beginning to end.
#[derive(Debug)]
pub enum Errand {
    /// Carry by hand.
    Gui(Box<Carriage>),
    /// Write an inbox file.
    Inbox(Box<Letter>),
    /// Nothing can be done on this channel; write that down.
    Skip(Box<Skip>),
}

/// An attempt that fails before it moves anything.
#[derive(Debug)]
pub struct Skip {
    start: StartAttempt,
    class: FailureClass,
    detail: String,
}

impl Skip {
    /// Writes the attempt and its failure down, so that the story shows why it fell back.
    pub fn write(self, world: &World) -> Result<(), Refused> {
        let message = self.start.message;
        match world.execute(self.start.into()) {
            Ok(Outcome::Done(_)) => {}
            Ok(_) | Err(Refused::Refusal(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        let failed = Failed {
            class: self.class,
            detail: self.detail,
            text_may_stand: false,
            steps: Vec::new(),
        };
        failing::write(world, message, failed)
    }
}

/// The first errand for the track that may be done now; otherwise when to look again, if nothing
/// else happens.
pub fn next(world: &World, track: &Track) -> Result<(Option<Errand>, Option<Timestamp>), Refused> {
    world.catch_up()?;
    let now = world.clock.now();
    let (candidates, mut look_at) = world
        .projections
        .outbox(|outbox| (outbox.due(now), outbox.next_due_at(now)));
    for candidate in candidates {
        let agent = world.projections.agents(|agents| agents.get(&candidate.to));
        match consider(world, &candidate, agent.as_ref(), now)? {
            Considered::Errand(on, errand) if on == *track => return Ok((Some(errand), None)),
            Considered::Errand(..) => {}
            Considered::NotBefore(at) => {
                look_at = Some(look_at.map_or(at, |earlier| earlier.min(at)));
            }
        }
    }
    Ok((None, look_at))
}

enum Considered {
    Errand(Track, Errand),
    NotBefore(Timestamp),
}

fn consider(
    world: &World,
    candidate: &Candidate,
    agent: Option<&AgentView>,
    now: Timestamp,
) -> Result<Considered, Refused> {
    let mut start = StartAttempt {
        message: candidate.message,
        attempt: candidate.attempts.saturating_add(1),
        channel: candidate.channel,
        seat: None,
        place: None,
        because: candidate.because,
        probe: false,
    };
    if candidate.channel == Channel::Inbox {
        let letter = Letter::new(world, start, candidate)?;
        return Ok(Considered::Errand(
            Track::Inbox,
            Errand::Inbox(Box::new(letter)),
        ));
    }
    let skip = |start, track, class, detail: String| {
        Considered::Errand(
            track,
            Errand::Skip(Box::new(Skip {
                start,
                class,
                detail,
            })),
        )
    };
    let to = &candidate.to;
    let Some(agent) = agent else {
        let detail = format!("{to} is no agent any more");
        return Ok(skip(start, Track::Inbox, FailureClass::Invalid, detail));
    };
    let (Some(seat), Some(place)) = (agent.profile.seat.clone(), agent.profile.place) else {
        let detail = format!(
            "nobody said where {to}'s window is: `switchboard agent place {to} X,Y --seat :0`"
        );
        return Ok(skip(start, Track::Inbox, FailureClass::Invalid, detail));
    };
    start.seat = Some(seat.clone());
    start.place = Some(place);
    let track = Track::Seat(seat);
    match breaker::ask(agent.breaker(Channel::Gui), now) {
        Pass::Free => {}
        Pass::Probe => start.probe = true,
        Pass::NotBefore(until) if !may_fall_back(candidate, &agent.profile) => {
            return Ok(Considered::NotBefore(until));
        }
        Pass::NotBefore(until) => {
            let detail =
                format!("{to}'s window failed too often in a row; left alone until {until}");
            return Ok(skip(start, track, FailureClass::BreakerOpen, detail));
        }
    }
    let breaker_open = start.probe;
    let job = job(world, &start, candidate, agent, place)?;
    let carriage = Carriage {
        start,
        to: to.clone(),
        job,
        breaker_open,
    };
    Ok(Considered::Errand(track, Errand::Gui(Box::new(carriage))))
}

fn may_fall_back(candidate: &Candidate, profile: &Profile) -> bool {
    candidate.via == Via::Auto && profile.channels.contains(&Channel::Inbox)
}

/// Everything the worker must know.
fn job(
    world: &World,
    start: &StartAttempt,
    candidate: &Candidate,
    agent: &AgentView,
    place: Point,
) -> Result<Job, Refused> {
    let profile = &agent.profile;
    let accepted = accepted(world, candidate.position)?;
    let (text, sanitised) = typed(&accepted, profile);
    let settings = world.settings.of(profile.target);
    let mut standing = Vec::new();
    for text in agent.standing() {
        let earlier = accepted_of(world, text.message)?;
        standing.extend(earlier.map(|earlier| super::job::Standing {
            message: text.message,
            text: typed(&earlier, profile).0,
            entered: text.entered,
        }));
    }
    Ok(Job {
        message: candidate.message,
        attempt: start.attempt,
        agent: candidate.to.clone(),
        place,
        target: profile.target,
        window: profile.window.clone(),
        fingerprint: profile.fingerprint.clone(),
        known_window: agent.known_window.clone(),
        text,
        sanitised,
        keys: settings.keys.clone(),
        patience: settings.patience,
        look: agent
            .look_at()
            .map(|at| look(world, at))
            .transpose()?
            .flatten(),
        standing,
        expires_at: candidate.expires_at,
        read_back: world.settings.read_back,
        clipboard: world.settings.clipboard,
    })
}

/// What is typed for a message, and what was changed for the target.
fn typed(accepted: &MessageAccepted, profile: &Profile) -> (String, Option<String>) {
    let enveloped = envelope::wrap(accepted, profile.envelope);
    sanitise::for_target(&enveloped, profile.target)
}

pub(super) fn accepted(world: &World, at: Position) -> Result<MessageAccepted, Refused> {
    let events = world.desk.ledger().read(at, 1)?;
    match events.into_iter().next().map(|event| event.fact) {
        Some(Fact::MessageAccepted(accepted)) => Ok(accepted),
        _ => Err(Refused::Read(ReadError::Corrupt {
            position: at,
            reason: "the outbox says that a message was accepted here, and none was".to_owned(),
        })),
    }
}

fn accepted_of(world: &World, message: MessageId) -> Result<Option<MessageAccepted>, Refused> {
    let at = world
        .projections
        .timeline(|stories| stories.get(message).map(|it| it.position));
    at.map(|at| accepted(world, at)).transpose()
}

fn look(world: &World, at: Position) -> Result<Option<Look>, Refused> {
    let events = world.desk.ledger().read(at, 1)?;
    Ok(events.first().and_then(|event| match &event.fact {
        Fact::BoxLearnt(fact) => Look::from_fact(fact),
        _ => None,
    }))
}

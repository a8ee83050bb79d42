//! What a lane does next. The outbox suggests whose turn it is; here it is settled which lane takes
//! it, whether the breaker lets it pass, and everything the attempt needs is gathered. Commands
//! decide again when it begins.

use super::breaker::{Breaker, Pass};
use super::carriage::Carriage;
use super::envelope;
use super::failing::{self, Failed};
use super::job::{Aim, Input, Job, Patience, Standing};
use super::lane::Track;
use super::letter::{Letter, Post};
use super::look::Look;
use super::office::Office;
use super::sanitise::{Newlines, sanitise};
use super::settings::{DispatchSettings, Handling};
use super::timing::{self, Learning};
use crate::commands::desk::{Outcome, Refused};
use crate::commands::start_attempt::StartAttempt;
use crate::events::envelope::Event;
use crate::events::facts::agent::Profile;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::{MessageAccepted, Via};
use crate::events::facts::screen::Point;
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::ledger::handle::ReadError;
use crate::events::time::Timestamp;
use crate::projections::agents::{self, Agent};
use crate::projections::outbox::Candidate;

/// Something a lane does from beginning to end.
#[derive(Debug)]
pub enum Errand {
    /// Carry by hand.
    Gui(Box<Carriage>),
    /// Write an inbox file.
    Inbox(Box<Post>),
    /// Nothing can be done on this channel; write that down.
    Skip(Box<Skip>),
}

/// An attempt that fails before it moves anything.
#[derive(Debug)]
pub struct Skip {
    start: StartAttempt,
    class: FailureClass,
    detail: String,
    /// Whether text of this message may stand in the box since an earlier attempt.
    text_stood_before: bool,
}

impl Skip {
    /// Writes the attempt and its failure down, so that the story shows why it fell back.
    /// False when it was refused before it began.
    pub fn write(self, world: &impl Office) -> Result<bool, Refused> {
        let message = self.start.message;
        match world.execute(self.start) {
            Ok(Outcome::Done(_)) => {}
            Ok(_) => return Ok(true),
            Err(Refused::Refusal(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        let failed = Failed {
            class: self.class,
            detail: self.detail,
            text_may_stand: self.text_stood_before,
            enter_may_come: false,
            steps: Vec::new(),
        };
        failing::write(world, message, failed)?;
        Ok(true)
    }
}

/// The first errand for the track that may be done now; otherwise when to look again, if nothing
/// else happens.
pub fn next(
    world: &impl Office,
    track: &Track,
) -> Result<(Option<Errand>, Option<Timestamp>), Refused> {
    world.catch_up()?;
    let now = world.now();
    let (candidates, mut look_at) =
        world.read(|states| (states.outbox.due(now), states.outbox.next_due_at(now)));
    for candidate in candidates {
        let agent = world.read(|states| states.agents.get(&candidate.to).cloned());
        let way = Way::of(&candidate, agent.as_ref(), now);
        match way {
            Way::NotBefore(at) => {
                look_at = Some(look_at.map_or(at, |earlier| earlier.min(at)));
            }
            way if way.track() == Some(track) => {
                return Ok((Some(way.errand(world, &candidate)?), None));
            }
            Way::Inbox | Way::Gui { .. } | Way::Blocked { .. } => {}
        }
    }
    Ok((None, look_at))
}

/// Which way a message goes now.
enum Way<'a> {
    /// Into the inbox folder.
    Inbox,
    /// Into the window.
    Gui {
        agent: &'a Agent,
        place: Point,
        track: Track,
        probe: bool,
    },
    /// Not into the window, though that is its channel.
    Blocked {
        track: Track,
        class: FailureClass,
        detail: String,
    },
    /// Nowhere yet.
    NotBefore(Timestamp),
}

impl<'a> Way<'a> {
    fn of(candidate: &Candidate, agent: Option<&'a Agent>, now: Timestamp) -> Self {
        if candidate.channel == Channel::Inbox {
            return Self::Inbox;
        }
        let to = &candidate.to;
        let invalid = |detail| Self::Blocked {
            track: Track::Inbox,
            class: FailureClass::Invalid,
            detail,
        };
        let Some(agent) = agent else {
            return invalid(format!("{to} is no agent any more"));
        };
        let (Some(seat), Some(place)) = (&agent.profile.seat, agent.profile.place) else {
            return invalid(format!(
                "nobody said where {to}'s window is: \
                 `switchboard agent place {to} X,Y --seat :0`"
            ));
        };
        let track = Track::Seat(seat.clone());
        match breaker(agent, Channel::Gui).ask(now) {
            Pass::Free => Self::Gui {
                agent,
                place,
                track,
                probe: false,
            },
            Pass::Probe => Self::Gui {
                agent,
                place,
                track,
                probe: true,
            },
            Pass::Wait { until } if may_fall_back(candidate, &agent.profile) => Self::Blocked {
                track,
                class: FailureClass::BreakerOpen,
                detail: format!(
                    "{to}'s window failed too often in a row; it is left alone until {until}"
                ),
            },
            Pass::Wait { until } => Self::NotBefore(until),
        }
    }

    const fn track(&self) -> Option<&Track> {
        match self {
            Self::Inbox => Some(&Track::Inbox),
            Self::Gui { track, .. } | Self::Blocked { track, .. } => Some(track),
            Self::NotBefore(_) => None,
        }
    }

    fn errand(self, world: &impl Office, candidate: &Candidate) -> Result<Errand, Refused> {
        let mut start = StartAttempt {
            message: candidate.message,
            attempt: candidate.attempts.saturating_add(1),
            channel: candidate.channel,
            seat: None,
            place: None,
            because: candidate.because,
            probe: false,
        };
        Ok(match self {
            Self::Inbox | Self::NotBefore(_) => {
                let event = event(world, candidate.position)?;
                let letter = Letter {
                    message: accepted(world, candidate.position)?,
                    correlation: event.cause.correlation,
                    created_at: event.recorded_at,
                };
                Errand::Inbox(Box::new(Post { start, letter }))
            }
            Self::Gui {
                agent,
                place,
                probe,
                ..
            } => {
                start.seat.clone_from(&agent.profile.seat);
                start.place = Some(place);
                start.probe = probe;
                let job = job(world, candidate, agent, place)?;
                let to = candidate.to.clone();
                Errand::Gui(Box::new(Carriage { start, to, job }))
            }
            Self::Blocked { class, detail, .. } => Errand::Skip(Box::new(Skip {
                start,
                class,
                detail,
                text_stood_before: world.read(|states| {
                    let agent = states.agents.get(&candidate.to);
                    agent.is_some_and(|it| it.texts_may_stand.contains(&candidate.message))
                }),
            })),
        })
    }
}

fn may_fall_back(candidate: &Candidate, profile: &Profile) -> bool {
    candidate.via == Via::Auto && profile.channels.contains(&Channel::Inbox)
}

/// The agent's breaker as the events left it.
pub(super) fn breaker(agent: &Agent, channel: Channel) -> Breaker {
    let health = agent.channels.get(&channel).copied().unwrap_or_default();
    match health.breaker {
        agents::Breaker::Closed => Breaker::Closed {
            failures: health.failures,
        },
        agents::Breaker::Open { until } => Breaker::Open { until },
        // One attempt at a time is under way to an agent: whoever asks now, the probe is over.
        agents::Breaker::Probing { .. } => Breaker::Probing {
            until: Timestamp::EPOCH,
        },
    }
}

/// Everything the worker must know.
fn job(
    world: &impl Office,
    candidate: &Candidate,
    agent: &Agent,
    place: Point,
) -> Result<Job, Refused> {
    let profile = &agent.profile;
    let settings = world.settings();
    let handling = handling(&settings, &candidate.to, agent);
    let (text, sanitised) = typed(&accepted(world, candidate.position)?, profile, handling);
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

fn accepted(world: &impl Office, at: Position) -> Result<MessageAccepted, Refused> {
    let Fact::MessageAccepted(accepted) = event(world, at)?.fact else {
        return Err(not_there(at));
    };
    Ok(accepted)
}

fn event(world: &impl Office, at: Position) -> Result<Event, Refused> {
    world.event(at)?.ok_or_else(|| not_there(at))
}

fn not_there(position: Position) -> Refused {
    Refused::Read(ReadError::Corrupt {
        position,
        reason: "a projection says that something happened here, and it did not".to_owned(),
    })
}

//! What a lane does next. The outbox suggests whose turn it is; here it is settled which lane takes
//! it, whether the breaker lets it pass, and everything the attempt needs is gathered. Commands
//! decide again when it begins.

use super::breaker::{Breaker, Pass};
use super::brief::{accepted, event, job};
use super::carriage::Carriage;
use super::failing::{self, Failed};
use super::lane::Track;
use super::letter::{Letter, Post};
use super::office::Office;
use crate::commands::desk::{Outcome, Refused};
use crate::commands::start_attempt::StartAttempt;
use crate::events::facts::agent::Profile;
use crate::events::facts::attempt::{Channel, FailureClass};
use crate::events::facts::message::Via;
use crate::events::facts::screen::Point;
use crate::events::ids::AgentId;
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
    let (candidates, mut look_at) = world.read(|states| {
        // What is in quarantine waits until somebody has looked at it.
        let held = |from: &AgentId, to: &AgentId| states.conduct.holds(from, to).is_some();
        let due = states.outbox.due_but(now, &held);
        (due, states.outbox.next_due_at(now))
    });
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

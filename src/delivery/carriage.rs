//! One message on its way by hand, as the ledger sees it: begun before the first click, allowed
//! before Enter, ended with what was seen. Blocking: it waits for the disk.

use std::time::Duration;

use super::courier::moves::{Answer, Ending, Milestone, Outcome};
use super::failing;
use super::job::Job;
use super::lane::Told;
use super::look::Look;
use super::office::Office;
use super::timing;
use crate::commands::command::Command;
use crate::commands::cut_off::CutOff;
use crate::commands::desk::{Outcome as Written, Refused};
use crate::commands::end_attempt::{EndAttempt, Ending as Ended};
use crate::commands::keep_timing::KeepDrift;
use crate::commands::learn_box;
use crate::commands::refusal::{Code, Refusal};
use crate::commands::set_manners::KeepDraft;
use crate::commands::start_attempt::StartAttempt;
use crate::commands::submit_attempt::SubmitAttempt;
use crate::events::facts::attempt::{
    AttemptObserved, AttemptPasted, AttemptSubmitted, AttemptUnknown, Channel, FailureClass,
};
use crate::events::facts::manners::{DraftRestored, DraftSaved};
use crate::events::facts::timing::TimingDrifted;
use crate::events::ids::{AgentId, MessageId};

/// How soon an attempt that was cut off before Enter is tried again.
const AGAIN_AFTER_CUT: Duration = Duration::from_millis(200);

/// An attempt by hand.
#[derive(Clone, Debug)]
pub struct Carriage {
    /// What is written down first.
    pub start: StartAttempt,
    /// To whom.
    pub to: AgentId,
    /// What the worker is told, once it is.
    pub job: Job,
}

impl Carriage {
    /// Which message.
    pub const fn message(&self) -> MessageId {
        self.start.message
    }

    /// Whether text of this message may stand in the box since an earlier attempt.
    pub fn text_stood_before(&self) -> bool {
        let message = self.message();
        self.job.standing.iter().any(|text| text.message == message)
    }

    /// Writes `attempt.started`. False when there is nothing to carry: it expired, was cancelled,
    /// or its agent or seat was paused meanwhile.
    pub fn begin(&self, world: &impl Office) -> Result<bool, Refused> {
        match world.execute(self.start.clone()) {
            Ok(Written::Done(_)) => Ok(true),
            Ok(
                Written::Expired(_) | Written::Died(_) | Written::Shared(_) | Written::Imported(_),
            )
            | Err(Refused::Refusal(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The answer to a milestone. What it allows is durable.
    pub fn reach(&self, world: &impl Office, milestone: Milestone) -> Result<Answer, Refused> {
        let (message, attempt) = (self.message(), self.start.attempt);
        let command: Command = match milestone {
            Milestone::Pasted {
                changed_pixels,
                needed_pixels,
                read_back,
                sanitised,
            } => {
                let pasted = AttemptPasted {
                    message,
                    attempt,
                    changed_pixels,
                    needed_pixels,
                    read_back,
                    sanitised,
                };
                SubmitAttempt { pasted }.into()
            }
            Milestone::DraftSaved { text } => KeepDraft::Saved(DraftSaved {
                message,
                attempt,
                agent: self.to.clone(),
                text,
            })
            .into(),
            Milestone::DraftRestored => {
                KeepDraft::Restored(DraftRestored { message, attempt }).into()
            }
        };
        match world.execute(command) {
            Ok(_) => Ok(Answer::Allowed),
            Err(Refused::Refusal(refusal)) => Ok(Answer::Refused {
                class: class_of(&refusal),
                detail: refusal.message,
            }),
            Err(error) => Err(error),
        }
    }

    /// Writes down how it ended, and what follows.
    pub fn end(self, world: &impl Office, told: Told) -> Result<(), Refused> {
        let ending = match told {
            Told::Ended(ending) => *ending,
            Told::Gone(reason) => return self.cut_off(world, &reason),
        };
        let (message, attempt) = (self.message(), self.start.attempt);
        let Ending {
            outcome,
            steps,
            window,
            learnt,
            remarks,
        } = ending;
        for remark in remarks {
            tracing::info!(message_id = %message, attempt, remark, "noticed while carrying");
        }
        // The box of a new chat is another one than the agent's.
        let learnt = learnt.filter(|_| self.job.new_chat.is_none());
        let learnt = learnt.map(|look| remembered(&look, &self.to));
        let ended = match outcome {
            Outcome::Observed { witness, presses } => Ended::Observed(AttemptObserved {
                message,
                attempt,
                witness,
                presses,
                window,
                steps,
            }),
            Outcome::Submitted { reason } => Ended::Submitted(AttemptSubmitted {
                message,
                attempt,
                reason,
                steps,
            }),
            Outcome::Unknown { reason } => Ended::Unknown(AttemptUnknown {
                message,
                attempt,
                reason,
            }),
            Outcome::Measured { .. } => {
                return self.cut_off(world, "the worker measured instead of carrying");
            }
            Outcome::Failed {
                class,
                detail,
                text_may_stand,
                enter_may_come,
            } => {
                let failed = failing::Failed {
                    class,
                    detail,
                    text_may_stand,
                    enter_may_come,
                    steps,
                };
                return failing::write(world, message, failed);
            }
        };
        let closes_breaker = self.start.probe && !matches!(ended, Ended::Unknown(_));
        let end = EndAttempt {
            ending: ended,
            learnt,
            closes_breaker,
        };
        match world.execute(end) {
            Ok(_) => self.notice_drift(world),
            Err(Refused::Refusal(refusal)) => end_refused(world, message, &refusal),
            Err(error) => Err(error),
        }
    }

    /// Says so when a step takes much longer or shorter than it used to.
    fn notice_drift(&self, world: &impl Office) -> Result<(), Refused> {
        world.catch_up()?;
        let drifts: Vec<_> = world.read(|states| {
            let steps = states.timing.of(&self.to).into_iter().flatten();
            let waited_for =
                steps.filter(|(step, _)| timing::configured(&self.job.patience, **step).is_some());
            waited_for
                .filter_map(|(step, past)| Some((*step, timing::drift(past)?)))
                .collect()
        });
        for (step, drift) in drifts {
            let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
            let drifted = TimingDrifted {
                agent: self.to.clone(),
                step,
                before_micros: micros(drift.before),
                now_micros: micros(drift.now),
                attempts: drift.attempts,
            };
            tracing::warn!(agent = %self.to, %step, before = ?drift.before, now = ?drift.now,
                "a step takes another time than it used to");
            world.execute(KeepDrift { drifted })?;
        }
        Ok(())
    }

    fn cut_off(&self, world: &impl Office, reason: &str) -> Result<(), Refused> {
        tracing::warn!(message_id = %self.message(), reason, "an attempt was cut off");
        cut_off(world, self.message())
    }
}

/// An end that does not fit what the ledger knows, like an arrival without leave for Enter, is not
/// believed: the attempt counts as cut off. Other messages are carried on.
pub fn end_refused(
    world: &impl Office,
    message: MessageId,
    refusal: &Refusal,
) -> Result<(), Refused> {
    tracing::error!(message_id = %message, %refusal, "the end of an attempt was refused");
    cut_off(world, message)
}

/// Settles an attempt whose worker is gone: unknown if Enter may have been pressed, otherwise tried
/// again. The first time at once; what is cut off again and again goes the way of every failure.
pub fn cut_off(world: &impl Office, message: MessageId) -> Result<(), Refused> {
    world.catch_up()?;
    let life = world.read(|states| {
        let kept = states.outbox.get(message);
        kept.map(|kept| {
            (
                kept.life.channel,
                kept.life.attempts_here,
                kept.life.enter_possible,
            )
        })
    });
    match life {
        Some((channel, attempts_here, false)) if attempts_here > 1 => {
            let failed = failing::Failed {
                class: FailureClass::Interrupted,
                detail: "the worker was cut off before Enter, not for the first time".to_owned(),
                text_may_stand: channel != Some(Channel::Inbox),
                enter_may_come: false,
                steps: Vec::new(),
            };
            failing::write(world, message, failed)
        }
        _ => settle(world, message),
    }
}

/// The same without a policy: nothing else can be written about it.
pub(super) fn settle(world: &impl Office, message: MessageId) -> Result<(), Refused> {
    let retry_at = world.now().after(AGAIN_AFTER_CUT);
    match world.execute(CutOff { message, retry_at }) {
        // Somebody settled it meanwhile.
        Ok(_) | Err(Refused::Refusal(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn remembered(look: &Look, agent: &AgentId) -> learn_box::Look {
    let fact = look.to_fact(agent.clone());
    learn_box::Look {
        region: fact.region,
        rgb: fact.rgb,
        volatile: fact.volatile,
        proven_empty: fact.proven_empty,
    }
}

/// How an attempt is recorded that was refused its Enter.
/// A message that expired on the way waits like a paused one, and is expired at its next turn.
const fn class_of(refusal: &Refusal) -> FailureClass {
    if matches!(
        refusal.code,
        Code::AgentPaused | Code::SeatPaused | Code::Expired
    ) {
        FailureClass::Paused
    } else {
        FailureClass::Invalid
    }
}

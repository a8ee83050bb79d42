//! The desk: loads what is known, decides, appends, and decides again when the ledger moved on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::broadcast::{Broadcast, Shared};
use super::command::Command;
use super::decision::{Decision, Done, Plan};
use super::import_agents::{ImportAgents, Imported};
use super::known::Known;
use super::load::{Load, Roster};
use super::refusal::{Code, Refusal};
use crate::events::envelope::Cause;
use crate::events::ids::{CommandId, MessageId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::append::{AppendError, Appended, Commit, Part};
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::time::Timestamp;

/// How often a command is decided again when the ledger moves on between looking and writing.
pub const ROUNDS_MAX: u32 = 16;
/// How many bytes of bodies one commit of a broadcast may carry.
const SHARE_BYTES_MAX: usize = 1_048_576;
/// How many messages one commit of a broadcast may carry.
const SHARES_MAX: usize = 64;

/// Carries out commands over one ledger. The only place that appends. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Desk {
    ledger: Ledger,
    roster: Arc<Roster>,
}

/// What a command led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in the ledger.
    Done(Done),
    /// No attempt was started: the message's time was over, and that is in the ledger.
    Expired(Done),
    /// No attempt was started: the message's agent is gone, so it died, and that is in the ledger.
    Died(Done),
    /// A broadcast: one entry per recipient, in the order of delivery.
    Shared(Vec<Shared>),
    /// An import: one entry per agent, in the order of the file.
    Imported(Vec<Imported>),
}

impl Outcome {
    /// What a single command's plan leads to, once it is written.
    pub fn of(command: &Command, plan: &Plan) -> fn(Done) -> Self {
        let first = plan.facts().next();
        match (command, first) {
            (Command::StartAttempt(_), Some(Fact::AttemptStarted(_)))
                if plan
                    .facts()
                    .any(|fact| matches!(fact, Fact::AttemptUnknown(_))) =>
            {
                Self::Expired
            }
            (Command::StartAttempt(_), Some(Fact::MessageExpired(_))) => Self::Expired,
            (Command::StartAttempt(_), Some(Fact::MessageDied(_))) => Self::Died,
            _ => Self::Done,
        }
    }

    /// Where a single answer stands.
    pub const fn done(&self) -> Option<Done> {
        match self {
            Self::Done(done) | Self::Expired(done) | Self::Died(done) => Some(*done),
            Self::Shared(_) | Self::Imported(_) => None,
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The answer is no.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The ledger moved on every time: ask again.
    #[error("the ledger moved on {rounds} times while this was decided")]
    Conflict {
        /// How often it was decided.
        rounds: u32,
        /// The last clash.
        #[source]
        last: AppendError,
    },
    /// The ledger did not take it.
    #[error(transparent)]
    Append(AppendError),
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<AppendError> for Refused {
    fn from(error: AppendError) -> Self {
        if let AppendError::Conflict { command, at } = &error {
            let text =
                format!("command {command} was carried out before with other content, at {at}");
            return Self::Refusal(
                Refusal::new(Code::CommandConflict, text)
                    .hint("an id names one command for ever: choose a new one"),
            );
        }
        Self::Append(error)
    }
}

impl Desk {
    /// A desk over the ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            roster: Arc::default(),
        }
    }

    /// The ledger, for reading.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Carries out the command. Blocks until it is durable: call it off the async threads.
    ///
    /// `now` earlier than the newest event counts as that event's instant: when the machine's clock
    /// steps back, recorded time goes on, and what it made due stays due. Facts about a message that
    /// exists carry that message's correlation instead of the cause's, and are caused by its last
    /// event unless the cause names one.
    pub fn execute(
        &self,
        command: &Command,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        if let Command::Broadcast(broadcast) = command {
            self.broadcast(command, broadcast, cause, now)
        } else if let Command::ImportAgents(import) = command {
            self.import(command, import, cause)
        } else {
            self.single(command, cause, now)
        }
    }

    /// What the command would lead to, without writing anything: for `--dry-run`. None for broadcasts
    /// and imports, whose own `decide` says it per recipient.
    pub fn weigh(
        &self,
        command: &Command,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Option<Decision>, Refused> {
        let known = self.known(command, cause)?;
        let now = now.max(self.ledger.head().recorded_at);
        Ok(command.decide(&known, now).transpose()?)
    }

    /// What is known for a command.
    pub fn known(&self, command: &Command, cause: &Cause) -> Result<Known, ReadError> {
        let mut known = Load::all(&self.ledger, &self.roster, &command.needs(), cause)?;
        if let Command::Broadcast(broadcast) = command {
            self.shares(broadcast, &mut known)?;
        }
        Ok(known)
    }

    fn single(&self, command: &Command, cause: &Cause, now: Timestamp) -> Result<Outcome, Refused> {
        rounds(|| {
            let known = self.known(command, cause)?;
            let now = now.max(self.ledger.head().recorded_at);
            let Some(decided) = command.decide(&known, now) else {
                // Broadcasts and imports do not come here; an empty list says so without a panic.
                return Ok(Outcome::Shared(Vec::new()));
            };
            match decided {
                Ok(Decision::Already(done)) => Ok(Outcome::Done(done)),
                Ok(Decision::Write(plan)) => {
                    let wrap = Outcome::of(command, &plan);
                    Ok(wrap(Done::from(self.append(plan, cause)?)))
                }
                Err(refusal) => match self.carried_out(command, cause)? {
                    Some(done) => Ok(Outcome::Done(done)),
                    None => Err(Round::Over(refusal.into())),
                },
            }
        })
    }

    /// Whether a refused command is one that was carried out before: its answer was lost, and its own
    /// effect is now what refuses it.
    fn carried_out(&self, command: &Command, cause: &Cause) -> Result<Option<Done>, ReadError> {
        let Some(home) = command.home() else {
            return Ok(None);
        };
        let Some(before) = self.ledger.find_command(cause.command)? else {
            return Ok(None);
        };
        let first = self.ledger.read(before.first, 1)?;
        let same = first.first().is_some_and(|event| event.stream == home);
        Ok(same.then_some(Done {
            repeated: true,
            ..Done::from(before)
        }))
    }

    fn broadcast(
        &self,
        command: &Command,
        broadcast: &Broadcast,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        rounds(|| {
            let known = self.known(command, cause)?;
            let now = now.max(self.ledger.head().recorded_at);
            let shares = broadcast.decide(&known, now).map_err(Refused::from)?;
            let mut outcome = Vec::new();
            let mut batch: Vec<(usize, Plan)> = Vec::new();
            for (share, why) in shares {
                let settled = match share.decision {
                    Err(refusal) => Err(refusal),
                    Ok(Decision::Already(done)) => Ok(done),
                    Ok(Decision::Write(plan)) => {
                        if batch.len() >= SHARES_MAX
                            || (batch.len() + 1) * broadcast.body.len() > SHARE_BYTES_MAX
                        {
                            self.flush(&mut batch, &mut outcome, cause)?;
                        }
                        batch.push((outcome.len(), plan));
                        Ok(Done::already(crate::events::ids::Position::START, 0))
                    }
                };
                outcome.push(Shared {
                    to: share.to,
                    message: share.message,
                    outcome: settled,
                    why,
                });
            }
            self.flush(&mut batch, &mut outcome, cause)?;
            Ok(Outcome::Shared(outcome))
        })
    }

    /// Appends several messages in one commit, so that a broadcast waits for the disk once. The
    /// command's id is made of the messages in it: asked again after half of it was written, the rest
    /// is a command of its own.
    fn flush(
        &self,
        batch: &mut Vec<(usize, Plan)>,
        outcome: &mut [Shared],
        cause: &Cause,
    ) -> Result<(), Round> {
        if batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(batch);
        let thread = batch.iter().find_map(|(_, plan)| plan.thread);
        let places: Vec<usize> = batch.iter().map(|(place, _)| *place).collect();
        let parts: Vec<Part> = batch.into_iter().flat_map(|(_, plan)| plan.parts).collect();
        let cause = Cause {
            command: derived(cause.command, &parts),
            ..cause.clone()
        };
        let appended = self.append(Plan { parts, thread }, &cause)?;
        let mut position = appended.first;
        for place in places {
            if let Some(shared) = outcome.get_mut(place) {
                shared.outcome = Ok(Done {
                    first: position,
                    last: position,
                    version: 0,
                    repeated: appended.repeated,
                });
            }
            position = position.next();
        }
        Ok(())
    }

    fn shares(&self, broadcast: &Broadcast, known: &mut Known) -> Result<(), ReadError> {
        // Nothing was sent under this broadcast's name before: one look instead of one per agent
        // would do, but the names decide the ids, so each is looked up (an index look-up apiece).
        let names: Vec<_> = known
            .agents
            .keys()
            .cloned()
            .chain(broadcast.listed())
            .collect();
        for name in names {
            let id = MessageId::of_broadcast(broadcast.broadcast, &name);
            let stream = StreamId::message(id);
            if self.ledger.stream_head(&stream)?.is_some() {
                let events = self.ledger.read_stream(&stream)?;
                if let Some(last) = events.last() {
                    known.heads.insert(stream, last.version);
                }
                if let Some(message) = super::known::KnownMessage::fold(&events) {
                    known.messages.insert(id, Arc::new(message));
                }
            }
        }
        Ok(())
    }

    fn import(
        &self,
        command: &Command,
        import: &ImportAgents,
        cause: &Cause,
    ) -> Result<Outcome, Refused> {
        rounds(|| {
            let known = self.known(command, cause)?;
            let (plan, report) = import.decide(&known);
            if let Some(plan) = plan {
                self.append(plan, cause)?;
            }
            Ok(Outcome::Imported(report))
        })
    }

    fn append(&self, plan: Plan, cause: &Cause) -> Result<Appended, Round> {
        let cause = match plan.thread {
            None => cause.clone(),
            Some(thread) => Cause {
                correlation: thread.correlation,
                causation: cause.causation.or(Some(thread.causation)),
                ..cause.clone()
            },
        };
        // What the asker believes itself is not decided again; what this desk saw is.
        let believed = plan.facts().all(|fact| matches!(fact, Fact::Note(_)));
        let commit = Commit {
            cause,
            parts: plan.parts,
        };
        self.ledger.append(commit).map_err(|error| {
            if matches!(error, AppendError::WrongVersion { .. }) && !believed {
                Round::Again(error)
            } else {
                Round::Over(error.into())
            }
        })
    }
}

/// Decides and writes until it is written or there is no use in going on.
fn rounds(round: impl Fn() -> Result<Outcome, Round>) -> Result<Outcome, Refused> {
    let mut rounds = 1;
    loop {
        match round() {
            Ok(outcome) => return Ok(outcome),
            Err(Round::Over(refused)) => return Err(refused),
            Err(Round::Again(last)) if rounds >= ROUNDS_MAX => {
                return Err(Refused::Conflict { rounds, last });
            }
            Err(Round::Again(_)) => rounds += 1,
        }
    }
}

/// How one round of deciding ended without an outcome.
enum Round {
    /// The ledger moved on.
    Again(AppendError),
    /// There is no use in trying again.
    Over(Refused),
}

impl From<ReadError> for Round {
    fn from(error: ReadError) -> Self {
        Self::Over(error.into())
    }
}

impl From<Refused> for Round {
    fn from(refused: Refused) -> Self {
        Self::Over(refused)
    }
}

fn derived(command: CommandId, parts: &[Part]) -> CommandId {
    let names: Vec<&str> = parts.iter().map(|part| part.stream.as_str()).collect();
    CommandId(Uuid::new_v5(&command.0, names.join(" ").as_bytes()))
}

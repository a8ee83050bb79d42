//! Every verb that is one command: carried out, and told as the thing it changed.

use serde_json::{Value, json};

use super::answer::Asked;
use super::story::{self, set};
use crate::cli::exit::{Exit, Failure};
use crate::cli::owner::open::runtime_settings;
use crate::commands::command::Command;
use crate::commands::decision::Done;
use crate::commands::desk::Outcome;
use crate::commands::requeue::Requeue;
use crate::events::facts::alert::AlertId;
use crate::events::facts::attempt::FailureClass;
use crate::events::ids::{AgentId, MessageId};
use crate::events::lifecycle::State;

/// Carries the command out.
pub async fn answer(asked: Asked, command: Command) -> Result<Exit, Failure> {
    let subject = Subject::of(&command);
    let outcome = asked
        .off_thread(move |asked| {
            if let Command::SetConfig(set) = &command {
                let runtime = runtime_settings(asked.owner.desk.ledger())?;
                asked.owner.tuning.try_with(runtime, set)?;
            }
            let now = asked.owner.now();
            Ok(asked.owner.desk.execute(&command, &asked.cause, now)?)
        })
        .await?;
    match outcome {
        Outcome::Done(done) | Outcome::Expired(done) | Outcome::Died(done) => {
            let item = asked
                .off_thread(move |asked| subject.item(asked, done))
                .await?;
            asked.items.say(item).await?;
            Ok(Exit::Done)
        }
        Outcome::Imported(report) => {
            let mut refused = 0_usize;
            let total = report.len();
            for row in report {
                let item = match row.effect {
                    Ok(effect) => json!({"id": row.agent, "effect": effect}),
                    Err(refusal) => {
                        refused = refused.saturating_add(1);
                        json!({"id": row.agent, "effect": "refused", "detail": refusal.message})
                    }
                };
                asked.items.say(item).await?;
            }
            Ok(if refused == 0 {
                Exit::Done
            } else if refused == total {
                Exit::Refused
            } else {
                Exit::Partly
            })
        }
        Outcome::Shared(_) => Ok(Exit::Done),
    }
}

/// `requeue --all`: every dead message, or every one that died of the class.
pub async fn requeue_all(asked: Asked, class: Option<FailureClass>) -> Result<Exit, Failure> {
    let dead: Vec<MessageId> = asked
        .off_thread(move |asked| {
            asked.owner.catch_up()?;
            Ok(asked.owner.projections.read(|states| {
                let messages = states.outbox.messages();
                let dead = messages.filter(|(_, kept)| kept.life.state == State::Dead);
                dead.filter(|(_, kept)| {
                    let died_of = kept.life.failure.as_ref().map(|failure| failure.class);
                    class.is_none() || died_of == class
                })
                .map(|(message, _)| message)
                .collect()
            }))
        })
        .await?;
    for message in dead {
        let mut one = asked.clone();
        // One command each: its id follows from the wish and the message.
        let id = uuid::Uuid::new_v5(&asked.cause.command.0, message.0.as_bytes());
        one.cause.command = crate::events::ids::CommandId(id);
        let by = asked.cause.actor.clone();
        answer(one, Requeue { message, by }.into()).await?;
    }
    Ok(Exit::Done)
}

/// What a command is about, and therefore what is shown afterwards.
enum Subject {
    Message(MessageId),
    Reply { answer: MessageId },
    Agent(AgentId),
    Seat { seat: Option<String>, paused: bool },
    Setting { key: String, value: Option<String> },
    Alert(AlertId),
    Plain,
}

impl Subject {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever is about nothing in particular is shown as its place in the ledger"
    )]
    fn of(command: &Command) -> Self {
        match command {
            Command::Acknowledge(it) => Self::Message(it.message),
            Command::MarkRead(it) => Self::Message(it.message),
            Command::Cancel(it) => Self::Message(it.message),
            Command::Requeue(it) => Self::Message(it.message),
            Command::Resolve(it) => Self::Message(it.message),
            Command::Reply(it) => Self::Reply { answer: it.answer },
            Command::AddAgent(it) => Self::Agent(it.agent.clone()),
            Command::ChangeAgent(it) => Self::Agent(it.agent.clone()),
            Command::PlaceAgent(it) => Self::Agent(it.agent.clone()),
            Command::PauseAgent(it) => Self::Agent(it.agent.clone()),
            Command::PauseSeat(it) => Self::Seat {
                seat: it.seat.as_ref().map(ToString::to_string),
                paused: true,
            },
            Command::ResumeSeat(it) => Self::Seat {
                seat: it.seat.as_ref().map(ToString::to_string),
                paused: false,
            },
            Command::SetConfig(it) => Self::Setting {
                key: it.key.clone(),
                value: it.value.clone(),
            },
            Command::AcknowledgeAlert(it) => Self::Alert(it.alert.clone()),
            _ => Self::Plain,
        }
    }

    fn item(self, asked: &Asked, done: Done) -> Result<Value, Failure> {
        let owner = &asked.owner;
        owner.catch_up()?;
        let mut item = match self {
            Self::Message(message) => {
                let mut item = story::find(owner, message)?.to_json(message);
                set(&mut item, "event_position", json!(done.last));
                item
            }
            Self::Reply { answer } => story::find(owner, answer)?.to_json(answer),
            Self::Agent(agent) => owner.projections.read(|states| {
                states.agents.get(&agent).map_or_else(
                    || json!({"id": agent}),
                    |known| known.shown(&agent, &states.conduct),
                )
            }),
            Self::Seat { seat, paused } => {
                json!({"seat": seat, "paused": paused, "position": done.last})
            }
            Self::Setting { key, value } => {
                let value: Option<Value> = value.and_then(|text| serde_json::from_str(&text).ok());
                let change = owner.retune(&key)?;
                json!({
                    "key": key, "value": value, "position": done.last,
                    "applied": change.applied.word(), "overridden": change.overridden,
                })
            }
            Self::Alert(alert) => {
                let known = owner
                    .projections
                    .read(|states| states.alerts.get(&alert).map(|one| one.to_json(&alert)));
                known.unwrap_or_else(|| json!({"alert": alert, "position": done.last}))
            }
            Self::Plain => json!({"position": done.last, "version": done.version}),
        };
        set(&mut item, "repeated", json!(done.repeated));
        Ok(item)
    }
}

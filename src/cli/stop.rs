//! Being asked to go: SIGINT (Ctrl-C) and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use serde_json::json;

use super::answers::story;
use super::exit::{Exit, Failure};
use super::owner::open::Owner;
use super::owner::request::What;
use crate::events::ids::MessageId;
use crate::events::lifecycle::State;

/// The signals that ask this process to go.
#[derive(Debug)]
pub struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// Takes the signals over from the system's default, which is to die at once.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                let text = format!("signals cannot be heard: {error}");
                Failure::new(Exit::Failed, "no_signals", text)
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Resolves when one comes, with its exit code.
    pub async fn asked(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

/// What a request that is stopped was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One message on its way.
    Message(MessageId),
    /// Several messages on their way.
    Messages,
    /// Nothing that goes on without the asker.
    Nothing,
}

impl Subject {
    /// What the request is about.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only what sends leaves something behind that goes on"
    )]
    pub const fn of(what: &What) -> Self {
        match what {
            What::Send { send, .. } => Self::Message(send.message),
            What::Reply { reply, .. } => Self::Message(reply.answer),
            What::Broadcast { .. } => Self::Messages,
            _ => Self::Nothing,
        }
    }

    /// What is said when the ledger's owner itself is stopped, after its attempts have ended.
    pub async fn told(self, owner: &Owner, exit: Exit) -> Result<Exit, Failure> {
        let Self::Message(message) = self else {
            return self.told_from_afar(exit);
        };
        let own = owner.clone();
        let found = tokio::task::spawn_blocking(move || story::find(&own, message)).await?;
        let Ok(found) = found else {
            return Err(Failure::new(
                exit,
                "interrupted",
                "interrupted; nothing was sent",
            ));
        };
        let state = found.life.state;
        let told = match state {
            State::Accepted | State::Attempting | State::Pasted => {
                let text = format!("interrupted; message {message} stays queued");
                Failure::new(exit, "interrupted", text).hint(format!(
                    "the next command that delivers carries it on, or `switchboard serve`; \
                     `switchboard cancel {message}` takes it back"
                ))
            }
            State::Unknown => {
                let text = format!("interrupted; whether message {message} arrived is not known");
                Failure::new(exit, "interrupted", text).hint(format!(
                    "look, then `switchboard resolve {message} delivered|failed`"
                ))
            }
            State::Submitted
            | State::Observed
            | State::Inboxed
            | State::Acknowledged
            | State::Answered
            | State::Expired
            | State::Cancelled
            | State::Dead => {
                let text = format!("interrupted; message {message} was {state} before that");
                Failure::new(exit, "interrupted", text)
            }
        };
        let fields = json!({"id": message, "state": state});
        Err(told.fields(fields))
    }

    /// What is said when somebody else owns the ledger, or it cannot be looked at any more.
    pub fn told_from_afar(self, exit: Exit) -> Result<Exit, Failure> {
        let (text, fields) = match self {
            Self::Nothing => return Ok(exit),
            Self::Messages => (
                "interrupted; what was accepted stays queued".to_owned(),
                serde_json::Value::Null,
            ),
            Self::Message(message) => (
                format!("interrupted; message {message} stays queued, if it was accepted"),
                json!({"id": message}),
            ),
        };
        Err(Failure::new(exit, "interrupted", text)
            .hint("`switchboard queue` lists what is still carried")
            .fields(fields))
    }
}

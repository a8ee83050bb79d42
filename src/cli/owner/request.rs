//! What a client asks the ledger's owner. Ids are made before the first try, so that a lost answer
//! is asked for again with the same id.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cli::keys::Keys;
use crate::cli::values::{AsOf, Wait};
use crate::commands::broadcast::Broadcast;
use crate::commands::command::Command;
use crate::commands::reply::Reply;
use crate::commands::send::SendMessage;
use crate::events::facts::attempt::{FailureClass, Step};
use crate::events::facts::backup::{Kind, Scenario};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, CommandId, MessageId, Position, StreamId};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;

/// One request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub by: AgentId,
    /// The wish's id: the same wish is carried out once.
    pub command: CommandId,
    /// What is asked.
    pub what: What,
}

/// Everything that can be asked of the owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// `send`, `ask`: accept, and carry as far as is waited for.
    Send {
        /// The message; its hop limit and default TTL are the owner's.
        send: SendMessage,
        /// How the answer is awaited.
        awaiting: Awaiting,
    },
    /// `broadcast`.
    Broadcast {
        /// The messages; their hop limit, default TTL and standings are the owner's.
        broadcast: Broadcast,
        /// How the answers are awaited.
        awaiting: Awaiting,
    },
    /// `reply`: accept the answer, and carry it as far as is waited for.
    Reply {
        /// The answer; its hop limit and default TTL are the owner's.
        reply: Reply,
        /// How its arrival is awaited.
        awaiting: Awaiting,
    },
    /// Every verb that is one command and returns what it led to.
    Execute(Box<Command>),
    /// `agent list`, `agent export`.
    Agents,
    /// `agent show`.
    Agent(AgentId),
    /// `inbox`.
    Inbox(Inbox),
    /// `messages`.
    Messages(Messages),
    /// `show`.
    Show(MessageId),
    /// `why`.
    Why(MessageId),
    /// `queue`.
    Queue,
    /// `alerts`.
    Alerts {
        /// Also the last ones that are over.
        all: bool,
    },
    /// `requeue --all`.
    RequeueAll {
        /// Only what died of this.
        class: Option<FailureClass>,
    },
    /// `calibrate`: this agent, or all.
    Calibrate(Option<AgentId>),
    /// `timing`.
    Timing(Timing),
    /// `panic`.
    Panic,
    /// `top`.
    Overview,
    /// `status`.
    Status,
    /// `doctor`.
    Doctor,
    /// `events`.
    Events(Events),
    /// `replay`.
    Replay {
        /// When; the head if not said.
        as_of: Option<AsOf>,
        /// Only this projection's state.
        projection: Option<String>,
    },
    /// `projections list`.
    ProjectionsList,
    /// `projections rebuild`.
    ProjectionsRebuild(Option<String>),
    /// `projections check`.
    ProjectionsCheck(Option<String>),
    /// `verify`.
    Verify,
    /// `backup full|incremental|differential|label`.
    Backup(Backup),
    /// `backup drill`.
    Drill(Drill),
    /// The runtime layer of the configuration, for `config show`.
    ConfigRuntime,
}

/// How the answer is awaited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Awaiting {
    /// How far.
    pub wait: Wait,
    /// How long.
    pub timeout: Duration,
    /// Which desktop must deliver, when the sender insists.
    pub desktop: Option<String>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Disasters to rehearse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Drill {
    /// Which; each of them if not said.
    pub scenario: Option<Scenario>,
    /// The repository's folder, absolute.
    pub repo: PathBuf,
    /// What opens it.
    pub keys: Keys,
    /// Where to restore for a look, absolute.
    pub scratch: PathBuf,
    /// The repository at another site, absolute; else what the settings say.
    pub second_repo: Option<PathBuf>,
    /// The plan's class; else what the settings say.
    pub class: Option<String>,
    /// How long a recovery may take; else what the class says.
    pub rto: Option<Duration>,
    /// How much of the newest time may be lost; else what the class says.
    pub rpo: Option<Duration>,
}

/// A backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backup {
    /// What it should add.
    pub kind: Kind,
    /// The repository's folder, absolute.
    pub repo: PathBuf,
    /// What opens it, and whom a new one is encrypted to.
    pub keys: Keys,
    /// The name it gives, for a label.
    pub label: Option<String>,
    /// Another position than the newest.
    pub position: Option<Position>,
    /// Words for retention.
    pub tags: Vec<String>,
    /// Whether a timeline may go on that a restored ledger left behind.
    pub despite_fork: bool,
}

/// `inbox`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inbox {
    /// Whose.
    pub agent: AgentId,
    /// Only what was not read.
    pub unread: bool,
    /// Take the next unread one, waiting this long for it.
    pub next: Option<Duration>,
}

/// `messages`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Messages {
    /// Recipient.
    pub to: Option<AgentId>,
    /// Sender.
    pub from: Option<AgentId>,
    /// Tag.
    pub tag: Option<Word>,
    /// A word of the body, any case.
    pub text: Option<String>,
    /// States; any if empty.
    pub states: Vec<State>,
    /// Not older.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// `timing`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timing {
    /// Only of this agent.
    pub agent: Option<AgentId>,
    /// Only of this step.
    pub step: Option<Step>,
    /// What another deadline would have done.
    pub replay: bool,
    /// Which; the present one of each if not said.
    pub deadline: Option<Duration>,
}

/// `events`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Events {
    /// First position.
    pub from: Option<Position>,
    /// Last position.
    pub to: Option<Position>,
    /// Only this stream.
    pub stream: Option<StreamId>,
    /// Only this kind, or this group with a trailing `.*`.
    pub kind: Option<String>,
    /// Go on as events come.
    pub follow: bool,
}

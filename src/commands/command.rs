//! Every wish the desk understands.

use serde::{Deserialize, Serialize};

use super::acknowledge::Acknowledge;
use super::add_agent::AddAgent;
use super::broadcast::Broadcast;
use super::calibrate::{BeginCalibration, MissCalibration};
use super::cancel::Cancel;
use super::change_agent::ChangeAgent;
use super::configure::{LoadConfig, SetConfig};
use super::cut_off::CutOff;
use super::decision::Decision;
use super::end_attempt::EndAttempt;
use super::expire::Expire;
use super::fail_attempt::FailAttempt;
use super::import_agents::ImportAgents;
use super::inbox_attempt::InboxAttempt;
use super::keep_alert::{AcknowledgeAlert, KeepAlert};
use super::keep_timing::{KeepCalibration, KeepDrift};
use super::known::Known;
use super::learn_box::LearnBox;
use super::mark_read::MarkRead;
use super::note::KeepNote;
use super::pause_agent::PauseAgent;
use super::pause_seat::{PauseSeat, ResumeSeat};
use super::place_agent::PlaceAgent;
use super::quarantine::{Quarantine, pair};
use super::record_backup::{RecordBackup, RecordDrill, RecordSchedule};
use super::refusal::Refusal;
use super::remove_agent::RemoveAgent;
use super::reply::Reply;
use super::requeue::Requeue;
use super::resolve::Resolve;
use super::send::SendMessage;
use super::set_manners::{KeepDraft, SetManners};
use super::start_attempt::StartAttempt;
use super::submit_attempt::SubmitAttempt;
use crate::events::facts::alert::AlertId;
use crate::events::ids::{AgentId, MessageId, SeatId, StreamId};
use crate::events::time::Timestamp;

macro_rules! commands {
    ($($name:ident,)*) => {
        /// A wish, as data: it can be handed over a socket and carried out by whoever owns the ledger.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        #[serde(rename_all = "snake_case")]
        pub enum Command { $($name($name),)* }

        $(impl From<$name> for Command {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })*
    };
}

commands! {
    SendMessage, Broadcast, Reply, Acknowledge, MarkRead, Cancel, Requeue, Resolve, Expire,
    StartAttempt, SubmitAttempt, EndAttempt, FailAttempt, InboxAttempt, CutOff, LearnBox,
    AddAgent, ChangeAgent, PlaceAgent, RemoveAgent, PauseAgent, ImportAgents,
    PauseSeat, ResumeSeat, KeepNote, SetConfig, LoadConfig, KeepCalibration, KeepDrift,
    RecordBackup, RecordDrill, RecordSchedule, BeginCalibration, MissCalibration,
    Quarantine, SetManners, KeepDraft, KeepAlert, AcknowledgeAlert,
}

/// What must be looked up before a command can be decided.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of what to look up, each independent of the others"
)]
pub(super) struct Needs {
    /// These agents.
    pub(super) agents: Vec<AgentId>,
    /// All agents.
    pub(super) fleet: bool,
    /// These messages.
    pub(super) messages: Vec<MessageId>,
    /// The recipients of those messages, and the seats of their last attempts.
    pub(super) recipients: bool,
    /// The senders of those messages.
    pub(super) senders: bool,
    /// This seat, and the pause of all.
    pub(super) seat: Option<SeatId>,
    /// Every seat.
    pub(super) seats: bool,
    /// The message whose story the cause lies in.
    pub(super) cause: bool,
    /// What is held of these pairs.
    pub(super) pairs: Vec<(AgentId, AgentId)>,
    /// And of every pair that this agent is in.
    pub(super) pairs_of: Option<AgentId>,
    /// This alert.
    pub(super) alert: Option<AlertId>,
}

impl Needs {
    fn messages(ids: impl Iterator<Item = MessageId>) -> Self {
        Self {
            messages: ids.collect(),
            ..Self::default()
        }
    }

    fn message(id: MessageId) -> Self {
        Self {
            messages: vec![id],
            ..Self::default()
        }
    }

    fn message_and_recipient(id: MessageId) -> Self {
        Self {
            recipients: true,
            ..Self::message(id)
        }
    }

    fn alert(id: &AlertId) -> Self {
        Self {
            alert: Some(id.clone()),
            ..Self::default()
        }
    }

    /// Whether hands may move for the agent on the seat.
    fn hands(id: &AgentId, seat: &SeatId) -> Self {
        Self {
            seat: Some(seat.clone()),
            ..Self::agent(id)
        }
    }

    /// An agent, and what is held of it and others.
    fn agent_with_pairs(id: &AgentId) -> Self {
        Self {
            pairs_of: Some(id.clone()),
            ..Self::agent(id)
        }
    }

    /// An agent, and what is held of it and one other.
    fn pair(id: &AgentId, with: Option<&AgentId>) -> Self {
        Self {
            pairs: with.map(|with| pair(id, with)).into_iter().collect(),
            ..Self::agent(id)
        }
    }

    fn reply(it: &Reply) -> Self {
        Self {
            agents: vec![it.by.clone()],
            messages: vec![it.message, it.answer],
            senders: true,
            recipients: true,
            ..Self::default()
        }
    }

    fn agent(id: &AgentId) -> Self {
        Self {
            agents: vec![id.clone()],
            ..Self::default()
        }
    }
}

impl Command {
    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::SendMessage(send) => Needs {
                agents: vec![send.to.clone(), send.from.clone()],
                messages: std::iter::once(send.message).chain(send.reply_to).collect(),
                cause: send.reply_to.is_none(),
                pairs: vec![pair(&send.from, &send.to)],
                ..Needs::default()
            },
            Self::Broadcast(it) => Needs {
                agents: it.listed(),
                fleet: true,
                messages: it.reply_to.into_iter().collect(),
                cause: it.reply_to.is_none(),
                ..Needs::default()
            },
            Self::Reply(it) => Needs::reply(it),
            Self::InboxAttempt(it) => {
                let nudge = it.nudge.as_ref().map(|nudge| nudge.message);
                Needs::messages(std::iter::once(it.message).chain(nudge))
            }
            Self::StartAttempt(it) => Needs {
                recipients: true,
                senders: true,
                seat: it.seat.clone(),
                ..Needs::message(it.message)
            },
            Self::SubmitAttempt(it) => Needs::message_and_recipient(it.message()),
            Self::BeginCalibration(it) => Needs::hands(&it.began.agent, &it.began.seat),
            Self::Requeue(it) => Needs::message_and_recipient(it.message),
            Self::Acknowledge(it) => Needs::message(it.message),
            Self::MarkRead(it) => Needs::message(it.message),
            Self::Cancel(it) => Needs::message(it.message),
            Self::Resolve(it) => Needs::message(it.message),
            Self::Expire(it) => Needs::message(it.message),
            Self::EndAttempt(it) => Needs::message(it.ending.message()),
            Self::FailAttempt(it) => Needs::message(it.failed.message),
            Self::CutOff(it) => Needs::message(it.message),
            Self::KeepDraft(it) => Needs::message(it.message()),
            Self::SetManners(it) => Needs::agent(&it.set.agent),
            Self::LearnBox(it) => Needs::agent(&it.agent),
            Self::AddAgent(it) => Needs::agent(&it.agent),
            Self::ChangeAgent(it) => Needs::agent(&it.agent),
            Self::PlaceAgent(it) => Needs::agent(&it.agent),
            Self::RemoveAgent(it) => Needs::agent(&it.agent),
            Self::PauseAgent(it) => Needs::agent_with_pairs(&it.agent),
            Self::Quarantine(it) => Needs::pair(&it.agent, it.with.as_ref()),
            Self::ImportAgents(_) => Needs {
                fleet: true,
                ..Needs::default()
            },
            Self::PauseSeat(PauseSeat { .. }) | Self::ResumeSeat(ResumeSeat { .. }) => Needs {
                seats: true,
                ..Needs::default()
            },
            Self::AcknowledgeAlert(it) => Needs::alert(&it.alert),
            Self::KeepNote(_)
            | Self::KeepAlert(_)
            | Self::SetConfig(_)
            | Self::LoadConfig(_)
            | Self::KeepCalibration(_)
            | Self::KeepDrift(_)
            | Self::MissCalibration(_)
            | Self::RecordBackup(_)
            | Self::RecordDrill(_)
            | Self::RecordSchedule(_) => Needs::default(),
        }
    }

    /// The stream a command's first fact goes to; tells a repeated command from another one that
    /// was given the same id.
    pub(super) fn home(&self) -> Option<StreamId> {
        Some(match self {
            Self::SendMessage(it) => StreamId::message(it.message),
            Self::Reply(it) => StreamId::message(it.answer),
            Self::AddAgent(it) => StreamId::agent(&it.agent),
            Self::ChangeAgent(it) => StreamId::agent(&it.agent),
            Self::PlaceAgent(it) => StreamId::agent(&it.agent),
            Self::RemoveAgent(it) => StreamId::agent(&it.agent),
            Self::PauseAgent(it) => StreamId::agent(&it.agent),
            Self::SetManners(it) => StreamId::agent(&it.set.agent),
            Self::KeepDraft(it) => StreamId::message(it.message()),
            Self::Quarantine(it) => match &it.with {
                None => StreamId::agent(&it.agent),
                Some(_) => return None,
            },
            Self::AcknowledgeAlert(it) => StreamId::from(&it.alert),
            Self::Broadcast(_)
            | Self::KeepAlert(_)
            | Self::ImportAgents(_)
            | Self::PauseSeat(_)
            | Self::ResumeSeat(_)
            | Self::KeepCalibration(_)
            | Self::KeepDrift(_)
            | Self::BeginCalibration(_)
            | Self::MissCalibration(_)
            | Self::LearnBox(_)
            | Self::KeepNote(_)
            | Self::SetConfig(_)
            | Self::LoadConfig(_)
            | Self::RecordBackup(_)
            | Self::RecordDrill(_)
            | Self::RecordSchedule(_) => return None,
            Self::Acknowledge(it) => StreamId::message(it.message),
            Self::MarkRead(it) => StreamId::message(it.message),
            Self::Cancel(it) => StreamId::message(it.message),
            Self::Requeue(it) => StreamId::message(it.message),
            Self::Resolve(it) => StreamId::message(it.message),
            Self::Expire(it) => StreamId::message(it.message),
            Self::StartAttempt(it) => StreamId::message(it.message),
            Self::SubmitAttempt(it) => StreamId::message(it.message()),
            Self::EndAttempt(it) => StreamId::message(it.ending.message()),
            Self::FailAttempt(it) => StreamId::message(it.failed.message),
            Self::InboxAttempt(it) => StreamId::message(it.message),
            Self::CutOff(it) => StreamId::message(it.message),
        })
    }

    /// Decides every command that has one outcome; a broadcast and an import have many, and are
    /// decided by their own `decide`: none for them.
    pub fn decide(&self, known: &Known, now: Timestamp) -> Option<Result<Decision, Refusal>> {
        Some(match self {
            Self::Broadcast(_) | Self::ImportAgents(_) => return None,
            Self::SendMessage(it) => it.decide(known, now),
            Self::Reply(it) => it.decide(known, now),
            Self::Acknowledge(it) => it.decide(known),
            Self::MarkRead(it) => it.decide(known),
            Self::Cancel(it) => it.decide(known),
            Self::Requeue(it) => it.decide(known, now),
            Self::Resolve(it) => it.decide(known),
            Self::Expire(it) => it.decide(known, now),
            Self::StartAttempt(it) => it.decide(known, now),
            Self::SubmitAttempt(it) => it.decide(known, now),
            Self::EndAttempt(it) => it.decide(known),
            Self::FailAttempt(it) => it.decide(known),
            Self::InboxAttempt(it) => it.decide(known, now),
            Self::CutOff(it) => it.decide(known),
            Self::LearnBox(it) => it.decide(known),
            Self::AddAgent(it) => it.decide(known),
            Self::ChangeAgent(it) => it.decide(known),
            Self::PlaceAgent(it) => it.decide(known),
            Self::RemoveAgent(it) => it.decide(known),
            Self::PauseAgent(it) => it.decide(known),
            Self::Quarantine(it) => it.decide(known),
            Self::SetManners(it) => it.decide(known),
            Self::KeepDraft(it) => it.decide(known),
            Self::PauseSeat(it) => Ok(it.decide(known)),
            Self::ResumeSeat(it) => Ok(it.decide(known)),
            Self::KeepNote(it) => it.decide(),
            Self::SetConfig(it) => Ok(it.decide()),
            Self::LoadConfig(it) => Ok(it.decide()),
            Self::KeepCalibration(it) => Ok(it.decide()),
            Self::KeepDrift(it) => Ok(it.decide()),
            Self::BeginCalibration(it) => it.decide(known),
            Self::MissCalibration(it) => Ok(it.decide()),
            Self::RecordBackup(it) => Ok(it.decide()),
            Self::RecordDrill(it) => Ok(it.decide()),
            Self::RecordSchedule(it) => Ok(it.decide()),
            Self::KeepAlert(it) => Ok(it.decide()),
            Self::AcknowledgeAlert(it) => it.decide(known),
        })
    }
}

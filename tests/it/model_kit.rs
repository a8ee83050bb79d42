//! A desk over a real ledger in a temporary store, with a clock and ids of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchboard::commands::acknowledge::Acknowledge;
use switchboard::commands::add_agent::AddAgent;
use switchboard::commands::command::Command;
use switchboard::commands::decision::Done;
use switchboard::commands::desk::{Desk, Outcome, Refused};
use switchboard::commands::end_attempt::{EndAttempt, Ending};
use switchboard::commands::fail_attempt::FailAttempt;
use switchboard::commands::refusal::Refusal;
use switchboard::commands::reply::Reply;
use switchboard::commands::send::SendMessage;
use switchboard::commands::start_attempt::StartAttempt;
use switchboard::commands::submit_attempt::SubmitAttempt;
use switchboard::events::envelope::{Cause, Event};
use switchboard::events::facts::agent::{Envelope, Profile, Target};
use switchboard::events::facts::attempt::{
    AttemptFailed, AttemptObserved, AttemptPasted, Channel, FailureClass, Next, Step, StepTime,
    Witness,
};
use switchboard::events::facts::message::{MessageKind, Priority, Via};
use switchboard::events::facts::screen::Point;
use switchboard::events::ids::{AgentId, CommandId, CorrelationId, MessageId, Position, StreamId};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::lifecycle::Life;
use switchboard::events::time::{Clock as _, Timestamp};
use switchboard::projections::checkpoints::NoCheckpoints;
use switchboard::projections::host::Projections;
use tempfile::TempDir;
use uuid::Uuid;

use crate::ledger_kit::{NOON, SetClock, edge_with};

pub(crate) struct Lab {
    pub(crate) store: TempDir,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) desk: Desk,
    ids: AtomicU64,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let store = tempfile::tempdir().unwrap();
        let clock = SetClock::at(NOON);
        let ledger = Ledger::create(store.path(), edge_with(clock.clone()), "test").unwrap();
        Self {
            store,
            clock,
            desk: Desk::new(ledger),
            ids: AtomicU64::new(1),
        }
    }

    /// A lab with agents `agent-1` to `agent-N` of rank N on seats `:1` to `:N`.
    pub(crate) fn with_agents(count: u32) -> Self {
        let lab = Self::new();
        for number in 1..=count {
            lab.done(AddAgent {
                agent: agent(&format!("agent-{number}")),
                profile: profile(number),
            });
        }
        lab
    }

    pub(crate) fn id(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.ids.fetch_add(1, Ordering::SeqCst)))
    }

    pub(crate) fn message_id(&self) -> MessageId {
        MessageId(self.id())
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause {
            actor: AgentId::operator(),
            correlation: CorrelationId(self.id()),
            causation: None,
            command: CommandId(self.id()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn wait(&self, span: Duration) {
        self.clock.set(self.now().after(span).micros());
    }

    pub(crate) fn execute(&self, command: impl Into<Command>) -> Result<Outcome, Refused> {
        self.desk
            .execute(&command.into(), &self.cause(), self.now())
    }

    #[track_caller]
    pub(crate) fn done(&self, command: impl Into<Command>) -> Done {
        match self.execute(command) {
            Ok(Outcome::Done(done)) => done,
            other => panic!("not done: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refused(&self, command: impl Into<Command>) -> Refusal {
        let head = self.ledger().head();
        match self.execute(command) {
            Err(Refused::Refusal(refusal)) => {
                assert_eq!(self.ledger().head(), head, "a refusal writes nothing");
                refusal
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        self.desk.ledger()
    }

    pub(crate) fn projections(&self) -> Projections {
        Projections::open(self.ledger(), Arc::new(NoCheckpoints)).unwrap()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.ledger().read(Position(1), usize::MAX).unwrap()
    }

    /// The kinds in one stream, in order.
    pub(crate) fn story(&self, message: MessageId) -> Vec<String> {
        let events = self
            .ledger()
            .read_stream(&StreamId::message(message))
            .unwrap();
        events.iter().map(|event| event.fact.name()).collect()
    }

    pub(crate) fn life(&self, message: MessageId) -> Life {
        self.life_of(message).unwrap()
    }

    /// None before it was accepted.
    pub(crate) fn life_of(&self, message: MessageId) -> Option<Life> {
        let events = self
            .ledger()
            .read_stream(&StreamId::message(message))
            .unwrap();
        let mut life: Option<Life> = None;
        for event in &events {
            match life.as_mut() {
                Some(life) => life.advance(&event.fact, event.recorded_at),
                None => life = Life::begin(&event.fact, event.recorded_at),
            }
        }
        life
    }

    pub(crate) fn send(&self, to: &str) -> SendMessage {
        SendMessage {
            message: self.message_id(),
            from: AgentId::operator(),
            to: agent(to),
            body: "to work".to_owned(),
            kind: MessageKind::Text,
            priority: Priority::Normal,
            tags: Vec::new(),
            via: Via::Auto,
            ttl_micros: None,
            not_before: None,
            reply_to: None,
            broadcast: None,
            hops_max: 8,
            mode: None,
        }
    }

    /// A message that was accepted.
    #[track_caller]
    pub(crate) fn sent(&self, to: &str) -> MessageId {
        let send = self.send(to);
        self.done(send.clone());
        send.message
    }

    #[track_caller]
    pub(crate) fn start(&self, message: MessageId, attempt: u32, channel: Channel) -> Done {
        self.done(starting(message, attempt, channel))
    }

    /// Carries it through an attempt by the window, up to Enter.
    #[track_caller]
    pub(crate) fn press(&self, message: MessageId, attempt: u32) {
        self.start(message, attempt, Channel::Gui);
        self.done(submitting(message, attempt));
    }

    #[track_caller]
    pub(crate) fn observed(&self, message: MessageId) {
        let attempt = self.life(message).attempts + 1;
        self.press(message, attempt);
        self.done(observing(message, attempt));
    }

    pub(crate) fn reply(&self, message: MessageId, by: &str) -> Reply {
        Reply {
            message,
            answer: self.message_id(),
            by: agent(by),
            body: "done".to_owned(),
            kind: MessageKind::AgentToAgent,
            priority: Priority::Normal,
            tags: Vec::new(),
            via: Via::Auto,
            ttl_micros: None,
            hops_max: 8,
        }
    }
}

pub(crate) fn agent(name: &str) -> AgentId {
    name.parse().unwrap()
}

pub(crate) fn profile(number: u32) -> Profile {
    Profile {
        roles: vec!["member".parse().unwrap()],
        capabilities: Vec::new(),
        channels: vec![Channel::Gui, Channel::Inbox],
        seat: Some(format!(":{number}").parse().unwrap()),
        place: Some(Point { x: -308, y: 481 }),
        onboarding_place: None,
        window: None,
        target: Target::Chat,
        rank: i32::try_from(number).unwrap(),
        envelope: Envelope::None,
        description: String::new(),
        active: true,
        fingerprint: None,
    }
}

pub(crate) fn starting(message: MessageId, attempt: u32, channel: Channel) -> StartAttempt {
    StartAttempt {
        message,
        attempt,
        channel,
        seat: (channel == Channel::Gui).then(|| ":1".parse().unwrap()),
        place: None,
        because: None,
        probe: false,
    }
}

pub(crate) fn submitting(message: MessageId, attempt: u32) -> SubmitAttempt {
    SubmitAttempt {
        pasted: AttemptPasted {
            message,
            attempt,
            changed_pixels: 400,
            needed_pixels: 24,
            read_back: true,
            sanitised: None,
        },
    }
}

pub(crate) fn observing(message: MessageId, attempt: u32) -> EndAttempt {
    EndAttempt {
        ending: Ending::Observed(AttemptObserved {
            message,
            attempt,
            witness: Witness::BoxEmptied,
            presses: 1,
            window: None,
            steps: vec![StepTime {
                step: Step::Submit,
                micros: 4_321,
            }],
        }),
        learnt: None,
        closes_breaker: false,
    }
}

pub(crate) fn failing(
    message: MessageId,
    attempt: u32,
    class: FailureClass,
    next: Next,
) -> FailAttempt {
    FailAttempt {
        failed: AttemptFailed {
            message,
            attempt,
            class,
            detail: "in a test".to_owned(),
            text_may_stand: false,
            next,
            steps: Vec::new(),
        },
        opens_breaker: None,
    }
}

pub(crate) fn acknowledging(message: MessageId, by: &str) -> Acknowledge {
    Acknowledge {
        message,
        by: agent(by),
    }
}

//! Dispatch, lanes, errands, carriages and letters over a real ledger, with workers that are told
//! what to do instead of a desktop, and a clock that is set.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchboard::adapters::checkpoints::FolderCheckpoints;
use switchboard::adapters::entropy::RandomIds;
use switchboard::commands::add_agent::AddAgent;
use switchboard::commands::desk::Desk;
use switchboard::commands::pause_seat::PauseSeat;
use switchboard::commands::send::SendMessage;
use switchboard::delivery::courier::moves::{Answer, Ending, Milestone, Outcome};
use switchboard::delivery::dispatch::{self, Hands, Hire, Letters, Stopped, World};
use switchboard::delivery::gauging::Calls;
use switchboard::delivery::letter::Letter;
use switchboard::delivery::office::Office as _;
use switchboard::delivery::ports::Abilities;
use switchboard::delivery::settings::DispatchSettings;
use switchboard::delivery::wire::{FromWorker, ToWorker};
use switchboard::events::facts::agent::{Envelope, Profile, Target};
use switchboard::events::facts::attempt::{Channel, FailureClass, Next, Witness};
use switchboard::events::facts::message::{MessageKind, Priority, Via};
use switchboard::events::facts::screen::Point;
use switchboard::events::facts::seat::PauseReason;
use switchboard::events::ids::{AgentId, Ids as _, MessageId, SeatId, StreamId};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::lifecycle::State;
use switchboard::events::time::Clock as _;
use switchboard::projections::host::Projections;
use switchboard::projections::story::Story;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::ledger_kit::{NOON, SetClock, edge_with};

const HOUR: u64 = 3_600_000_000;

/// What a worker does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Asks for leave, and sees the text arrive when it gets it.
    Carry,
    /// Says that it arrived, without having asked for leave.
    Lie,
    /// Is gone before it asks.
    GoneBefore,
    /// Gets its leave, and is gone.
    GoneAfter,
    /// Does not see the text in the box.
    Fail,
    /// Never says anything.
    Hang,
}

/// Workers that play their parts in turn, and carry once there are none left.
#[derive(Debug, Default)]
struct Troupe {
    parts: Arc<Mutex<VecDeque<Part>>>,
    unable: Mutex<Option<String>>,
    /// So many workers are gone before they are ready.
    stillborn: Mutex<u32>,
}

impl Hire for Troupe {
    fn hire(&self, _seat: &SeatId) -> std::io::Result<Hands> {
        let (say, told) = mpsc::channel(4);
        let (tell, hear) = mpsc::channel(4);
        let mut stillborn = self.stillborn.lock().unwrap();
        if *stillborn > 0 {
            *stillborn -= 1;
            return Ok(Hands { say, hear });
        }
        let first = match self.unable.lock().unwrap().clone() {
            Some(reason) => FromWorker::Unable { reason },
            None => FromWorker::Ready(Abilities {
                name: "played".to_owned(),
                observes: true,
                sees_people: false,
            }),
        };
        let parts = Arc::clone(&self.parts);
        tokio::spawn(async move {
            if tell.send(first).await.is_ok() {
                play(parts, told, tell).await;
            }
        });
        Ok(Hands { say, hear })
    }
}

async fn play(
    parts: Arc<Mutex<VecDeque<Part>>>,
    mut told: mpsc::Receiver<ToWorker>,
    tell: mpsc::Sender<FromWorker>,
) {
    while let Some(word) = told.recv().await {
        let ToWorker::Carry(_) = word else { continue };
        let part = parts.lock().unwrap().pop_front().unwrap_or(Part::Carry);
        let outcome = match part {
            Part::GoneBefore => return,
            Part::Hang => std::future::pending().await,
            Part::Lie => arrived(),
            Part::Fail => failed(FailureClass::PasteNotSeen, "nothing changed"),
            Part::Carry | Part::GoneAfter => {
                let reached = FromWorker::Reached(Milestone::Pasted {
                    changed_pixels: 100,
                    needed_pixels: 10,
                    read_back: true,
                    sanitised: None,
                });
                tell.send(reached).await.unwrap();
                match told.recv().await {
                    Some(ToWorker::Answer(Answer::Allowed)) if part == Part::GoneAfter => return,
                    Some(ToWorker::Answer(Answer::Allowed)) => arrived(),
                    Some(ToWorker::Answer(Answer::Refused { class, detail })) => {
                        failed(class, &detail)
                    }
                    _ => return,
                }
            }
        };
        let ending = Ending {
            outcome,
            steps: Vec::new(),
            window: None,
            learnt: None,
            remarks: Vec::new(),
        };
        tell.send(FromWorker::Ended(Box::new(ending)))
            .await
            .unwrap();
    }
}

fn arrived() -> Outcome {
    Outcome::Observed {
        witness: Witness::BoxEmptied,
        presses: 1,
    }
}

fn failed(class: FailureClass, detail: &str) -> Outcome {
    Outcome::Failed {
        class,
        detail: detail.to_owned(),
        enter_may_come: false,
        text_may_stand: false,
    }
}

/// Inboxes that refuse as often as they are told to.
#[derive(Debug, Default)]
struct Boxes {
    refusals: Mutex<u32>,
    letters: Mutex<Vec<MessageId>>,
}

impl Letters for Boxes {
    fn put(&self, letter: &Letter) -> std::io::Result<String> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(std::io::Error::other("no"));
        }
        self.letters.lock().unwrap().push(letter.message.message);
        Ok(format!("inbox/{}", letter.message.message))
    }
}

/// A ledger, what hangs on it, and deliveries once they are begun.
struct Stage {
    _folder: TempDir,
    world: World,
    clock: Arc<SetClock>,
    troupe: Arc<Troupe>,
    boxes: Arc<Boxes>,
    leave: watch::Sender<bool>,
    panic: watch::Sender<u64>,
    deliveries: Option<JoinHandle<Result<(), Stopped>>>,
}

impl Stage {
    /// Agents 1 to 3, each with a window on a seat and an inbox.
    fn new(parts: &[Part]) -> Self {
        let folder = TempDir::new().unwrap();
        let store = folder.path().join("store");
        let clock = SetClock::at(NOON);
        let ledger = Ledger::create(&store, edge_with(clock.clone()), "test").unwrap();
        let checkpoints = Arc::new(FolderCheckpoints::of_store(&store));
        let projections = Projections::open(&ledger, checkpoints).unwrap();
        let (moved, head) = watch::channel(ledger.head().position);
        ledger.on_commit(Box::new(move |position| {
            moved.send_replace(position);
        }));
        let (leave, leaving) = watch::channel(false);
        let (panic, panicked) = watch::channel(0);
        let troupe = Arc::new(Troupe::default());
        troupe.parts.lock().unwrap().extend(parts);
        let boxes = Arc::new(Boxes::default());
        let mut settings = DispatchSettings::default();
        settings.policy.backoff.jitter_percent = 0;
        let world = World {
            desk: Desk::new(ledger),
            projections,
            head,
            leaving,
            panic: panicked,
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
            hire: troupe.clone(),
            inbox: boxes.clone(),
            settings: watch::channel(Arc::new(settings)).1,
            calls: Calls::default(),
        };
        let stage = Self {
            _folder: folder,
            world,
            clock,
            troupe,
            boxes,
            leave,
            panic,
            deliveries: None,
        };
        for number in 1..=3 {
            let add = AddAgent {
                agent: agent(number),
                profile: profile(),
            };
            stage.world.execute(add).unwrap();
        }
        stage
    }

    fn begin(&mut self) {
        self.deliveries = Some(tokio::spawn(dispatch::run(self.world.clone())));
    }

    /// Ends deliveries, which must not have failed.
    async fn leave(mut self) {
        self.leave.send_replace(true);
        self.deliveries.take().unwrap().await.unwrap().unwrap();
    }

    fn send(&self, to: u32, via: Via) -> MessageId {
        let message = MessageId(RandomIds.fresh(self.clock.now()));
        let send = SendMessage {
            message,
            from: AgentId::operator(),
            to: agent(to),
            body: "hello".to_owned(),
            kind: MessageKind::Text,
            priority: Priority::Normal,
            tags: Vec::new(),
            via,
            ttl_micros: None,
            not_before: None,
            reply_to: None,
            broadcast: None,
            hops_max: 8,
            mode: None,
        };
        self.world.execute(send).unwrap();
        message
    }

    /// Waits until the message has reached the state.
    async fn until(&self, message: MessageId, state: State) {
        self.until_story(message, |facts| {
            let known = self.state(message);
            assert!(
                known == state || !known.is_settled(),
                "{known:?} instead of {state:?}: {facts:?}"
            );
            known == state
        })
        .await;
    }

    async fn until_story(&self, message: MessageId, is_so: impl Fn(&[Fact]) -> bool) {
        let mut head = self.world.head.clone();
        loop {
            head.mark_unchanged();
            let facts = self.story(message);
            if is_so(&facts) {
                return;
            }
            let moved = tokio::time::timeout(Duration::from_secs(30), head.changed()).await;
            assert!(moved.is_ok(), "nothing happens any more: {facts:?}");
        }
    }

    fn state(&self, message: MessageId) -> State {
        let story = Story::of(self.world.desk.ledger(), message).unwrap();
        story.unwrap().life.state
    }

    fn story(&self, message: MessageId) -> Vec<Fact> {
        let stream = StreamId::message(message);
        let events = self.world.desk.ledger().read_stream(&stream).unwrap();
        events.into_iter().map(|event| event.fact).collect()
    }

    /// How many of the message's facts are so.
    fn count(&self, message: MessageId, is_so: fn(&Fact) -> bool) -> usize {
        self.story(message)
            .iter()
            .filter(|fact| is_so(fact))
            .count()
    }
}

fn agent(number: u32) -> AgentId {
    format!("agent-{number}").parse().unwrap()
}

fn profile() -> Profile {
    Profile {
        roles: Vec::new(),
        capabilities: Vec::new(),
        channels: vec![Channel::Gui, Channel::Inbox],
        seat: Some(":7".parse().unwrap()),
        place: Some(Point { x: 1, y: 1 }),
        onboarding_place: None,
        window: None,
        target: Target::Chat,
        rank: 0,
        envelope: Envelope::None,
        description: String::new(),
        active: true,
        fingerprint: None,
    }
}

const fn started(fact: &Fact) -> bool {
    matches!(fact, Fact::AttemptStarted(_))
}

const fn submitting(fact: &Fact) -> bool {
    matches!(fact, Fact::AttemptSubmitting(_))
}

/// An end that the ledger refused ended all deliveries, of every agent.
#[tokio::test(flavor = "multi_thread")]
async fn an_arrival_without_leave_for_enter_is_not_believed_and_stops_nobody_else() {
    let mut stage = Stage::new(&[Part::Lie]);
    let message = stage.send(1, Via::Gui);
    stage.begin();
    let cut = |facts: &[Fact]| {
        facts.iter().any(
            |fact| matches!(fact, Fact::AttemptFailed(it) if it.class == FailureClass::Interrupted),
        )
    };
    stage.until_story(message, cut).await;
    let other = stage.send(2, Via::Gui);
    stage.until(other, State::Observed).await;
    stage.clock.set(NOON + HOUR);
    stage.send(3, Via::Gui);
    stage.until(message, State::Observed).await;
    assert_eq!(stage.count(message, submitting), 1);
    stage.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hands_that_are_gone_before_leave_are_replaced_and_after_it_are_unknown() {
    let mut stage = Stage::new(&[Part::GoneAfter, Part::Carry]);
    let after = stage.send(1, Via::Gui);
    stage.begin();
    stage.until(after, State::Unknown).await;
    stage.troupe.parts.lock().unwrap().clear();
    stage
        .troupe
        .parts
        .lock()
        .unwrap()
        .push_back(Part::GoneBefore);
    let before = stage.send(2, Via::Gui);
    stage
        .until_story(
            before,
            |facts| matches!(facts.last(), Some(Fact::AttemptFailed(it)) if it.text_may_stand),
        )
        .await;
    stage.clock.set(NOON + HOUR);
    stage.send(3, Via::Gui);
    stage.until(before, State::Observed).await;
    assert_eq!(stage.count(before, started), 2);
    // Never repeated by itself.
    assert_eq!(stage.count(after, started), 1);
    assert_eq!(stage.state(after), State::Unknown);
    stage.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_cut_off_while_it_started_costs_no_attempt() {
    let mut stage = Stage::new(&[]);
    *stage.troupe.stillborn.lock().unwrap() = 1;
    let message = stage.send(1, Via::Gui);
    stage.begin();
    stage.until(message, State::Observed).await;
    assert_eq!(stage.count(message, started), 1);
    stage.leave().await;
}

/// When the clock stepped back by an hour, a retry "in a second" lay before the newest event: all
/// attempts were used up at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_rests_although_the_clock_stepped_back() {
    let mut stage = Stage::new(&[Part::Fail; 8]);
    stage.clock.set(NOON - HOUR);
    let message = stage.send(1, Via::Auto);
    let head = stage.world.desk.ledger().head().recorded_at;
    stage.begin();
    stage
        .until_story(message, |facts| {
            matches!(facts.last(), Some(Fact::AttemptFailed(_)))
        })
        .await;
    let Some(Fact::AttemptFailed(first)) = stage.story(message).pop() else {
        panic!("it did not fail");
    };
    let Next::Retry { at } = first.next else {
        panic!("{:?}", first.next);
    };
    assert!(at >= head.after(Duration::from_secs(1)), "{at} {head}");
    // Other things happen, but the time of the retry does not come by that.
    let other = stage.send(2, Via::Inbox);
    stage.until(other, State::Inboxed).await;
    assert_eq!(stage.count(message, started), 1);
    stage.clock.set(at.micros());
    stage.send(3, Via::Inbox);
    stage
        .until_story(message, |facts| {
            facts.iter().filter(|it| started(it)).count() == 2
        })
        .await;
    stage.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_stop_ends_the_attempt_and_a_pause_keeps_the_message() {
    let mut stage = Stage::new(&[Part::Hang]);
    let message = stage.send(1, Via::Gui);
    stage.begin();
    stage
        .until_story(message, |facts| facts.iter().any(started))
        .await;
    let pause = PauseSeat {
        seat: None,
        by: AgentId::operator(),
        reason: PauseReason::Panic,
    };
    stage.world.execute(pause).unwrap();
    stage.panic.send_modify(|calls| *calls += 1);
    stage
        .until_story(message, |facts| {
            matches!(facts.last(), Some(Fact::AttemptFailed(_)))
        })
        .await;
    assert_eq!(stage.state(message), State::Accepted);
    assert_eq!(stage.count(message, submitting), 0);
    stage.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_cannot_be_had_falls_back_to_the_inbox() {
    let mut stage = Stage::new(&[]);
    *stage.troupe.unable.lock().unwrap() = Some("another store holds it".to_owned());
    let message = stage.send(1, Via::Auto);
    stage.begin();
    // Tried once more, in case the other lets go.
    stage
        .until_story(message, |facts| {
            matches!(facts.last(), Some(Fact::AttemptFailed(_)))
        })
        .await;
    stage.clock.set(NOON + HOUR);
    stage.until(message, State::Inboxed).await;
    assert_eq!(*stage.boxes.letters.lock().unwrap(), [message]);
    stage.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_file_that_cannot_be_written_is_a_failure_and_not_the_end() {
    let mut stage = Stage::new(&[]);
    *stage.boxes.refusals.lock().unwrap() = 1;
    let message = stage.send(1, Via::Inbox);
    stage.begin();
    stage
        .until_story(message, |facts| {
            matches!(facts.last(), Some(Fact::AttemptFailed(it)) if it.class == FailureClass::InboxFailed)
        })
        .await;
    stage.clock.set(NOON + HOUR);
    let other = stage.send(2, Via::Inbox);
    stage.until(other, State::Inboxed).await;
    stage.until(message, State::Inboxed).await;
    stage.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_under_way_is_settled_before_anything_moves() {
    let mut stage = Stage::new(&[Part::Hang]);
    let message = stage.send(1, Via::Gui);
    stage.begin();
    stage
        .until_story(message, |facts| facts.iter().any(started))
        .await;
    let deliveries = stage.deliveries.take().unwrap();
    deliveries.abort();
    deliveries.await.unwrap_err();
    stage.troupe.parts.lock().unwrap().clear();
    stage.begin();
    stage
        .until_story(
            message,
            |facts| matches!(facts.last(), Some(Fact::AttemptFailed(it)) if it.text_may_stand),
        )
        .await;
    stage.clock.set(NOON + HOUR);
    stage.until(message, State::Observed).await;
    assert_eq!(stage.count(message, started), 2);
    stage.leave().await;
}

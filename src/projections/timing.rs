//! How long the steps of attempts take, agent by agent, and what was calibrated. Deadlines are made
//! from it, so it keeps what arrived apart from what was waited for in vain.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fold::{Fold, Seen};
use super::histogram::Histogram;
use super::outbox::{has_left, message_of};
use crate::events::facts::attempt::{Channel, FailureClass, Step, StepTime};
use crate::events::facts::timing::{Figure, Machine};
use crate::events::ids::{AgentId, MessageId, Position, SeatId};
use crate::events::kind::Fact;
use crate::events::lifecycle::Life;
use crate::events::time::Timestamp;

/// So many attempts are the recent ones.
pub const RECENT: usize = 16;

/// The whole fleet's timing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    agents: BTreeMap<AgentId, BTreeMap<Step, StepTiming>>,
    seats: BTreeMap<SeatId, Calibrated>,
    looked_at: BTreeMap<AgentId, Calibrated>,
    /// Words of a measurement that may stand in the agent's box.
    left: BTreeMap<AgentId, String>,
    open: BTreeMap<MessageId, (AgentId, Life)>,
}

/// One step of one agent's attempts by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTiming {
    /// Every attempt that was seen to arrive.
    all: Histogram,
    /// Those before the recent ones, since the last drift.
    before: Histogram,
    /// The last ones, newest last: microseconds, or none when the step was waited for in vain.
    recent: VecDeque<Option<u64>>,
    /// How often it was waited for in vain.
    missed: u64,
}

/// The last calibration of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibrated {
    /// The event.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// The machine then.
    pub machine: Machine,
}

impl Fold for Timing {
    const NAME: &'static str = "timing";
    const VERSION: u32 = 2;
    const READS_SINCE: u32 = 2;

    fn cares(kind: u16) -> bool {
        matches!(kind, 100..=299 | 301 | 303 | 700..=799)
    }

    fn apply(&mut self, event: &Seen<'_>) {
        match event.fact {
            Fact::MessageAccepted(accepted) => {
                if let Some(life) = Life::begin(event.fact, event.recorded_at) {
                    let entry = self.open.entry(accepted.message);
                    entry.or_insert_with(|| (accepted.to.clone(), life));
                }
            }
            Fact::AttemptObserved(observed) => {
                // Enter that had to be pressed again says nothing of how long the first one took.
                let counts = |time: &StepTime| time.step != Step::Submit || observed.presses <= 1;
                let steps: Vec<StepTime> = observed.steps.iter().copied().filter(counts).collect();
                self.arrived(observed.message, &steps);
                // It was pasted into a box that held nothing else.
                if let Some((agent, _)) = self.open.get(&observed.message) {
                    self.left.remove(agent);
                }
            }
            Fact::AttemptFailed(failed) => {
                if let Some(step) = waited_for(failed.class) {
                    self.missed(failed.message, step);
                }
            }
            Fact::AgentRemoved(removed) => {
                self.agents.remove(&removed.agent);
                self.looked_at.remove(&removed.agent);
                self.left.remove(&removed.agent);
            }
            // Another box: what was measured of the old one says nothing of it.
            Fact::AgentPlaced(placed) => {
                self.looked_at.remove(&placed.agent);
            }
            Fact::TimingBegan(began) => {
                self.left.insert(began.agent.clone(), began.text.clone());
            }
            Fact::TimingMissed(missed) if !missed.text_may_stand => {
                self.left.remove(&missed.agent);
            }
            Fact::TimingCalibrated(it) => {
                let calibrated = Calibrated {
                    position: event.position,
                    at: event.recorded_at,
                    figures: it.figures.clone(),
                    machine: it.machine,
                };
                match &it.agent {
                    Some(agent) => {
                        self.left.remove(agent);
                        self.looked_at.insert(agent.clone(), calibrated)
                    }
                    None => self.seats.insert(it.seat.clone(), calibrated),
                };
            }
            Fact::TimingDrifted(it) => {
                let steps = self.agents.get_mut(&it.agent);
                if let Some(timing) = steps.and_then(|steps| steps.get_mut(&it.step)) {
                    timing.begin_anew();
                }
            }
            _ => {}
        }
        if let Some(message) = message_of(event.fact) {
            self.advance(message, event);
        }
    }
}

/// The step that was waited for in vain when an attempt failed so.
pub const fn waited_for(class: FailureClass) -> Option<Step> {
    match class {
        FailureClass::FocusFailed => Some(Step::Focus),
        FailureClass::ClipboardLost => Some(Step::Clipboard),
        FailureClass::PasteNotSeen => Some(Step::Paste),
        FailureClass::SubmitNotSeen => Some(Step::Submit),
        FailureClass::TargetNotFound
        | FailureClass::TargetMoved
        | FailureClass::WindowBusy
        | FailureClass::DialogInTheWay
        | FailureClass::DraftInTheWay
        | FailureClass::HumanActive
        | FailureClass::DisplayGone
        | FailureClass::Permission
        | FailureClass::Invalid
        | FailureClass::Interrupted
        | FailureClass::BreakerOpen
        | FailureClass::InboxFailed
        | FailureClass::Misdirected
        | FailureClass::AgentBusy
        | FailureClass::Paused => None,
    }
}

impl Timing {
    fn advance(&mut self, message: MessageId, event: &Seen<'_>) {
        if let Some((_, life)) = self.open.get_mut(&message) {
            life.advance(event.fact, event.recorded_at);
            if has_left(life) {
                self.open.remove(&message);
            }
        }
    }

    fn steps_of(&mut self, message: MessageId) -> Option<&mut BTreeMap<Step, StepTiming>> {
        let (agent, life) = self.open.get(&message)?;
        if life.channel != Some(Channel::Gui) {
            return None;
        }
        Some(self.agents.entry(agent.clone()).or_default())
    }

    fn arrived(&mut self, message: MessageId, times: &[StepTime]) {
        if let Some(steps) = self.steps_of(message) {
            for time in times {
                steps.entry(time.step).or_default().took(time.micros);
            }
        }
    }

    fn missed(&mut self, message: MessageId, step: Step) {
        if let Some(steps) = self.steps_of(message) {
            let timing = steps.entry(step).or_default();
            timing.missed = timing.missed.saturating_add(1);
            timing.push(None);
        }
    }

    /// The steps of an agent's attempts.
    pub fn of(&self, agent: &AgentId) -> Option<&BTreeMap<Step, StepTiming>> {
        self.agents.get(agent)
    }

    /// Every agent that was ever carried to by hand.
    pub const fn agents(&self) -> &BTreeMap<AgentId, BTreeMap<Step, StepTiming>> {
        &self.agents
    }

    /// The last calibration of every seat.
    pub const fn seats(&self) -> &BTreeMap<SeatId, Calibrated> {
        &self.seats
    }

    /// Words of a measurement that may stand in the agent's box.
    pub fn left(&self, agent: &AgentId) -> Option<&str> {
        self.left.get(agent).map(String::as_str)
    }

    /// The last calibration of every agent's window.
    pub const fn looked_at(&self) -> &BTreeMap<AgentId, Calibrated> {
        &self.looked_at
    }

    /// Whole numbers only; for people and `projections check`, not part of the hash.
    pub fn to_json(&self) -> Value {
        let agents: serde_json::Map<String, Value> = self
            .agents
            .iter()
            .map(|(agent, steps)| {
                let steps: serde_json::Map<String, Value> = steps
                    .iter()
                    .map(|(step, timing)| (step.to_string(), timing.to_json()))
                    .collect();
                (agent.to_string(), Value::Object(steps))
            })
            .collect();
        json!({"agents": agents, "seats": self.seats, "looked_at": self.looked_at})
    }
}

impl StepTiming {
    fn took(&mut self, micros: u64) {
        self.all.record(Duration::from_micros(micros));
        self.push(Some(micros));
    }

    fn push(&mut self, one: Option<u64>) {
        self.recent.push_back(one);
        if self.recent.len() > RECENT
            && let Some(Some(old)) = self.recent.pop_front()
        {
            self.before.record(Duration::from_micros(old));
        }
    }

    /// What is recent is the new measure; what was before counts no more.
    fn begin_anew(&mut self) {
        self.before = Histogram::default();
        for micros in self.recent.drain(..).flatten() {
            self.before.record(Duration::from_micros(micros));
        }
    }

    /// All that arrived.
    pub const fn all(&self) -> &Histogram {
        &self.all
    }

    /// Those before the recent ones, since the last drift.
    pub const fn before(&self) -> &Histogram {
        &self.before
    }

    /// How often it was waited for in vain, ever.
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// How often among the recent ones.
    pub fn missed_lately(&self) -> u32 {
        let missed = self.recent.iter().filter(|one| one.is_none()).count();
        u32::try_from(missed).unwrap_or(u32::MAX)
    }

    /// The middle of the recent ones, once there are enough.
    pub fn lately(&self) -> Option<Duration> {
        let mut micros: Vec<u64> = self.recent.iter().copied().flatten().collect();
        if micros.len() < RECENT {
            return None;
        }
        micros.sort_unstable();
        micros
            .get(micros.len() / 2)
            .copied()
            .map(Duration::from_micros)
    }

    fn to_json(&self) -> Value {
        json!({
            "all": self.all.to_json(),
            "before": self.before.to_json(),
            "recent": self.recent,
            "missed": self.missed,
        })
    }
}

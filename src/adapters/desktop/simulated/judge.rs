//! What must hold after a rehearsal, whatever happened: the windows know what they received, and the
//! ledger must not say more, nor keep quiet about a second time.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a judge looks at the facts, states and faults that concern it"
)]

use std::collections::BTreeMap;

use super::script::Script;
use super::world::{Fault, World};
use crate::delivery::office::Office as _;
use crate::delivery::rehearsal::meddling::{Meddling, Sent};
use crate::delivery::rehearsal::paper::Paper;
use crate::events::facts::agent::{Envelope, Target};
use crate::events::ids::{AgentId, MessageId, Position};
use crate::events::kind::Fact;
use crate::events::lifecycle::State;

/// What the ledger says of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Said {
    started: u32,
    observed: u32,
    submitted: u32,
    unknown: u32,
    failed: u32,
    inboxed: u32,
    acknowledged: u32,
}

impl Said {
    /// Attempts that may account for one arrival each.
    const fn arrivals(self) -> u32 {
        self.observed + self.submitted + self.unknown
    }

    /// Arrivals that the ledger knows of in any way.
    const fn accounted(self) -> u32 {
        self.arrivals() + self.acknowledged
    }
}

/// How the messages of a rehearsal came to rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rehearsals.
    pub runs: u64,
    /// Messages.
    pub messages: u64,
    /// Attempts by hand or into the inbox.
    pub attempts: u64,
    /// Messages seen to arrive.
    pub observed: u64,
    /// Messages whose proof ended at Enter.
    pub submitted: u64,
    /// Messages that lie in the inbox.
    pub inboxed: u64,
    /// Messages about which nobody knows.
    pub unknown: u64,
    /// Messages that came to rest otherwise: dead, expired, cancelled, acknowledged.
    pub others: u64,
}

impl Tally {
    /// Counts another one.
    pub const fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.messages += other.messages;
        self.attempts += other.attempts;
        self.observed += other.observed;
        self.submitted += other.submitted;
        self.inboxed += other.inboxed;
        self.unknown += other.unknown;
        self.others += other.others;
    }
}

/// Judges a rehearsal that has come to rest.
#[derive(Debug)]
pub struct Judge<'r> {
    /// What was drawn.
    pub script: &'r Script,
    /// The ledger.
    pub paper: &'r Paper,
    /// The truth.
    pub world: &'r World,
    /// Enters of ours that the lesson took.
    pub enters_before: usize,
}

impl Judge<'_> {
    /// What does not hold, in words.
    pub fn verdict(&self) -> Result<Tally, String> {
        let said = self.said();
        self.enters()?;
        let mut tally = Tally {
            runs: 1,
            ..Tally::default()
        };
        for sent in self.all() {
            let says = said.get(&sent.message).copied().unwrap_or_default();
            self.one(sent, says, &mut tally)?;
        }
        self.groups(&said)?;
        self.drafts()?;
        if !self.paper.reopen() {
            return Err("folded from zero, the projections are others".to_owned());
        }
        Ok(tally)
    }

    fn all(&self) -> impl Iterator<Item = &Sent> {
        self.script.lesson.iter().chain(&self.script.sent)
    }

    fn said(&self) -> BTreeMap<MessageId, Said> {
        let mut said: BTreeMap<MessageId, Said> = BTreeMap::new();
        self.paper.tell(Position::START, |event| match &event.fact {
            Fact::AttemptStarted(it) => said.entry(it.message).or_default().started += 1,
            Fact::AttemptObserved(it) => said.entry(it.message).or_default().observed += 1,
            Fact::AttemptSubmitted(it) => said.entry(it.message).or_default().submitted += 1,
            Fact::AttemptUnknown(it) => said.entry(it.message).or_default().unknown += 1,
            Fact::AttemptFailed(it) => said.entry(it.message).or_default().failed += 1,
            Fact::AttemptInboxed(it) => said.entry(it.message).or_default().inboxed += 1,
            // Whoever says so must know.
            Fact::MessageAcknowledged(it) => said.entry(it.message).or_default().acknowledged = 1,
            _ => {}
        });
        said
    }

    fn one(&self, sent: &Sent, says: Said, tally: &mut Tally) -> Result<(), String> {
        let id = sent.message;
        let Ok(Some(story)) = self.paper.story(id) else {
            return Err(format!("{id} is not in the ledger"));
        };
        let state = story.life.state;
        if !state.is_settled() || story.life.attempt_open {
            return Err(format!("{id} never came to rest: {state}"));
        }
        let ended = says.arrivals() + says.failed + says.inboxed;
        if ended != says.started {
            return Err(format!("{id}: {} attempts, {ended} ends", says.started));
        }
        let again = self.carried_again(id);
        if says.inboxed > 0 && says.arrivals() > 0 && !again {
            return Err(format!(
                "{id} is in the inbox, and an attempt by hand was not certain to have failed"
            ));
        }
        if says.arrivals() > 1 && !again {
            return Err(format!("{id} was carried again after it may have arrived"));
        }
        tally.messages += 1;
        tally.attempts += u64::from(says.started);
        *match state {
            State::Observed => &mut tally.observed,
            State::Submitted => &mut tally.submitted,
            State::Inboxed => &mut tally.inboxed,
            State::Unknown => &mut tally.unknown,
            _ => &mut tally.others,
        } += 1;
        Ok(())
    }

    /// Whether the operator had it carried again: then a second arrival is the operator's wish.
    fn carried_again(&self, id: MessageId) -> bool {
        let mut meddling = self.script.meddling.values();
        meddling.any(|it| *it == Meddling::Requeue(id))
    }

    /// Messages with the same text to the same agent, taken together: nobody can tell their arrivals
    /// apart.
    fn groups(&self, said: &BTreeMap<MessageId, Said>) -> Result<(), String> {
        let mut groups: BTreeMap<(&AgentId, String), (u32, u32)> = BTreeMap::new();
        for sent in self.all() {
            let says = said.get(&sent.message).copied().unwrap_or_default();
            let sum = groups.entry((&sent.to, self.text(sent))).or_default();
            sum.0 += says.observed;
            sum.1 += says.accounted();
        }
        let mut all: BTreeMap<&AgentId, (u32, u32)> = BTreeMap::new();
        for ((to, text), (claimed, possible)) in &groups {
            let times = self.group(to, text, *claimed, *possible)?;
            let sum = all.entry(to).or_default();
            *sum = (sum.0 + times, sum.1 + possible);
        }
        for (to, (times, possible)) in all {
            if times > possible {
                return Err(format!(
                    "{to} received {times} messages, and the ledger accounts for {possible}"
                ));
            }
        }
        Ok(())
    }

    /// How often the window received the text.
    fn group(&self, to: &AgentId, text: &str, claimed: u32, possible: u32) -> Result<u32, String> {
        let window = self.script.agents.iter().find(|(name, ..)| name == to);
        let Some(window) = window.and_then(|(.., id)| self.world.window(*id)) else {
            // It closed, and took its truth along.
            return Ok(0);
        };
        let first = window.id == 1;
        let terminal = first && self.script.target == Target::Terminal;
        let exact = |got: &&String| {
            *got == text || (terminal && got.trim_matches('q') == text.trim_matches('q'))
        };
        let received = &window.received;
        let times = u32::try_from(received.iter().filter(exact).count()).unwrap_or(u32::MAX);
        if times < claimed && !(terminal && self.undecidable()) {
            return Err(format!(
                "{text:?} was claimed as observed {claimed} times by {to}, which received {received:?}"
            ));
        }
        if times > possible && !self.hung() {
            return Err(format!(
                "{to} received {text:?} {times} times, and the ledger accounts for {possible}"
            ));
        }
        Ok(times)
    }

    /// A window that hung handles the keys of one message with the clipboard of another: whose text its
    /// late Enter submits is nobody's choice. How many it submits still is.
    fn hung(&self) -> bool {
        let long = |fault: &Fault| match fault {
            Fault::Frozen => true,
            Fault::Stall(span) => span.as_secs() > 0,
            _ => false,
        };
        self.script.faults.iter().any(|(_, fault)| long(fault))
    }

    /// A terminal that loses the paste while something else prints looks as if it had not.
    fn undecidable(&self) -> bool {
        let has = |fault: &Fault| self.script.faults.iter().any(|(_, drawn)| drawn == fault);
        has(&Fault::PasteLost) && has(&Fault::Output)
    }

    fn text(&self, sent: &Sent) -> String {
        let stamped = self
            .script
            .agents
            .iter()
            .any(|(name, profile, _)| *name == sent.to && profile.envelope == Envelope::Stamp);
        if stamped {
            let stamp = crate::delivery::envelope::stamp(sent.message);
            format!("{}{stamp}", sent.body)
        } else {
            sent.body.clone()
        }
    }

    fn enters(&self) -> Result<(), String> {
        for enter in self.world.enters.iter().skip(self.enters_before) {
            if !enter.looked {
                return Err("Enter was pressed without a look since the one before".to_owned());
            }
            if enter.window != Some(enter.meant) && !enter.unforeseeable {
                return Err(format!(
                    "Enter was meant for window {} and went to {:?}",
                    enter.meant, enter.window
                ));
            }
        }
        Ok(())
    }

    /// Somebody's draft in a box whose empty look is known must stay where it is.
    fn drafts(&self) -> Result<(), String> {
        let Some(draft) = &self.script.draft else {
            return Ok(());
        };
        let mut windows = self.world.windows.iter();
        let said = windows.any(|w| w.received.iter().any(|got| got.contains(draft.as_str())));
        if said && self.script.lesson.is_some() {
            return Err("somebody's draft was submitted".to_owned());
        }
        Ok(())
    }
}

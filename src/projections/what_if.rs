//! Would another deadline have been enough? Answered from recorded attempts; nothing is carried.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use super::timing::waited_for;
use crate::events::facts::attempt::Step;
use crate::events::ids::{AgentId, MessageId};
use crate::events::kind::Fact;

/// Attempts measured against deadlines that they did not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIf {
    to: BTreeMap<MessageId, AgentId>,
    found: BTreeMap<(AgentId, Step), Found>,
}

/// What a deadline would have made of an agent's attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The deadline.
    pub deadline: Duration,
    /// Attempts whose step was over in time.
    pub within: u64,
    /// Attempts that arrived, and would have been given up.
    pub beyond: u64,
    /// Attempts that were given up as it was.
    pub missed: u64,
    /// The longest that arrived.
    pub longest: Duration,
}

impl WhatIf {
    /// Takes one more fact, oldest first. `deadline` says what is tried for whom; none leaves the step
    /// out.
    pub fn apply(&mut self, fact: &Fact, deadline: &dyn Fn(&AgentId, Step) -> Option<Duration>) {
        match fact {
            Fact::MessageAccepted(accepted) => {
                self.to.insert(accepted.message, accepted.to.clone());
            }
            Fact::AttemptObserved(observed) => {
                for time in &observed.steps {
                    // Enter pressed again: the first one was waited for in vain.
                    let again = time.step == Step::Submit && observed.presses > 1;
                    self.count(observed.message, time.step, deadline, |found| {
                        let took = Duration::from_micros(time.micros);
                        if again {
                            found.missed += 1;
                        } else if took <= found.deadline {
                            found.within += 1;
                        } else {
                            found.beyond += 1;
                        }
                        if !again {
                            found.longest = found.longest.max(took);
                        }
                    });
                }
            }
            Fact::AttemptFailed(failed) => {
                if let Some(step) = waited_for(failed.class) {
                    self.count(failed.message, step, deadline, |found| found.missed += 1);
                }
            }
            _ => {}
        }
    }

    fn count(
        &mut self,
        message: MessageId,
        step: Step,
        deadline: &dyn Fn(&AgentId, Step) -> Option<Duration>,
        count: impl FnOnce(&mut Found),
    ) {
        let Some(agent) = self.to.get(&message) else {
            return;
        };
        if let Some(deadline) = deadline(agent, step) {
            let found = self.found.entry((agent.clone(), step)).or_default();
            found.deadline = deadline;
            count(found);
        }
    }

    /// What was found, by agent and step.
    pub const fn found(&self) -> &BTreeMap<(AgentId, Step), Found> {
        &self.found
    }
}

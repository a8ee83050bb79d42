//! Words that somebody left in the box, where the agent's manners allow more than to hold the message:
//! ours go after them, or they are written into the ledger, taken out, and put back afterwards.

use super::machine::Courier;
use super::moves::{Answer, Deed, Milestone, Move, Outcome};
use super::phase::Phase;
use super::probe::Probe;
use crate::delivery::evidence;
use crate::delivery::ports::{Clip, Picture, Survey};
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::manners::Drafts;
use crate::events::time::Timestamp;

/// Longer drafts are held, in bytes.
const DRAFT_MAX: usize = 65_536;

/// Putting a draft back, step by step.
#[derive(Debug)]
pub(super) struct Redraft {
    /// How the attempt itself ended.
    outcome: Outcome,
    text: String,
    /// The box without it; none before the paste.
    before: Option<Picture>,
    pressed: bool,
    until: Timestamp,
}

impl Courier {
    /// What the box holds, read a moment ago, is somebody's unfinished words.
    pub(super) fn draft_found(&mut self, probe: &Probe, selected: bool) -> Move {
        let held = |courier: &mut Self| {
            courier.fail_as(
                FailureClass::DraftInTheWay,
                "the box holds somebody's unfinished words",
            )
        };
        let words = self.ours.last().cloned().unwrap_or_default();
        let readable = selected && !words.trim().is_empty() && words.len() <= DRAFT_MAX;
        if !readable || self.draft.is_some() || self.measures() {
            return held(self);
        }
        match self.job.drafts {
            Drafts::Hold => held(self),
            Drafts::AppendAfter => {
                let gap = if words.ends_with(char::is_whitespace) {
                    ""
                } else {
                    " "
                };
                self.job.text = format!("{gap}{}", self.job.text);
                self.ahead = Some(words);
                self.take_clipboard()
            }
            Drafts::SaveAndRestore => {
                self.draft = Some(words.clone());
                self.phase = Phase::SavingDraft(Box::new(probe.clone()));
                Move::Ask(Milestone::DraftSaved { text: words })
            }
        }
    }

    /// It is in the ledger, or it stays where it is.
    pub(super) fn draft_saved(&mut self, probe: &Probe, answer: Answer) -> Move {
        match answer {
            Answer::Allowed => {
                self.draft_is_out = true;
                // What is seen from here on is the box without them.
                self.empty = None;
                self.delete_litter(probe, false)
            }
            Answer::Refused { class, detail } => {
                self.draft = None;
                self.fail_as(class, detail)
            }
        }
    }

    /// Whether the draft is to be put back now: nothing of ours may stand in the box.
    pub(super) fn puts_back(&mut self, outcome: &Outcome) -> Option<String> {
        let clear = match outcome {
            Outcome::Observed { .. } => true,
            Outcome::Failed { text_may_stand, .. } => !*text_may_stand,
            Outcome::Submitted { .. } | Outcome::Unknown { .. } | Outcome::Measured { .. } => false,
        };
        let text = self.draft.take()?;
        if clear && self.draft_is_out {
            return Some(text);
        }
        if self.draft_is_out {
            self.not_put_back("what stands in the box now is not certain");
        }
        None
    }

    fn not_put_back(&mut self, why: &str) {
        self.remarks.push(format!(
            "the unfinished words that stood in the box were not put back ({why}): `switchboard why` \
             shows them"
        ));
    }

    pub(super) fn put_back(&mut self, outcome: Outcome, text: String) -> Move {
        self.ours.push(text.clone());
        self.clipboard_set = true;
        let redraft = Redraft {
            outcome,
            text: text.clone(),
            before: None,
            pressed: false,
            until: self.deadline(self.job.patience.clipboard),
        };
        self.go(
            Phase::Redraft(Box::new(redraft)),
            Deed::SetClipboard(Clip::Text(text)),
            [Deed::ReadClipboard],
        )
    }

    pub(super) fn redraft_read(&mut self, redraft: Redraft, clip: &Clip) -> Move {
        if matches!(clip, Clip::Text(text) if *text == redraft.text) {
            return self.look(Phase::Redraft(Box::new(redraft)));
        }
        if self.now < redraft.until {
            let poll = self.poll();
            return self.go(
                Phase::Redraft(Box::new(redraft)),
                poll,
                [Deed::ReadClipboard],
            );
        }
        self.redraft_over(redraft.outcome, Some("the clipboard did not take them"))
    }

    pub(super) fn redraft_seen(&mut self, mut redraft: Redraft, seen: Picture) -> Move {
        let Some(before) = &redraft.before else {
            let empty = self.empty.as_ref();
            let target = self.target();
            let clear = matches!(redraft.outcome, Outcome::Observed { .. })
                || empty.is_some_and(|it| evidence::equal(it, &seen, &self.volatile, target));
            if !clear {
                return self.redraft_over(redraft.outcome, Some("the box is not empty"));
            }
            redraft.before = Some(seen);
            return self.survey(Phase::Redraft(Box::new(redraft)));
        };
        let target = self.target();
        // A long one shows beyond the part of the box that is known.
        let volatile = self.volatile.without(&self.outside);
        let change = evidence::change(before, &seen, &volatile, target);
        if redraft.pressed && change.count() >= evidence::ink_needed(&redraft.text) {
            self.phase = Phase::DraftBack(redraft.outcome);
            return Move::Ask(Milestone::DraftRestored);
        }
        if self.now < redraft.until {
            return self.look_later(Phase::Redraft(Box::new(redraft)));
        }
        self.redraft_over(redraft.outcome, Some("they do not show"))
    }

    pub(super) fn redraft_aimed(&mut self, mut redraft: Redraft, survey: &Survey) -> Move {
        if let Err(obstacle) = self.ready(survey) {
            return self.redraft_over(redraft.outcome, Some(&obstacle.detail));
        }
        redraft.pressed = true;
        redraft.until = self.deadline(self.job.patience.paste);
        let class = self.window.as_ref();
        let class = class.map_or("", |w| w.fingerprint.class.as_str());
        let paste = self.press(self.job.keys.paste_for(class));
        let poll = Deed::Wait(self.job.patience.poll);
        let look = Deed::Capture(self.region);
        self.go(Phase::Redraft(Box::new(redraft)), paste, [poll, look])
    }

    /// Whatever became of the draft changes nothing of what became of the message.
    pub(super) fn redraft_over(&mut self, outcome: Outcome, why: Option<&str>) -> Move {
        if let Some(why) = why {
            self.not_put_back(why);
        }
        self.finish(outcome)
    }

    pub(super) fn redraft_troubled(&mut self, redraft: Redraft, why: &str) -> Move {
        self.redraft_over(redraft.outcome, Some(why))
    }

    /// Reading back, somebody's words stand before ours.
    pub(super) fn with_draft(&self, own: &str) -> String {
        self.ahead
            .as_ref()
            .map_or_else(|| own.to_owned(), |ahead| format!("{ahead}{own}"))
    }

    /// A box that showed a draft before our text is empty when it looks as it was learnt to.
    pub(super) fn empty_behind_draft(&self, seen: &Picture) -> bool {
        self.ahead.is_some() && self.target() != Target::Terminal && self.looks_empty(seen)
    }
}

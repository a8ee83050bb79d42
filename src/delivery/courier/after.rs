//! After Enter: what the text's own pixels say, and nothing else.

use super::machine::Courier;
use super::moves::{Deed, Move, Outcome};
use super::paste::worth_waiting;
use super::phase::Phase;
use super::probe::{Probe, Purpose};
use crate::delivery::evidence;
use crate::delivery::lines::{cannot_hide, emptied_everywhere, frame_stands};
use crate::delivery::mask::Mask;
use crate::delivery::ports::{Picture, Survey};
use crate::delivery::transcript;
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::{FailureClass, Step, Witness};
use crate::events::time::Timestamp;

/// Per cent of the text's pixels from which it counts as standing.
const STANDS: usize = 80;
/// Per cent up to which it counts as gone.
const GONE: usize = 10;
/// Per cent that must look empty again.
const RETURNED: usize = 70;
/// The same of a text that was selected when it was seen: letters without their selection are a fifth of it.
const FILL_RETURNED: usize = 95;
/// Per cent of its bounds that a selection fills, and letters alone do not.
const FILLED: usize = 75;
/// Per cent below which its shape is gone. Other words in its place have some edges where it had them.
const SHAPE_GONE: usize = 45;
/// Pixels of new ink that are no accident.
const INK: usize = 24;

/// Waiting for the proof.
#[derive(Debug)]
pub(super) struct Submission {
    until: Timestamp,
    /// The last picture already showed the box empty.
    gone: bool,
    /// The new ink below the text in the last picture.
    ink: Option<Mask>,
    /// What the last picture of a terminal proved.
    witness: Option<Witness>,
    /// The box was asked whether the text stands, and could not say.
    asked: bool,
}

impl Courier {
    pub(super) fn press_submit(&mut self) -> Move {
        self.enter(Step::Submit);
        self.presses = self.presses.saturating_add(1);
        let submission = self.waiting(false);
        let enter = self.press(&self.job.keys.submit);
        self.go(
            Phase::Submit(submission),
            enter,
            [
                Deed::Wait(self.job.patience.poll),
                Deed::Capture(self.region),
            ],
        )
    }

    fn waiting(&self, asked: bool) -> Submission {
        Submission {
            until: self.deadline(self.job.patience.submit),
            gone: false,
            ink: None,
            witness: None,
            asked,
        }
    }

    /// The box could not say whether the text stands: it may be leaving at this very moment.
    pub(super) fn watch_on(&mut self) -> Move {
        let submission = self.waiting(true);
        self.look(Phase::Submit(submission))
    }

    /// The keyboard went elsewhere at the very moment of a key, and the key was not pressed.
    pub(super) fn led_astray(&mut self, phase: &Phase, why: String) -> Move {
        if let Phase::Focus { .. } = phase {
            return self.not_clicked(why);
        }
        if let Phase::Submit(_) = phase {
            self.presses = self.presses.saturating_sub(1);
            if self.presses > 0 {
                return self.unknown(format!("after Enter the text seemed to stand; {why}"));
            }
        }
        if let Phase::Paste(_) = phase {
            // Ours never got there.
            self.text_may_stand = false;
        }
        self.fail_as(FailureClass::FocusFailed, why)
    }

    pub(super) fn submitted(&mut self, submission: Submission, seen: Picture) -> Move {
        match self.target() {
            Target::Chat | Target::Editor => self.submitted_box(submission, seen),
            Target::Terminal => self.submitted_terminal(submission, &seen),
        }
    }

    fn submitted_box(&mut self, mut submission: Submission, seen: Picture) -> Move {
        let (Some(empty), Some(pasted)) = (&self.empty, &self.pasted) else {
            return self.unknown("the text was never seen");
        };
        let remains = evidence::remains(&self.change, empty, pasted, &seen, self.target());
        let inked = |c: &char| !c.is_whitespace();
        let glyphs = self.job.text.chars().filter(inked).count();
        let behind = self.empty_behind_draft(&seen);
        let returned = if is_filled(&self.change) {
            FILL_RETURNED
        } else {
            RETURNED
        };
        let emptied = remains.kept <= GONE
            && remains.returned >= returned
            && (cannot_hide(glyphs, &self.change)
                || emptied_everywhere(&self.change, empty, &seen, &self.volatile, self.target()));
        // The box may not have looked quite empty before the paste, as while it was still being drawn.
        let gone = emptied || self.emptied_as_learnt(pasted, &seen) || behind;
        // A page that scrolled leaves an empty place too; but then its frame moved along.
        let stands = |change| {
            frame_stands(change, empty, pasted, &seen)
                || evidence::surroundings_stand(change, empty, pasted, &seen)
                    .unwrap_or_else(|| !evidence::scrolled(change, pasted, &seen))
        };
        let proven = gone && submission.gone && (behind || stands(&self.change));
        let ink = evidence::new_ink(pasted, &seen, &self.volatile, self.target());
        self.emptied = Some(seen);
        if proven {
            return self.survey(Phase::Confirm(Witness::BoxEmptied));
        }
        submission.gone = gone;
        if gone && self.now < submission.until {
            return self.look_to_confirm(Phase::Submit(submission));
        }
        self.go_on_watching(submission, remains.kept, ink.count())
    }

    /// A terminal keeps the text. Proof is new ink below it while it stands, or the text standing
    /// higher (it scrolled), in two pictures; a program that draws a box of its own may also empty
    /// that. Ink elsewhere may be any program's output.
    fn submitted_terminal(&mut self, mut submission: Submission, seen: &Picture) -> Move {
        let target = self.target();
        let (Some(empty), Some(pasted)) = (&self.empty, &self.pasted) else {
            return self.unknown("the text was never seen");
        };
        let remains = evidence::remains(&self.change, empty, pasted, seen, target);
        let ink = evidence::new_ink(pasted, seen, &self.volatile, target);
        let below = transcript::ink_below(&self.change, pasted, seen, &self.volatile, target);
        let lasting = submission.ink.as_ref().map(|last| last.and(&below));
        let new_below = lasting.is_some_and(|ink| ink.count() >= INK);
        // Enter may end the reverse in which a line editor shows what was pasted.
        let shape = match remains.kept {
            STANDS.. => 100,
            _ => transcript::shape_kept(&self.change, pasted, seen),
        };
        let kept = match shape {
            STANDS.. => remains.kept.max(STANDS),
            _ => remains.kept,
        };
        // A copy of the text that came higher up says more than one that stands in its place: an echo.
        let witness = if remains.kept < STANDS && transcript::scrolled(&self.change, pasted, seen) {
            Some(Witness::Scrolled)
        } else if kept >= STANDS {
            new_below.then_some(Witness::TranscriptInk)
        } else {
            let gone = kept <= GONE && remains.returned >= RETURNED && shape < SHAPE_GONE;
            // A short word that went along with what scrolled leaves an empty place too, and has too little
            // of a shape to be found again: only a box whose frame stands was emptied.
            let stands = || frame_stands(&self.change, empty, pasted, seen);
            (gone && ink.count() >= INK && stands()).then_some(Witness::BoxEmptied)
        };
        let twice = submission.witness == witness;
        submission.witness = witness;
        submission.ink = Some(below);
        match witness {
            Some(witness) if twice => self.survey(Phase::Confirm(witness)),
            Some(_) if self.now < submission.until => {
                self.look_to_confirm(Phase::Submit(submission))
            }
            _ => self.go_on_watching(submission, kept, ink.count()),
        }
    }

    /// Enter is pressed once more only on the very box that was pasted into: where something new stands
    /// beside the text, Enter may have taken a completion on offer, and the next one would submit it. A
    /// picture of it may be that of a window that hangs, so a box that can be read must say it itself.
    fn go_on_watching(&mut self, submission: Submission, kept: usize, ink: usize) -> Move {
        if self.now < submission.until {
            return self.look_later(Phase::Submit(submission));
        }
        let same = kept >= STANDS && ink < INK;
        if same && !submission.asked && self.presses <= self.job.patience.enter_retries {
            return match self.target() {
                Target::Terminal => self.enter_again(),
                Target::Chat | Target::Editor => self.probe(Probe::new(Purpose::Swallowed)),
            };
        }
        self.survey(Phase::GiveUp { kept })
    }

    /// Enter once more, when the window is still as it must be.
    pub(super) fn enter_again(&mut self) -> Move {
        let until = self.deadline(self.job.patience.quiet);
        self.survey(Phase::Again { until })
    }

    /// The text still stands: Enter once more, never the paste.
    pub(super) fn again(&mut self, survey: &Survey, until: Timestamp) -> Move {
        match self.ready(survey) {
            Ok(()) => self.press_submit(),
            Err(_) if worth_waiting(survey) && self.now < until => {
                self.survey_later(Phase::Again { until })
            }
            Err(_) => self.given_up(STANDS, survey),
        }
    }

    pub(super) fn confirmed(&mut self, witness: Witness, survey: &Survey) -> Move {
        match self.as_chosen(survey, false) {
            Ok(()) => {
                self.text_may_stand = false;
                self.learn();
                let presses = self.presses;
                // No box of a terminal answers: one that hung takes both, and the first may have taken a
                // completion on offer.
                if presses > 1 && self.target() == Target::Terminal {
                    let reason = format!("Enter was pressed {presses} times before anything moved");
                    return self.finish(Outcome::Submitted { reason });
                }
                self.finish(Outcome::Observed { witness, presses })
            }
            // A person may have discarded the draft at that very moment.
            Err(obstacle) if obstacle.class == FailureClass::HumanActive => {
                self.person = true;
                self.finish(Outcome::Submitted {
                    reason: format!("the text left the box, but {}", obstacle.detail),
                })
            }
            Err(obstacle) => self.unknown(format!(
                "Enter was pressed, but what was seen then was not the window alone: {}",
                obstacle.detail
            )),
        }
    }

    /// Enter was not taken.
    pub(super) fn still_stands(&mut self, because: &str) -> Move {
        let presses = self.presses;
        self.fail_as(
            FailureClass::SubmitNotSeen,
            format!("the text still stands after {presses} x Enter{because}"),
        )
    }

    /// The deadline is over. A picture of the text may be that of a window that hangs and takes the
    /// Enter later; only a box that answers, with the text in it, has surely not taken it.
    pub(super) fn given_up(&mut self, kept: usize, survey: &Survey) -> Move {
        let obstacle = self.as_chosen(survey, true).err();
        let because = obstacle
            .as_ref()
            .map_or_else(String::new, |o| format!(": {}", o.detail));
        let terminal = self.target() == Target::Terminal;
        if terminal {
            return self.unknown(format!(
                "nothing in the terminal changed after Enter{because}"
            ));
        }
        if kept >= STANDS {
            return match obstacle {
                None => self.probe(Probe::new(Purpose::Stands)),
                // Once more: the next attempt reads the box before anything else.
                Some(_) if !self.own_text_was_entered() => {
                    self.enter_may_come = true;
                    self.still_stands(&because)
                }
                Some(_) => self.unknown(format!("the text seems to stand{because}")),
            };
        }
        if kept <= GONE && obstacle.is_none() {
            return self.finish(Outcome::Submitted {
                reason: "the text left the box, but the box does not look as before".to_owned(),
            });
        }
        self.unknown(format!(
            "after Enter {kept} % of the text stood, which proves neither{because}"
        ))
    }
}

/// Whether the text was seen with a ground of its own, as when it is selected.
fn is_filled(text: &Mask) -> bool {
    text.bounds().is_some_and(|bounds| {
        let area = bounds.width().saturating_mul(bounds.height());
        text.count().saturating_mul(100) >= area.saturating_mul(FILLED)
    })
}

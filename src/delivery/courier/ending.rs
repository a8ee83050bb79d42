//! How an attempt ends: what is certain, the clipboard given back, troubles, and what was learnt.

use super::before::ROOMY;
use super::machine::Courier;
use super::moves::{Deed, Ending, Move, Outcome, Report};
use super::phase::Phase;
use crate::delivery::evidence;
use crate::delivery::look::{Look, relative};
use crate::delivery::ports::{Clip, Trouble};
use crate::delivery::preflight::Obstacle;
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::{FailureClass, Step};
use crate::events::facts::screen::Rect;

impl Courier {
    /// Ends without delivery. That must be certain, because another channel may follow: once Enter
    /// was pressed, now or by an earlier attempt, the text must have been seen standing.
    pub(super) fn fail(&mut self, obstacle: Obstacle) -> Move {
        let Obstacle { class, detail } = obstacle;
        self.person |= class == FailureClass::HumanActive;
        if self.presses > 0 && class != FailureClass::SubmitNotSeen {
            return self.unknown(format!("after Enter: {detail}"));
        }
        if self.own_text_was_entered() && self.pasted.is_none() {
            return self.unknown(format!(
                "Enter was pressed by an earlier attempt, and the box could not be looked at: \
                 {detail}"
            ));
        }
        let text_may_stand = self.text_may_stand;
        let enter_may_come = self.enter_may_come;
        self.finish(Outcome::Failed {
            class,
            detail,
            text_may_stand,
            enter_may_come,
        })
    }

    pub(super) fn fail_as(&mut self, class: FailureClass, detail: impl Into<String>) -> Move {
        let detail = detail.into();
        self.fail(Obstacle { class, detail })
    }

    pub(super) fn unknown(&mut self, reason: impl Into<String>) -> Move {
        let reason = reason.into();
        self.finish(Outcome::Unknown { reason })
    }

    /// Gives the clipboard back where that is wanted, then ends.
    pub(super) fn finish(&mut self, outcome: Outcome) -> Move {
        if let Some(text) = self.puts_back(&outcome) {
            return self.put_back(outcome, text);
        }
        self.enter(Step::Restore);
        if self.clipboard_set && self.saved.is_some() && self.job.clipboard.restore {
            self.go(Phase::Restore(outcome), Deed::ReadClipboard, [])
        } else {
            self.leave(outcome)
        }
    }

    /// Ends; where a person was at it, not before they paused. What they typed may still be on its way,
    /// and whoever comes next would find an empty box and put a text behind it.
    pub(super) fn leave(&mut self, outcome: Outcome) -> Move {
        if std::mem::take(&mut self.person) {
            let pause = Deed::Wait(self.job.patience.quiet);
            return self.go(Phase::Restored(outcome), pause, []);
        }
        self.over(outcome)
    }

    pub(super) fn restore(&mut self, outcome: Outcome, holds: &Clip) -> Move {
        let ours = matches!(holds, Clip::Text(text) if self.ours.iter().any(|own| own == text));
        let saved = self.saved.take().unwrap_or(Clip::Empty);
        if !ours {
            // Somebody copied something meanwhile: theirs is newer than what we saved.
            return self.leave(outcome);
        }
        let back = match saved {
            Clip::Other => {
                self.remarks
                    .push("the clipboard held something that could not be given back".to_owned());
                Clip::Empty
            }
            Clip::Empty => Clip::Empty,
            Clip::Text(text) => Clip::Text(text),
        };
        self.go(Phase::Restored(outcome), Deed::SetClipboard(back), [])
    }

    pub(super) fn over(&mut self, outcome: Outcome) -> Move {
        self.enter(Step::Restore);
        self.phase = Phase::Over;
        Move::End(Ending {
            outcome,
            steps: std::mem::take(&mut self.steps),
            window: self.window.as_ref().map(|w| w.fingerprint.clone()),
            learnt: self.learnt.take(),
            remarks: std::mem::take(&mut self.remarks),
        })
    }

    pub(super) fn trouble(&mut self, trouble: &Trouble) -> Move {
        self.agenda.clear();
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        if let Phase::Redraft(redraft) = phase {
            return self.redraft_troubled(*redraft, &trouble.to_string());
        }
        if let Trouble::Elsewhere(_) = trouble {
            return self.led_astray(&phase, trouble.to_string());
        }
        match (phase, trouble) {
            (Phase::Restore(outcome) | Phase::Restored(outcome), _) => {
                self.remarks
                    .push(format!("the clipboard was not given back: {trouble}"));
                return self.over(outcome);
            }
            (Phase::SaveClipboard, Trouble::Clipboard(_) | Trouble::Unsupported(_)) => {
                return self.clipboard_saved(Clip::Other);
            }
            (Phase::Probe(probe), Trouble::Clipboard(_)) if self.may_answer_late(&probe) => {
                let poll = self.poll();
                return self.go(Phase::Probe(probe), poll, [Deed::ReadClipboard]);
            }
            (Phase::Kept, Trouble::Clipboard(_)) => return self.kept(&Clip::Other),
            // Our own serving of it may be slow on a busy machine.
            (Phase::Clipboard { until }, Trouble::Clipboard(_))
                if self.now < until && !self.may_type() =>
            {
                let text = Clip::Text(self.job.text.clone());
                let poll = self.poll();
                let again = [Deed::SetClipboard(text), Deed::ReadClipboard];
                return self.go(Phase::Clipboard { until }, poll, again);
            }
            (Phase::Clipboard { .. }, Trouble::Clipboard(_) | Trouble::Unsupported(_))
                if self.may_type() =>
            {
                return self.type_instead();
            }
            (Phase::BlindPasted, Trouble::Clipboard(_) | Trouble::Unsupported(_))
                if !self.typing =>
            {
                return self.blind_typing();
            }
            _ => {}
        }
        if self.presses > 0 {
            return self.unknown(format!("after Enter: {trouble}"));
        }
        let class = match trouble {
            Trouble::DisplayGone(_) => {
                // Nothing can be given back on a display that is gone.
                self.clipboard_set = false;
                FailureClass::DisplayGone
            }
            Trouble::Permission(_) => FailureClass::Permission,
            Trouble::Clipboard(_) => FailureClass::ClipboardLost,
            Trouble::Elsewhere(_) => FailureClass::FocusFailed,
            Trouble::Unsupported(_) => FailureClass::Invalid,
        };
        self.fail_as(class, trouble.to_string())
    }

    /// A report that answers nothing that was asked: a broken performer.
    pub(super) fn confused(&mut self, report: &Report) -> Move {
        let reason = format!("an unasked report came: {report:?}");
        if self.presses > 0 {
            self.unknown(reason)
        } else {
            self.fail_as(FailureClass::Interrupted, reason)
        }
    }

    /// Remembers the box as it is now, after it was seen to empty.
    pub(super) fn learn(&mut self) {
        if !self.look_is_new || self.target() == Target::Terminal {
            return;
        }
        let (Some(empty), Some(emptied)) = (&self.empty, &self.emptied) else {
            return;
        };
        let moved = evidence::difference(empty, emptied).without(&self.change);
        let volatile = self.volatile.or(&moved);
        let part = self
            .change
            .bounds()
            .and_then(|bounds| evidence::on_screen(&bounds, &self.region, 0));
        let Some(part) = part else { return };
        // A much longer text shows more of a box that is known already.
        let known = |known: Rect| {
            known.width.saturating_mul(3) >= part.width.saturating_mul(2) || known.width >= ROOMY.0
        };
        if self.known_part.is_some_and(known) {
            return;
        }
        let picture = evidence::crop(emptied, &part);
        let volatile = evidence::crop_mask(&volatile, &self.region, &part);
        if let (Some(mut picture), Some(volatile)) = (picture, volatile)
            && volatile.percent() <= evidence::MOTION_MAX
        {
            picture.region = relative(&part, self.job.place);
            self.learnt = Some(Look {
                picture,
                volatile: volatile.to_marks(),
                proven_empty: true,
            });
        }
    }
}

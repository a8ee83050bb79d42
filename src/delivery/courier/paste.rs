//! From the clipboard to the moment before Enter: the text is put there, seen, and stands still.

use super::machine::Courier;
use super::moves::{Deed, Move};
use super::phase::{Doubt, Phase};
use super::probe::{Probe, Purpose};
use crate::delivery::evidence::{self, MOTION_MAX};
use crate::delivery::job::ReadBack;
use crate::delivery::ports::{Act, Clip, Picture, Survey};
use crate::delivery::preflight::{self, Obstacle};
use crate::delivery::transcript;
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::{FailureClass, Step};
use crate::events::facts::timing::Measure;
use crate::events::time::Timestamp;

/// Per cent of the text's pixels that must stand in the last look before Enter.
const STOOD: usize = 95;

/// Waiting for the text to show.
#[derive(Debug)]
pub(super) struct Sighting {
    since: Timestamp,
    until: Timestamp,
    last: Option<Picture>,
}

impl Courier {
    /// Puts the text into the clipboard, or goes straight to typing it.
    pub(super) fn take_clipboard(&mut self) -> Move {
        self.enter(Step::Clipboard);
        if self.typing {
            return self.aim();
        }
        let text = self.job.text.clone();
        self.ours.push(text.clone());
        self.clipboard_set = true;
        let until = self.deadline(self.job.patience.clipboard);
        self.go(
            Phase::Clipboard { until },
            Deed::SetClipboard(Clip::Text(text)),
            [Deed::ReadClipboard],
        )
    }

    /// The set is not synchronous with the display: a key pressed before it arrived would paste
    /// what was there before.
    pub(super) fn clipboard_holds(&mut self, clip: &Clip, until: Timestamp) -> Move {
        if matches!(clip, Clip::Text(text) if *text == self.job.text) {
            self.sample(Measure::Clipboard, self.pressed_at);
            return self.aim();
        }
        if self.now < until {
            let poll = self.poll();
            return self.go(Phase::Clipboard { until }, poll, [Deed::ReadClipboard]);
        }
        if self.may_type() {
            return self.type_instead();
        }
        self.fail_as(
            FailureClass::ClipboardLost,
            "the clipboard does not hold what was put there",
        )
    }

    pub(super) fn type_instead(&mut self) -> Move {
        self.remarks
            .push("typed key by key, because the clipboard did not work".to_owned());
        self.typing = true;
        self.aim()
    }

    fn aim(&mut self) -> Move {
        let until = self.deadline(self.job.patience.quiet);
        self.survey(Phase::Aim { until })
    }

    /// The window as chosen, with the focus, nothing held. A held key may be let go in a moment; a
    /// person at the keyboard ends it.
    pub(super) fn ready(&mut self, survey: &Survey) -> Result<(), Obstacle> {
        self.as_chosen(survey, true)?;
        preflight::hands_free(survey)
    }

    pub(super) fn aimed(&mut self, survey: &Survey, until: Timestamp) -> Move {
        match self.ready(survey) {
            Ok(()) => {}
            Err(_) if worth_waiting(survey) && self.now < until => {
                return self.survey_later(Phase::Aim { until });
            }
            Err(obstacle) => return self.begin_again(obstacle),
        }
        self.enter(Step::Paste);
        self.text_may_stand = true;
        let class = self
            .window
            .as_ref()
            .map_or("", |w| w.fingerprint.class.as_str());
        let put = if self.typing {
            Deed::Act(Act::Type(self.job.text.clone()))
        } else {
            self.press(self.job.keys.paste_for(class))
        };
        let sighting = Sighting {
            since: self.now,
            until: self.deadline(self.job.patience.paste),
            last: None,
        };
        self.go(
            Phase::Paste(sighting),
            put,
            [
                Deed::Wait(self.job.patience.poll),
                Deed::Capture(self.region),
            ],
        )
    }

    fn needed(&self) -> usize {
        evidence::ink_needed(&self.job.text)
    }

    pub(super) fn sighted(&mut self, mut sighting: Sighting, seen: Picture) -> Move {
        let target = self.target();
        let Some(empty) = &self.empty else {
            return self.fail_as(FailureClass::Interrupted, "the empty box was never seen");
        };
        let change = evidence::change(empty, &seen, &self.volatile, target);
        let wide = evidence::wide_enough(&change, &self.job.text);
        let enough = wide && change.count() >= self.needed();
        if !enough && self.now.since(sighting.since) >= self.job.patience.paste / 2 {
            // A box that grew shows its text elsewhere.
            self.volatile = self.volatile.without(&self.outside);
        }
        let last = sighting.last.replace(seen.clone());
        if let Some(last) = last.filter(|_| enough) {
            if evidence::equal(&last, &seen, &self.volatile, target) {
                self.change = change;
                self.pasted = Some(seen);
                self.stood_at = self.now;
                self.sample_words(sighting.since);
                return self.survey(Phase::Landed);
            }
            // The text shows, and something else keeps moving: that is no part of the proof.
            if self.now.since(sighting.since) >= self.job.patience.calm {
                let more = self.volatile.or(&evidence::difference(&last, &seen));
                if more.percent() <= MOTION_MAX {
                    self.volatile = more;
                }
            }
        }
        if self.now < sighting.until {
            if enough {
                return self.look_to_confirm(Phase::Paste(sighting));
            }
            return self.look_later(Phase::Paste(sighting));
        }
        let detail = format!(
            "{} pixels changed after the paste, {} were needed",
            change.count(),
            self.needed()
        );
        self.survey(Phase::PasteMissed { detail })
    }

    /// The survey tells why: lost focus and dialogs are no fault of the box.
    pub(super) fn paste_missed(&mut self, survey: &Survey, detail: String) -> Move {
        match self.as_chosen(survey, true) {
            Ok(()) => self.fail_as(FailureClass::PasteNotSeen, detail),
            // The keys were pressed, they did not come here, and another window has the keyboard.
            Err(obstacle) if obstacle.class == FailureClass::FocusFailed => {
                self.strayed(&obstacle.detail)
            }
            Err(obstacle) => self.fail(obstacle),
        }
    }

    fn strayed(&mut self, detail: &str) -> Move {
        self.fail_as(
            FailureClass::Misdirected,
            format!("the text may stand unsubmitted elsewhere: {detail}"),
        )
    }

    pub(super) fn landed(&mut self, survey: &Survey) -> Move {
        if let Err(obstacle) = self.as_chosen(survey, true) {
            // Typed keys are not guarded: what shows may be no more than a frame that lost the focus.
            if self.typing && obstacle.class == FailureClass::FocusFailed {
                return self.strayed(&obstacle.detail);
            }
            return self.fail(obstacle);
        }
        if self.typing {
            return self.settle_or_read();
        }
        self.go(Phase::Kept, Deed::ReadClipboard, [])
    }

    /// Whoever took the clipboard between our read-back and the paste may have been pasted.
    pub(super) fn kept(&mut self, clip: &Clip) -> Move {
        if matches!(clip, Clip::Text(text) if *text == self.job.text) {
            self.read_back = true;
            return self.settle_or_read();
        }
        if self.target() == Target::Terminal {
            return self.fail_as(
                FailureClass::ClipboardLost,
                "the clipboard changed while the text was pasted",
            );
        }
        self.doubt = Doubt::Grave;
        self.settle_or_read()
    }

    fn settle_or_read(&mut self) -> Move {
        if self.measures() {
            return self.take_back();
        }
        let read = self.doubt > Doubt::None || self.job.read_back == ReadBack::Always;
        if read && self.target() != Target::Terminal {
            return self.probe(Probe::new(Purpose::ReadBack));
        }
        self.settle()
    }

    /// Gives the program the pause that it needs before Enter.
    pub(super) fn settle(&mut self) -> Move {
        self.enter(Step::Settle);
        let until = self.deadline(self.job.patience.calm.max(self.job.patience.settle * 3));
        self.settle_until(until)
    }

    fn settle_until(&mut self, until: Timestamp) -> Move {
        self.go(
            Phase::Settle { until },
            Deed::Wait(self.settling()),
            [Deed::Capture(self.region)],
        )
    }

    pub(super) fn settled(&mut self, seen: Picture, until: Timestamp) -> Move {
        let target = self.target();
        let Some(empty) = &self.empty else {
            return self.fail_as(FailureClass::Interrupted, "the empty box was never seen");
        };
        let still = self
            .pasted
            .as_ref()
            .is_some_and(|pasted| evidence::equal(pasted, &seen, &self.volatile, target));
        if !still {
            let change = evidence::change(empty, &seen, &self.volatile, target);
            self.change = change;
            self.pasted = Some(seen);
            self.stood_at = self.now;
            if self.now < until {
                return self.settle_until(until);
            }
            return self.fail_as(
                FailureClass::WindowBusy,
                "the box did not come to rest after the paste",
            );
        }
        let (changed, needed) = (self.change.count(), self.needed());
        if changed < needed {
            return self.fail_as(
                FailureClass::PasteNotSeen,
                format!("{changed} of {needed} pixels still show the text"),
            );
        }
        if self.expired() {
            return self.out_of_time();
        }
        self.ask(changed, needed)
    }

    fn expired(&self) -> bool {
        self.job.expires_at.is_some_and(|at| self.now >= at)
    }

    fn out_of_time(&mut self) -> Move {
        self.fail_as(FailureClass::Paused, "its time ran out before Enter")
    }

    pub(super) fn last_look(&mut self, seen: &Picture, until: Timestamp) -> Move {
        let (Some(empty), Some(pasted)) = (&self.empty, &self.pasted) else {
            return self.fail_as(FailureClass::Interrupted, "the text was never seen");
        };
        let remains = evidence::remains(&self.change, empty, pasted, seen, self.target());
        if remains.kept < STOOD {
            let scrolls = transcript::scrolled_in_its_box(&self.change, pasted, seen);
            if scrolls && self.now < until {
                self.change = evidence::change(empty, seen, &self.volatile, self.target());
                self.pasted = Some(seen.clone());
                return self.look_to_confirm(Phase::LastLook { until });
            }
            return self.fail_as(
                FailureClass::WindowBusy,
                format!("only {} % of the text stood before Enter", remains.kept),
            );
        }
        self.survey(Phase::LastSurvey { until })
    }

    pub(super) fn last_survey(&mut self, survey: &Survey, until: Timestamp) -> Move {
        match self.ready(survey) {
            Ok(()) if self.expired() => self.out_of_time(),
            Ok(()) => self.press_submit(),
            Err(_) if worth_waiting(survey) && self.now < until => {
                self.look_later(Phase::LastLook { until })
            }
            Err(obstacle) => self.fail(obstacle),
        }
    }
}

/// Held keys and grabs may go away by themselves, unless a person is at it.
pub(super) fn worth_waiting(survey: &Survey) -> bool {
    !survey.person && (survey.held || survey.grabbed)
}

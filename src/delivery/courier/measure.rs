//! Measuring a window instead of delivering into it: a few words are put into the box, seen, and taken
//! back with as many backspaces as they have characters, so that nothing else in the box can be hit.
//! Enter is never pressed, and the owner is never asked for leave to.

use super::machine::Courier;
use super::moves::{Deed, Move, Outcome, Report, Sample};
use super::paste::worth_waiting;
use super::phase::Phase;
use crate::delivery::evidence;
use crate::delivery::job::Aim;
use crate::delivery::ports::{Chord, Key, Picture, Survey};
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::timing::Measure;
use crate::events::time::Timestamp;

/// How often the words are pasted before they are typed once.
const PASTES: u8 = 3;

/// Taking the words back, step by step.
#[derive(Debug)]
pub(super) struct TakingBack {
    way: Way,
    /// Whether the keys were pressed.
    pressed: bool,
    /// Whether the last picture already showed the box as before.
    back: bool,
    until: Timestamp,
}

/// How the words are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A backspace for each character.
    Backspaces,
    /// The keys that empty such a box; it was found empty, so all that stands there is ours.
    Emptying,
}

impl Courier {
    pub(super) fn measures(&self) -> bool {
        self.job.aim == Aim::Measure
    }

    /// Keeps how long something took, when that is what the attempt is for.
    pub(super) fn sample(&mut self, measure: Measure, since: Timestamp) {
        if self.measures() {
            let micros = self.now.since(since).as_micros();
            self.samples.push(Sample {
                measure,
                micros: u64::try_from(micros).unwrap_or(u64::MAX),
            });
        }
    }

    /// How long looking itself takes.
    pub(super) fn sample_look(&mut self, report: &Report) {
        let since = self.handed_at;
        match report {
            Report::Surveyed(_) => self.sample(Measure::Survey, since),
            Report::Captured(_) => self.sample(Measure::Capture, since),
            Report::Begin
            | Report::Done
            | Report::Read(_)
            | Report::Answered(_)
            | Report::Trouble(_) => {}
        }
    }

    /// The words stand in the box.
    pub(super) fn sample_words(&mut self, since: Timestamp) {
        if !self.typing {
            return self.sample(Measure::PasteVisible, since);
        }
        let spent = self.now.since(since).as_micros();
        let each = spent / u128::try_from(self.job.text.chars().count().max(1)).unwrap_or(1);
        if self.measures() {
            self.samples.push(Sample {
                measure: Measure::TypedCharacter,
                micros: u64::try_from(each).unwrap_or(u64::MAX),
            });
        }
    }

    pub(super) fn take_back(&mut self) -> Move {
        self.take_back_by(Way::Backspaces)
    }

    fn take_back_by(&mut self, way: Way) -> Move {
        let until = self.deadline(self.job.patience.quiet);
        self.survey(Phase::TakeBack(TakingBack {
            way,
            pressed: false,
            back: false,
            until,
        }))
    }

    pub(super) fn taking_back_aimed(&mut self, mut taking: TakingBack, survey: &Survey) -> Move {
        match self.ready(survey) {
            Ok(()) => {}
            Err(_) if worth_waiting(survey) && self.now < taking.until => {
                return self.survey_later(Phase::TakeBack(taking));
            }
            Err(obstacle) => return self.fail(obstacle),
        }
        taking.pressed = true;
        taking.until = self.deadline(self.job.patience.submit);
        let backspace = Chord {
            modifiers: Vec::new(),
            key: Key::Backspace,
        };
        let keys = &self.job.keys;
        let mut chords = match (taking.way, self.target()) {
            (Way::Backspaces, _) => vec![&backspace; self.job.text.chars().count()],
            (Way::Emptying, Target::Terminal) => vec![&keys.clear],
            (Way::Emptying, Target::Chat | Target::Editor) => {
                let select = keys.select_all.iter();
                select.flat_map(|all| [all, &keys.delete]).collect()
            }
        };
        let first = self.press(chords.remove(0));
        let rest: Vec<Deed> = chords.into_iter().map(|chord| self.press(chord)).collect();
        let poll = Deed::Wait(self.job.patience.poll);
        let order = self.go(Phase::TakeBack(taking), first, []);
        self.agenda.extend(rest);
        self.agenda.extend([poll, Deed::Capture(self.region)]);
        order
    }

    pub(super) fn taking_back_seen(&mut self, mut taking: TakingBack, seen: &Picture) -> Move {
        let target = self.target();
        let Some(empty) = &self.empty else {
            return self.fail_as(FailureClass::Interrupted, "the empty box was never seen");
        };
        let back = evidence::equal(empty, seen, &self.volatile, target);
        if back && std::mem::replace(&mut taking.back, back) {
            self.text_may_stand = false;
            return self.next_round();
        }
        taking.back = back;
        if back {
            return self.look_to_confirm(Phase::TakeBack(taking));
        }
        if self.now < taking.until {
            return self.look_later(Phase::TakeBack(taking));
        }
        match taking.way {
            Way::Backspaces => self.take_back_by(Way::Emptying),
            Way::Emptying => self.fail_as(
                FailureClass::DraftInTheWay,
                "the words that were put into the box to measure it could not be taken back",
            ),
        }
    }

    fn next_round(&mut self) -> Move {
        if self.typing {
            let samples = std::mem::take(&mut self.samples);
            return self.finish(Outcome::Measured { samples });
        }
        self.rounds = self.rounds.saturating_add(1);
        self.typing = self.rounds >= PASTES;
        self.pasted = None;
        self.take_clipboard()
    }
}

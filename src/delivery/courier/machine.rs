//! What the courier knows, and how it goes from one step to the next.

use std::collections::VecDeque;
use std::time::Duration;

use super::moves::{Answer, Deed, Milestone, Move, Outcome, Report, Sample};
use super::phase::{Doubt, Phase};
use crate::delivery::job::Job;
use crate::delivery::look::Look;
use crate::delivery::mask::Mask;
use crate::delivery::ports::{ASIDE, Abilities, Act, Chord, Clip, Picture, Survey, Window};
use crate::delivery::preflight::{Expected, Obstacle};
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::{FailureClass, Step, StepTime};
use crate::events::facts::screen::{Point, Rect};
use crate::events::facts::timing::Measure;
use crate::events::time::Timestamp;

/// Between the two equal pictures that a proof needs.
const CONFIRM: Duration = Duration::from_millis(3);

/// The longest time between two looks.
const POLL_MAX: Duration = Duration::from_millis(48);

/// Carries one message once.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact learnt on the way, and independent of the others"
)]
pub struct Courier {
    pub(super) job: Job,
    pub(super) abilities: Abilities,
    pub(super) now: Timestamp,
    pub(super) phase: Phase,
    /// Deeds that follow without a decision in between.
    pub(super) agenda: VecDeque<Deed>,
    pub(super) steps: Vec<StepTime>,
    step: Step,
    step_began: Timestamp,
    /// When hands or clipboard were last moved.
    pub(super) pressed_at: Timestamp,
    /// When the last deed was handed out.
    pub(super) handed_at: Timestamp,
    /// When the text was last seen to have come to stand.
    pub(super) stood_at: Timestamp,

    pub(super) expected: Expected,
    /// Where the box was said to be. `job.place` is where it is: the window may have moved.
    pub(super) declared_place: Point,
    /// The window that had the keyboard before the click.
    pub(super) focused_before: Option<u64>,
    /// The window that was chosen.
    pub(super) window: Option<Window>,
    /// How often the window was looked for again because it moved.
    pub(super) restarts: u8,
    /// What is watched.
    pub(super) region: Rect,
    /// Whether the pointer was seen at the place: from then on, leaving it is a person's doing.
    pub(super) pointer_arrived: bool,

    pub(super) saved: Option<Clip>,
    /// Everything the clipboard holds by our doing.
    pub(super) ours: Vec<String>,
    pub(super) clipboard_set: bool,
    /// The text is typed key by key.
    pub(super) typing: bool,

    /// The box before our text.
    pub(super) empty: Option<Picture>,
    pub(super) volatile: Mask,
    /// What lies outside a known box; part of `volatile` until it turns out to be needed.
    pub(super) outside: Mask,
    /// The part of the screen that shows the learnt empty look.
    pub(super) known_part: Option<Rect>,
    /// The box with our text.
    pub(super) pasted: Option<Picture>,
    /// The box after Enter, when it was last seen.
    pub(super) emptied: Option<Picture>,
    /// The pixels of our text.
    pub(super) change: Mask,
    /// Whether the box must be read before Enter.
    pub(super) doubt: Doubt,
    pub(super) read_back: bool,
    /// Copy keys that nothing answered: a window that hung may answer them later.
    pub(super) unanswered: u8,
    /// Enter was pressed, and the box could not be asked what became of it.
    pub(super) enter_may_come: bool,
    pub(super) text_may_stand: bool,
    pub(super) presses: u8,
    /// A person was at it when the attempt was about to end.
    pub(super) person: bool,
    pub(super) look_is_new: bool,
    pub(super) learnt: Option<Look>,
    pub(super) remarks: Vec<String>,
    /// Somebody's unfinished words that our text goes after.
    pub(super) ahead: Option<String>,
    /// Those that were taken out and are to be put back.
    pub(super) draft: Option<String>,
    /// Whether keys were pressed to take them out.
    pub(super) draft_is_out: bool,
    /// What was measured, when that is the aim.
    pub(super) samples: Vec<Sample>,
    /// How often the words were pasted and taken back.
    pub(super) rounds: u8,
}

impl Courier {
    /// A courier for this attempt on a desktop that can do this much.
    pub fn new(job: Job, abilities: Abilities, now: Timestamp) -> Self {
        let region = Rect {
            x: job.place.x,
            y: job.place.y,
            width: 0,
            height: 0,
        };
        Self {
            abilities,
            now,
            phase: Phase::Over,
            agenda: VecDeque::new(),
            steps: Vec::new(),
            step: Step::Preflight,
            step_began: now,
            pressed_at: now,
            handed_at: now,
            stood_at: now,
            expected: Expected::Any,
            declared_place: job.place,
            focused_before: None,
            window: None,
            restarts: 0,
            volatile: Mask::none(&region),
            outside: Mask::none(&region),
            known_part: None,
            change: Mask::none(&region),
            region,
            pointer_arrived: false,
            saved: None,
            ours: Vec::new(),
            clipboard_set: false,
            typing: false,
            empty: None,
            pasted: None,
            emptied: None,
            doubt: if job.standing.is_empty() {
                Doubt::None
            } else {
                Doubt::Grave
            },
            read_back: false,
            unanswered: 0,
            enter_may_come: false,
            text_may_stand: !job.standing.is_empty(),
            presses: 0,
            person: false,
            look_is_new: true,
            learnt: None,
            remarks: Vec::new(),
            ahead: None,
            draft: None,
            draft_is_out: false,
            samples: Vec::new(),
            rounds: 0,
            job,
        }
    }

    /// The next move, after this report at this instant.
    pub fn next(&mut self, report: Report, now: Timestamp) -> Move {
        self.now = now;
        self.sample_look(&report);
        if let Report::Begin = report {
            return self.begin();
        }
        if let Report::Trouble(trouble) = report {
            return self.trouble(&trouble);
        }
        if let Report::Done = report
            && let Some(deed) = self.agenda.pop_front()
        {
            return self.hand_out(deed);
        }
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        self.go_on(phase, report)
    }

    fn go_on(&mut self, phase: Phase, report: Report) -> Move {
        match (phase, report) {
            (Phase::Preflight { until }, Report::Surveyed(survey)) => self.chosen(&survey, until),
            (Phase::SaveClipboard, Report::Read(clip)) => self.clipboard_saved(clip),
            (Phase::Focus { until }, Report::Surveyed(survey)) => self.focused(&survey, until),
            (Phase::Rest(resting), Report::Captured(seen)) => self.rested(resting, seen),
            (Phase::SavingDraft(probe), Report::Answered(answer)) => {
                self.draft_saved(&probe, answer)
            }
            (Phase::Redraft(it), Report::Read(clip)) => self.redraft_read(*it, &clip),
            (Phase::Redraft(it), Report::Captured(seen)) => self.redraft_seen(*it, seen),
            (Phase::Redraft(it), Report::Surveyed(survey)) => self.redraft_aimed(*it, &survey),
            (Phase::DraftBack(outcome), Report::Answered(_)) => self.redraft_over(outcome, None),
            (Phase::NewChat(begin), Report::Surveyed(survey)) => {
                self.beginning_aimed(begin, &survey)
            }
            (Phase::NewChat(begin), Report::Captured(seen)) => self.beginning_seen(begin, seen),
            (Phase::Baseline(watch), Report::Captured(seen)) => self.watched(watch, seen),
            (Phase::Probe(probe), Report::Captured(seen)) => self.probe_seen(*probe, seen),
            (Phase::Probe(probe), Report::Read(clip)) => self.probe_read(*probe, &clip),
            (Phase::Probe(probe), Report::Surveyed(survey)) => self.probe_aimed(*probe, &survey),
            (Phase::Clearing(clearing), Report::Surveyed(survey)) => {
                self.clearing_aimed(clearing, &survey)
            }
            (Phase::Clearing(clearing), Report::Captured(seen)) => {
                self.clearing_seen(clearing, seen)
            }
            (Phase::Clipboard { until }, Report::Read(clip)) => self.clipboard_holds(&clip, until),
            (Phase::Aim { until }, Report::Surveyed(survey)) => self.aimed(&survey, until),
            (Phase::Paste(sighting), Report::Captured(seen)) => self.sighted(sighting, seen),
            (Phase::PasteMissed { detail }, Report::Surveyed(survey)) => {
                self.paste_missed(&survey, detail)
            }
            (Phase::Landed, Report::Surveyed(survey)) => self.landed(&survey),
            (Phase::Kept, Report::Read(clip)) => self.kept(&clip),
            (Phase::Settle { until }, Report::Captured(seen)) => self.settled(seen, until),
            (Phase::Asked, Report::Answered(answer)) => self.answered(answer),
            (Phase::LastLook { until }, Report::Captured(seen)) => self.last_look(&seen, until),
            (Phase::LastSurvey { until }, Report::Surveyed(survey)) => {
                self.last_survey(&survey, until)
            }
            (Phase::Submit(submission), Report::Captured(seen)) => self.submitted(submission, seen),
            (Phase::Confirm(witness), Report::Surveyed(survey)) => self.confirmed(witness, &survey),
            (Phase::Again { until }, Report::Surveyed(survey)) => self.again(&survey, until),
            (Phase::GiveUp { kept }, Report::Surveyed(survey)) => self.given_up(kept, &survey),
            (Phase::TakeBack(taking), Report::Surveyed(survey)) => {
                self.taking_back_aimed(taking, &survey)
            }
            (Phase::TakeBack(taking), Report::Captured(seen)) => {
                self.taking_back_seen(taking, &seen)
            }
            (Phase::Restore(outcome), Report::Read(clip)) => self.restore(outcome, &clip),
            (Phase::Restored(outcome), _) => self.leave(outcome),
            (Phase::BlindPasted, Report::Done) => self.ask(0, 0),
            (Phase::BlindSubmitted, Report::Done) => self.blind_end(),
            (Phase::Over, _) => self.over(Outcome::Unknown {
                reason: "the courier was asked again after its end".to_owned(),
            }),
            (_, report) => self.confused(&report),
        }
    }

    fn begin(&mut self) -> Move {
        match Expected::of(&self.job) {
            Ok(expected) => self.expected = expected,
            Err(obstacle) => return self.fail(obstacle),
        }
        if !self.abilities.observes && self.measures() {
            return self.fail_as(FailureClass::Invalid, "this desktop cannot be seen");
        }
        if !self.abilities.observes {
            return self.begin_blind();
        }
        let until = self.deadline(self.job.patience.quiet);
        self.go(Phase::Preflight { until }, Deed::Survey(self.job.place), [])
    }

    fn answered(&mut self, answer: Answer) -> Move {
        match answer {
            Answer::Refused { class, detail } => self.fail(Obstacle { class, detail }),
            Answer::Allowed if !self.abilities.observes => self.submit_blind(),
            Answer::Allowed => {
                let until = self.deadline(self.job.patience.quiet);
                self.look(Phase::LastLook { until })
            }
        }
    }

    /// Asks the owner whether Enter may be pressed.
    pub(super) fn ask(&mut self, changed: usize, needed: usize) -> Move {
        self.phase = Phase::Asked;
        Move::Ask(Milestone::Pasted {
            changed_pixels: u32::try_from(changed).unwrap_or(u32::MAX),
            needed_pixels: u32::try_from(needed).unwrap_or(u32::MAX),
            read_back: self.read_back,
            sanitised: self.job.sanitised.clone(),
        })
    }

    /// Does the deeds in order; the last one's report belongs to the phase.
    pub(super) fn go<const N: usize>(
        &mut self,
        phase: Phase,
        first: Deed,
        rest: [Deed; N],
    ) -> Move {
        self.phase = phase;
        self.agenda = rest.into();
        self.hand_out(first)
    }

    fn hand_out(&mut self, deed: Deed) -> Move {
        if matches!(deed, Deed::Act(_) | Deed::SetClipboard(_)) {
            self.pressed_at = self.now;
        }
        self.handed_at = self.now;
        Move::Do(deed)
    }

    /// Takes a picture for the phase.
    pub(super) fn look(&mut self, phase: Phase) -> Move {
        self.go(phase, Deed::Capture(self.region), [])
    }

    /// Takes a picture for the phase, a moment later.
    pub(super) fn look_later(&mut self, phase: Phase) -> Move {
        let poll = self.poll();
        self.go(phase, poll, [Deed::Capture(self.region)])
    }

    /// Takes the picture that must equal the one just taken: far enough from it that a window which
    /// was in the middle of drawing would show.
    pub(super) fn look_to_confirm(&mut self, phase: Phase) -> Move {
        let gap = Deed::Wait(CONFIRM.max(self.job.patience.poll));
        self.go(phase, gap, [Deed::Capture(self.region)])
    }

    /// Surveys for the phase.
    pub(super) fn survey(&mut self, phase: Phase) -> Move {
        self.go(phase, Deed::Survey(self.job.place), [])
    }

    /// Surveys for the phase, a moment later.
    pub(super) fn survey_later(&mut self, phase: Phase) -> Move {
        let poll = self.poll();
        self.go(phase, poll, [Deed::Survey(self.job.place)])
    }

    /// What is left of the pause that the program needs between its text and Enter. Looking at it
    /// meanwhile is part of the pause; a key pressed meanwhile begins it anew.
    pub(super) fn settling(&self) -> Duration {
        let since = self.now.since(self.stood_at.max(self.pressed_at));
        self.job.patience.settle.saturating_sub(since)
    }

    /// Until the next look: an eighth of the time since the last key, so that a quick window is seen
    /// at once and a slow one costs neither processor nor more than an eighth of its own time.
    pub(super) fn poll(&self) -> Deed {
        let patience = &self.job.patience;
        let spent = self.now.since(self.pressed_at);
        Deed::Wait((spent / 8).clamp(patience.poll, patience.poll.max(POLL_MAX)))
    }

    /// Keys for the chosen window, and for no other: what happens between the last survey and the key
    /// cannot lead it astray where the desktop can tell.
    pub(super) fn press(&self, chord: &Chord) -> Deed {
        let chord = chord.clone();
        Deed::Act(match &self.window {
            Some(Window { id: window, .. }) => Act::PressIn {
                chord,
                window: *window,
            },
            None => Act::Press(chord),
        })
    }

    pub(super) fn deadline(&self, patience: Duration) -> Timestamp {
        self.now.after(patience)
    }

    /// The time until now belongs to the step before; from now on it belongs to this one.
    pub(super) fn enter(&mut self, step: Step) {
        let spent = self.now.since(self.step_began).as_micros();
        let spent = u64::try_from(spent).unwrap_or(u64::MAX);
        match self.steps.iter_mut().find(|time| time.step == self.step) {
            Some(time) => time.micros = time.micros.saturating_add(spent),
            None => self.steps.push(StepTime {
                step: self.step,
                micros: spent,
            }),
        }
        self.step = step;
        self.step_began = self.now;
    }

    pub(super) fn target(&self) -> Target {
        self.job.target
    }

    /// Whether a person moved the pointer away after it had arrived.
    pub(super) fn pointer_left(&mut self, survey: &Survey) -> Result<(), Obstacle> {
        let (place, pointer) = (self.job.place, survey.pointer);
        let aside = u32::from(ASIDE) + 2;
        let near = place.x.abs_diff(pointer.x) <= aside && place.y.abs_diff(pointer.y) <= 2;
        if near {
            if !self.pointer_arrived {
                self.sample(Measure::Pointer, self.pressed_at);
            }
            self.pointer_arrived = true;
        } else if self.pointer_arrived {
            return Err(Obstacle {
                class: FailureClass::HumanActive,
                detail: format!("the pointer was moved away to {pointer}"),
            });
        }
        Ok(())
    }
}

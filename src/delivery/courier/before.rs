//! From the first survey to the clipboard: the right window, its focus, the look of its box.

use super::machine::Courier;
use super::moves::{Deed, Move};
use super::phase::Phase;
use super::probe::{Probe, Purpose};
use crate::delivery::evidence::{self, MOTION_MAX};
use crate::delivery::job::Input;
use crate::delivery::look::absolute;
use crate::delivery::mask::Mask;
use crate::delivery::ports::{Act, Clip, Picture, Survey};
use crate::delivery::preflight::{self, Obstacle, judge};
use crate::delivery::whereabouts::whereabouts;
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::{FailureClass, Step};
use crate::events::facts::screen::{Point, Rect};
use crate::events::facts::timing::Measure;
use crate::events::time::Timestamp;

/// Watching the box before anything is put into it.
#[derive(Debug)]
pub(super) struct Watch {
    since: Timestamp,
    last: Option<Picture>,
    pictures: usize,
    /// Since when nothing moved at all, cursors apart.
    still_since: Timestamp,
    /// What it looked like then. A slow fade is no more than a shade from picture to picture.
    still: Option<Picture>,
}

/// A known part of the screen that has room for enough of any text, in pixels.
pub(super) const ROOMY: (u32, u32) = (120, 10);

/// How often a window that moves away before anything was put into it is looked for again.
const RESTARTS_MAX: u8 = 3;

/// How the present box compares with the learnt look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It is the learnt empty look.
    Same,
    /// It is another.
    Other,
    /// Nothing was learnt, or the box has another size or place.
    Never,
}

impl Courier {
    pub(super) fn chosen(&mut self, survey: &Survey, until: Timestamp) -> Move {
        match self.follow(survey) {
            Ok(place) if place == self.job.place => {}
            Ok(place) if self.now < until => {
                self.job.place = place;
                return self.survey(Phase::Preflight { until });
            }
            Ok(place) => {
                return self.fail_as(
                    FailureClass::TargetMoved,
                    format!("the window keeps moving: its box is now at {place}"),
                );
            }
            Err(obstacle) => return self.fail(obstacle),
        }
        self.focused_before = survey.focus;
        match judge(survey, self.job.place, &self.expected) {
            Ok(window) => self.window = Some(window.clone()),
            Err(obstacle) if obstacle.may_pass() && self.now < until => {
                // A person who paused for less than this is still at it.
                let pause = Deed::Wait(self.job.patience.quiet / 3);
                let again = Deed::Survey(self.job.place);
                return self.go(Phase::Preflight { until }, pause, [again]);
            }
            Err(obstacle) => return self.fail(obstacle),
        }
        let frame = self.window.as_ref().map(|w| w.fingerprint.frame);
        let region =
            frame.and_then(|f| evidence::region_to_watch(self.job.place, &f, self.target()));
        let Some(region) = region else {
            return self.fail_as(
                FailureClass::TargetMoved,
                "the window under the place does not contain it",
            );
        };
        self.region = survey
            .monitors
            .iter()
            .filter_map(|monitor| monitor.intersection(&region))
            .find(|part| part.contains(self.job.place))
            .unwrap_or(region);
        self.volatile = Mask::none(&self.region);
        self.outside = Mask::none(&self.region);
        self.change = Mask::none(&self.region);
        let (then, now) = (self.declared_place, self.job.place);
        if now != then {
            self.remarks.push(format!(
                "the window was moved: followed from {then} to {now}"
            ));
        }
        if let Some(rest) = self.await_rest() {
            return rest;
        }
        if self.saved.is_some() {
            // The second time round: what the clipboard holds by now is ours.
            return self.click();
        }
        self.go(Phase::SaveClipboard, Deed::ReadClipboard, [])
    }

    /// The window moved under our hands. As long as nothing was put into it, it is looked for again.
    pub(super) fn begin_again(&mut self, obstacle: Obstacle) -> Move {
        let moved = obstacle.class == FailureClass::TargetMoved && self.job.fingerprint.is_some();
        let again = if moved { self.restart() } else { None };
        again.unwrap_or_else(|| self.fail(obstacle))
    }

    /// Nothing was clicked, because something else lies there now: the next survey says what.
    pub(super) fn not_clicked(&mut self, why: String) -> Move {
        let again = self.restart();
        again.unwrap_or_else(|| self.fail_as(FailureClass::FocusFailed, why))
    }

    /// From the first look on; none when something was put into the window, or too often.
    fn restart(&mut self) -> Option<Move> {
        let untouched = self.pasted.is_none() && !self.text_may_stand;
        if !untouched || self.restarts >= RESTARTS_MAX {
            return None;
        }
        self.restarts = self.restarts.saturating_add(1);
        self.pointer_arrived = false;
        self.known_part = None;
        self.enter(Step::Preflight);
        let until = self.deadline(self.job.patience.quiet);
        Some(self.survey_later(Phase::Preflight { until }))
    }

    /// Where the box is now.
    fn follow(&self, survey: &Survey) -> Result<Point, Obstacle> {
        let (declared, place) = (self.job.fingerprint.as_ref(), self.declared_place);
        let now = whereabouts(survey, place, declared, &self.expected)?;
        let shows = survey.monitors.iter().any(|monitor| monitor.contains(now));
        if now != place && !shows {
            return Err(Obstacle {
                class: FailureClass::TargetMoved,
                detail: format!("the window was moved, and its box is off the screen at {now}"),
            });
        }
        Ok(now)
    }

    pub(super) fn clipboard_saved(&mut self, clip: Clip) -> Move {
        // Where nothing is given back, nothing needs to be spared.
        let spare = clip == Clip::Other && self.job.clipboard.restore;
        let asked = self.job.input == Input::Type && self.is_one_line();
        self.typing = asked || (spare && self.may_type());
        self.saved = Some(clip);
        if !self.abilities.observes {
            return self.act_blind();
        }
        self.click()
    }

    fn click(&mut self) -> Move {
        self.enter(Step::Focus);
        let until = self.deadline(self.job.patience.focus);
        let at = self.job.place;
        // What comes up over the window since the last survey gets no click meant for it.
        let click = Deed::Act(self.window.as_ref().map_or(Act::Click(at), |it| {
            let window = it.id;
            Act::ClickIn { at, window }
        }));
        self.go(
            Phase::Focus { until },
            click,
            [Deed::Survey(self.job.place)],
        )
    }

    pub(super) fn may_type(&self) -> bool {
        let long = self.job.text.chars().count() > self.job.clipboard.type_instead_max;
        !long && self.is_one_line()
    }

    /// A line end that is typed is an Enter.
    fn is_one_line(&self) -> bool {
        !self.job.text.contains(['\n', '\t'])
    }

    pub(super) fn focused(&mut self, survey: &Survey, until: Timestamp) -> Move {
        match self.as_chosen(survey, true) {
            Ok(()) => {
                let switched = self.focused_before != self.window.as_ref().map(|w| w.id);
                let measure = if switched {
                    Measure::WindowSwitch
                } else {
                    Measure::Focus
                };
                self.sample(measure, self.pressed_at);
                if let Some(begin) = self.begin_chat() {
                    return begin;
                }
                self.enter(Step::Baseline);
                self.watch()
            }
            Err(obstacle)
                if self.now < until
                    && matches!(
                        obstacle.class,
                        FailureClass::FocusFailed | FailureClass::WindowBusy
                    ) =>
            {
                self.survey_later(Phase::Focus { until })
            }
            Err(obstacle) => self.begin_again(obstacle),
        }
    }

    /// Whether the chosen window still stands as it did, with the pointer where we left it.
    pub(super) fn as_chosen(&mut self, survey: &Survey, focus: bool) -> Result<(), Obstacle> {
        self.pointer_left(survey)?;
        let Some(window) = &self.window else {
            return Ok(());
        };
        preflight::steady(survey, self.job.place, window, focus)
    }

    /// Begins to watch the box.
    pub(super) fn watch(&mut self) -> Move {
        let watch = Watch {
            since: self.now,
            last: None,
            pictures: 0,
            still_since: self.now,
            still: None,
        };
        self.look(Phase::Baseline(watch))
    }

    pub(super) fn watched(&mut self, mut watch: Watch, seen: Picture) -> Move {
        let spent = self.now.since(watch.since);
        let Some(last) = watch.last.replace(seen.clone()) else {
            watch.pictures = 1;
            return self.look_to_confirm(Phase::Baseline(watch));
        };
        watch.pictures = watch.pictures.saturating_add(1);
        let (known, part) = self.compare(&seen);
        if known == Known::Same {
            self.watch_only(part);
        } else {
            self.watch_all();
        }
        let quiet = evidence::equal(&last, &seen, &self.volatile, self.target());
        let patience = self.job.patience;
        let moved = evidence::difference(&last, &seen);
        // What a late focus ring or a repaint changes once is no motion; only what changes again
        // after the box was watched for a while is.
        let was_known = known == Known::Same && self.compare(&last).0 == Known::Same;
        if spent >= patience.baseline / 2 || was_known {
            self.volatile = self.volatile.or(&moved);
        }
        let nothing = Mask::none(&self.region);
        let as_then = watch
            .still
            .as_ref()
            .is_some_and(|then| evidence::equal(then, &seen, &nothing, self.target()));
        if known != Known::Same && !as_then {
            watch.still_since = self.now;
            watch.still = Some(seen.clone());
        }
        // A window that takes the focus may fade from one look to another for a fifth of a second,
        // and between two frames it stands still.
        let still = self.now.since(watch.still_since) >= patience.baseline;
        if still && known != Known::Same {
            self.volatile = nothing;
        }
        match known {
            Known::Same if quiet => return self.box_known(seen),
            Known::Other if spent < patience.calm => {}
            Known::Never | Known::Same | Known::Other if still && watch.pictures >= 3 => {
                return self.box_watched(seen, known);
            }
            Known::Never | Known::Same | Known::Other if spent >= patience.calm => {
                if self.volatile.percent() > MOTION_MAX {
                    return self.too_much_motion();
                }
                return self.box_watched(seen, known);
            }
            Known::Never | Known::Same | Known::Other => {}
        }
        self.look_later(Phase::Baseline(watch))
    }

    fn too_much_motion(&mut self) -> Move {
        self.fail_as(
            FailureClass::WindowBusy,
            "too much of the window moves by itself to tell what happens",
        )
    }

    /// Whether the box shows its proven empty look in the one picture and not in the other.
    pub(super) fn emptied_as_learnt(&self, pasted: &Picture, now: &Picture) -> bool {
        let (before, part) = self.compare(pasted);
        let roomy = part.width >= ROOMY.0 && part.height >= ROOMY.1;
        let inside = self.change.without(&Mask::outside(&self.region, &part));
        let most = inside.count() * 10 >= self.change.count() * 9;
        roomy && most && before == Known::Other && self.compare(now).0 == Known::Same
    }

    /// How the box compares with its learnt look, and which part of the screen that is.
    fn compare(&self, seen: &Picture) -> (Known, Rect) {
        let Some(look) = self.job.look.as_ref().filter(|look| look.proven_empty) else {
            return (Known::Never, self.region);
        };
        let part = absolute(&look.picture.region, self.job.place);
        let Some(now) = evidence::crop(seen, &part) else {
            return (Known::Never, part);
        };
        let learnt = Picture {
            region: part,
            rgb: look.picture.rgb.clone(),
        };
        let volatile = Mask::from_marks(&part, &look.volatile);
        if evidence::equal(&learnt, &now, &volatile, self.target()) {
            (Known::Same, part)
        } else {
            (Known::Other, part)
        }
    }

    /// Whether the box shows its proven empty look.
    pub(super) fn looks_empty(&self, seen: &Picture) -> bool {
        self.compare(seen).0 == Known::Same
    }

    /// What happens outside a known box (a transcript, a fading frame) is none of our business. Where
    /// a first short text left only a small part known, all is watched, and the look learnt anew.
    fn watch_only(&mut self, part: Rect) {
        if self.known_part.replace(part).is_some() || part.width < ROOMY.0 || part.height < ROOMY.1
        {
            return;
        }
        self.outside = Mask::outside(&self.region, &part);
        self.volatile = self.volatile.or(&self.outside);
    }

    fn watch_all(&mut self) {
        if self.known_part.take().is_some() {
            self.volatile = self.volatile.without(&self.outside);
            self.outside = Mask::none(&self.region);
        }
    }

    /// The box shows its proven empty look.
    fn box_known(&mut self, seen: Picture) -> Move {
        self.empty = Some(seen);
        self.nothing_stands()
    }

    /// The box is quiet, and nobody knows whether it is empty.
    fn box_watched(&mut self, seen: Picture, known: Known) -> Move {
        self.empty = Some(seen);
        let standing = !self.job.standing.is_empty();
        if self.target() == Target::Terminal {
            return if standing {
                self.clear_terminal()
            } else {
                self.take_clipboard()
            };
        }
        match (standing, known) {
            (true, _) => self.probe(Probe::new(Purpose::Standing)),
            // Also a box that nobody ever saw empty: its first delivery takes a second longer.
            (false, Known::Other | Known::Never | Known::Same) => {
                self.probe(Probe::new(Purpose::Draft))
            }
        }
    }

    /// The box was found empty. If Enter had been pressed on a text that stood there, it may have
    /// been taken late: that cannot be told from the box, so nothing is pasted anew.
    pub(super) fn nothing_stands(&mut self) -> Move {
        if self.own_text_was_entered() {
            self.text_may_stand = false;
            return self.unknown(
                "Enter was pressed by an earlier attempt, and the text that stood in the box is \
                 gone: it may have been taken late",
            );
        }
        self.text_may_stand = false;
        self.take_clipboard()
    }

    pub(super) fn own_text_was_entered(&self) -> bool {
        self.job
            .standing
            .iter()
            .any(|s| s.entered && s.message == self.job.message)
    }
}

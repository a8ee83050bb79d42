//! Whether the right window stands there, free to be used. Pure judgement over one survey.

use regex::Regex;

use super::job::Job;
use super::ports::{Survey, Window};
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::screen::{Fingerprint, Point};

/// Why the hands stay still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is.
    pub class: FailureClass,
    /// In words, naming the thing.
    pub detail: String,
}

impl Obstacle {
    fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self {
            class,
            detail: detail.into(),
        }
    }

    /// Whether it may go away by itself in a moment.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.class,
            FailureClass::HumanActive | FailureClass::WindowBusy
        )
    }
}

/// By what the right window is known.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Its title matches.
    Title(Regex),
    /// It looks like a window seen before.
    Like(Fingerprint),
    /// Nothing is known: any ordinary window.
    Any,
}

impl Expected {
    /// What the job says: title, else the declared window, else the one last observed.
    pub fn of(job: &Job) -> Result<Self, Obstacle> {
        if let Some(pattern) = &job.window {
            return Regex::new(pattern).map(Self::Title).map_err(|e| {
                Obstacle::new(
                    FailureClass::Invalid,
                    format!("the window pattern `{pattern}` cannot be used: {e}"),
                )
            });
        }
        let like = job.fingerprint.as_ref().or(job.known_window.as_ref());
        Ok(like.cloned().map_or(Self::Any, Self::Like))
    }

    fn is(&self, window: &Window) -> bool {
        let seen = &window.fingerprint;
        // A dialog shares class and process with its window, often part of the title too.
        let own = !window.transient || window.owner.is_none();
        match self {
            Self::Title(pattern) => own && pattern.is_match(&seen.title),
            Self::Like(known) => {
                let process = known.process.is_some() && known.process == seen.process;
                let same = known.title == seen.title || (process && !window.transient);
                own && known.class == seen.class && same
            }
            Self::Any => !window.transient,
        }
    }
}

/// The right window under the place, or what is in the way.
pub fn judge<'s>(
    survey: &'s Survey,
    place: Point,
    expected: &Expected,
) -> Result<&'s Window, Obstacle> {
    let somewhere = |at: &Window| at.fingerprint.frame.contains(place);
    if !survey.monitors.iter().any(|m| m.contains(place)) {
        return Err(Obstacle::new(
            FailureClass::Invalid,
            format!("{place} lies outside every monitor"),
        ));
    }
    undisturbed(survey)?;
    let right = || survey.windows.iter().filter(|w| expected.is(w));
    let covered = right().find(|w| somewhere(w));
    let Some(under) = under(survey) else {
        return Err(match (right().next(), expected) {
            (Some(there), Expected::Title(_) | Expected::Like(_)) => moved(there, place, None),
            _ => Obstacle::new(
                FailureClass::TargetNotFound,
                format!("no window stands at {place}"),
            ),
        });
    };
    if expected.is(under) {
        return free_of_dialogs(survey, under).map(|()| under);
    }
    Err(match (expected, covered, right().next()) {
        (Expected::Any, ..) => Obstacle::new(
            FailureClass::DialogInTheWay,
            format!("{} lies over {place}", name(under)),
        ),
        (_, Some(right), _) => covers(under, right),
        (_, None, Some(there)) if under.owner == Some(there.id) => covers(under, there),
        (_, None, Some(there)) => moved(there, place, Some(under)),
        (_, None, None) if under.transient => Obstacle::new(
            FailureClass::TargetNotFound,
            format!(
                "the agent's window is gone; {} lies over {place}",
                name(under)
            ),
        ),
        (_, None, None) => Obstacle::new(
            FailureClass::TargetMoved,
            format!(
                "the agent's window is gone; {} stands at {place}",
                name(under)
            ),
        ),
    })
}

/// Whether everything is still as when the window was chosen. With `focus`, it must have it.
pub fn steady(survey: &Survey, place: Point, chosen: &Window, focus: bool) -> Result<(), Obstacle> {
    undisturbed(survey)?;
    let Some(now) = survey.windows.iter().find(|w| w.id == chosen.id) else {
        return Err(Obstacle::new(
            FailureClass::TargetNotFound,
            format!("{} was closed", name(chosen)),
        ));
    };
    if now.fingerprint.frame != chosen.fingerprint.frame {
        return Err(moved(now, place, None));
    }
    match under(survey) {
        Some(under) if under.id == chosen.id => {}
        Some(other) => return Err(covers(other, chosen)),
        None => return Err(moved(now, place, None)),
    }
    free_of_dialogs(survey, now)?;
    if focus && survey.focus != Some(chosen.id) {
        let owner = survey
            .focus
            .and_then(|id| survey.windows.iter().find(|w| w.id == id));
        return Err(Obstacle::new(
            FailureClass::FocusFailed,
            owner.map_or_else(
                || "no window has the keyboard".to_owned(),
                |w| format!("{} has the keyboard", name(w)),
            ),
        ));
    }
    Ok(())
}

/// Whether a key or button is held, which would turn ours into something else.
pub fn hands_free(survey: &Survey) -> Result<(), Obstacle> {
    if survey.held {
        return Err(Obstacle::new(
            FailureClass::HumanActive,
            "a modifier key or a button is held down",
        ));
    }
    Ok(())
}

fn undisturbed(survey: &Survey) -> Result<(), Obstacle> {
    if survey.person {
        return Err(Obstacle::new(
            FailureClass::HumanActive,
            "a person is using pointer or keyboard",
        ));
    }
    if survey.grabbed {
        return Err(Obstacle::new(
            FailureClass::WindowBusy,
            "another program has taken keyboard or pointer for itself",
        ));
    }
    Ok(())
}

fn under(survey: &Survey) -> Option<&Window> {
    let id = survey.under?;
    survey.windows.iter().find(|w| w.id == id)
}

/// A dialog of the window, above it and meeting it, takes its keys even where it does not cover
/// the place.
fn free_of_dialogs(survey: &Survey, window: &Window) -> Result<(), Obstacle> {
    survey
        .windows
        .iter()
        .skip_while(|w| w.id != window.id)
        .find(|w| {
            let frame = &w.fingerprint.frame;
            w.owner == Some(window.id) && frame.intersection(&window.fingerprint.frame).is_some()
        })
        .map_or(Ok(()), |dialog| Err(covers(dialog, window)))
}

fn covers(coverer: &Window, target: &Window) -> Obstacle {
    Obstacle::new(
        FailureClass::DialogInTheWay,
        format!("{} lies over {}", name(coverer), name(target)),
    )
}

fn moved(there: &Window, place: Point, instead: Option<&Window>) -> Obstacle {
    let frame = &there.fingerprint.frame;
    let instead = instead.map_or_else(String::new, |w| format!("; {} is there", name(w)));
    Obstacle::new(
        FailureClass::TargetMoved,
        format!(
            "{} is not at {place} any more: it stands at {},{} and is {}x{}{instead}",
            name(there),
            frame.x,
            frame.y,
            frame.width,
            frame.height
        ),
    )
}

fn name(window: &Window) -> String {
    format!(
        "`{}` ({})",
        window.fingerprint.title, window.fingerprint.class
    )
}

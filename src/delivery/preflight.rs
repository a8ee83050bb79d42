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
        let (declared, known) = (job.fingerprint.as_ref(), job.known_window.as_ref());
        Self::by(job.window.as_deref(), declared, known)
    }

    /// The title pattern, else the declared window, else the one last observed.
    pub fn by(
        pattern: Option<&str>,
        declared: Option<&Fingerprint>,
        known: Option<&Fingerprint>,
    ) -> Result<Self, Obstacle> {
        if let Some(pattern) = pattern {
            return Regex::new(pattern).map(Self::Title).map_err(|e| {
                Obstacle::new(
                    FailureClass::Invalid,
                    format!("the window pattern `{pattern}` cannot be used: {e}"),
                )
            });
        }
        let like = declared.or(known);
        Ok(like.cloned().map_or(Self::Any, Self::Like))
    }

    /// Whether a window declared so could be the expected one at all.
    pub fn knows(&self, declared: &Fingerprint) -> bool {
        match self {
            Self::Title(pattern) => pattern.is_match(&declared.title),
            Self::Like(known) => known.class == declared.class,
            Self::Any => false,
        }
    }

    /// Whether it is the window.
    pub fn is(&self, window: &Window) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::facts::screen::Rect;

    const PLACE: Point = Point { x: 150, y: 150 };

    fn window(id: u64, title: &str, x: i32) -> Window {
        Window {
            id,
            fingerprint: Fingerprint {
                class: "tk.Agent".to_owned(),
                title: title.to_owned(),
                process: u32::try_from(id).ok(),
                frame: Rect {
                    x,
                    y: 100,
                    width: 200,
                    height: 100,
                },
            },
            transient: false,
            owner: None,
        }
    }

    fn dialog(id: u64, owner: u64, x: i32) -> Window {
        Window {
            transient: true,
            owner: Some(owner),
            ..window(id, "Agent asks", x)
        }
    }

    fn survey(windows: Vec<Window>) -> Survey {
        let under = windows
            .iter()
            .rev()
            .find(|w| w.fingerprint.frame.contains(PLACE))
            .map(|w| w.id);
        Survey {
            monitors: vec![Rect {
                x: 0,
                y: 0,
                width: 800,
                height: 600,
            }],
            focus: windows.last().map(|w| w.id),
            windows,
            under,
            pointer: PLACE,
            held: false,
            grabbed: false,
            person: false,
        }
    }

    fn title(pattern: &str) -> Expected {
        Expected::Title(Regex::new(pattern).unwrap())
    }

    fn check(
        windows: Vec<Window>,
        expected: &Expected,
        outcome: Result<u64, (FailureClass, &str)>,
    ) {
        let survey = survey(windows);
        match (judge(&survey, PLACE, expected), outcome) {
            (Ok(window), Ok(id)) => assert_eq!(window.id, id),
            (Err(obstacle), Err((class, words))) => {
                assert_eq!(obstacle.class, class, "{obstacle:?}");
                assert!(obstacle.detail.contains(words), "{obstacle:?}");
            }
            (got, wanted) => panic!("{got:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn the_right_window_under_the_place_is_found() {
        check(vec![window(1, "agent", 100)], &Expected::Any, Ok(1));
        let both = || vec![window(2, "other", 400), window(1, "agent one", 100)];
        check(both(), &title("^agent"), Ok(1));
        let known = window(1, "its title has changed since", 0).fingerprint;
        check(both(), &Expected::Like(known), Ok(1));
        let restarted = Fingerprint {
            process: Some(77),
            ..window(1, "agent one", 0).fingerprint
        };
        check(both(), &Expected::Like(restarted), Ok(1));
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        use FailureClass as F;
        let agent = || title("^agent");
        check(
            vec![],
            &Expected::Any,
            Err((F::TargetNotFound, "no window")),
        );
        check(
            vec![dialog(5, 1, 100)],
            &Expected::Any,
            Err((F::DialogInTheWay, "Agent asks")),
        );
        check(
            vec![window(1, "agent", 400)],
            &agent(),
            Err((F::TargetMoved, "stands at 400,100")),
        );
        check(
            vec![window(1, "agent", 400), window(2, "editor", 100)],
            &agent(),
            Err((F::TargetMoved, "`editor`")),
        );
        check(
            vec![window(1, "agent", 100), window(2, "editor", 120)],
            &agent(),
            Err((F::DialogInTheWay, "`editor`")),
        );
        check(
            vec![window(1, "agent", 100), dialog(5, 1, 120)],
            &agent(),
            Err((F::DialogInTheWay, "Agent asks")),
        );
        // Beside the place, yet over the window: it takes the keys.
        check(
            vec![window(1, "agent", 100), dialog(5, 1, 250)],
            &agent(),
            Err((F::DialogInTheWay, "Agent asks")),
        );
        check(
            vec![window(2, "editor", 100)],
            &agent(),
            Err((F::TargetMoved, "gone")),
        );
        check(
            vec![dialog(5, 9, 100)],
            &agent(),
            Err((F::TargetNotFound, "gone")),
        );
    }

    #[test]
    fn a_dialog_of_the_same_program_is_not_taken_for_its_window() {
        let known = window(1, "agent", 100).fingerprint;
        let mut asks = dialog(5, 1, 100);
        asks.fingerprint.process = known.process;
        check(
            vec![window(1, "agent", 100), asks],
            &Expected::Like(known),
            Err((FailureClass::DialogInTheWay, "Agent asks")),
        );
    }

    #[test]
    fn monitors_people_and_grabs_come_first() {
        let here = survey(vec![window(1, "agent", 100)]);
        let outside = Point { x: -5, y: 10 };
        let class = |survey: &Survey, at| judge(survey, at, &Expected::Any).unwrap_err().class;
        assert_eq!(class(&here, outside), FailureClass::Invalid);
        let person = Survey {
            person: true,
            ..here.clone()
        };
        assert_eq!(class(&person, PLACE), FailureClass::HumanActive);
        let grabbed = Survey {
            grabbed: true,
            ..here
        };
        assert_eq!(class(&grabbed, PLACE), FailureClass::WindowBusy);
    }

    #[test]
    fn a_chosen_window_must_stay_as_it_was() {
        let agent = window(1, "agent", 100);
        let class = |windows: Vec<Window>, focus| {
            let survey = Survey {
                focus,
                ..survey(windows)
            };
            steady(&survey, PLACE, &agent, true).map_err(|o| o.class)
        };
        assert_eq!(class(vec![agent.clone()], Some(1)), Ok(()));
        let other = window(2, "other", 500);
        for (windows, focus, expect) in [
            (
                vec![agent.clone(), other],
                Some(2),
                FailureClass::FocusFailed,
            ),
            (vec![agent.clone()], None, FailureClass::FocusFailed),
            (vec![], None, FailureClass::TargetNotFound),
            (
                vec![window(1, "agent", 90)],
                Some(1),
                FailureClass::TargetMoved,
            ),
            (
                vec![agent.clone(), dialog(5, 1, 250)],
                Some(1),
                FailureClass::DialogInTheWay,
            ),
            (
                vec![agent.clone(), window(2, "other", 120)],
                Some(1),
                FailureClass::DialogInTheWay,
            ),
        ] {
            assert_eq!(class(windows.clone(), focus), Err(expect), "{windows:?}");
        }
    }
}

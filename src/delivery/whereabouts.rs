//! Where an agent's box is now, when its window stands elsewhere than on the day it was placed. Pure
//! judgement over one survey. In doubt nothing is followed: a box is better held than guessed.

use super::ports::{Survey, Window};
use super::preflight::{Expected, Obstacle};
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::screen::{Fingerprint, Point, Rect};

/// How well a window resembles the one that was declared, better ones last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It is what is expected, no more.
    Expected,
    /// The same title.
    Title,
    /// The same process.
    Process,
    /// Both.
    Both,
}

impl Likeness {
    fn of(seen: &Fingerprint, declared: &Fingerprint) -> Self {
        let process = declared.process.is_some() && declared.process == seen.process;
        match (process, declared.title == seen.title) {
            (true, true) => Self::Both,
            (true, false) => Self::Process,
            (false, true) => Self::Title,
            (false, false) => Self::Expected,
        }
    }
}

/// Where the box is: at `place`, or as far from its window's corner as it was when `declared` was
/// taken. A window of another size, or several that look alike, are an obstacle; a window that is
/// not there at all is left to the judgement at the place itself.
pub fn whereabouts(
    survey: &Survey,
    place: Point,
    declared: Option<&Fingerprint>,
    expected: &Expected,
) -> Result<Point, Obstacle> {
    let Some(then) = declared.filter(|then| then.frame.contains(place) && expected.knows(then))
    else {
        return Ok(place);
    };
    let alike: Vec<(Likeness, &Window)> = survey
        .windows
        .iter()
        .filter(|w| w.fingerprint.class == then.class && expected.is(w))
        .map(|w| (Likeness::of(&w.fingerprint, then), w))
        .collect();
    let Some(most) = alike.iter().map(|(likeness, _)| *likeness).max() else {
        return Ok(place);
    };
    let best: Vec<&Window> = alike
        .iter()
        .filter(|(likeness, _)| *likeness == most)
        .map(|(_, window)| *window)
        .collect();
    match best.as_slice() {
        [only] => beside(only, place, then),
        // As if nothing had happened: which of them is whose, nobody could tell before either.
        several if several.iter().any(|w| w.fingerprint.frame == then.frame) => Ok(place),
        several => Err(Obstacle {
            class: FailureClass::TargetMoved,
            detail: format!(
                "{} windows look like `{}`, and none stands where it stood: name it by its title \
                 (`agent set … --window`), or place it anew (`agent capture`)",
                several.len(),
                then.title
            ),
        }),
    }
}

fn beside(window: &Window, place: Point, then: &Fingerprint) -> Result<Point, Obstacle> {
    let (now, was) = (window.fingerprint.frame, then.frame);
    if (now.width, now.height) != (was.width, was.height) {
        return Err(Obstacle {
            class: FailureClass::TargetMoved,
            detail: format!(
                "`{}` has another size than when it was placed ({}, then {}), so its box may be \
                 anywhere in it: `agent capture` places it anew",
                window.fingerprint.title,
                size(now),
                size(was)
            ),
        });
    }
    Ok(Point {
        x: now.x.saturating_add(place.x.saturating_sub(was.x)),
        y: now.y.saturating_add(place.y.saturating_sub(was.y)),
    })
}

fn size(frame: Rect) -> String {
    format!("{}x{}", frame.width, frame.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    const PLACE: Point = Point { x: 150, y: 180 };

    fn window(id: u64, title: &str, process: u32, x: i32) -> Window {
        Window {
            id,
            fingerprint: Fingerprint {
                class: "tk.Agent".to_owned(),
                title: title.to_owned(),
                process: Some(process),
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

    fn check(windows: Vec<Window>, pattern: Option<&str>, outcome: Result<i32, &str>) {
        let then = window(1, "agent", 7, 100).fingerprint;
        let expected = pattern.map_or_else(
            || Expected::Like(then.clone()),
            |pattern| Expected::Title(Regex::new(pattern).unwrap()),
        );
        let survey = Survey {
            monitors: Vec::new(),
            windows,
            under: None,
            focus: None,
            pointer: PLACE,
            held: false,
            grabbed: false,
            person: false,
        };
        match (whereabouts(&survey, PLACE, Some(&then), &expected), outcome) {
            (Ok(found), Ok(x)) => assert_eq!(found, Point { x, y: 180 }),
            (Err(obstacle), Err(words)) => {
                assert_eq!(obstacle.class, FailureClass::TargetMoved);
                assert!(obstacle.detail.contains(words), "{obstacle:?}");
            }
            (got, wanted) => panic!("{got:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn a_window_that_moved_takes_its_box_along() {
        for pattern in [None, Some("^agent$")] {
            check(vec![window(1, "agent", 7, 100)], pattern, Ok(150));
            check(vec![window(1, "agent", 7, -260)], pattern, Ok(-210));
            // Restarted, elsewhere.
            check(vec![window(3, "agent", 9, 400)], pattern, Ok(450));
        }
        // The title of a chat follows its talk; the process stays.
        check(vec![window(1, "other words", 7, 400)], None, Ok(450));
    }

    #[test]
    fn the_best_likeness_is_followed_and_not_the_nearest_window() {
        let swapped = vec![
            window(2, "another chat", 7, 100),
            window(1, "agent", 7, 400),
        ];
        check(swapped, None, Ok(450));
        let namesake = vec![window(2, "agent", 8, 100), window(1, "agent", 7, 400)];
        check(namesake, None, Ok(450));
    }

    #[test]
    fn what_cannot_be_told_apart_is_held() {
        let twins = |x| vec![window(1, "a", 7, x), window(2, "b", 7, 400)];
        check(twins(300), None, Err("2 windows look like"));
        check(twins(100), None, Ok(150));
        let mut grown = window(1, "agent", 7, 100);
        grown.fingerprint.frame.height += 40;
        check(vec![grown], None, Err("200x140, then 200x100"));
    }

    #[test]
    fn what_is_not_there_is_left_to_the_judgement_at_the_place() {
        check(vec![], None, Ok(150));
        check(vec![window(2, "stranger", 8, 400)], None, Ok(150));
        let mut browser = window(2, "agent", 8, 400);
        browser.fingerprint.class = "browser".to_owned();
        check(vec![browser], Some("agent"), Ok(150));
        // Placed while another window was there: its corner says nothing about ours.
        check(vec![window(1, "mine", 7, 400)], Some("mine"), Ok(150));
    }
}

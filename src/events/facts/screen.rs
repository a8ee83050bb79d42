//! Places on screens, in physical pixels. Monitors left of or above the first have negative places.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::events::ids::NotAName;

/// A point, written `-308,481`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// Pixels right of the first monitor's left edge.
    pub x: i32,
    /// Pixels below the first monitor's upper edge.
    pub y: i32,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.x, self.y)
    }
}

impl FromStr for Point {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let number = |part: &str| part.trim().parse::<i32>().ok();
        text.split_once(',')
            .and_then(|(x, y)| {
                Some(Self {
                    x: number(x)?,
                    y: number(y)?,
                })
            })
            .ok_or_else(|| NotAName {
                name: text.to_owned(),
                rule: "a place is written X,Y in whole pixels, like -308,481".to_owned(),
            })
    }
}

/// A rectangle: its upper left corner is inside, its lower right corner is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    /// The first column right of the rectangle.
    pub fn right(&self) -> i32 {
        self.x.saturating_add_unsigned(self.width)
    }

    /// The first row below the rectangle.
    pub fn bottom(&self) -> i32 {
        self.y.saturating_add_unsigned(self.height)
    }

    /// Whether the point lies inside.
    pub fn contains(&self, at: Point) -> bool {
        at.x >= self.x && at.y >= self.y && at.x < self.right() && at.y < self.bottom()
    }

    /// What both cover, if anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = u32::try_from(self.right().min(other.right()).checked_sub(x)?).ok()?;
        let height = u32::try_from(self.bottom().min(other.bottom()).checked_sub(y)?).ok()?;
        (width > 0 && height > 0).then_some(Self {
            x,
            y,
            width,
            height,
        })
    }
}

/// By what a window is known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The window's class (X11 `WM_CLASS`), both parts joined by a dot.
    pub class: String,
    /// Its title when it was seen.
    pub title: String,
    /// The process behind it, where the window system tells.
    pub process: Option<u32>,
    /// Where the window stood.
    pub frame: Rect,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_may_lie_on_a_left_monitor() {
        assert_eq!("-308,481".parse(), Ok(Point { x: -308, y: 481 }));
        for bad in ["", "1", "1;2", "a,b", "1,2,3", "99999999999,0"] {
            assert!(bad.parse::<Point>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rectangles_meet_where_both_cover() {
        let a = Rect {
            x: 0,
            y: 0,
            width: 10,
            height: 10,
        };
        let b = Rect {
            x: 5,
            y: -5,
            width: 10,
            height: 10,
        };
        assert_eq!(
            a.intersection(&b),
            Some(Rect {
                x: 5,
                y: 0,
                width: 5,
                height: 5
            })
        );
        assert_eq!(a.intersection(&Rect { x: 10, ..b }), None);
    }
}

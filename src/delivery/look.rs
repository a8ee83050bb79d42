//! How an agent's input box looks when nothing of ours stands in it.

use serde::{Deserialize, Serialize};

use super::ports::Picture;
use crate::events::facts::agent::BoxLearnt;
use crate::events::facts::screen::{Point, Rect};
use crate::events::facts::words::Bulk;
use crate::events::ids::AgentId;

/// A learnt empty box: the part of the window where our text appeared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The pixels; the region is relative to the agent's place.
    pub picture: Picture,
    /// One mark per pixel: true where it moves by itself (caret, spinner).
    #[serde(with = "super::runs::marks")]
    pub volatile: Vec<bool>,
    /// Whether a submitted message was seen to bring the box back to this look.
    pub proven_empty: bool,
}

impl Look {
    /// The look an event remembers; none when its parts do not fit together.
    pub fn from_fact(fact: &BoxLearnt) -> Option<Self> {
        let pixels = pixels(&fact.region)?;
        let fits = fact.rgb.0.len() == pixels.checked_mul(3)? && fact.volatile.0.len() == pixels;
        fits.then(|| Self {
            picture: Picture {
                region: fact.region,
                rgb: fact.rgb.0.clone(),
            },
            volatile: fact.volatile.0.iter().map(|mark| *mark != 0).collect(),
            proven_empty: fact.proven_empty,
        })
    }

    /// The event that remembers it.
    pub fn to_fact(&self, agent: AgentId) -> BoxLearnt {
        BoxLearnt {
            agent,
            region: self.picture.region,
            rgb: Bulk(self.picture.rgb.clone()),
            volatile: Bulk(self.volatile.iter().map(|mark| u8::from(*mark)).collect()),
            proven_empty: self.proven_empty,
        }
    }
}

/// How many pixels a region has.
pub fn pixels(region: &Rect) -> Option<usize> {
    usize::try_from(region.width)
        .ok()?
        .checked_mul(usize::try_from(region.height).ok()?)
}

/// The region as seen from the place, or back again with `Point` negated.
#[must_use]
pub fn relative(region: &Rect, to: Point) -> Rect {
    Rect {
        x: region.x.saturating_sub(to.x),
        y: region.y.saturating_sub(to.y),
        ..*region
    }
}

/// The region on the screen, from one seen from the place.
#[must_use]
pub fn absolute(region: &Rect, from: Point) -> Rect {
    Rect {
        x: region.x.saturating_add(from.x),
        y: region.y.saturating_add(from.y),
        ..*region
    }
}

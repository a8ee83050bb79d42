//! Which projections there are, and sets of them.

use super::agents::Agents;
use super::alerts::Alerts;
use super::conduct::Conduct;
use super::fold::Fold as _;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::timeline::Timeline;
use super::timing::Timing;
use super::traffic::Traffic;

/// One projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// The fleet.
    Agents,
    /// What waits.
    Outbox,
    /// What lies in inboxes.
    Inbox,
    /// What was counted.
    Traffic,
    /// Where messages stand in the ledger.
    Timeline,
    /// How long things take.
    Timing,
    /// How agents behave and are to be treated.
    Conduct,
    /// How alerts stand.
    Alerts,
}

impl View {
    /// All of them, in the order they are listed and checked.
    pub const ALL: [Self; 8] = [
        Self::Agents,
        Self::Outbox,
        Self::Inbox,
        Self::Traffic,
        Self::Timeline,
        Self::Timing,
        Self::Conduct,
        Self::Alerts,
    ];

    /// Its name, as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agents => Agents::NAME,
            Self::Outbox => Outbox::NAME,
            Self::Inbox => Inbox::NAME,
            Self::Traffic => Traffic::NAME,
            Self::Timeline => Timeline::NAME,
            Self::Timing => Timing::NAME,
            Self::Conduct => Conduct::NAME,
            Self::Alerts => Alerts::NAME,
        }
    }

    /// The version this binary folds.
    pub const fn version(self) -> u32 {
        match self {
            Self::Agents => Agents::VERSION,
            Self::Outbox => Outbox::VERSION,
            Self::Inbox => Inbox::VERSION,
            Self::Traffic => Traffic::VERSION,
            Self::Timeline => Timeline::VERSION,
            Self::Timing => Timing::VERSION,
            Self::Conduct => Conduct::VERSION,
            Self::Alerts => Alerts::VERSION,
        }
    }

    /// The projection with the name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    /// Those that facts of a kind can change.
    pub fn caring(kind: u16) -> Views {
        let mut views = Views::NONE;
        for (view, cares) in [
            (Self::Agents, Agents::cares(kind)),
            (Self::Outbox, Outbox::cares(kind)),
            (Self::Inbox, Inbox::cares(kind)),
            (Self::Traffic, Traffic::cares(kind)),
            (Self::Timeline, Timeline::cares(kind)),
            (Self::Timing, Timing::cares(kind)),
            (Self::Conduct, Conduct::cares(kind)),
            (Self::Alerts, Alerts::cares(kind)),
        ] {
            if cares {
                views = views.with(view);
            }
        }
        views
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Agents => 1,
            Self::Outbox => 2,
            Self::Inbox => 4,
            Self::Traffic => 8,
            Self::Timeline => 16,
            Self::Timing => 32,
            Self::Conduct => 64,
            Self::Alerts => 128,
        }
    }
}

/// A set of projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Views(u8);

impl Views {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(255);
    /// Those whose states are hashed.
    pub const HASHED: Self = Self::ALL
        .without(View::Timeline)
        .without(View::Timing)
        .without(View::Conduct)
        .without(View::Alerts);

    /// With one more.
    #[must_use]
    pub const fn with(self, view: View) -> Self {
        Self(self.0 | view.bit())
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, view: View) -> Self {
        Self(self.0 & !view.bit())
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether it is in.
    pub const fn has(self, view: View) -> bool {
        self.0 & view.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = View> {
        View::ALL.into_iter().filter(move |view| self.has(*view))
    }
}

impl FromIterator<View> for Views {
    fn from_iter<I: IntoIterator<Item = View>>(views: I) -> Self {
        views.into_iter().fold(Self::NONE, Self::with)
    }
}

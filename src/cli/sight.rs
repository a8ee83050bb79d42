//! What stands at a place on a display, looked at before an agent is placed there.

use crate::cli::exit::{Exit, Failure};
use crate::events::facts::agent::Profile;
use crate::events::facts::screen::{Fingerprint, Point};
use crate::events::ids::SeatId;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether a readable display was compared; false means that the place was taken on trust.
    pub checked: bool,
    /// The window that gets a click there.
    pub window: Option<Fingerprint>,
    /// Why nothing was compared.
    pub remark: Option<String>,
}

/// Looks at the place. A place outside every monitor is refused; a display that cannot be read is
/// said in the answer.
#[cfg(all(feature = "desktop", target_os = "linux"))]
pub fn look(seat: &SeatId, places: &[Point]) -> Result<Sight, Failure> {
    use crate::adapters::desktop::x11::desktop::X11Desktop;
    use crate::delivery::ports::Desktop as _;

    let Some(first) = places.first() else {
        return Ok(Sight::default());
    };
    let seen = X11Desktop::open(seat.as_str()).and_then(|mut desktop| desktop.survey(*first));
    let survey = match seen {
        Ok(survey) => survey,
        Err(trouble) => {
            let remark =
                format!("display {seat} cannot be read, so places are not checked: {trouble}");
            return Ok(Sight {
                remark: Some(remark),
                ..Sight::default()
            });
        }
    };
    for place in places {
        if !survey
            .monitors
            .iter()
            .any(|monitor| monitor.contains(*place))
        {
            let monitors: Vec<String> = survey
                .monitors
                .iter()
                .map(|m| format!("{}x{} at {},{}", m.width, m.height, m.x, m.y))
                .collect();
            let text = format!("{place} lies outside every monitor of {seat}");
            return Err(Failure::new(Exit::Refused, "outside_monitors", text)
                .hint(format!("its monitors: {}", monitors.join("; "))));
        }
    }
    let under = survey.under;
    let window = survey
        .windows
        .into_iter()
        .find(|window| Some(window.id) == under);
    Ok(Sight {
        checked: true,
        window: window.map(|window| window.fingerprint),
        remark: None,
    })
}

/// Where the pointer is, and which window lies under it; looked at as often as wanted.
#[cfg(all(feature = "desktop", target_os = "linux"))]
#[derive(Debug)]
pub struct Pointing(crate::adapters::desktop::x11::desktop::X11Desktop);

#[cfg(all(feature = "desktop", target_os = "linux"))]
impl Pointing {
    /// Opens the display.
    pub fn open(seat: &SeatId) -> Result<Self, Failure> {
        crate::adapters::desktop::x11::desktop::X11Desktop::open(seat.as_str())
            .map(Self)
            .map_err(|trouble| unreadable(seat, &trouble.to_string()))
    }

    /// Looks.
    pub fn look(&mut self, seat: &SeatId) -> Result<(Point, Option<Fingerprint>), Failure> {
        use crate::delivery::ports::Desktop as _;

        let mut at = Point { x: 0, y: 0 };
        // The pointer may move between the two looks.
        for _ in 0..10 {
            let survey = self.0.survey(at);
            let survey = survey.map_err(|trouble| unreadable(seat, &trouble.to_string()))?;
            if survey.pointer == at {
                let mut windows = survey.windows.into_iter();
                let under = windows.find(|window| Some(window.id) == survey.under);
                return Ok((at, under.map(|window| window.fingerprint)));
            }
            at = survey.pointer;
        }
        Ok((at, None))
    }
}

/// Without eyes there is no pointer to see.
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
#[derive(Debug)]
pub struct Pointing;

#[cfg(not(all(feature = "desktop", target_os = "linux")))]
impl Pointing {
    /// Says so.
    pub fn open(seat: &SeatId) -> Result<Self, Failure> {
        Err(unreadable(seat, "this build has no eyes"))
    }

    /// Never comes to it.
    pub fn look(&mut self, seat: &SeatId) -> Result<(Point, Option<Fingerprint>), Failure> {
        Err(unreadable(seat, "this build has no eyes"))
    }
}

fn unreadable(seat: &SeatId, why: &str) -> Failure {
    let text = format!("the pointer of display {seat} cannot be seen: {why}");
    Failure::new(Exit::Refused, "display_unreadable", text)
        .hint("name the display with --seat, or give the place: `switchboard agent place ID X,Y`")
}

/// What an agent's window looks like from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The display cannot be read.
    Unseen(String),
    /// It stands there, and its box is here now.
    At(Point, String),
    /// It cannot be delivered into, and why.
    Hindered(String),
}

/// Looks for the agent's window as a delivery would; `seen` is the one last delivered into.
#[cfg(all(feature = "desktop", target_os = "linux"))]
pub fn find(
    seat: &SeatId,
    place: Point,
    profile: &Profile,
    seen: Option<&Fingerprint>,
) -> Standing {
    use crate::adapters::desktop::x11::desktop::X11Desktop;
    use crate::delivery::ports::Desktop as _;
    use crate::delivery::preflight::{Expected, judge};
    use crate::delivery::whereabouts::whereabouts;

    let declared = profile.fingerprint.as_ref();
    let expected = match Expected::by(profile.window.as_deref(), declared, seen) {
        Ok(expected) => expected,
        Err(obstacle) => return Standing::Hindered(obstacle.detail),
    };
    let looked = X11Desktop::open(seat.as_str()).and_then(|mut desktop| {
        let survey = desktop.survey(place)?;
        Ok(match whereabouts(&survey, place, declared, &expected) {
            Ok(now) if now == place => (Ok(now), survey),
            Ok(now) => (Ok(now), desktop.survey(now)?),
            Err(obstacle) => (Err(obstacle), survey),
        })
    });
    match looked {
        Err(trouble) => Standing::Unseen(format!("display {seat} cannot be read: {trouble}")),
        Ok((Err(obstacle), _)) => Standing::Hindered(obstacle.detail),
        Ok((Ok(now), survey)) => match judge(&survey, now, &expected) {
            Ok(window) => Standing::At(now, window.fingerprint.title.clone()),
            Err(obstacle) if obstacle.may_pass() => {
                Standing::At(now, format!("busy: {}", obstacle.detail))
            }
            Err(obstacle) => Standing::Hindered(obstacle.detail),
        },
    }
}

/// Without eyes nothing can be compared.
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
pub fn find(
    seat: &SeatId,
    _place: Point,
    _profile: &Profile,
    _seen: Option<&Fingerprint>,
) -> Standing {
    Standing::Unseen(format!("this build cannot look at display {seat}"))
}

/// Without eyes every place is taken on trust.
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
pub fn look(seat: &SeatId, _places: &[Point]) -> Result<Sight, Failure> {
    let remark = format!("this build cannot look at display {seat}, so places are not checked");
    Ok(Sight {
        remark: Some(remark),
        ..Sight::default()
    })
}

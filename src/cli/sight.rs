//! What stands at a place on a display, looked at before an agent is placed there.

#[cfg(all(feature = "desktop", target_os = "linux"))]
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
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

/// Without eyes every place is taken on trust.
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
pub fn look(seat: &SeatId, _places: &[Point]) -> Result<Sight, Failure> {
    let remark = format!("this build cannot look at display {seat}, so places are not checked");
    Ok(Sight {
        remark: Some(remark),
        ..Sight::default()
    })
}

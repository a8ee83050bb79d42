//! The hidden verb `seat-worker`: one display's hands in a process of their own.

use std::io::{self, BufReader, Write};
use std::time::{Duration, Instant};

use super::exit::{Exit, Failure};
use super::values::DesktopChoice;
use super::verbs::clipboard_keeper::ClipboardKeeperArgs;
use crate::adapters::desktop::record::RecordDesktop;
use crate::delivery::hands::Pace;
use crate::delivery::job::ClipboardLimits;
use crate::delivery::ports::Desktop;
use crate::delivery::worker;
use crate::events::ids::SeatId;
use crate::events::time::Timestamp;

/// Time as the operating system counts it, from a wall clock's start so that it never steps back.
#[derive(Debug)]
struct SystemPace {
    wall: Timestamp,
    start: Instant,
}

impl SystemPace {
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge where a worker's time comes in"
    )]
    fn begin() -> Self {
        use crate::events::time::Clock as _;
        Self {
            wall: crate::adapters::clock::SystemClock.now(),
            start: Instant::now(),
        }
    }
}

impl Pace for SystemPace {
    fn now(&mut self) -> Timestamp {
        self.wall.after(self.start.elapsed())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "letting time pass is what it is for"
    )]
    fn wait(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// Claims the seat, opens the desktop, and carries what standard input says until it is closed.
pub fn serve(seat: &SeatId, desktop: DesktopChoice, corner: bool) -> Result<Exit, Failure> {
    // Not locked: who watches the corner speaks in between, a whole line at a time.
    let mut output = io::stdout();
    match desktop {
        DesktopChoice::None => {
            worker::unable(
                &mut output,
                "there is no desktop: --desktop none".to_owned(),
            )?;
            Ok(Exit::Done)
        }
        DesktopChoice::Record(file) => match RecordDesktop::open(&file) {
            Ok(mut desktop) => {
                carry(&mut desktop, &mut output)?;
                Ok(Exit::Done)
            }
            Err(error) => {
                let reason = format!("{} cannot be written: {error}", file.display());
                worker::unable(&mut output, reason)?;
                Ok(Exit::Done)
            }
        },
        DesktopChoice::X11 => real(seat, corner, &mut output),
    }
}

fn carry(
    desktop: &mut dyn Desktop,
    output: &mut dyn Write,
) -> Result<Option<ClipboardLimits>, Failure> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut pace = SystemPace::begin();
    Ok(worker::serve(desktop, &mut pace, &mut input, output)?)
}

/// How long a seat that another program holds is waited for: a worker whose owner died needs a
/// moment to notice.
#[cfg(all(feature = "desktop", target_os = "linux"))]
const CLAIM_PATIENCE: Duration = Duration::from_secs(10);

#[cfg(all(feature = "desktop", target_os = "linux"))]
fn real(seat: &SeatId, corner_stops: bool, output: &mut dyn Write) -> Result<Exit, Failure> {
    use crate::adapters::desktop::x11::corner;
    use crate::adapters::desktop::x11::desktop::X11Desktop;
    use crate::adapters::desktop::x11::keeper;
    use crate::adapters::desktop::x11::seat::{NotClaimed, SeatClaim};

    let mut pace = SystemPace::begin();
    let give_up = pace.now().after(CLAIM_PATIENCE);
    let claim = loop {
        match SeatClaim::take(seat.as_str()) {
            Ok(claim) => break claim,
            Err(NotClaimed::Taken { .. }) if pace.now() < give_up => {
                pace.wait(Duration::from_millis(50));
            }
            Err(error) => {
                worker::unable(output, format!("seat {seat}: {error}"))?;
                return Ok(Exit::Done);
            }
        }
    };
    let done = match X11Desktop::open(seat.as_str()) {
        Ok(mut desktop) => {
            if corner_stops
                && let Err(trouble) = corner::watch(seat.as_str(), || {
                    // An owner that is gone stops its hands anyway.
                    worker::corner(&mut io::stdout()).unwrap_or_default();
                })
            {
                tracing::warn!(%trouble, "the corner that stops all hands is not watched");
            }
            let clipboard = carry(&mut desktop, output)?;
            let keep = clipboard.map_or(Duration::ZERO, |limits| limits.keep);
            // While the seat is still ours, so that the next worker finds the clipboard in one pair
            // of hands. A display that is gone has no clipboard.
            if !keep.is_zero()
                && let Ok(Some(holding)) = desktop.holding()
            {
                keeper::hand_on(seat.as_str(), &holding, keep)?;
            }
            Ok(Exit::Done)
        }
        Err(trouble) => {
            worker::unable(output, format!("seat {seat}: {trouble}"))?;
            Ok(Exit::Done)
        }
    };
    drop(claim);
    done
}

/// Elsewhere the hands work blind: nothing is observed, and the proof says so.
#[cfg(all(feature = "desktop", not(target_os = "linux")))]
fn real(_seat: &SeatId, _corner: bool, output: &mut dyn Write) -> Result<Exit, Failure> {
    match crate::adapters::desktop::blind::BlindDesktop::open() {
        Ok(mut desktop) => {
            carry(&mut desktop, output)?;
            Ok(Exit::Done)
        }
        Err(trouble) => {
            worker::unable(output, trouble.to_string())?;
            Ok(Exit::Done)
        }
    }
}

#[cfg(not(feature = "desktop"))]
fn real(seat: &SeatId, _corner: bool, output: &mut dyn Write) -> Result<Exit, Failure> {
    worker::unable(
        output,
        format!("seat {seat}: this build has no hands (feature `desktop`)"),
    )?;
    Ok(Exit::Done)
}

/// Keeps what standard input says in the clipboard of a display.
#[cfg(all(feature = "desktop", target_os = "linux"))]
pub fn keep_clipboard(args: &ClipboardKeeperArgs) -> Result<Exit, Failure> {
    use crate::adapters::desktop::x11::keeper::{Holding, keep};

    let holding = Holding {
        window: args.from,
        private: args.private,
        text: io::read_to_string(io::stdin())?,
    };
    keep(args.seat.as_str(), holding, args.span, &mut io::stdout())
        .map_err(|trouble| Failure::new(Exit::Failed, "clipboard", trouble.to_string()))?;
    Ok(Exit::Done)
}

/// Elsewhere the system keeps the clipboard.
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
pub fn keep_clipboard(args: &ClipboardKeeperArgs) -> Result<Exit, Failure> {
    let text = format!("seat {}: nothing needs keeping here", args.seat);
    Err(Failure::new(Exit::Failed, "clipboard", text))
}

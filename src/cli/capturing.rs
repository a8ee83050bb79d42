//! `switchboard agent capture`: the pointer shows where an agent's box is.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::entry::Run;
use super::exit::{Exit, Failure};
use super::sight::{Pointing, Sight};
use super::verbs::agent::CaptureArgs;
use crate::commands::change_agent::ChangeAgent;
use crate::commands::command::Command;
use crate::commands::place_agent::PlaceAgent;
use crate::events::facts::screen::{Fingerprint, Point};
use crate::events::ids::SeatId;

/// How often the read-out follows the pointer.
const REFRESH: Duration = Duration::from_millis(100);

impl CaptureArgs {
    /// Does it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let mut profile = run.profile(&self.id)?;
        let Some(seat) = self
            .seat
            .or_else(|| profile.seat.clone())
            .or(run.seat(None)?)
        else {
            let text = format!("nobody says on which display {} is", self.id);
            return Err(Failure::new(Exit::Usage, "no_seat", text).hint("name it with --seat :0"));
        };
        let mut pointing = Pointing::open(&seat)?;
        let asks = self.after.is_none()
            && !run.globals.no_input
            && io::stdin().is_terminal()
            && io::stderr().is_terminal();
        let (at, window) = if asks {
            let question = format!(
                "Point at the input box of {}; Enter takes it, q and Enter leaves it.",
                self.id
            );
            run.printer.say(&question);
            point_out(run, &mut pointing, &seat)?
        } else {
            wait(self.after.unwrap_or_default());
            pointing.look(&seat)?
        };
        let Some(window) = window else {
            let text = format!("no window lies under the pointer at {at}");
            return Err(Failure::new(Exit::Refused, "no_window", text)
                .hint("rest the pointer on the agent's input box, then capture again; --after 5s gives time"));
        };
        let sight = Sight {
            checked: true,
            window: Some(window.clone()),
            remark: Some(format!("taken: {}", described(at, Some(&window)))),
        };
        let command: Command = if self.onboarding {
            profile.onboarding_place = Some(at);
            ChangeAgent {
                agent: self.id,
                profile,
            }
            .into()
        } else {
            PlaceAgent {
                agent: self.id,
                seat,
                place: at,
                checked: true,
                fingerprint: Some(window),
            }
            .into()
        };
        run.declare(command, &sight)
    }
}

/// Shows what lies under the pointer until a line is entered.
fn point_out(
    run: &mut Run,
    pointing: &mut Pointing,
    seat: &SeatId,
) -> Result<(Point, Option<Fingerprint>), Failure> {
    let lines = entered_lines();
    loop {
        let (at, window) = pointing.look(seat)?;
        run.printer.live(&described(at, window.as_ref()));
        match lines.recv_timeout(REFRESH) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(line) if line.trim().is_empty() => return pointing.look(seat),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(Exit::Failed, "left", "nothing was taken"));
            }
        }
    }
}

/// The first line of standard input, read beside the read-out.
fn entered_lines() -> Receiver<String> {
    let (told, lines) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        // The end of the input is no Enter: the channel closes without a word.
        if io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) {
            told.send(line).unwrap_or_default();
        }
    });
    lines
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person asked for this time to put the pointer in its place"
)]
fn wait(span: Duration) {
    thread::sleep(span);
}

/// One line: the place, its offset in the window, the window.
fn described(at: Point, window: Option<&Fingerprint>) -> String {
    let Some(window) = window else {
        return format!("{at}  no window");
    };
    let (frame, process) = (window.frame, window.process);
    format!(
        "{at}  {},{} in `{}` ({}{}, {}x{})",
        at.x.saturating_sub(frame.x),
        at.y.saturating_sub(frame.y),
        window.title,
        window.class,
        process.map_or_else(String::new, |process| format!(", process {process}")),
        frame.width,
        frame.height
    )
}

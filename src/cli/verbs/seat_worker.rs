//! `switchboard seat-worker`: the hands of one seat. Started by the ledger's owner, not by people.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::seat_worker;
use crate::cli::values::DesktopChoice;
use crate::events::ids::SeatId;

/// Move the hands of one seat, as told on standard input.
#[derive(Clone, Debug, Args)]
#[command(hide = true)]
pub struct SeatWorkerArgs {
    /// Which seat
    #[arg(long, value_name = "DISPLAY")]
    pub seat: SeatId,
    /// Which desktop: x11, none or record:FILE
    #[arg(long, value_name = "DESKTOP")]
    pub desktop: Option<DesktopChoice>,
    /// Whether the pointer in the corner stops all hands
    #[arg(long)]
    pub panic_corner: bool,
}

impl SeatWorkerArgs {
    /// Serves the seat until its owner closes standard input.
    pub fn run(self, _run: &mut Run) -> Result<Exit, Failure> {
        let desktop = self.desktop.unwrap_or(DesktopChoice::X11);
        seat_worker::serve(&self.seat, desktop, self.panic_corner)
    }
}

//! `switchboard seat-worker`: the hands of one seat. Started by the ledger's owner, not by people.

use clap::Args;

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
}

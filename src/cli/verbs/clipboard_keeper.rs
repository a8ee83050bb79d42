//! `switchboard clipboard-keeper`: a text in the clipboard for as long as nobody else puts one there.
//! Started by a seat's worker that ends, not by people.

use std::time::Duration;

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::seat_worker;
use crate::events::ids::SeatId;
use crate::events::time::parse_span;

/// Keep the text on standard input in the clipboard.
#[derive(Clone, Debug, Args)]
#[command(hide = true)]
pub struct ClipboardKeeperArgs {
    /// On which display
    #[arg(long, value_name = "DISPLAY")]
    pub seat: SeatId,
    /// The window that owns the clipboard until then
    #[arg(long, value_name = "WINDOW")]
    pub from: u32,
    /// For how long at most
    #[arg(long, value_name = "D", value_parser = parse_span)]
    pub span: Duration,
    /// Keep it out of clipboard histories
    #[arg(long)]
    pub private: bool,
}

impl ClipboardKeeperArgs {
    /// Keeps it until somebody else owns the clipboard.
    pub fn run(self, _run: &mut Run) -> Result<Exit, Failure> {
        seat_worker::keep_clipboard(&self)
    }
}

//! `switchboard top`: the dashboard's first page in the terminal.

use clap::Args;

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::paint::Paint;
use crate::cli::top::frame::whole_text;
use crate::cli::top::live::{Asking, WHAT, live};
use crate::cli::top::terminal;

/// How wide a text is that goes to no terminal.
const COLUMNS: usize = 100;

/// Watch the desk in the terminal: figures of 24 hours, agents, queue, errors, alerts, events.
///
/// Asks once a second, with a daemon or without one. Keys: q leaves, p pauses, tab changes the pane,
/// left and right the order of its rows, ? explains. Where there is no terminal, one look is printed.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard top
  switchboard top --once
  switchboard --json top | jq .day")]
pub struct TopArgs {
    /// Print one look and leave
    #[arg(long)]
    pub once: bool,
}

impl TopArgs {
    /// Shows the desk until somebody leaves, or once.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let manner = run.printer.manner();
        let dumb = run.environment.text("TERM") == Some("dumb");
        if self.once || manner.json || dumb || !terminal::is_there() {
            let columns = columns(run);
            return run.tell(WHAT, |item, paint| text(item, columns, paint));
        }
        let asking = Asking {
            plan: run.plan(None)?,
            request: run.request(WHAT, None)?,
        };
        run.block_on(live(asking, manner.paint))
    }
}

/// As wide as the terminal, or as `COLUMNS` says.
fn columns(run: &Run) -> usize {
    let said = run.environment.text("COLUMNS");
    let said = said.and_then(|said| said.parse().ok());
    let there = terminal::size().map(|size| size.columns);
    there.or(said).unwrap_or(COLUMNS).clamp(20, 1_000)
}

fn text(item: &serde_json::Value, columns: usize, paint: Paint) -> String {
    let lines = whole_text(item, columns);
    let lines: Vec<String> = lines.iter().map(|line| line.render(paint)).collect();
    lines.join("\n")
}

//! `switchboard alerts`: what is wrong, and who looks after it.

use clap::{Args, Subcommand};

use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::alerts;
use crate::cli::owner::request::What;
use crate::commands::keep_alert::AcknowledgeAlert;
use crate::events::facts::alert::AlertId;
use crate::events::ids::AgentId;

/// Show what is wrong, or say that somebody looks after it.
///
/// `switchboard serve` looks at figures by the rules in `alerts.rules`: what is bad is pending at first, is raised
/// when it lasts, and is over when it has been well for a while. Nobody serves: nothing is looked at, and alerts
/// stay as they were.
#[derive(Clone, Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    before_help = "Examples:
  switchboard alerts
  switchboard alerts --all
  switchboard alerts ack breaker-open:agent-3:gui"
)]
pub struct AlertsArgs {
    /// What to do; show them if not said.
    #[command(subcommand)]
    pub verb: Option<AlertsVerb>,
    /// Also the last ones that are over
    #[arg(long)]
    pub all: bool,
}

/// What can be done with alerts.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "each verb is documented at its arguments")]
pub enum AlertsVerb {
    Ack(AckAlertArgs),
}

/// Say that somebody looks after an alert.
///
/// It does not become worse then, and is over as soon as its figure is well. The first one's word stays.
/// Exit 4: there is no such alert; 5: it is not raised yet, or over.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard alerts ack disk-free
  switchboard alerts ack breaker-open:agent-3:gui --as agent-1")]
#[expect(clippy::doc_markdown, reason = "help for a terminal, not Markdown")]
pub struct AckAlertArgs {
    /// Which, as `switchboard alerts` names it
    #[arg(value_name = "ID")]
    pub alert: AlertId,
    /// Who looks after it [env: SWITCHBOARD_AGENT] [default: operator]
    #[arg(long = "as", value_name = "ID")]
    pub by: Option<AgentId>,
}

impl AlertsArgs {
    /// Shows or acknowledges.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let Some(AlertsVerb::Ack(ack)) = self.verb else {
            let (exit, items) = run.ask(What::Alerts { all: self.all })?;
            run.printer.list(&items, alerts::table)?;
            return Ok(exit);
        };
        let by = run.sender(ack.by.as_ref())?;
        let alert = ack.alert;
        run.execute(AcknowledgeAlert { alert, by }, alerts::acknowledged)
    }
}

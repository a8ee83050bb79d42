//! `switchboard serve`: the daemon.

use std::net::SocketAddr;

use clap::Args;

use crate::cli::daemon;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::values::DesktopChoice;
use serde_json::json;

/// Run the desk: own the ledger, deliver, and serve other commands and the query API.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard serve
  switchboard serve --listen 127.0.0.1:8080")]
pub struct ServeArgs {
    /// Where the query API listens [default: 127.0.0.1:7717]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub insecure_listen: bool,
    /// Which desktop the hands use: x11, none or record:FILE [default: x11]
    #[arg(long, value_name = "DESKTOP")]
    pub desktop: Option<DesktopChoice>,
}

impl ServeArgs {
    /// Owns the ledger until a signal ends it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        if let Some(listen) = self.listen
            && !listen.ip().is_loopback()
            && !self.insecure_listen
        {
            let text = format!("{listen} can be reached by other machines");
            return Err(Failure::new(Exit::NotAllowed, "insecure_listen", text)
                .hint("listen on 127.0.0.1, or insist with --insecure-listen"));
        }
        let mut plan = run.plan(self.desktop.map(|desktop| desktop.to_string()))?;
        plan.daemon = true;
        let store = plan.store.display().to_string();
        let mut printer = run.printer.take();
        let done = run.block_on(daemon::run(&plan, |settings| {
            let item = json!({
                "record": "serving", "store": store, "pid": std::process::id(),
                "settings": settings,
            });
            printer.answer(&item, |_, _| {
                format!(
                    "switchboard serves {store} (process {})",
                    std::process::id()
                )
            })
        }));
        run.printer = printer;
        done
    }
}

//! `switchboard serve`: the daemon.

use std::net::SocketAddr;

use clap::Args;

use crate::cli::daemon;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::values::DesktopChoice;
use crate::config::layers::{Config, Flag};
use serde_json::json;

/// Run the desk: own the ledger, deliver, and serve other commands and the query API.
///
/// The query API changes nothing. `/docs` on its address describes it. The printed object says where it
/// listens (`"http"`); that is null when nobody named an address and the default one is taken.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard serve
  switchboard serve --listen 127.0.0.1:8080")]
pub struct ServeArgs {
    /// Where the query API listens; port 0 is any free one [default: 127.0.0.1:7717]
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
        let mut plan = run.plan(self.desktop.map(|desktop| desktop.to_string()))?;
        plan.daemon = true;
        if let Some(listen) = self.listen {
            plan.sources.flags.push(Flag {
                key: "serve.listen".to_owned(),
                text: listen.to_string(),
                flag: "--listen".to_owned(),
            });
        }
        let exposed = self.insecure_listen;
        // Before anything is locked; once more when the ledger's own settings are known.
        daemon::check_listen(&Config::load(&plan.sources)?, exposed)?;
        let store = plan.store.display().to_string();
        let mut printer = run.printer.take();
        let done = run.block_on(daemon::run(&plan, exposed, |settings, http| {
            let item = json!({
                "record": "serving", "store": store, "pid": std::process::id(),
                "settings": settings, "http": http.map(|http| format!("http://{http}")),
            });
            printer.answer(&item, |_, _| {
                let id = std::process::id();
                let http = http.map_or_else(String::new, |http| format!(" at http://{http}"));
                format!("switchboard serves {store}{http} (process {id})")
            })
        }));
        run.printer = printer;
        done
    }
}

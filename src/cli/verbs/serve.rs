//! `switchboard serve`: the daemon.

use std::net::SocketAddr;

use clap::Args;

use crate::cli::values::DesktopChoice;

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

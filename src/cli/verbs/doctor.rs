//! `switchboard doctor`: is this machine fit for it?

use clap::Args;

/// Check this machine: display, clipboard, store, configuration, agents' places.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard doctor")]
pub struct DoctorArgs {}

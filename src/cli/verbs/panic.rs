//! `switchboard panic`: stop all hands at once.

use clap::Args;

/// Stop all hands at once.
///
/// Every attempt under way is cut off, held keys are let go, and nothing moves until
/// `switchboard resume`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard panic
  switchboard resume")]
pub struct PanicArgs {}

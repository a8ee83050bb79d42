//! `switchboard init`.

use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::events::ledger::handle::{Edge, Ledger};
use crate::events::ledger::reserve::Reserve;
use clap::Args;
use serde_json::json;
use std::sync::Arc;

/// Make a new, empty ledger in the store folder.
///
/// A folder that already holds a ledger is left as it is (exit 16).
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard init
  switchboard --store ./desk init")]
pub struct InitArgs {}

impl InitArgs {
    /// Makes the ledger.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let store = run.store()?;
        // The user's data folder may not be there yet; the store's own folder is the ledger's.
        if let Some(parent) = store.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let edge = Edge {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            reserve: Reserve::default(),
        };
        let ledger = Ledger::create(&store, edge, env!("CARGO_PKG_VERSION"))?;
        let (id, timeline) = ledger.identity();
        ledger.close()?;
        let item = json!({
            "store": store.display().to_string(), "ledger": id, "timeline": timeline,
        });
        run.printer.answer(&item, |_, _| {
            format!("a new ledger stands in {}", store.display())
        })?;
        Ok(Exit::Done)
    }
}

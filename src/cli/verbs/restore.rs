//! `switchboard restore`: a ledger as it was, in a new place.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::backup::args::RepoArgs;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::backup::catalog::Catalog;
use crate::backup::plan::Target;
use crate::backup::restore::{Into, rehearse, restore};
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::cli::values::{AsOf, position};
use crate::config::layers::Config;
use crate::events::ids::{EventId, Position};
use crate::events::ledger::disk::OsDisk;
use crate::events::ledger::handle::Edge;
use crate::events::ledger::options::Options;
use crate::events::ledger::reserve::Reserve;
use crate::events::ledger::restoring::check_target;

/// Restore a ledger from a backup into a new folder, as it was at any position or instant.
///
/// Never writes over anything: the folder must be absent or empty (16), and gets its content in one
/// instant when everything is proven. Exit 15 when the target lies outside of what was backed up, 9 when
/// something that is needed is damaged. In the restored ledger a new timeline begins, and deliveries are
/// paused until `switchboard resume`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard restore --repo /mnt/backup/desk --target ./desk-again --latest
  switchboard restore --repo /mnt/backup/desk --target ./desk-again --at 2025-01-31T12:00:00Z
  switchboard restore --repo /mnt/backup/desk --target ./desk-again --position 1200 --dry-run")]
#[command(group = clap::ArgGroup::new("until").required(true))]
pub struct RestoreArgs {
    /// Where the backups are.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// The new store's folder
    #[arg(long, value_name = "DIR")]
    pub target: PathBuf,
    /// Everything recorded up to this instant, inclusive; all digits are a position
    #[arg(long, value_name = "T", group = "until")]
    pub at: Option<AsOf>,
    /// With --at: without what was recorded at the instant itself
    #[arg(long, requires = "at")]
    pub exclusive: bool,
    /// Up to this position
    #[arg(long, value_name = "N", group = "until", value_parser = position)]
    pub position: Option<Position>,
    /// Up to this event
    #[arg(long, value_name = "ID", group = "until")]
    pub event: Option<Uuid>,
    /// Up to where this label stands
    #[arg(long, value_name = "L", group = "until")]
    pub label: Option<String>,
    /// Everything that was backed up
    #[arg(long, group = "until")]
    pub latest: bool,
    /// Of this timeline [default: that of the newest backup]
    #[arg(long, value_name = "UUID")]
    pub timeline: Option<Uuid>,
    /// Only say what would be restored, having read and proven it
    #[arg(long)]
    pub dry_run: bool,
}

impl RestoreArgs {
    fn until(&self) -> Target {
        match (self.at, self.position, self.event, &self.label) {
            (Some(AsOf::Instant(at)), _, _, _) => Target::Instant {
                at,
                exclusive: self.exclusive,
            },
            (Some(AsOf::Position(Position(at))), _, _, _) => {
                Target::Position(at.saturating_sub(u64::from(self.exclusive)))
            }
            (None, Some(Position(at)), _, _) => Target::Position(at),
            (None, None, Some(event), _) => Target::Event(EventId(event)),
            (None, None, None, Some(label)) => Target::Label(label.clone()),
            (None, None, None, None) => Target::Latest,
        }
    }

    /// Restores.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let catalog = self.repo.catalog(run)?;
        warn(&catalog, run);
        let plan = catalog.known().restore(&self.until(), self.timeline)?;
        // Said before anything is read.
        check_target(&self.target).map_err(crate::backup::error::BackupError::from)?;
        let restored = if self.dry_run {
            run.telling(|tell| rehearse(&catalog, &plan, tell))?
        } else {
            let config = Config::load(&run.sources())?;
            let into = Into {
                target: self.target.clone(),
                edge: Edge {
                    clock: Arc::new(SystemClock),
                    ids: Arc::new(RandomIds),
                    reserve: Reserve::of(config.settings().store.min_free.0),
                },
                disk: Arc::new(OsDisk),
                options: Options::default(),
                made_by: env!("CARGO_PKG_VERSION").to_owned(),
            };
            run.telling(|tell| restore(&catalog, &plan, &into, tell))?
        };
        let item = restored.to_json(&self.target);
        run.printer.answer(&json!(item), copies::restored)?;
        Ok(Exit::Done)
    }
}

/// Damage elsewhere in the repository is said; what is needed is proven.
fn warn(catalog: &Catalog, run: &mut Run) {
    for damage in &catalog.damage {
        run.printer
            .say(&format!("warning: {}: {}", damage.object, damage.problem));
    }
}

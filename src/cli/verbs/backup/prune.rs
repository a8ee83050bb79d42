//! `switchboard backup prune`.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::args::RepoArgs;
use crate::adapters::clock::SystemClock;
use crate::backup::plan_prune::{Policy, Span};
use crate::backup::prune::{apply, plan};
use crate::cli::answers::backup::hold;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;
use crate::events::facts::words::Word;
use crate::events::time::{Clock as _, parse_span};

/// Remove backups that no rule keeps, and what only they need.
///
/// Only shows what would be removed until --confirm is given. What any kept backup needs stays, and so does
/// the newest full backup that is whole. Removed objects lie in the trash for a day first. Rules count for
/// each timeline by itself, and a policy without any rule is refused (6).
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup prune --repo /mnt/backup/desk --keep-last 7 --keep-weekly 8
  switchboard backup prune --repo /mnt/backup/desk --keep-within 1m --keep-tag release --confirm")]
pub struct PruneArgs {
    /// Where.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_last: usize,
    /// The newest of each of the last so many hours that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_hourly: usize,
    /// The same by days, in UTC
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_daily: usize,
    /// The same by weeks
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_weekly: usize,
    /// The same by months
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_monthly: usize,
    /// The same by years
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_yearly: usize,
    /// Everything at most so much older than the newest, like 2y5m7d3h (m = months)
    #[arg(long, value_name = "SPAN")]
    pub keep_within: Option<Span>,
    /// Everything with this word (repeatable)
    #[arg(long, value_name = "T")]
    pub keep_tag: Vec<Word>,
    /// Really do it
    #[arg(long)]
    pub confirm: bool,
    /// How long removed objects lie in the trash; 0 frees their room at once
    #[arg(long, value_name = "D", value_parser = parse_span, default_value = "24h")]
    pub trash_age: Duration,
}

impl PruneArgs {
    fn policy(&self) -> Policy {
        Policy {
            last: self.keep_last,
            hourly: self.keep_hourly,
            daily: self.keep_daily,
            weekly: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
            within: self.keep_within,
            tags: self.keep_tag.iter().map(ToString::to_string).collect(),
        }
    }

    /// Plans, shows, and perhaps does it.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        // The repository is looked at once nobody changes it any more.
        let catalog = self.repo.catalog(run)?;
        let (_held, catalog) = if self.confirm {
            let held = hold(&self.repo.at(run)?, "prune", Arc::new(SystemClock))?;
            if let Some(broken) = &held.broken {
                run.printer.say(&format!("the lock of {broken} was broken"));
            }
            (Some(held), self.repo.catalog(run)?)
        } else {
            (None, catalog)
        };
        let now = SystemClock.now();
        let plan = plan(&catalog, &self.policy(), (now, self.trash_age))?;
        if self.confirm {
            apply(&catalog, &plan, now, self.trash_age.is_zero())?;
        }
        let mut items: Vec<Value> = Vec::new();
        for (verdict, manifest) in plan.verdicts.iter().zip(&catalog.manifests) {
            let mut item = manifest.to_json();
            if let Value::Object(fields) = &mut item {
                fields.insert("record".to_owned(), json!("verdict"));
                fields.insert("kept".to_owned(), json!(!verdict.because.is_empty()));
                fields.insert("because".to_owned(), json!(verdict.because));
            }
            items.push(item);
        }
        items.push(json!({
            "record": "summary",
            "confirmed": self.confirm,
            "backups": plan.manifests.len(),
            "segments": plan.segments.len(),
            "blobs": plan.bodies.len(),
            "bytes": plan.bytes(),
            "trash_emptied": if self.confirm { plan.trash.len() } else { 0 },
            "note": plan.note,
        }));
        run.printer.list(&items, copies::pruned)?;
        Ok(Exit::Done)
    }
}

//! `switchboard backup rekey`: other keys for an encrypted repository.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::args::RepoArgs;
use crate::adapters::clock::SystemClock;
use crate::adapters::keys::Holders;
use crate::adapters::vault::FolderVault;
use crate::backup::encryption::rekey;
use crate::cli::answers::backup::hold;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::copies;

/// Say anew who can open an encrypted repository.
///
/// The key that everything is encrypted with is wrapped for the public keys and the passphrase given here,
/// and for nobody else. Every backup stays as it is. Whoever had a key and a copy of the repository before
/// can still read that copy: where a key was stolen, begin a new repository as well.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard backup rekey --repo /mnt/backup/desk --identity old.txt --encrypt-to age1…
  switchboard backup rekey --repo /mnt/backup/desk --passphrase-file old --new-passphrase-file new")]
#[command(group = clap::ArgGroup::new("holders").required(true).multiple(true))]
pub struct RekeyArgs {
    /// Where, and what opens it now.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// An age public key that opens it from now on (repeatable)
    #[arg(long, value_name = "AGE-RECIPIENT", group = "holders")]
    pub encrypt_to: Vec<String>,
    /// A file whose first line is the passphrase from now on
    #[arg(long, value_name = "F", group = "holders")]
    pub new_passphrase_file: Option<PathBuf>,
}

impl RekeyArgs {
    /// Wraps the key anew.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let keys = self.repo.keys(run)?;
        let holders = Holders {
            recipients: self.encrypt_to,
            passphrase_file: self.new_passphrase_file,
        };
        let wrapped = keys.wrapped_for(&self.repo.at(run)?, &holders)?;
        let held = hold(&self.repo.at(run)?, "rekey", Arc::new(SystemClock))?;
        if let Some(broken) = &held.broken {
            run.printer.say(&format!("the lock of {broken} was broken"));
        }
        let config = rekey(&FolderVault::at(&self.repo.at(run)?), wrapped)?;
        let wrapped = config.encryption.map(|it| it.wrapped).unwrap_or_default();
        let recipients: Vec<&String> = wrapped.iter().flat_map(|it| &it.recipients).collect();
        let item = json!({
            "record": "summary",
            "repository": config.repository,
            "recipients": recipients,
            "passphrase": wrapped.iter().any(|it| it.recipients.is_empty()),
        });
        run.printer.answer(&item, copies::rekeyed)?;
        Ok(Exit::Done)
    }
}

//! `backup full|incremental|differential|label`: taken by whoever owns the ledger, while it goes on.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Asked;
use crate::adapters::processes;
use crate::adapters::vault::FolderVault;
use crate::backup::encryption::Encryption;
use crate::backup::error::{Progress, Tell};
use crate::backup::lock::Held;
use crate::backup::restore::state_hash;
use crate::backup::take::{Edge, Taken, Wish, open_or_make, take};
use crate::cli::exit::{Exit, Failure};
use crate::cli::keys::Keys;
use crate::cli::owner::open::Owner;
use crate::cli::owner::request::Backup;
use crate::commands::command::Command;
use crate::commands::record_backup::RecordBackup;
use crate::events::envelope::Cause;
use crate::events::facts::backup::{BackupTaken, Kind};
use crate::events::ids::{CommandId, Position};
use crate::events::time::{Clock, Timestamp};

/// Threads that pack. More would only take the cores from the ledger's writer.
const THREADS: usize = 2;

/// Takes a backup, says how far it has come, and what it is.
pub async fn take_one(asked: Asked, wanted: Backup) -> Result<Exit, Failure> {
    let taken = asked
        .off_thread(move |asked| take_here(asked, &wanted))
        .await?;
    let mut item = taken.manifest.to_json();
    if let Value::Object(fields) = &mut item {
        fields.insert("record".to_owned(), json!("summary"));
        fields.insert("unchanged".to_owned(), json!(taken.unchanged));
        fields.insert("notes".to_owned(), json!(taken.notes));
    }
    asked.items.say(item).await?;
    Ok(Exit::Done)
}

fn take_here(asked: &Asked, wanted: &Backup) -> Result<Taken, Failure> {
    let owner = &asked.owner;
    let mut pace = Pace::begun(owner.now());
    let mut tell = |progress: Progress| {
        let going = *owner.leaving().borrow();
        if going || asked.items.0.is_closed() {
            return ControlFlow::Break(());
        }
        let item = pace.item(progress, owner.now());
        match asked.items.0.blocking_send(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_nobody_listens) => ControlFlow::Break(()),
        }
    };
    take_for(owner, wanted, &asked.cause, &mut tell)
}

/// Takes a backup of the owner's ledger, and notes it there.
pub fn take_for(
    owner: &Owner,
    wanted: &Backup,
    cause: &Cause,
    tell: &mut Tell<'_>,
) -> Result<Taken, Failure> {
    let ledger = owner.desk.ledger();
    let keys = wanted.keys.clone().or(&owner.config().settings().backup);
    let (vault, encryption) = keys.vault_to_write(&wanted.repo)?;
    let wish = wish(owner, wanted, encryption)?;
    let edge = Edge {
        clock: Arc::clone(&owner.clock),
        ids: Arc::clone(&owner.ids),
    };
    open_or_make(
        &vault,
        ledger.identity().0,
        &edge,
        (&wish.made_by, wish.encryption.as_ref()),
    )?;
    let held = hold(&wanted.repo, "backup", Arc::clone(&owner.clock))?;
    let mut taken = take(ledger, &vault, &wish, &edge, tell)?;
    if wanted.kind != Kind::Label && !taken.unchanged {
        let manifest = &taken.manifest;
        let record = RecordBackup {
            taken: BackupTaken {
                backup: manifest.id,
                repository: taken.repository,
                kind: manifest.kind,
                first: manifest.first_position,
                last: manifest.last_position,
                stored: manifest.bytes_stored,
                micros: manifest.micros,
            },
        };
        if let Err(failure) = record_here(owner, cause, record) {
            // The backup stands all the same.
            taken
                .notes
                .push(format!("not noted in the ledger: {}", failure.message));
        }
    }
    if let Some(broken) = &held.broken {
        taken.notes.push(format!("the lock of {broken} was broken"));
    }
    Ok(taken)
}

/// What is backed up: everything up to now, with the state there.
fn wish(owner: &Owner, wanted: &Backup, encryption: Option<Encryption>) -> Result<Wish, Failure> {
    let ledger = owner.desk.ledger();
    owner.projections.catch_up(ledger)?;
    let (at, state) = owner
        .projections
        .read(|states| (states.position, state_hash(states)));
    let at = match wanted.position {
        Some(position) if position > at => {
            let text = format!("position {position} lies beyond the newest event, {at}");
            return Err(Failure::new(Exit::OutOfRange, "beyond_head", text));
        }
        Some(position) => position,
        // Where every projection is stopped, the events go on all the same.
        None if at == Position::START => ledger.head().position,
        None => at,
    };
    Ok(Wish {
        kind: wanted.kind,
        label: wanted.label.clone(),
        tags: wanted.tags.clone(),
        at,
        state: state.filter(|_| wanted.position.is_none()),
        despite_fork: wanted.despite_fork,
        threads: THREADS,
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        encryption,
    })
}

/// Notes what was done under a wish of its own: it happened, however often it is asked for.
pub fn record_here(
    owner: &Owner,
    cause: &Cause,
    command: impl Into<Command>,
) -> Result<(), Failure> {
    let now = owner.now();
    let cause = Cause {
        command: CommandId(owner.ids.fresh(now)),
        ..cause.clone()
    };
    owner.desk.execute(&command.into(), &cause, now)?;
    Ok(())
}

/// Holds the repository in this folder while something is written there.
pub fn hold(folder: &Path, what: &str, clock: Arc<dyn Clock>) -> Result<Held, Failure> {
    let locks = Arc::new(FolderVault::at(folder));
    let me = processes::myself(what, clock.now());
    Ok(Held::take(locks, me, &processes::lives, clock)?)
}

/// How fast something goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    begun: Timestamp,
}

impl Pace {
    /// Begun just now.
    pub const fn begun(now: Timestamp) -> Self {
        Self { begun: now }
    }

    /// A line of progress, with rate and the time left as they are told by what is done.
    pub fn item(&mut self, progress: Progress, now: Timestamp) -> Value {
        let Progress { done, total } = progress;
        let micros = now.since(self.begun).as_micros().max(1);
        let per_second = u128::from(done).saturating_mul(1_000_000) / micros;
        let left = u128::from(total.saturating_sub(done)).saturating_mul(micros);
        let left = left.checked_div(u128::from(done)).unwrap_or_default();
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(u64::MAX));
        json!({
            "record": "progress",
            "done": done,
            "total": total,
            "per_second": u64::try_from(per_second).unwrap_or(u64::MAX),
            "seconds_left": left.as_secs(),
        })
    }
}

/// What is asked for, its folder made absolute: the owner works elsewhere.
pub fn wanted(kind: Kind, repo: &Path) -> Result<Backup, Failure> {
    let repo: PathBuf = std::path::absolute(repo).map_err(|error| {
        let text = format!("`{}` is no folder's name: {error}", repo.display());
        Failure::new(Exit::Usage, "usage", text)
    })?;
    Ok(Backup {
        kind,
        repo,
        keys: Keys::default(),
        label: None,
        position: None,
        tags: Vec::new(),
        despite_fork: false,
    })
}

//! Ledgers with a history, repositories, and restores for the tests of backups.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchboard::adapters::entropy::RandomIds;
use switchboard::adapters::vault::FolderVault;
use switchboard::backup::catalog::Catalog;
use switchboard::backup::error::BackupError;
use switchboard::backup::plan::Target;
use switchboard::backup::ports::Vault;
use switchboard::backup::restore::{self, Into, Restored, state_hash};
use switchboard::backup::take::{self, Taken, Wish};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ids::Position;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::options::Options;
use switchboard::projections::states::{Moment, States};

use super::ledger_kit::{NOON, SetClock, edge, noting};

pub(crate) fn vault(folder: &Path) -> Arc<dyn Vault> {
    Arc::new(FolderVault::at(folder))
}

pub(crate) fn catalog(folder: &Path) -> Catalog {
    Catalog::open(vault(folder)).unwrap()
}

pub(crate) fn wish(kind: Kind, ledger: &Ledger) -> Wish {
    let at = ledger.head().position;
    let states = States::as_of(ledger, Moment::Position(at)).unwrap();
    Wish {
        kind,
        label: None,
        tags: Vec::new(),
        at,
        state: state_hash(&states),
        despite_fork: false,
        threads: 2,
        made_by: "test".to_owned(),
        encryption: None,
    }
}

pub(crate) fn take_edge() -> take::Edge {
    take::Edge {
        clock: SetClock::at(NOON),
        ids: Arc::new(RandomIds),
    }
}

pub(crate) fn try_take(
    ledger: &Ledger,
    vault: &Arc<dyn Vault>,
    wish: &Wish,
) -> Result<Taken, BackupError> {
    let mut tell = |_| ControlFlow::Continue(());
    take::take(ledger, vault, wish, &take_edge(), &mut tell)
}

pub(crate) fn taken(ledger: &Ledger, repo: &Path, kind: Kind) -> Taken {
    try_take(ledger, &vault(repo), &wish(kind, ledger)).unwrap()
}

pub(crate) fn labelled(ledger: &Ledger, repo: &Path, label: &str) -> Taken {
    let wish = Wish {
        label: Some(label.to_owned()),
        ..wish(Kind::Label, ledger)
    };
    try_take(ledger, &vault(repo), &wish).unwrap()
}

pub(crate) fn into(target: &Path) -> Into {
    into_on(target, Arc::new(OsDisk))
}

pub(crate) fn into_on(target: &Path, disk: Arc<dyn Disk>) -> Into {
    Into {
        target: target.to_owned(),
        edge: edge(),
        disk,
        options: Options::default(),
        made_by: "test".to_owned(),
    }
}

pub(crate) fn restored(
    repo: &Path,
    target: &Target,
    folder: &Path,
) -> Result<Restored, BackupError> {
    let catalog = Catalog::open(vault(repo))?;
    let plan = catalog.known().restore(target, None)?;
    restore::restore(&catalog, &plan, &into(folder), &mut |_| {
        ControlFlow::Continue(())
    })
}

/// What a restore would lead to, without one.
pub(crate) fn rehearsed(repo: &Path, target: &Target) -> Result<Restored, BackupError> {
    let catalog = Catalog::open(vault(repo))?;
    let plan = catalog.known().restore(target, None)?;
    restore::rehearse(&catalog, &plan, &mut |_| ControlFlow::Continue(()))
}

/// The state hash of the source at a position.
pub(crate) fn hash_at(ledger: &Ledger, position: u64) -> String {
    let states = States::as_of(ledger, Moment::Position(Position(position))).unwrap();
    states.hash().to_hex().to_string()
}

/// So many notes to a few streams, some with bodies of their own file.
pub(crate) fn write_notes(ledger: &Ledger, count: u64) {
    for number in 0..count {
        let name = format!("note/{}", number % 7);
        let text = if number % 20 == 19 {
            format!("{number}").repeat(3_000)
        } else {
            format!("note {number}")
        };
        ledger.append(noting(&name, Expected::Any, &text)).unwrap();
    }
}

/// Every file below a folder with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

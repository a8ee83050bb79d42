//! Processes that are killed at each file operation of a backup, a prune and a restore: nothing is there
//! half, and the next one succeeds at once. `scripts/torture backup` kills at every one of them.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use switchboard::adapters::vault::FolderVault;
use switchboard::backup::catalog::Catalog;
use switchboard::backup::plan::Target;
use switchboard::backup::plan_prune::Policy;
use switchboard::backup::ports::Vault;
use switchboard::backup::prune;
use switchboard::backup::restore::restore;
use switchboard::backup::verify::{Depth, verify};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ids::Position;
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::time::Timestamp;
use tempfile::TempDir;

use super::backup_kit::{into_on, rehearsed, taken, try_take, vault, wish, write_notes};
use super::ledger_kit::{NOON, copy, created, opened};
use super::torture_kit::{figure, times};

/// A disk under which the process is killed before a certain step.
#[derive(Debug)]
struct Deadly {
    steps: AtomicU64,
    last: u64,
}

impl Deadly {
    fn before(last: u64) -> Arc<Self> {
        Arc::new(Self {
            steps: AtomicU64::new(0),
            last,
        })
    }

    fn count(&self) {
        if self.steps.fetch_add(1, Ordering::SeqCst) == self.last {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }
}

impl Disk for Deadly {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.count();
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.count();
        OsDisk.sync(file)
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        self.count();
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        OsDisk.free(folder)
    }

    fn step(&self, _what: &'static str) -> io::Result<()> {
        self.count();
        Ok(())
    }
}

/// What is done, in a folder with a store, a repository of it and room for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Full,
    Incremental,
    Prune,
    Restore,
}

const DEEDS: [(&str, Deed); 4] = [
    ("full", Deed::Full),
    ("incremental", Deed::Incremental),
    ("prune", Deed::Prune),
    ("restore", Deed::Restore),
];

impl Deed {
    /// Does it, on this disk. The repository ends at position 46 before and the store at 91.
    fn work(self, folder: &Path, disk: Arc<dyn Disk>) {
        let repo = folder.join("repo");
        let on: Arc<dyn Vault> = Arc::new(FolderVault::on(&repo, Arc::clone(&disk)));
        match self {
            Self::Full | Self::Incremental => {
                let kind = if self == Self::Full {
                    Kind::Full
                } else {
                    Kind::Incremental
                };
                let (source, _) = opened(&folder.join("store"));
                try_take(&source, &on, &wish(kind, &source)).unwrap();
            }
            Self::Prune => {
                let policy = Policy {
                    last: 1,
                    ..Policy::default()
                };
                let now = Timestamp::from_micros(NOON);
                let catalog = Catalog::open(on).unwrap();
                let plan = prune::plan(&catalog, &policy, (now, Duration::ZERO)).unwrap();
                prune::apply(&catalog, &plan, now, true).unwrap();
            }
            Self::Restore => {
                let catalog = Catalog::open(on).unwrap();
                let plan = catalog
                    .known()
                    .restore(&Target::Position(40), None)
                    .unwrap();
                let mut into = into_on(&folder.join("target"), disk);
                into.options.epoch_events = 15;
                restore(&catalog, &plan, &into, &mut |_| ControlFlow::Continue(())).unwrap();
            }
        }
    }

    /// What must be true whenever the process was killed.
    fn check(folder: &Path, what: &str) {
        let repo = folder.join("repo");
        let catalog = Catalog::open(vault(&repo)).unwrap();
        let go = &mut |_| ControlFlow::Continue(());
        let found = verify(&catalog, Depth::Full, go).unwrap();
        assert_eq!(found.damage, [], "{what}");
        let latest = rehearsed(&repo, &Target::Latest).unwrap();
        assert!([46, 91].contains(&latest.stopped_at.position), "{what}");
        let target = folder.join("target");
        if target.exists() {
            let (copy, _) = opened(&target);
            let (source, _) = opened(&folder.join("store"));
            let chain = source.chain_at(Position(40)).unwrap();
            assert_eq!(copy.chain_at(Position(40)).unwrap(), chain, "{what}");
        }
    }
}

/// A store of 91 events with a repository of the first 46, in a few backups.
fn made(folder: &Path) {
    let source = created(&folder.join("store"));
    let repo = folder.join("repo");
    for _ in 0..3 {
        write_notes(&source, 15);
        taken(&source, &repo, Kind::Incremental);
    }
    taken(&source, &repo, Kind::Full);
    write_notes(&source, 45);
}

#[test]
#[ignore = "the process that is killed, started by the test beside it"]
fn does_a_deed_until_it_is_killed() {
    let Ok(wanted) = std::env::var("SWITCHBOARD_DEED") else {
        return;
    };
    let (deed, last) = wanted.split_once(' ').unwrap();
    let deed = DEEDS.iter().find(|(name, _)| *name == deed).unwrap().1;
    let folder = PathBuf::from(std::env::var_os("SWITCHBOARD_DEED_FOLDER").unwrap());
    deed.work(&folder, Deadly::before(last.parse().unwrap()));
}

#[test]
fn a_process_killed_at_any_step_leaves_nothing_half_and_the_next_one_succeeds() {
    let wanted = times("BACKUP", 8);
    let base = TempDir::new().unwrap();
    made(base.path());
    let fresh = |place: &TempDir| {
        let folder = place.path().join("at");
        copy(base.path(), &folder);
        folder
    };
    for (name, deed) in DEEDS {
        let place = TempDir::new().unwrap();
        let counting = Deadly::before(u64::MAX);
        deed.work(&fresh(&place), Arc::<Deadly>::clone(&counting));
        let steps = counting.steps.load(Ordering::SeqCst);
        let stride = usize::try_from(steps).unwrap().div_ceil(wanted.max(1));
        let (mut kills, mut slowest) = (0, Duration::ZERO);
        for last in (0..steps).step_by(stride.max(1)) {
            let what = format!("{name}, step {last} of {steps}");
            let place = TempDir::new().unwrap();
            let folder = fresh(&place);
            let ended = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "backup_kills::does_a_deed_until_it_is_killed"])
                .args(["--ignored", "--test-threads=1"])
                .env("SWITCHBOARD_DEED", format!("{name} {last}"))
                .env("SWITCHBOARD_DEED_FOLDER", &folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            // Threads share the count, so one that was late may have ended before.
            kills += u64::from(ended.code().is_none());
            Deed::check(&folder, &what);
            let begun = Instant::now();
            if !(deed == Deed::Restore && folder.join("target").exists()) {
                deed.work(&folder, Arc::new(OsDisk));
            }
            slowest = slowest.max(begun.elapsed());
            Deed::check(&folder, &what);
            let names = std::fs::read_dir(&folder).unwrap().count();
            let wanted = 2 + usize::from(deed == Deed::Restore);
            assert_eq!(names, wanted, "{what}: something was left behind");
        }
        assert!(kills > 0, "{name}");
        assert!(slowest < Duration::from_secs(5), "{name}: {slowest:?}");
        figure("backup", &format!("{name}: killed of {steps} steps"), kills);
    }
}

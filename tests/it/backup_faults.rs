//! Disks that fail at every step, processes that are killed, and repositories that somebody else holds.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchboard::adapters::processes;
use switchboard::adapters::vault::FolderVault;
use switchboard::backup::catalog::Catalog;
use switchboard::backup::error::BackupError;
use switchboard::backup::lock::{Held, Holder};
use switchboard::backup::plan::Target;
use switchboard::backup::plan_prune::Policy;
use switchboard::backup::ports::{Locks, Vault};
use switchboard::backup::prune;
use switchboard::backup::restore::restore;
use switchboard::backup::verify::{Depth, verify};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ids::Position;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::restoring::RestoreError;
use switchboard::events::time::Timestamp;
use tempfile::TempDir;

use super::backup_kit::{into_on, rehearsed, restored, taken, try_take, vault, wish, write_notes};
use super::ledger_kit::{NOON, SetClock, copy, created, noting, opened};
use super::running_kit::Desk;

/// Takes so many steps, then has no room: once, or from then on.
#[derive(Debug)]
struct Failing {
    left: AtomicU64,
    for_ever: bool,
}

impl Failing {
    fn after(steps: u64, for_ever: bool) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicU64::new(steps + 1),
            for_ever,
        })
    }

    /// Whether it came to the failure.
    fn has_failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    fn count(&self) -> io::Result<()> {
        let counted = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        match counted {
            Ok(1) => Err(io::ErrorKind::StorageFull.into()),
            Err(_) if self.for_ever => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl Disk for Failing {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.count()?;
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.count()?;
        OsDisk.sync(file)
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        self.count()?;
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        OsDisk.free(folder)
    }

    fn step(&self, _what: &'static str) -> io::Result<()> {
        self.count()
    }
}

fn on(folder: &Path, disk: Arc<Failing>) -> Arc<dyn Vault> {
    Arc::new(FolderVault::on(folder, disk))
}

fn no_damage(repo: &Path, what: &str) {
    match Catalog::open(vault(repo)) {
        // Cut off before there was one.
        Err(BackupError::NoRepository(_)) => {}
        opened => {
            let go = &mut |_| std::ops::ControlFlow::Continue(());
            let found = verify(&opened.unwrap(), Depth::Full, go).unwrap();
            assert_eq!(found.damage, [], "{what}");
        }
    }
}

fn is_full(error: &BackupError) -> bool {
    if let BackupError::Vault(error) = error {
        return error.full;
    }
    matches!(error, BackupError::Restore(RestoreError::NoSpace { .. }))
}

/// Does something on a disk that fails at its first step, then its second, and so on, until it does not
/// fail any more. Returns how many steps that were.
fn at_every_step(mut attempt: impl FnMut(Arc<Failing>, &str) -> bool) -> u64 {
    let mut failures = 0;
    for for_ever in [false, true] {
        for step in 0.. {
            let disk = Failing::after(step, for_ever);
            let what = format!("step {step}, for ever: {for_ever}");
            let failed = attempt(Arc::clone(&disk), &what);
            if !disk.has_failed() {
                assert!(!failed, "{what}: a failure out of nothing");
                break;
            }
            // A reservation that is refused is tried once more with less.
            failures += u64::from(failed);
            assert!(failed || !for_ever, "{what}: a failure went unsaid");
        }
    }
    failures
}

#[test]
fn a_backup_that_meets_a_full_disk_at_any_step_publishes_nothing_half() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    write_notes(&source, 45);
    let base = folder.path().join("base");
    taken(&source, &base, Kind::Full);
    write_notes(&source, 45);
    let mut failures = 0;
    for kind in [Kind::Full, Kind::Incremental, Kind::Differential] {
        for has_base in [true, false] {
            failures += at_every_step(|disk, what| {
                let place = TempDir::new().unwrap();
                let repo = place.path().join("repo");
                if has_base {
                    copy(&base, &repo);
                }
                let tried = try_take(&source, &on(&repo, disk), &wish(kind, &source));
                if let Err(error) = &tried {
                    assert!(is_full(error), "{what}: {error:?}");
                }
                no_damage(&repo, what);
                if has_base {
                    let latest = rehearsed(&repo, &Target::Latest).unwrap();
                    assert!([46, 91].contains(&latest.stopped_at.position), "{what}");
                }
                // With room again it goes on as if nothing had been.
                taken(&source, &repo, kind);
                no_damage(&repo, what);
                let latest = rehearsed(&repo, &Target::Latest).unwrap();
                assert_eq!(latest.stopped_at.position, 91, "{what}");
                tried.is_err()
            });
        }
    }
    println!("{failures} failures of full, incremental and differential backups");
    assert!(failures > 100, "{failures}");
}

#[test]
fn a_restore_that_meets_a_full_disk_at_any_step_leaves_no_target() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    write_notes(&source, 45);
    let repo = folder.path().join("repo");
    taken(&source, &repo, Kind::Full);
    let catalog = Catalog::open(vault(&repo)).unwrap();
    let plan = catalog
        .known()
        .restore(&Target::Position(40), None)
        .unwrap();
    let failures = at_every_step(|disk, what| {
        let place = TempDir::new().unwrap();
        let target = place.path().join("target");
        let go = &mut |_| std::ops::ControlFlow::Continue(());
        let mut into = into_on(&target, disk);
        into.options.epoch_events = 15;
        let tried = restore(&catalog, &plan, &into, go);
        if let Err(error) = &tried {
            assert!(is_full(error), "{what}: {error:?}");
            assert!(!target.exists(), "{what}");
            restored(&repo, &Target::Position(40), &target).unwrap();
        }
        let (copy, _) = opened(&target);
        assert_eq!(
            copy.chain_at(Position(40)).unwrap(),
            source.chain_at(Position(40)).unwrap(),
            "{what}"
        );
        let names = std::fs::read_dir(place.path()).unwrap().count();
        assert_eq!(names, 1, "{what}: something was left behind");
        tried.is_err()
    });
    println!("{failures} failures of a restore");
    assert!(failures > 20, "{failures}");
}

#[test]
fn a_prune_that_fails_at_any_step_loses_nothing_that_is_kept() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let base = folder.path().join("base");
    for _ in 0..4 {
        write_notes(&source, 25);
        taken(&source, &base, Kind::Incremental);
    }
    taken(&source, &base, Kind::Full);
    let policy = Policy {
        last: 1,
        ..Policy::default()
    };
    let now = Timestamp::from_micros(NOON);
    let failures = at_every_step(|disk, what| {
        let place = TempDir::new().unwrap();
        let repo = place.path().join("repo");
        copy(&base, &repo);
        let prune = |vault| {
            let catalog = Catalog::open(vault)?;
            let plan = prune::plan(&catalog, &policy, (now, Duration::ZERO))?;
            prune::apply(&catalog, &plan, now, true)
        };
        let tried = prune(on(&repo, disk));
        no_damage(&repo, what);
        let kept = |what: &str| {
            let latest = rehearsed(&repo, &Target::Latest).unwrap();
            assert_eq!(latest.stopped_at.position, 101, "{what}");
        };
        kept(what);
        prune(vault(&repo)).unwrap();
        no_damage(&repo, what);
        kept(what);
        let catalog = Catalog::open(vault(&repo)).unwrap();
        assert_eq!(catalog.manifests.len(), 1, "{what}");
        assert_eq!(catalog.present.len(), 1, "{what}");
        tried.is_err()
    });
    println!("{failures} failures of a prune");
    assert!(failures > 20, "{failures}");
}

#[test]
fn killed_backups_publish_nothing_half_and_the_next_one_succeeds() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    let repo = desk.store().with_file_name("repo");
    let (mut kills, mut ends) = (0, 0);
    for round in 0..12_u64 {
        let text = format!("round {round} {}", "word ".repeat(2_000));
        desk.must(&["send", "--to", "agent-1", "--wait", "accepted", &text]);
        let kind = if round % 3 == 0 {
            "full"
        } else {
            "incremental"
        };
        let mut child = desk
            .command(&["backup", kind, "--repo", "repo"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(round * 17 % 150));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            ends += 1;
        } else {
            kills += 1;
        }
        no_damage(&repo, &format!("round {round}"));
        let next = desk.must(&["backup", "incremental", "--repo", "repo"]);
        let head = next["last_position"].as_u64().unwrap();
        no_damage(&repo, &format!("after round {round}"));
        let latest = rehearsed(&repo, &Target::Latest).unwrap();
        assert_eq!(latest.stopped_at.position, head);
    }
    println!("{kills} killed, {ends} too late");
    assert!(kills > 0);
}

#[test]
fn one_writer_holds_a_repository_and_a_dead_ones_lock_is_broken() {
    let folder = TempDir::new().unwrap();
    let repo = folder.path().join("repo");
    vault(&repo).prepare().unwrap();
    let clock = SetClock::at(NOON);
    let locks: Arc<dyn Locks> = Arc::new(FolderVault::at(&repo));
    let me = processes::myself("test", Timestamp::from_micros(NOON));
    let take = |me: &Holder| {
        Held::take(
            Arc::clone(&locks),
            me.clone(),
            &processes::lives,
            clock.clone(),
        )
    };
    let held = take(&me).unwrap();
    assert_eq!(held.broken, None);
    match take(&me) {
        Err(BackupError::Locked { holder }) => assert!(holder.contains("test of process")),
        other => panic!("{other:?}"),
    }
    drop(held);
    let lock = repo.join("locks/writer");
    assert!(!lock.exists());
    let mut dead = me.clone();
    dead.begun += 1;
    std::fs::write(&lock, serde_json::to_vec(&dead).unwrap()).unwrap();
    let held = take(&me).unwrap();
    assert!(held.broken.as_ref().unwrap().contains("test of process"));
    drop(held);
    std::fs::write(&lock, b"half of a lo").unwrap();
    assert_eq!(take(&me).unwrap().broken.as_deref(), Some("somebody"));
    let mut elsewhere = me.clone();
    elsewhere.host = "elsewhere".to_owned();
    std::fs::write(&lock, serde_json::to_vec(&elsewhere).unwrap()).unwrap();
    assert!(matches!(take(&me), Err(BackupError::Locked { .. })));
}

#[test]
fn backups_in_a_storm_of_appends_are_prefixes_and_whole() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let repo = folder.path().join("repo");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (source, stop): (&Ledger, _) = (&source, &stop);
            scope.spawn(move || {
                let mut number = 0;
                while !stop.load(Ordering::SeqCst) {
                    let name = format!("note/{writer}");
                    let text = format!("{writer} {number}");
                    source.append(noting(&name, Expected::Any, &text)).unwrap();
                    number += 1;
                }
            });
        }
        for round in 0..6 {
            let kind = if round == 3 {
                Kind::Full
            } else {
                Kind::Incremental
            };
            let mut wish = wish(kind, &source);
            wish.state = None;
            try_take(&source, &vault(&repo), &wish).unwrap();
        }
        stop.store(true, Ordering::SeqCst);
    });
    no_damage(&repo, "after the storm");
    let catalog = Catalog::open(vault(&repo)).unwrap();
    assert_eq!(catalog.manifests.len(), 6);
    for manifest in &catalog.manifests {
        let at = manifest.last_position;
        let chain = source.chain_at(Position(at)).unwrap();
        assert_eq!(chain, Some(manifest.chain.0));
        let there = rehearsed(&repo, &Target::Position(at)).unwrap();
        assert_eq!(Some(there.chain), chain);
    }
}

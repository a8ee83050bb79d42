//! Damaged repositories: all of it is named, and no restore ever yields another ledger than the one that
//! was backed up.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchboard::adapters::keys::{self, Holders};
use switchboard::backup::catalog::{Catalog, Damage};
use switchboard::backup::cipher::{Cipher, DataKey};
use switchboard::backup::digest::Digest;
use switchboard::backup::encryption::{Encrypted, Encryption};
use switchboard::backup::error::BackupError;
use switchboard::backup::plan::Target;
use switchboard::backup::ports::Vault;
use switchboard::backup::restore::rehearse;
use switchboard::backup::sealed;
use switchboard::backup::segment::Draft;
use switchboard::backup::take::Wish;
use switchboard::backup::trial::try_out;
use switchboard::backup::verify::{Depth, verify};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::parcel::Parcel;
use tempfile::TempDir;

use super::backup_kit::{files, into, restored, try_take, vault, wish, write_notes};
use super::ledger_kit::{created, noting};
use super::torture_kit::{figure, times};

/// A small repository with every kind of object, and what its ledger was.
struct Small {
    folder: TempDir,
    source: Ledger,
    files: BTreeMap<PathBuf, Vec<u8>>,
    key: Option<DataKey>,
}

impl Small {
    /// In the clear.
    fn new() -> Self {
        Self::with(None)
    }

    /// With a key.
    fn encrypted() -> Self {
        Self::with(Some(keys::fresh()))
    }

    fn with(key: Option<DataKey>) -> Self {
        let folder = TempDir::new().unwrap();
        let source = created(&folder.path().join("store"));
        let repo = folder.path().join("repo");
        let vault = over(&repo, key.as_ref());
        let take = |kind, label: Option<&str>| {
            let wish = Wish {
                label: label.map(str::to_owned),
                encryption: key.as_ref().map(in_strange_hands),
                ..wish(kind, &source)
            };
            try_take(&source, &vault, &wish).unwrap();
        };
        write_notes(&source, 3);
        take(Kind::Full, None);
        let large = "large".repeat(2_000);
        source
            .append(noting("note/large", Expected::Any, &large))
            .unwrap();
        take(Kind::Label, Some("half"));
        take(Kind::Incremental, None);
        write_notes(&source, 2);
        take(Kind::Differential, None);
        let files = files(&repo);
        let objects = 10 + usize::from(key.is_some());
        assert_eq!(files.len(), objects, "{:?}", files.keys());
        Self {
            folder,
            source,
            files,
            key,
        }
    }

    fn vault(&self) -> Arc<dyn Vault> {
        over(&self.repo(), self.key.as_ref())
    }

    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn put_back(&self) {
        for (path, bytes) in &self.files {
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Whatever a reading of the repository leads to at all, it is the source's chain.
    fn never_another_ledger(&self, what: &str) {
        let Ok(catalog) = Catalog::open(self.vault()) else {
            return;
        };
        let mut targets = vec![Target::Latest, Target::Label("half".to_owned())];
        targets.extend((1..=7).map(Target::Position));
        for target in targets {
            let Ok(plan) = catalog.known().restore(&target, None) else {
                continue;
            };
            let done = rehearse(&catalog, &plan, &mut |_| ControlFlow::Continue(()));
            if let Ok(done) = done {
                let position = switchboard::events::ids::Position(done.stopped_at.position);
                let chain = self.source.chain_at(position).unwrap();
                assert_eq!(Some(done.chain), chain, "{what}: {target}");
                if let Target::Position(wanted) = target {
                    assert_eq!(done.stopped_at.position, wanted, "{what}");
                }
            }
        }
    }
}

/// The damage that is found; a repository that is refused is found too.
fn found(small: &Small, depth: Depth) -> Vec<Damage> {
    let go = &mut |_| ControlFlow::Continue(());
    match Catalog::open(small.vault()).and_then(|catalog| verify(&catalog, depth, go)) {
        Ok(verified) => verified.damage,
        Err(refused) => vec![Damage::new("repository", refused.to_string())],
    }
}

fn over(repo: &Path, key: Option<&DataKey>) -> Arc<dyn Vault> {
    match key {
        Some(key) => Arc::new(Encrypted::over(vault(repo), Cipher::with(key))),
        None => vault(repo),
    }
}

/// Wrapped for somebody who forgot his own key.
fn in_strange_hands(key: &DataKey) -> Encryption {
    let holders = Holders {
        recipients: vec![keys::fresh_identity().1],
        passphrase_file: None,
    };
    keys::encryption(key, &holders).unwrap()
}

/// Whether every byte's flip is followed by reading everything, as `scripts/torture repository` does.
fn thoroughly() -> bool {
    times("REPOSITORY", 0) > 0
}

#[test]
fn a_whole_repository_has_no_damage() {
    let small = Small::new();
    for depth in [Depth::Quick, Depth::Full] {
        assert_eq!(found(&small, depth), []);
    }
}

#[test]
fn every_flipped_byte_of_a_repository_is_found() {
    flip_all(&Small::new());
}

#[test]
fn every_flipped_byte_of_an_encrypted_repository_is_found() {
    flip_all(&Small::encrypted());
}

fn flip_all(small: &Small) {
    let (mut flipped, mut restored) = (0, 0);
    for (path, bytes) in &small.files {
        let name = path
            .strip_prefix(small.repo())
            .unwrap()
            .display()
            .to_string();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            std::fs::write(path, &bad).unwrap();
            let what = format!("byte {at} of {name}");
            let damage = found(small, Depth::Full);
            assert!(!damage.is_empty(), "{what} is not found");
            // Reading everything once more for every byte would take long; every place is met.
            if thoroughly() || at % 16 == flipped % 16 {
                small.never_another_ledger(&what);
                restored += 1;
            }
            flipped += 1;
        }
        std::fs::write(path, bytes).unwrap();
    }
    let kind = if small.key.is_some() {
        "encrypted"
    } else {
        "in the clear"
    };
    figure(
        "repository",
        &format!("bytes flipped, all found, {kind}"),
        flipped,
    );
    figure(
        "repository",
        &format!("of these followed by restores, none wrong, {kind}"),
        restored,
    );
    assert_eq!(found(small, Depth::Full), []);
}

#[test]
fn every_truncated_deleted_or_swapped_object_is_found() {
    disarrange(&Small::new());
}

#[test]
fn every_truncated_deleted_or_swapped_object_of_an_encrypted_repository_is_found() {
    disarrange(&Small::encrypted());
}

fn disarrange(small: &Small) {
    let mut cases = 0;
    for (path, bytes) in &small.files {
        let name = path
            .strip_prefix(small.repo())
            .unwrap()
            .display()
            .to_string();
        for keep in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(path, &bytes[..keep]).unwrap();
            for depth in [Depth::Quick, Depth::Full] {
                // A body's length does not stand in its name.
                if depth == Depth::Full || !name.starts_with("blobs") {
                    assert!(!found(small, depth).is_empty(), "{name} cut to {keep}");
                }
            }
            small.never_another_ledger(&format!("{name} cut to {keep}"));
            cases += 1;
        }
        std::fs::write(path, [bytes.as_slice(), b"more"].concat()).unwrap();
        assert!(!found(small, Depth::Full).is_empty(), "{name} made longer");
        std::fs::remove_file(path).unwrap();
        for depth in [Depth::Quick, Depth::Full] {
            assert!(!found(small, depth).is_empty(), "{name} deleted");
        }
        small.never_another_ledger(&format!("{name} deleted"));
        cases += 2;
        for (other, theirs) in small.files.iter().filter(|(_, theirs)| *theirs != bytes) {
            std::fs::write(path, theirs).unwrap();
            std::fs::write(other, bytes).unwrap();
            let what = format!("{name} swapped with {}", other.display());
            assert!(!found(small, Depth::Full).is_empty(), "{what}");
            small.never_another_ledger(&what);
            cases += 1;
        }
        small.put_back();
    }
    println!("{cases} objects cut, made longer, deleted or swapped, all found");
}

#[test]
fn damage_names_the_backups_it_kills_and_only_those() {
    let small = Small::new();
    let catalog = Catalog::open(small.vault()).unwrap();
    let of = |kind| catalog.manifests.iter().find(|it| it.kind == kind).unwrap();
    let (full, incremental) = (of(Kind::Full), of(Kind::Incremental));
    let differential = of(Kind::Differential);
    let segment = |piece: &switchboard::backup::manifest::Piece| {
        small.repo().join("segments").join(piece.object.to_string())
    };
    // What all three stand on.
    std::fs::remove_file(segment(&full.segments[0])).unwrap();
    let damage = found(&small, Depth::Quick);
    assert_eq!(damage.len(), 1);
    let mut kills = damage[0].kills.clone();
    kills.sort();
    let mut all = vec![full.id, incremental.id, differential.id];
    all.sort();
    assert_eq!(kills, all);
    small.put_back();
    // The incremental's own; the differential has those events too, but not the way round.
    std::fs::remove_file(segment(&incremental.segments[1])).unwrap();
    let damage = found(&small, Depth::Full);
    assert_eq!(damage[0].kills, [incremental.id]);
    small.put_back();
    let body = small.repo().join("blobs");
    let body = std::fs::read_dir(body)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::write(&body, b"nothing").unwrap();
    let damage = found(&small, Depth::Full);
    let mut kills = damage[0].kills.clone();
    kills.sort();
    let mut both = vec![incremental.id, differential.id];
    both.sort();
    assert_eq!(kills, both);
}

#[test]
fn a_trial_restores_for_real_and_compares_the_state() {
    let small = Small::new();
    let catalog = Catalog::open(small.vault()).unwrap();
    let timeline = catalog.known().newest_timeline().unwrap();
    let go = &mut |_| ControlFlow::Continue(());
    let scratch = small.folder.path().join("scratch");
    let trial = try_out(&catalog, timeline, &into(&scratch), go).unwrap();
    assert_eq!(trial.problem, None);
    assert_eq!(trial.position, Some(7));
    let mut lying = catalog.clone();
    for manifest in &mut lying.manifests {
        manifest.state.as_mut().unwrap().hash = "00".repeat(32);
    }
    let scratch = small.folder.path().join("again");
    let trial = try_out(&lying, timeline, &into(&scratch), go).unwrap();
    assert!(trial.problem.unwrap().contains("the state is"));
}

#[test]
fn a_crafted_repository_leads_nowhere_else() {
    let small = Small::new();
    let manifests = small.repo().join("manifests");
    for (name, content) in [("%2e%2e%2fetc", "x"), ("not-a-manifest", "y")] {
        std::fs::write(manifests.join(name), content).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", small.repo().join("segments/link")).unwrap();
    let damage = found(&small, Depth::Full);
    assert_eq!(damage.len(), 3, "{damage:?}");
    small.never_another_ledger("strangers on the shelves");
    // A link in the place of an object is no object, wherever it leads.
    let segment = small
        .files
        .keys()
        .find(|it| it.parent().unwrap().ends_with("segments"));
    let segment = segment.unwrap();
    let elsewhere = small.folder.path().join("elsewhere");
    std::fs::rename(segment, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, segment).unwrap();
    assert!(found(&small, Depth::Quick).len() > 3);
    small.never_another_ledger("a link");
}

#[test]
fn a_damaged_source_is_refused_and_leaves_no_target() {
    let small = Small::new();
    let body = small.repo().join("blobs");
    let body = std::fs::read_dir(body)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::remove_file(&body).unwrap();
    let target = small.folder.path().join("target");
    let refused = restored(&small.repo(), &Target::Latest, &target);
    assert!(
        matches!(refused, Err(BackupError::Damaged { .. })),
        "{refused:?}"
    );
    let left: Vec<_> = std::fs::read_dir(small.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    // Before the event that needs it, everything can be had.
    restored(&small.repo(), &Target::Position(4), &target).unwrap();
}

/// What unpacks to far more than anybody wants.
fn packed_zeros() -> Vec<u8> {
    let zeros = std::io::Read::take(std::io::repeat(0), 1 << 28);
    let mut packed = Vec::new();
    zstd::stream::copy_encode(zeros, &mut packed, 1).unwrap();
    packed
}

/// A section of it that claims to unpack to so many bytes.
fn bomb(packed: &[u8], claimed: u32) -> Vec<u8> {
    let length = u32::try_from(packed.len()).unwrap();
    [&claimed.to_le_bytes()[..], &length.to_le_bytes(), packed].concat()
}

/// The most memory this process ever had, in bytes.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB").trim();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[test]
fn bombs_in_a_crafted_repository_are_refused_without_memory() {
    let small = Small::new();
    let body = small.repo().join("blobs");
    let body = std::fs::read_dir(body)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let packed = packed_zeros();
    let bombs = [u32::MAX, 1 << 20, 100].map(|claimed| bomb(&packed, claimed));
    let before = high_water();
    for section in &bombs {
        let hash = Digest::of(section).0;
        std::fs::write(&body, [&hash[..], section].concat()).unwrap();
        assert!(!found(&small, Depth::Full).is_empty());
        small.never_another_ledger("a bomb in a body");
    }
    small.put_back();
    // A segment whose hashes are all right, listed by a manifest that is right too.
    let catalog = Catalog::open(small.vault()).unwrap();
    let newest = catalog.newest().unwrap().clone();
    for section in &bombs {
        let (first, last) = (8_u64, 9_u64);
        let head = [first.to_le_bytes(), 2_u64.to_le_bytes()].concat();
        let chains = [newest.chain.0, [7; 32]].concat();
        let parcel = Parcel {
            first,
            last,
            before: newest.chain.0,
            after: [7; 32],
            first_at: newest.last_at,
            last_at: newest.last_at,
            raw: 600,
            bytes: [head, chains, section.clone(), section.clone()].concat(),
            large: Vec::new(),
        };
        let (bytes, piece, _) = Draft::of(newest.ledger, &parcel).finish(&|it| it);
        let name = piece.object.to_string();
        std::fs::write(small.repo().join("segments").join(name), bytes).unwrap();
        let mut crafted = newest.clone();
        crafted.id = uuid::Uuid::from_u128(u128::from(section[8]) + 1);
        crafted.last_position = last;
        crafted.chain = piece.after;
        crafted.segments.push(piece);
        assert_eq!(crafted.flaw(), None);
        let bytes = sealed::seal("manifest", &crafted).unwrap();
        let name = crafted.id.to_string();
        std::fs::write(small.repo().join("manifests").join(name), bytes).unwrap();
        assert!(!found(&small, Depth::Full).is_empty());
        let go = &mut |_| ControlFlow::Continue(());
        let catalog = Catalog::open(small.vault()).unwrap();
        let plan = catalog.known().restore(&Target::Latest, None).unwrap();
        let done = rehearse(&catalog, &plan, go);
        assert!(matches!(done, Err(BackupError::Damaged { .. })), "{done:?}");
    }
    let grown = high_water() - before;
    assert!(grown < 64 << 20, "{grown} bytes more");
}

//! Encrypted repositories: nothing can be read or told without the key, and nothing is lost with it.

use std::path::Path;
use std::sync::Arc;

use switchboard::adapters::keys::{self, Holders, write_identity};
use switchboard::backup::catalog::Catalog;
use switchboard::backup::cipher::{Cipher, DataKey};
use switchboard::backup::digest::Digest;
use switchboard::backup::encryption::Encrypted;
use switchboard::backup::error::BackupError;
use switchboard::backup::plan::Target;
use switchboard::backup::ports::Vault;
use switchboard::backup::restore::restore;
use switchboard::backup::take::Wish;
use switchboard::backup::verify::{Depth, verify};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::Ledger;
use tempfile::TempDir;

use super::backup_kit::{files, hash_at, into, try_take, vault, wish, write_notes};
use super::ledger_kit::{created, noting};
use super::running_kit::Desk;

fn locked(repo: &Path, key: &DataKey) -> Arc<dyn Vault> {
    Arc::new(Encrypted::over(vault(repo), Cipher::with(key)))
}

fn encrypting(kind: Kind, ledger: &Ledger, key: &DataKey) -> Wish {
    let holders = Holders {
        recipients: vec![keys::fresh_identity().1],
        passphrase_file: None,
    };
    Wish {
        encryption: Some(keys::encryption(key, &holders).unwrap()),
        ..wish(kind, ledger)
    }
}

/// Whether the file holds these bytes anywhere.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

#[test]
fn an_encrypted_repository_tells_nothing_and_gives_everything_back() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let repo = folder.path().join("repo");
    let key = keys::fresh();
    let vault = locked(&repo, &key);
    write_notes(&source, 30);
    // Incompressible enough to stand in a packed body as it is.
    let secret = "zanzibar-4711";
    source
        .append(noting("note/secret", Expected::Any, secret))
        .unwrap();
    let full = encrypting(Kind::Full, &source, &key);
    let first = try_take(&source, &vault, &full).unwrap();
    write_notes(&source, 30);
    let more = wish(Kind::Incremental, &source);
    try_take(&source, &vault, &more).unwrap();
    let catalog = Catalog::open(Arc::clone(&vault)).unwrap();
    let go = &mut |_| std::ops::ControlFlow::Continue(());
    assert_eq!(verify(&catalog, Depth::Full, go).unwrap().damage, []);
    assert_eq!(verify(&catalog, Depth::Quick, go).unwrap().damage, []);
    // Every position comes back.
    for position in [1, 17, 32, 62] {
        let target = folder.path().join(format!("at-{position}"));
        let plan = catalog
            .known()
            .restore(&Target::Position(position), None)
            .unwrap();
        let done = restore(&catalog, &plan, &into(&target), go).unwrap();
        assert_eq!(done.state.unwrap().hash, hash_at(&source, position));
    }
    // Without the key there is nothing to be told, not even whether a known text is in it.
    let plain = folder.path().join("plain");
    try_take(
        &source,
        &super::backup_kit::vault(&plain),
        &wish(Kind::Full, &source),
    )
    .unwrap();
    let names = |folder: &Path| -> Vec<String> {
        let files = files(folder);
        let names = files.keys().map(|it| it.file_name().unwrap().to_owned());
        names.map(|it| it.into_string().unwrap()).collect()
    };
    let hashes: Vec<String> = files(&plain)
        .values()
        .map(|bytes| Digest::of(bytes).to_string())
        .collect();
    for name in names(&repo) {
        let known = ["config", "LATEST"].contains(&name.as_str());
        assert!(
            known || !names(&plain).contains(&name),
            "{name} tells a hash"
        );
        assert!(!hashes.contains(&name), "{name} tells a hash");
    }
    for (path, bytes) in files(&repo) {
        for text in [secret, "note/", "note 1", "segments", "last_position"] {
            assert!(!holds(&bytes, text), "{} holds {text}", path.display());
        }
    }
    // What is there already is known again.
    let again = try_take(&source, &vault, &wish(Kind::Incremental, &source)).unwrap();
    assert!(again.unchanged);
    assert!(first.manifest.bytes_stored > 0);
}

#[test]
fn shared_segments_and_bodies_are_kept_once_in_an_encrypted_repository() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let repo = folder.path().join("repo");
    let key = keys::fresh();
    let vault = locked(&repo, &key);
    write_notes(&source, 60);
    try_take(&source, &vault, &encrypting(Kind::Full, &source, &key)).unwrap();
    let before = files(&repo);
    // What a backup that was cut off left behind is found by its header, which is encrypted too.
    for (path, _) in before.iter().filter(|(path, _)| {
        let shelf = path.parent().unwrap();
        shelf.ends_with("manifests") || path.ends_with("LATEST")
    }) {
        std::fs::remove_file(path).unwrap();
    }
    let second = try_take(&source, &vault, &wish(Kind::Full, &source)).unwrap();
    assert_eq!(second.manifest.bytes_stored, 0, "{:?}", second.notes);
    let kept = |shelf: &str| {
        let files = files(&repo.join(shelf));
        files.into_keys().collect::<Vec<_>>()
    };
    let of = |shelf: &str| -> Vec<_> {
        let all = before.keys();
        all.filter(|it| it.starts_with(repo.join(shelf)))
            .cloned()
            .collect()
    };
    assert_eq!(kept("segments"), of("segments"));
    assert_eq!(kept("blobs"), of("blobs"));
}

#[test]
fn another_key_or_none_is_refused_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let repo = folder.path().join("repo");
    let key = keys::fresh();
    try_take(
        &source,
        &locked(&repo, &key),
        &encrypting(Kind::Full, &source, &key),
    )
    .unwrap();
    let before = files(&repo);
    let none = try_take(&source, &vault(&repo), &wish(Kind::Full, &source));
    assert!(matches!(none, Err(BackupError::NeedsKey(_))), "{none:?}");
    let other = locked(&repo, &keys::fresh());
    let wrong = try_take(&source, &other, &wish(Kind::Full, &source));
    assert!(matches!(wrong, Err(BackupError::WrongKey(_))), "{wrong:?}");
    assert_eq!(files(&repo), before);
    // Nor does a key open what never was encrypted.
    let plain = folder.path().join("plain");
    try_take(&source, &vault(&plain), &wish(Kind::Full, &source)).unwrap();
    let clear = Catalog::open(locked(&plain, &key));
    assert!(
        matches!(clear, Err(BackupError::NotEncrypted(_))),
        "{clear:?}"
    );
}

#[test]
fn objects_in_the_clear_are_not_believed_in_an_encrypted_repository() {
    // Somebody who can write the folder but has no key puts a manifest of his own there.
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let (repo, plain) = (folder.path().join("repo"), folder.path().join("plain"));
    let key = keys::fresh();
    let vault = locked(&repo, &key);
    try_take(&source, &vault, &encrypting(Kind::Full, &source, &key)).unwrap();
    write_notes(&source, 3);
    try_take(
        &source,
        &super::backup_kit::vault(&plain),
        &wish(Kind::Full, &source),
    )
    .unwrap();
    for shelf in ["manifests", "segments"] {
        for (path, bytes) in files(&plain.join(shelf)) {
            std::fs::write(repo.join(shelf).join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
    let catalog = Catalog::open(vault).unwrap();
    assert_eq!(catalog.manifests.len(), 1);
    assert_eq!(catalog.damage.len(), 1);
    assert_eq!(catalog.known().ranges()[0].last_position, 1);
}

/// A desk with a backup for an age identity, and the identity's file.
fn for_an_identity(desk: &Desk) -> String {
    let folder = desk.store().parent().unwrap().to_owned();
    let public = write_identity(&folder.join("ours")).unwrap();
    write_identity(&folder.join("theirs")).unwrap();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    let line = ["backup", "full", "--repo", "repo", "--encrypt-to", &public];
    desk.must(&line);
    public
}

#[test]
fn the_command_line_encrypts_and_names_a_wrong_key() {
    let mut desk = Desk::new();
    for_an_identity(&desk);
    for (line, code) in [
        (&["backup", "list", "--repo", "repo"][..], "key_needed"),
        (&["backup", "incremental", "--repo", "repo"], "key_needed"),
        (
            &["backup", "verify", "--repo", "repo", "--identity", "theirs"],
            "wrong_key",
        ),
        (
            &[
                "restore",
                "--repo",
                "repo",
                "--target",
                "t",
                "--latest",
                "--identity",
                "theirs",
            ],
            "wrong_key",
        ),
    ] {
        let ran = desk.run(line);
        assert_eq!(ran.code, 20, "{line:?}: {ran:?}");
        assert_eq!(ran.exit_error()["code"], code, "{line:?}");
    }
    // By flag, by variable, and through a daemon.
    desk.must(&["send", "--to", "agent-1", "--wait", "accepted", "one"]);
    let more = [
        "backup",
        "incremental",
        "--repo",
        "repo",
        "--identity",
        "ours",
    ];
    let taken = desk.must(&more);
    let hash = taken["hash"].clone();
    let ours = desk.store().with_file_name("ours").display().to_string();
    let variable = "SWITCHBOARD_BACKUP__IDENTITY".to_owned();
    desk.variables.push((variable, ours));
    let daemon = desk.serve(&[]);
    desk.must(&["backup", "label", "now", "--repo", "repo"]);
    let drill = ["backup", "drill", "hardware-loss", "--repo", "repo"];
    assert_eq!(desk.run(&drill).code, 0);
    daemon.stop();
    let whole = desk.must(&["backup", "verify", "--repo", "repo", "--restore-test"]);
    assert_eq!(whole["ok"], true);
    let line = [
        "restore",
        "--repo",
        "repo",
        "--target",
        "again",
        "--position",
    ];
    let last = taken["last_position"].to_string();
    let restored = desk.must(&[&line[..], &[&last]].concat());
    assert_eq!(restored["hash"], hash);
}

#[test]
fn a_repository_in_the_clear_goes_on_and_is_not_mixed() {
    let desk = Desk::new();
    let folder = desk.store().parent().unwrap().to_owned();
    let public = write_identity(&folder.join("ours")).unwrap();
    desk.must(&["backup", "full", "--repo", "plain"]);
    let line = ["backup", "full", "--repo", "plain", "--encrypt-to", &public];
    let mixed = desk.run(&line);
    assert_eq!(mixed.code, 6, "{mixed:?}");
    assert_eq!(mixed.exit_error()["code"], "not_encrypted");
    desk.must(&["backup", "list", "--repo", "plain", "--identity", "ours"]);
    desk.must(&["backup", "full", "--repo", "plain"]);
    let rekeyed = desk.run(&[
        "backup",
        "rekey",
        "--repo",
        "plain",
        "--encrypt-to",
        &public,
    ]);
    assert_eq!(rekeyed.code, 6, "{rekeyed:?}");
}

#[test]
fn rekeying_shuts_old_keys_out_and_loses_no_restore_point() {
    let desk = Desk::new();
    for_an_identity(&desk);
    let folder = desk.store().parent().unwrap().to_owned();
    desk.must(&["send", "--to", "agent-1", "--wait", "accepted", "one"]);
    let more = [
        "backup",
        "incremental",
        "--repo",
        "repo",
        "--identity",
        "ours",
    ];
    desk.must(&more);
    let list =
        |key: [&str; 2]| desk.run(&[&["backup", "list", "--repo", "repo"][..], &key].concat());
    let before = list(["--identity", "ours"]).items();
    assert_eq!(before.len(), 2);
    std::fs::write(folder.join("words"), "correct horse battery staple\n").unwrap();
    let rekey = ["backup", "rekey", "--repo", "repo"];
    let wrong = ["--identity", "theirs", "--new-passphrase-file", "words"];
    assert_eq!(desk.run(&[&rekey[..], &wrong].concat()).code, 20);
    assert_eq!(list(["--identity", "ours"]).code, 0);
    let right = ["--identity", "ours", "--new-passphrase-file", "words"];
    let rekeyed = desk.must(&[&rekey[..], &right].concat());
    assert_eq!(rekeyed["passphrase"], true);
    assert_eq!(list(["--identity", "ours"]).code, 20);
    assert_eq!(list(["--passphrase-file", "words"]).items(), before);
    let restore = [
        "restore",
        "--repo",
        "repo",
        "--passphrase-file",
        "words",
        "--target",
    ];
    for (number, item) in before.iter().enumerate() {
        let (target, until) = (format!("t{number}"), item["last_position"].to_string());
        let line = [&restore[..], &[&target, "--position", &until]].concat();
        assert_eq!(desk.must(&line)["hash"], item["hash"]);
    }
    let line = [
        "backup",
        "full",
        "--repo",
        "repo",
        "--passphrase-file",
        "words",
    ];
    desk.must(&line);
}

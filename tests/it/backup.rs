//! Backups and restores of whole ledgers, through the library and through the binary.

use std::path::Path;

use serde_json::Value;
use switchboard::backup::error::BackupError;
use switchboard::backup::plan::Target;
use switchboard::backup::take::Wish;
use switchboard::events::facts::backup::Kind;
use switchboard::events::ids::{EventId, Position};
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::Ledger;
use switchboard::events::ledger::restoring::RestoreError;
use switchboard::events::time::Timestamp;
use tempfile::TempDir;

use super::backup_kit::{
    catalog, files, hash_at, into, labelled, rehearsed, restored, taken, try_take, vault, wish,
    write_notes,
};
use super::ledger_kit::{created, created_with, edge, epochs_of, everything, noting, opened};
use super::running_kit::Desk;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn repo(&self) -> std::path::PathBuf {
        self.at("repo")
    }
}

/// The restored ledger has the source's events up to here, byte for byte as far as the chain tells, then
/// its own two, and nothing is wrong with it.
fn same_up_to(source: &Ledger, folder: &Path, position: u64) -> Ledger {
    let (copy, opening) = opened(folder);
    assert_eq!(opening.torn_bytes, 0);
    assert_eq!(
        copy.chain_at(Position(position)).unwrap(),
        source.chain_at(Position(position)).unwrap()
    );
    let (theirs, ours) = (everything(source), everything(&copy));
    let count = usize::try_from(position).unwrap();
    assert_eq!(theirs[..count], ours[..count]);
    let kinds: Vec<String> = ours[count..].iter().map(|it| it.fact.name()).collect();
    assert_eq!(kinds, ["ledger.restored", "seat.paused"]);
    let verified = copy.verify().unwrap();
    assert!(verified.ok, "{:?}", verified.damage);
    assert_eq!(copy.identity().0, source.identity().0);
    assert_ne!(copy.identity().1, source.identity().1);
    copy
}

#[test]
fn every_kind_of_backup_restores_alone_to_any_position() {
    let place = Place::new();
    let source = created(&place.at("store"));
    write_notes(&source, 30);
    let full = taken(&source, &place.repo(), Kind::Full).manifest;
    write_notes(&source, 30);
    let incremental = taken(&source, &place.repo(), Kind::Incremental).manifest;
    write_notes(&source, 30);
    let differential = taken(&source, &place.repo(), Kind::Differential).manifest;
    assert_eq!(incremental.base, Some(full.id));
    assert_eq!(differential.base, Some(full.id));
    assert_eq!(
        (incremental.first_position, incremental.last_position),
        (32, 61)
    );
    assert_eq!(
        (differential.first_position, differential.last_position),
        (32, 91)
    );
    for position in [1, 2, 31, 32, 61, 62, 90, 91] {
        let folder = place.at(&format!("at-{position}"));
        let restored = restored(&place.repo(), &Target::Position(position), &folder).unwrap();
        assert_eq!(restored.stopped_at.position, position);
        assert_eq!(
            restored.state.unwrap().hash,
            hash_at(&source, position),
            "at {position}"
        );
        same_up_to(&source, &folder, position);
    }
}

#[test]
fn a_ledger_of_many_epochs_comes_back_in_epochs() {
    let place = Place::new();
    let source = created_with(epochs_of(50), &place.at("store"));
    write_notes(&source, 300);
    source.settle();
    taken(&source, &place.repo(), Kind::Full);
    let catalog = catalog(&place.repo());
    let plan = catalog.known().restore(&Target::Latest, None).unwrap();
    let mut into = into(&place.at("again"));
    into.options = epochs_of(40);
    let tell = &mut |_| std::ops::ControlFlow::Continue(());
    switchboard::backup::restore::restore(&catalog, &plan, &into, tell).unwrap();
    let copy = same_up_to(&source, &place.at("again"), 301);
    let settled = copy.settle();
    assert_eq!(settled.full, 0, "{settled:?}");
    assert!(settled.closed >= 7, "{settled:?}");
    let verified = copy.verify().unwrap();
    assert!(verified.ok, "{:?}", verified.damage);
}

#[test]
fn instants_are_inclusive_unless_they_are_not() {
    let place = Place::new();
    let source = created(&place.at("store"));
    write_notes(&source, 20);
    taken(&source, &place.repo(), Kind::Full);
    let times: Vec<Timestamp> = everything(&source)
        .iter()
        .map(|it| it.recorded_at)
        .collect();
    let stops = |at: u64, exclusive| {
        let at = Timestamp::from_micros(at);
        let target = Target::Instant { at, exclusive };
        rehearsed(&place.repo(), &target).map(|it| it.stopped_at.position)
    };
    let (first, fifth, last) = (times[0].micros(), times[4].micros(), times[20].micros());
    assert_eq!(stops(fifth, false).unwrap(), 5);
    assert_eq!(stops(fifth, true).unwrap(), 4);
    assert_eq!(stops(last, false).unwrap(), 21);
    assert_eq!(stops(first, false).unwrap(), 1);
    let outside = |stopped| matches!(stopped, Err(BackupError::Outside { .. }));
    assert!(outside(stops(first, true)));
    assert!(outside(stops(first - 1, false)));
    assert!(outside(stops(last + 1, false)));
}

#[test]
fn a_restore_ends_at_an_event_or_a_label() {
    let place = Place::new();
    let source = created(&place.at("store"));
    write_notes(&source, 10);
    labelled(&source, &place.repo(), "half");
    write_notes(&source, 10);
    let unreached = rehearsed(&place.repo(), &Target::Label("half".to_owned()));
    assert!(matches!(unreached, Err(BackupError::Outside { .. })));
    taken(&source, &place.repo(), Kind::Full);
    let half = rehearsed(&place.repo(), &Target::Label("half".to_owned())).unwrap();
    assert_eq!(half.stopped_at.position, 11);
    assert_eq!(half.first_excluded.unwrap().position, 12);
    let event = everything(&source)[6].id;
    let seventh = rehearsed(&place.repo(), &Target::Event(event)).unwrap();
    assert_eq!(seventh.stopped_at.position, 7);
    assert_eq!(seventh.stopped_at.event, event);
    for nowhere in [
        Target::Label("whole".to_owned()),
        Target::Event(EventId(uuid::Uuid::from_u128(7))),
    ] {
        let refused = restored(&place.repo(), &nowhere, &place.at("nowhere"));
        assert!(matches!(refused, Err(BackupError::NotFound { .. })));
        assert!(!place.at("nowhere").exists());
    }
    let again = Wish {
        label: Some("half".to_owned()),
        ..wish(Kind::Label, &source)
    };
    let taken_name = try_take(&source, &vault(&place.repo()), &again);
    assert!(matches!(taken_name, Err(BackupError::LabelTaken { .. })));
}

#[test]
fn a_restore_may_stop_within_a_commit() {
    let place = Place::new();
    let source = created(&place.at("store"));
    let facts = (0..5)
        .map(|n| super::ledger_kit::note(&n.to_string()))
        .collect();
    let command = super::ledger_kit::command();
    source
        .append(super::ledger_kit::commit(
            command,
            "note/a",
            Expected::Any,
            facts,
        ))
        .unwrap();
    taken(&source, &place.repo(), Kind::Full);
    restored(&place.repo(), &Target::Position(3), &place.at("again")).unwrap();
    let copy = same_up_to(&source, &place.at("again"), 3);
    write_notes(&copy, 5);
    assert!(copy.verify().unwrap().ok);
}

#[test]
fn a_restored_ledger_is_written_backed_up_and_restored_three_deep() {
    let place = Place::new();
    let source = created(&place.at("0"));
    write_notes(&source, 20);
    taken(&source, &place.repo(), Kind::Full);
    let mut ledgers = vec![source];
    let mut timelines = vec![ledgers[0].identity().1];
    for deep in 1..=3_u64 {
        let folder = place.at(&deep.to_string());
        // Each leaves the newest end before it, so that both branches have events of their own.
        let fork = ledgers.last().unwrap().head().position.0 - 5;
        let made = restored(&place.repo(), &Target::Position(fork), &folder).unwrap();
        assert_eq!(made.parent, *timelines.last().unwrap());
        let (copy, _) = opened(&folder);
        write_notes(&copy, 20);
        let taken = taken(&copy, &place.repo(), Kind::Incremental).manifest;
        assert_eq!(taken.lineage.len(), usize::try_from(deep).unwrap());
        timelines.push(copy.identity().1);
        ledgers.push(copy);
    }
    let catalog = catalog(&place.repo());
    for (ledger, timeline) in ledgers.iter().zip(&timelines) {
        let head = ledger.head();
        let plan = catalog
            .known()
            .restore(&Target::Latest, Some(*timeline))
            .unwrap();
        let folder = place.at(&format!("branch-{timeline}"));
        let tell = &mut |_| std::ops::ControlFlow::Continue(());
        let done =
            switchboard::backup::restore::restore(&catalog, &plan, &into(&folder), tell).unwrap();
        assert_eq!(done.chain, head.chain);
        assert_eq!(done.state.unwrap().hash, hash_at(ledger, head.position.0));
        same_up_to(ledger, &folder, head.position.0);
    }
    // Whoever goes on with a timeline that was left is stopped, unless it is meant.
    for ledger in &ledgers[..3] {
        write_notes(ledger, 1);
        let wish = wish(Kind::Incremental, ledger);
        let refused = try_take(ledger, &vault(&place.repo()), &wish);
        assert!(
            matches!(refused, Err(BackupError::Forked { .. })),
            "{refused:?}"
        );
        let meant = Wish {
            despite_fork: true,
            ..wish
        };
        try_take(ledger, &vault(&place.repo()), &meant).unwrap();
    }
}

#[test]
fn another_ledger_or_another_history_is_refused() {
    let place = Place::new();
    let source = created(&place.at("store"));
    write_notes(&source, 5);
    source.close().unwrap();
    super::ledger_kit::copy(&place.at("store"), &place.at("twin"));
    let (source, _) = opened(&place.at("store"));
    write_notes(&source, 5);
    taken(&source, &place.repo(), Kind::Full);
    let (twin, _) = Ledger::open(&place.at("twin"), edge()).unwrap();
    let behind = try_take(
        &twin,
        &vault(&place.repo()),
        &wish(Kind::Incremental, &twin),
    );
    assert!(
        matches!(behind, Err(BackupError::OtherHistory { .. })),
        "{behind:?}"
    );
    for number in 0..9 {
        let text = format!("other {number}");
        twin.append(noting("note/x", Expected::Any, &text)).unwrap();
    }
    let other = try_take(
        &twin,
        &vault(&place.repo()),
        &wish(Kind::Incremental, &twin),
    );
    assert!(
        matches!(other, Err(BackupError::OtherHistory { .. })),
        "{other:?}"
    );
    let stranger = created(&place.at("stranger"));
    let refused = try_take(
        &stranger,
        &vault(&place.repo()),
        &wish(Kind::Full, &stranger),
    );
    assert!(matches!(refused, Err(BackupError::OtherLedger { .. })));
}

#[test]
fn a_second_full_backup_shares_whole_segments_and_mends_damaged_ones() {
    let place = Place::new();
    let source = created(&place.at("store"));
    let facts = |from: u64| (from..from + 4096).map(|n| super::ledger_kit::note(&n.to_string()));
    for batch in 0..5 {
        let facts = facts(batch * 4096).collect();
        let command = super::ledger_kit::command();
        source
            .append(super::ledger_kit::commit(
                command,
                "note/a",
                Expected::Any,
                facts,
            ))
            .unwrap();
    }
    let first = taken(&source, &place.repo(), Kind::Full).manifest;
    assert_eq!(first.segments.len(), 2);
    assert_eq!(first.segments[0].last, 16 * 1024);
    write_notes(&source, 1);
    let second = taken(&source, &place.repo(), Kind::Full).manifest;
    assert_eq!(first.segments[0], second.segments[0]);
    assert!(second.bytes_stored < first.bytes_stored / 2);
    let path = place
        .repo()
        .join("segments")
        .join(first.segments[0].object.to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        rehearsed(&place.repo(), &Target::Latest),
        Err(BackupError::Damaged { .. })
    ));
    write_notes(&source, 1);
    let third = taken(&source, &place.repo(), Kind::Full);
    assert_eq!(third.notes.len(), 1);
    let latest = rehearsed(&place.repo(), &Target::Latest).unwrap();
    assert_eq!(latest.state.unwrap(), third.manifest.state.unwrap());
}

#[test]
fn a_target_that_is_not_empty_is_left_as_it_is() {
    let place = Place::new();
    let source = created(&place.at("store"));
    taken(&source, &place.repo(), Kind::Full);
    let target = place.at("target");
    std::fs::create_dir(&target).unwrap();
    restored(&place.repo(), &Target::Latest, &target).unwrap();
    let before = files(&target);
    let refused = restored(&place.repo(), &Target::Latest, &target);
    assert!(matches!(
        refused,
        Err(BackupError::Restore(RestoreError::NotEmpty { .. }))
    ));
    assert_eq!(files(&target), before);
}

#[test]
fn a_hole_ends_what_can_be_restored_and_says_where() {
    let place = Place::new();
    let source = created(&place.at("store"));
    write_notes(&source, 10);
    taken(&source, &place.repo(), Kind::Full);
    write_notes(&source, 10);
    let middle = taken(&source, &place.repo(), Kind::Incremental).manifest;
    write_notes(&source, 10);
    taken(&source, &place.repo(), Kind::Incremental);
    let lost = middle.segments[1].object.to_string();
    std::fs::remove_file(place.repo().join("segments").join(lost)).unwrap();
    match rehearsed(&place.repo(), &Target::Latest) {
        Err(BackupError::Hole { until: 11, .. }) => {}
        other => panic!("{other:?}"),
    }
    let ranges = catalog(&place.repo()).known().ranges();
    assert_eq!((ranges[0].first_position, ranges[0].last_position), (1, 11));
    let before = rehearsed(&place.repo(), &Target::Position(11)).unwrap();
    assert_eq!(before.state.unwrap().hash, hash_at(&source, 11));
    // The next backup brings the events again.
    write_notes(&source, 1);
    taken(&source, &place.repo(), Kind::Incremental);
    assert_eq!(
        rehearsed(&place.repo(), &Target::Latest)
            .unwrap()
            .stopped_at
            .position,
        32
    );
}

#[test]
fn the_command_line_backs_up_and_restores() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    for text in ["one", "two", "three"] {
        desk.must(&["send", "--to", "agent-1", "--wait", "accepted", text]);
    }
    let full = desk.must(&["backup", "full", "--repo", "repo"]);
    assert_eq!(full["record"], "summary");
    assert_eq!(full["kind"], "full");
    let head = full["last_position"].as_u64().unwrap();
    let there = desk.must(&["replay", "--as-of", &head.to_string()]);
    assert_eq!(full["hash"], there["hash"]);
    let restored = desk.must(&["restore", "--repo", "repo", "--target", "again", "--latest"]);
    assert_eq!(restored["hash"], there["hash"]);
    assert_eq!(restored["stopped_at"]["position"], head);
    assert_eq!(restored["first_excluded"], Value::Null);
    let again = |line: &[&str]| desk.must_in("again", line);
    // The very first look: nothing is folded yet.
    assert_eq!(again(&["status"])["paused"], true);
    assert_eq!(again(&["verify"])["ok"], true);
    let now = again(&["replay"]);
    assert_eq!(now["state"]["outbox"]["all_paused"], true);
    let as_of = again(&["replay", "--as-of", &head.to_string()]);
    assert_eq!(as_of["hash"], there["hash"]);
    for (line, code) in [
        (
            &["restore", "--repo", "repo", "--target", "again", "--latest"][..],
            16,
        ),
        (
            &[
                "restore",
                "--repo",
                "repo",
                "--target",
                "t",
                "--position",
                "999",
            ],
            15,
        ),
        (
            &[
                "restore",
                "--repo",
                "repo",
                "--target",
                "t",
                "--at",
                "2020-01-01T00:00:00Z",
            ],
            15,
        ),
        (
            &["restore", "--repo", "nowhere", "--target", "t", "--latest"],
            10,
        ),
        (
            &[
                "restore", "--repo", "repo", "--target", "t", "--label", "none",
            ],
            4,
        ),
        (&["backup", "list", "--repo", "nowhere"], 10),
        (&["restore", "--repo", "repo", "--target", "t"], 2),
    ] {
        let ran = desk.run(line);
        assert_eq!(ran.code, code, "{line:?}: {ran:?}");
    }
}

#[test]
fn drills_restore_for_real_and_are_noted_in_the_ledger() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    desk.must(&["backup", "full", "--repo", "repo"]);
    desk.must(&["send", "--to", "agent-1", "--wait", "accepted", "one"]);
    let taken = desk.must(&["backup", "incremental", "--repo", "repo"]);
    let status = desk.must(&["status"]);
    assert_eq!(status["last_backup"]["backup"], taken["id"]);
    assert_eq!(status["last_drill"], Value::Null);
    let ran = desk.run(&["backup", "drill", "--repo", "repo", "--scratch", "scratch"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let items = ran.items();
    assert_eq!(items.len(), 7);
    assert!(
        items[..5].iter().all(|it| it["passed"] == true),
        "{items:?}"
    );
    // Nobody named a second repository, so nothing is claimed about one.
    assert_eq!(items[5]["passed"], Value::Null);
    assert_eq!(items[6]["ok"], true);
    let last = desk.must(&["status"]);
    assert_eq!(last["last_drill"]["event"], "drill.passed");
    let site_loss = ["backup", "drill", "site-loss", "--repo", "repo"];
    assert_eq!(desk.run(&site_loss).code, 21);
    desk.must(&["backup", "full", "--repo", "far-away"]);
    desk.must(&["config", "set", "backup.second_repo", "far-away"]);
    let all = ["backup", "drill", "--repo", "repo", "--scratch", "scratch"];
    let ran = desk.run(&[&all[..], &["--class", "low"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let items = ran.items();
    assert!(items[..6].iter().all(|it| it["passed"] == true));
    assert_eq!(items[0]["rto_limit_seconds"], 4320.0 * 60.0);
    // A plan that nobody could keep.
    let line = [
        "backup",
        "drill",
        "hardware-loss",
        "--repo",
        "repo",
        "--rto",
        "1us",
    ];
    let missed = desk.run(&line);
    assert_eq!(missed.code, 21, "{missed:?}");
    assert_eq!(
        desk.must(&["status"])["last_drill"]["event"],
        "drill.missed"
    );
    let left = std::fs::read_dir(desk.store().with_file_name("scratch")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn a_repository_that_is_set_need_not_be_said() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    let nowhere = desk.run(&["backup", "full"]);
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
    assert!(nowhere.err.contains("backup.repo"), "{nowhere:?}");
    let set = ["--set", "backup.repo=repo"];
    let must = |line: &[&'static str]| desk.must(&[&set, line].concat());
    let full = must(&["backup", "full"]);
    must(&["backup", "verify"]);
    must(&["backup", "full", "--repo", "elsewhere"]);
    let listed = desk.run(&[&set[..], &["backup", "list"]].concat());
    assert_eq!(listed.items()[0]["id"], full["id"], "{listed:?}");
    let restored = must(&["restore", "--target", "again", "--latest"]);
    assert_eq!(restored["hash"], full["hash"]);
}

#[test]
fn a_running_desk_backs_itself_up() {
    let desk = Desk::new();
    let daemon = desk.serve(&[]);
    desk.must(&[
        "append", "--stream", "note/a", "--kind", "note.n", "--data", "1",
    ]);
    let full = desk.must(&["backup", "full", "--repo", "repo"]);
    assert_eq!(
        full["last_position"],
        desk.must(&["status"])["last_backup"]["last"]
    );
    let again = desk.must(&["backup", "incremental", "--repo", "repo"]);
    assert_eq!(again["base"], full["id"]);
    daemon.stop();
    let whole = desk.must(&["backup", "verify", "--restore-test", "--repo", "repo"]);
    assert_eq!(whole["ok"], true);
}

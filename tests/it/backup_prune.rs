//! What a policy keeps, and what pruning removes.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use switchboard::backup::catalog::Catalog;
use switchboard::backup::digest::Digest;
use switchboard::backup::error::BackupError;
use switchboard::backup::manifest::Manifest;
use switchboard::backup::plan::Target;
use switchboard::backup::plan_prune::Policy;
use switchboard::backup::prune;
use switchboard::events::facts::backup::Kind;
use switchboard::events::time::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::backup_kit::{hash_at, labelled, rehearsed, taken, vault, write_notes};
use super::ledger_kit::{NOON, created};
use super::running_kit::Desk;

fn backup(number: u128, at: &str, kind: Kind) -> Manifest {
    let taken_at: Timestamp = at.parse().unwrap();
    Manifest {
        id: Uuid::from_u128(number),
        kind,
        ledger: Uuid::from_u128(1),
        timeline: Uuid::from_u128(2),
        lineage: Vec::new(),
        previous: None,
        base: None,
        first_position: 1,
        last_position: 1,
        first_at: taken_at,
        last_at: taken_at,
        chain: Digest::default(),
        taken_at,
        micros: 0,
        bytes_raw: 0,
        bytes_stored: 0,
        state: None,
        label: None,
        tags: Vec::new(),
        made_by: "test".to_owned(),
        segments: Vec::new(),
    }
}

fn kept(policy: &Policy, backups: &[Manifest]) -> Vec<u128> {
    let verdicts = policy.judge(backups, &|_| true);
    let kept = verdicts.iter().filter(|it| !it.because.is_empty());
    kept.map(|it| it.backup.as_u128()).collect()
}

fn seven() -> Vec<Manifest> {
    [
        "2024-12-31T23:00:00Z",
        "2025-01-01T01:00:00Z",
        "2025-01-31T10:00:00Z",
        "2025-02-01T10:10:00Z",
        "2025-02-01T10:50:00Z",
        "2025-02-02T11:00:00Z",
        "2025-02-03T12:00:00Z",
    ]
    .iter()
    .zip(1..)
    .map(|(at, number)| backup(number, at, Kind::Incremental))
    .collect()
}

#[test]
fn each_rule_keeps_the_newest_of_its_buckets() {
    let mut backups = seven();
    backups[0].tags = vec!["release".to_owned()];
    let none = Policy::default;
    for (policy, expected) in [
        (Policy { last: 2, ..none() }, vec![6, 7]),
        (
            Policy {
                hourly: 3,
                ..none()
            },
            vec![5, 6, 7],
        ),
        (Policy { daily: 3, ..none() }, vec![5, 6, 7]),
        (
            Policy {
                weekly: 2,
                ..none()
            },
            vec![6, 7],
        ),
        (
            Policy {
                monthly: 9,
                ..none()
            },
            vec![1, 3, 7],
        ),
        (
            Policy {
                yearly: 2,
                ..none()
            },
            vec![1, 7],
        ),
        (
            Policy {
                within: Some("2d2h".parse().unwrap()),
                ..none()
            },
            vec![4, 5, 6, 7],
        ),
        (
            Policy {
                tags: vec!["release".to_owned()],
                ..none()
            },
            vec![1],
        ),
        (
            Policy {
                last: 1,
                yearly: 2,
                ..none()
            },
            vec![1, 7],
        ),
    ] {
        assert_eq!(kept(&policy, &backups), expected, "{policy:?}");
    }
}

proptest! {
    #[test]
    fn no_policy_loses_the_last_full_or_keeps_less_than_a_weaker_one(
        hours in prop::collection::vec((0_u64..40_000, 0_u8..4), 1..40),
        (last, hourly, daily, weekly) in (0_usize..5, 0_usize..5, 0_usize..5, 0_usize..5),
        (monthly, yearly) in (0_usize..5, 0_usize..5),
    ) {
        let mut hours = hours;
        hours.sort_unstable();
        let backups: Vec<Manifest> = hours
            .iter()
            .zip(1..)
            .map(|((hour, kind), number)| {
                let at = Timestamp::from_micros(NOON).after(Duration::from_hours(*hour));
                let kind = if *kind == 0 { Kind::Full } else { Kind::Incremental };
                backup(number, &at.to_string(), kind)
            })
            .collect();
        let policy = Policy { last, hourly, daily, weekly, monthly, yearly, ..Policy::default() };
        let more = Policy { last: last + 1, daily: daily + 2, yearly: yearly + 1, ..policy.clone() };
        let few: BTreeSet<u128> = kept(&policy, &backups).into_iter().collect();
        let many: BTreeSet<u128> = kept(&more, &backups).into_iter().collect();
        prop_assert!(few.is_subset(&many));
        let full = backups.iter().rev().find(|it| it.kind == Kind::Full);
        prop_assert!(full.is_none_or(|it| few.contains(&it.id.as_u128())));
        if last + hourly + daily + weekly + monthly + yearly > 0 {
            // The newest is the newest of every bucket it is in.
            prop_assert!(few.contains(&(backups.len() as u128)));
        }
        let bound = last + hourly + daily + weekly + monthly + yearly + 1;
        prop_assert!(few.len() <= bound);
    }
}

#[test]
fn pruning_keeps_what_kept_backups_need_and_says_first_what_it_would_do() {
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    let repo = folder.path().join("repo");
    write_notes(&source, 25);
    taken(&source, &repo, Kind::Full);
    labelled(&source, &repo, "early");
    for _ in 0..4 {
        write_notes(&source, 25);
        taken(&source, &repo, Kind::Incremental);
    }
    let catalog = || Catalog::open(vault(&repo)).unwrap();
    let now = Timestamp::from_micros(NOON).after(Duration::from_hours(1));
    let day = Duration::from_hours(24);
    let empty = prune::plan(&catalog(), &Policy::default(), (now, day));
    assert!(matches!(empty, Err(BackupError::EmptyPolicy)));
    let policy = Policy {
        last: 1,
        ..Policy::default()
    };
    let plan = prune::plan(&catalog(), &policy, (now, day)).unwrap();
    // The newest needs every segment, and the full one is the last that is.
    assert_eq!((plan.manifests.len(), plan.segments.len()), (3, 0));
    assert_eq!(catalog().manifests.len(), 6);
    prune::apply(&catalog(), &plan, now, false).unwrap();
    assert_eq!(catalog().manifests.len(), 3);
    let early = rehearsed(&repo, &Target::Label("early".to_owned())).unwrap();
    assert_eq!(early.state.unwrap().hash, hash_at(&source, 26));
    // A new full one makes the pieces of the others superfluous; they lie in the trash for a day.
    taken(&source, &repo, Kind::Full);
    let plan = prune::plan(&catalog(), &policy, (now, day)).unwrap();
    assert_eq!((plan.manifests.len(), plan.segments.len()), (2, 5));
    prune::apply(&catalog(), &plan, now, false).unwrap();
    let trash = || std::fs::read_dir(repo.join("trash")).unwrap().count();
    assert_eq!(trash(), 3 + 2 + 5);
    for position in [1, 26, 77, 126] {
        let there = rehearsed(&repo, &Target::Position(position)).unwrap();
        assert_eq!(there.state.unwrap().hash, hash_at(&source, position));
    }
    let tomorrow = now.after(day);
    let plan = prune::plan(&catalog(), &policy, (tomorrow, day)).unwrap();
    assert_eq!((plan.manifests.len(), plan.trash.len()), (0, 10));
    prune::apply(&catalog(), &plan, tomorrow, false).unwrap();
    assert_eq!(trash(), 0);
    let go = &mut |_| std::ops::ControlFlow::Continue(());
    let depth = switchboard::backup::verify::Depth::Full;
    let found = switchboard::backup::verify::verify(&catalog(), depth, go).unwrap();
    assert_eq!(found.damage, []);
}

#[test]
fn the_command_line_prunes_only_when_it_is_confirmed() {
    let desk = Desk::new();
    for number in 0..3 {
        desk.must(&[
            "append", "--stream", "note/a", "--kind", "note.n", "--data", "1",
        ]);
        let kind = if number == 1 { "full" } else { "incremental" };
        desk.must(&["backup", kind, "--repo", "repo"]);
    }
    let prune = |more: &[&str]| desk.run(&[&["backup", "prune", "--repo", "repo"], more].concat());
    assert_eq!(prune(&[]).exit_error()["code"], "empty_policy");
    assert_eq!(prune(&["--keep-last", "1"]).item()["backups"], 1);
    assert_eq!(
        desk.run(&["backup", "list", "--repo", "repo"])
            .items()
            .len(),
        3
    );
    let done = prune(&["--keep-last", "1", "--confirm", "--trash-age", "0"]);
    assert_eq!(done.item()["confirmed"], true);
    assert_eq!(
        desk.run(&["backup", "list", "--repo", "repo"])
            .items()
            .len(),
        2
    );
    let whole = desk.must(&["backup", "verify", "--restore-test", "--repo", "repo"]);
    assert_eq!(whole["ok"], true);
}

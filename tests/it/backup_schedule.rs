//! A desk that backs itself up.

use serde_json::{Value, json};

use super::running_kit::{Desk, until};

/// A desk whose schedule writes into this folder beside the store.
fn scheduled(repo: &str) -> Desk {
    let mut desk = Desk::new();
    let repo = desk.store().with_file_name(repo).display().to_string();
    let variable = "SWITCHBOARD_BACKUP__REPO".to_owned();
    desk.variables.push((variable, repo));
    desk
}

fn note(desk: &Desk) {
    let line = [
        "append", "--stream", "note/a", "--kind", "note.n", "--data", "1",
    ];
    desk.must(&line);
}

fn kinds(desk: &Desk) -> Vec<String> {
    let events = desk.run(&["events", "--kind", "backup.*"]).items();
    let kinds = events
        .iter()
        .map(|it| it["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

#[test]
fn a_desk_that_serves_backs_itself_up_into_both_repositories() {
    let mut desk = scheduled("repo");
    let second = desk.store().with_file_name("second").display().to_string();
    let variable = "SWITCHBOARD_BACKUP__SECOND_REPO".to_owned();
    desk.variables.push((variable, second));
    note(&desk);
    // Nobody serves: nothing is done, and that is told.
    let before = desk.must(&["status"]);
    assert_eq!(before["backups"][0]["running"], false);
    assert_eq!(before["backups"][0]["covered"], 0);
    assert_eq!(before["last_backup"], Value::Null);
    let daemon = desk.serve(&[]);
    until("both are backed up", || kinds(&desk).len() == 2);
    let mut now = json!(null);
    until("the clock stands", || {
        now = desk.must(&["status"]);
        let all = now["backups"].as_array().unwrap();
        all.iter().all(|it| it["unsaved_since"] == Value::Null)
    });
    let first = &now["backups"][0];
    assert_eq!(first["late"], false);
    assert_eq!(first["failing"], Value::Null);
    assert_ne!(first["last_full"], Value::Null);
    assert_ne!(first["next"], Value::Null);
    assert_eq!(now["backups"].as_array().unwrap().len(), 2);
    note(&desk);
    until("the clock runs", || {
        let now = desk.must(&["status"]);
        now["backups"][0]["unsaved_since"] != Value::Null
    });
    let doctor = desk.run(&["doctor"]).items();
    let check = doctor.iter().find(|it| it["check"] == "backups").unwrap();
    assert_eq!(check["ok"], true, "{check}");
    daemon.stop();
    let list = desk.run(&["backup", "list", "--repo", "second"]).items();
    assert_eq!(list.len(), 2, "{list:?}");
    assert_eq!(list[0]["tags"], json!(["scheduled"]));
    assert_eq!(list[1]["record"], "next");
    let drill = desk.run(&["backup", "drill", "site-loss", "--repo", "repo"]);
    assert_eq!(drill.code, 0, "{drill:?}");
}

#[test]
fn a_schedule_that_fails_is_told_and_catches_up() {
    let mut desk = scheduled("file/repo");
    let limit = "SWITCHBOARD_BACKUP__CLASSES__CRITICAL__RPO".to_owned();
    desk.variables.push((limit, "1ms".to_owned()));
    let in_the_way = desk.store().with_file_name("file");
    std::fs::write(&in_the_way, "no folder").unwrap();
    note(&desk);
    let daemon = desk.serve(&[]);
    until("it failed and is late", || {
        kinds(&desk) == ["backup.failed", "backup.late"]
    });
    let now = desk.must(&["status"]);
    assert_eq!(now["backups"][0]["late"], true);
    assert_eq!(now["backups"][0]["failing"]["attempts"], 1);
    assert_eq!(now["backups"][0]["failing"]["work"], "full");
    let doctor = desk.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    let check = doctor.items();
    let check = check.iter().find(|it| it["check"] == "backups").unwrap();
    assert_eq!(check["ok"], false);
    daemon.stop();
    // What failed is tried at once by the next one that serves.
    std::fs::remove_file(&in_the_way).unwrap();
    std::fs::create_dir(&in_the_way).unwrap();
    let daemon = desk.serve(&[]);
    until("it caught up", || {
        let kinds = kinds(&desk);
        kinds[2..] == ["backup.taken", "backup.caught_up"]
    });
    daemon.stop();
    // Where nothing but that came, there is nothing to back up, and nothing is told twice.
    let daemon = desk.serve(&[]);
    desk.must(&["status"]);
    daemon.stop();
    assert_eq!(kinds(&desk).len(), 4);
}

#[test]
fn times_that_never_come_are_refused() {
    let desk = Desk::new();
    for (key, text) in [
        ("backup.schedule.full", "61 * * * *"),
        ("backup.schedule.incremental", "often"),
        ("backup.keep.within", "5w"),
    ] {
        let refused = desk.run(&["config", "set", key, text]);
        assert_eq!(refused.code, 14, "{refused:?}");
    }
    desk.must(&["config", "set", "backup.schedule.full", "@weekly"]);
}

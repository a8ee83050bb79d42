//! Owners of a ledger as their users meet them: settings that take effect, signals, repairs.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::running_kit::{Desk, Running, until};

#[test]
fn a_disk_with_less_room_than_wanted_takes_no_message() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    let send = ["send", "--to", "agent-1", "hello"];
    let all = ["--set", "store.min_free=1000000GiB"];
    let refused = desk.run(&[&all[..], &send[..]].concat());
    assert_eq!(refused.code, 17, "{refused:?}");
    assert_eq!(refused.exit_error()["code"], "no_space");
    assert_eq!(desk.run(&send).code, 7);
}

#[test]
fn an_address_is_checked_before_it_is_listened_on() {
    let desk = Desk::new();
    for (line, code) in [
        (&["serve", "--listen", "nonsense"][..], 2),
        (&["serve", "--listen", "0.0.0.0:0"], 13),
        (&["--set", "serve.listen=0.0.0.0:0", "serve"], 13),
    ] {
        assert_eq!(desk.run(line).code, code, "{line:?}");
    }
    let serves_at = |line: &[&str], address: &str| {
        let daemon = desk.start(&[&["serve"], line].concat());
        let serving: Value = serde_json::from_str(&daemon.line()).unwrap();
        let http = serving["http"].as_str().unwrap_or_default();
        assert!(http.starts_with(address), "{line:?}: {serving}");
        assert_eq!(daemon.stop().code, 143);
    };
    serves_at(&["--listen", "127.0.0.1:0"], "http://127.0.0.1:");
    // A setting of the ledger's own is known only when it is open.
    desk.must(&["config", "set", "serve.listen", "0.0.0.0:0"]);
    assert_eq!(desk.run(&["serve"]).code, 13);
    serves_at(&["--insecure-listen"], "http://0.0.0.0:");
}

/// How many attempts a message needs that no hands can carry: those by hand, and the inbox file.
fn attempts(desk: &Desk) -> u64 {
    let ran = desk.run(&["send", "--to", "agent-1", "hello"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    ran.item()["attempts"].as_u64().unwrap()
}

#[test]
fn a_running_daemon_goes_by_a_setting_as_soon_as_it_is_set() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--at", "9,9", "--seat", ":77"]);
    let quick = ["--set", "retry.base_delay=1ms", "--set", "breaker.rest=1ms"];
    let daemon = desk.serve(&[&["--desktop", "none"], &quick[..]].concat());
    let retries = "retry.classes.display_gone.retries";
    assert_eq!(attempts(&desk), 3);
    let head = desk.must(&["status"])["head"].to_string();
    let hash = || desk.must(&["replay", "--as-of", &head])["hash"].clone();
    let before = hash();
    for (line, value, more) in [
        (&["config", "set", retries, "0"][..], 0.into(), 2),
        (&["config", "set", retries, "3"], 3.into(), 5),
        (&["config", "unset", retries], Value::Null, 3),
    ] {
        let set = desk.must(line);
        assert_eq!(set["applied"], "now", "{set}");
        assert_eq!(
            (&set["value"], set["overridden"].is_null()),
            (&value, true),
            "{set}"
        );
        assert_eq!(attempts(&desk), more, "{line:?}");
    }
    assert_eq!(hash(), before, "settings are no part of any state");
    drop(daemon);
}

#[test]
fn a_setting_that_cannot_change_now_says_when_it_will_or_why_not() {
    let mut desk = Desk::new();
    desk.variables
        .push(("SWITCHBOARD_RETRY__JITTER".to_owned(), "0.5".to_owned()));
    let daemon = desk.serve(&["--set", "log.level=warn", "--desktop", "none"]);
    desk.variables.clear();
    for (key, value, applied, overridden) in [
        ("delivery.desktop", "x11", "next_start", None),
        ("log.format", "json", "next_start", None),
        ("serve.listen", "127.0.0.1:1", "next_start", None),
        (
            "retry.jitter",
            "0.1",
            "now",
            Some("environment SWITCHBOARD_RETRY__JITTER"),
        ),
        ("log.level", "debug", "now", Some("flag --set log.level")),
    ] {
        let set = desk.must(&["config", "set", key, value]);
        assert_eq!(
            (set["applied"].as_str(), set["overridden"].as_str()),
            (Some(applied), overridden),
            "{set}"
        );
    }
    let refused = desk.run(&["config", "set", "socket.lock_timeout", "1s"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert_eq!(refused.exit_error()["code"], "not_at_run_time");
    drop(daemon);
}

#[test]
fn the_log_is_turned_up_and_down_while_the_daemon_runs() {
    let desk = Desk::new();
    desk.must(&["config", "set", "log.level", "error"]);
    let daemon = desk.serve(&["--desktop", "none"]);
    for (key, value) in [
        ("retry.jitter", "0.1"),
        ("log.level", "info"),
        ("breaker.threshold", "7"),
        ("log.level", "off"),
        ("retry.max_retries", "2"),
    ] {
        desk.must(&["config", "set", key, value]);
    }
    let ended = daemon.stop();
    let said = |word: &str| ended.err.contains(word);
    assert!(said("breaker.threshold"), "{ended:?}");
    assert!(!said("jitter") && !said("max_retries"), "{ended:?}");
}

/// Whether somebody may connect to the store's owner.
fn is_owned(desk: &Desk) -> bool {
    desk.store().join("control.sock").exists()
}

/// A sender that waits for a message which cannot be delivered.
fn waiting_sender(desk: &Desk, id: &str) -> Running {
    let send = ["send", "--to", "agent-1", "--id", id, "hello"];
    let sender = desk.start(&send);
    // Whoever asks earlier may become the owner instead.
    until("there is an owner", || is_owned(desk));
    until("it is queued", || desk.run(&["show", id]).code == 0);
    sender
}

/// A sender that owns the ledger leaves it as tidily as one that has finished.
#[test]
fn a_sender_that_is_interrupted_says_that_its_message_stays_queued() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--at", "9,9", "--seat", ":77"]);
    desk.must(&["pause"]);
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let id = uuid::Uuid::new_v4().to_string();
        let sender = waiting_sender(&desk, &id);
        assert!(is_owned(&desk));
        sender.signal(signal);
        let ended = sender.end();
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{ended:?}");
        let error = ended.exit_error();
        assert_eq!(error["code"], "interrupted");
        assert_eq!(
            (&error["id"], &error["state"]),
            (&id.clone().into(), &"accepted".into())
        );
        assert!(error["hint"].as_str().unwrap().contains(&id), "{error}");
        assert!(!is_owned(&desk));
        assert_eq!(desk.must(&["show", &id])["state"], "accepted");
    }
    // Closed cleanly: nothing had to be written anew.
    let doctor = desk.run(&["doctor"]);
    assert!(!doctor.out.contains("written anew"), "{doctor:?}");
    assert_eq!(desk.must(&["verify"])["damage"], serde_json::json!([]));
}

#[test]
fn a_sender_that_is_interrupted_leaves_the_daemon_alone() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--at", "9,9", "--seat", ":77"]);
    desk.must(&["pause"]);
    let daemon = desk.serve(&["--desktop", "none"]);
    let id = uuid::Uuid::new_v4().to_string();
    let sender = waiting_sender(&desk, &id);
    sender.signal("-INT");
    let ended = sender.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    let error = ended.exit_error();
    assert_eq!(error["id"], id, "{error}");
    assert_eq!(desk.must(&["status"])["pid"], daemon.id());
    assert_eq!(desk.must(&["show", &id])["state"], "accepted");
}

#[test]
fn a_ledger_that_is_there_is_not_made_anew() {
    let desk = Desk::new();
    desk.must(&[
        "append", "--stream", "note/a", "--kind", "note.x", "--data", "1",
    ]);
    let head = desk.must(&["status"])["head"].clone();
    let refused = desk.run(&["init"]);
    assert_eq!(refused.code, 16, "{refused:?}");
    let error = refused.exit_error();
    assert_eq!(error["code"], "ledger_exists");
    assert!(
        error["hint"].as_str().unwrap().contains("--store"),
        "{error}"
    );
    assert_eq!(desk.must(&["status"])["head"], head);
}

/// Everything below the journal's folder.
fn journal(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(desk.store().join("journal")).unwrap();
    files
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect()
}

/// Leaves the store as a crash in the middle of a write does. Returns what was torn.
fn tear(desk: &Desk) -> Vec<u8> {
    let files = journal(desk);
    let (name, bytes) = files
        .iter()
        .find(|(name, _)| name.ends_with(".journal"))
        .unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let end = used.next_multiple_of(8);
    let mut half = bytes[4096..4096 + 77].to_vec();
    half[76] |= 1;
    let mut torn = bytes[..end].to_vec();
    torn.extend_from_slice(&half);
    torn.resize(bytes.len().max(torn.len()), 0);
    fs::write(desk.store().join("journal").join(name), torn).unwrap();
    half
}

#[test]
fn a_torn_tail_is_named_by_verify_and_set_aside_by_repair() {
    let desk = Desk::new();
    let note = [
        "append", "--stream", "note/a", "--kind", "note.x", "--data", "1",
    ];
    desk.must(&note);
    let whole = desk.must(&["verify", "--repair"]);
    assert_eq!(
        (&whole["ok"], &whole["repaired"]),
        (&true.into(), &Value::Null)
    );
    let half = tear(&desk);

    let before = journal(&desk);
    let named = desk.run(&["verify"]);
    assert_eq!(named.code, 9, "{named:?}");
    assert_eq!(named.exit_error()["code"], "torn_tail");
    let item = named.item();
    assert_eq!(
        (&item["ok"], &item["torn"]["bytes"]),
        (&false.into(), &77.into())
    );
    assert_eq!(item["torn"]["copied_to"], Value::Null);
    assert_eq!(journal(&desk), before, "plain verify changes nothing");

    let repaired = desk.run(&["verify", "--repair"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
    let item = repaired.item();
    assert_eq!(
        (&item["ok"], &item["repaired"]["bytes"]),
        (&true.into(), &77.into())
    );
    let copy = item["repaired"]["copied_to"].as_str().unwrap();
    assert_eq!(fs::read(copy).unwrap(), half);
    assert_eq!(item["head"], whole["head"]);
    desk.must(&note);
    assert_eq!(desk.must(&["verify"])["ok"], true);

    tear(&desk);
    let mut words = desk.command(&["verify", "--repair"]);
    let line: Vec<_> = words.get_args().skip(1).map(ToOwned::to_owned).collect();
    words = Command::new(words.get_program());
    let told = words.args(line).env_clear().output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("77 bytes") && told.contains("copied to"),
        "{told}"
    );
}

/// What was acknowledged is never cut off, and a daemon has nothing to repair.
#[test]
fn repair_leaves_every_other_damage_as_it_is() {
    let desk = Desk::new();
    for _ in 0..3 {
        desk.must(&[
            "append", "--stream", "note/a", "--kind", "note.x", "--data", "1",
        ]);
    }
    let daemon = desk.serve(&["--desktop", "none"]);
    assert_eq!(desk.must(&["verify", "--repair"])["repaired"], Value::Null);
    assert_eq!(daemon.stop().code, 143);
    let mut files = journal(&desk);
    let (name, bytes) = files
        .iter_mut()
        .find(|(name, _)| name.ends_with(".journal"))
        .unwrap();
    bytes[4096 + 40] ^= 1;
    fs::write(desk.store().join("journal").join(name), &bytes).unwrap();
    let before = journal(&desk);
    for line in [&["verify"][..], &["verify", "--repair"]] {
        let refused = desk.run(line);
        assert_eq!(refused.code, 9, "{refused:?}");
        assert_eq!(refused.item()["ok"], false);
        assert_eq!(journal(&desk), before, "{line:?}");
    }
}

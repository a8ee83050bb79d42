//! The desk as a whole without a display: the real binary, its ledger on disk, its control socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// A store of its own and the binary that works on it.
pub(crate) struct Desk {
    folder: TempDir,
    store: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    code: i32,
    items: Vec<Value>,
    error: Value,
}

/// A daemon that is stopped when the test is over.
pub(crate) struct Daemon(pub(crate) Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Desk {
    /// A new ledger with agents 1 to 3, reachable by inbox only.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = folder.path().join("store");
        Self::made(folder, store)
    }

    /// The same somewhere else.
    pub(crate) fn at(store: PathBuf) -> Self {
        Self::made(TempDir::new().unwrap(), store)
    }

    fn made(folder: TempDir, store: PathBuf) -> Self {
        let desk = Self { folder, store };
        assert_eq!(desk.run(&["init"]).code, 0);
        for name in ["agent-1", "agent-2", "agent-3"] {
            desk.done(&[
                "agent",
                "add",
                name,
                "--channel",
                "inbox",
                "--role",
                "builder",
            ]);
        }
        desk
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.store.clone()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("SWITCHBOARD_STORE", self.store())
            .current_dir(self.folder.path())
            .arg("--json");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command().args(args), b"")
    }

    pub(crate) fn done(&self, args: &[&str]) -> Vec<Value> {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.items
    }

    pub(crate) fn one(&self, args: &[&str]) -> Value {
        let mut items = self.done(args);
        assert_eq!(items.len(), 1, "{args:?}: {items:?}");
        items.remove(0)
    }

    pub(crate) fn serve(&self) -> Daemon {
        let mut child = self
            .command()
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("\"serving\""), "{line}");
        Daemon(child)
    }

    fn head(&self) -> u64 {
        self.one(&["status"])["head"].as_u64().unwrap()
    }
}

impl Ran {
    fn of(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Self::told(&child.wait_with_output().unwrap())
    }

    /// What a process said and how it ended.
    pub(crate) fn told(output: &std::process::Output) -> Self {
        let lines = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        Self {
            code: output.status.code().unwrap_or(-1),
            items: lines
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            error: errors
                .lines()
                .last()
                .and_then(|line| serde_json::from_str(line).ok())
                .unwrap_or(Value::Null),
        }
    }

    pub(crate) fn refused(&self, exit: i32, code: &str) {
        assert_eq!(self.code, exit, "{self:?}");
        assert_eq!(self.error["record"], "exit_error", "{self:?}");
        assert_eq!(self.error["code"], code, "{self:?}");
        assert_eq!(self.error["exit"], exit, "{self:?}");
    }
}

#[test]
fn the_same_id_is_one_message_and_other_content_under_it_a_conflict() {
    let desk = Desk::new();
    let id = Uuid::from_u128(7).to_string();
    let send = [
        "send", "--to", "agent-1", "--via", "inbox", "--id", &id, "hello",
    ];
    let first = desk.one(&send);
    assert_eq!(
        (&first["repeated"], &first["state"]),
        (&json!(false), &json!("inboxed"))
    );
    let head = desk.head();
    let again = desk.one(&send);
    assert_eq!(
        (&again["repeated"], &again["position"]),
        (&json!(true), &first["position"])
    );
    let other = [
        "send", "--to", "agent-1", "--via", "inbox", "--id", &id, "hello!",
    ];
    desk.run(&other).refused(5, "id_conflict");
    assert_eq!(
        desk.head(),
        head,
        "a repetition and a conflict write nothing"
    );
}

#[test]
fn bad_input_is_named_and_changes_nothing() {
    let desk = Desk::new();
    let head = desk.head();
    let long = "x".repeat(1_048_577);
    std::fs::File::create(desk.folder.path().join("long"))
        .and_then(|mut file| file.write_all(long.as_bytes()))
        .unwrap();
    for (args, exit, code) in [
        (&["send", "--to", "agent-9x", "hi"][..], 4, "unknown_agent"),
        (
            &["send", "--to", "agent-1", "--from", "nobody", "hi"],
            4,
            "unknown_sender",
        ),
        (&["send", "--to", "agent-1", ""], 6, "empty_body"),
        (
            &["send", "--to", "agent-1", "--file", "long"],
            6,
            "body_too_large",
        ),
        (&["send", "--to", "agent one", "hi"], 2, "usage"),
        (
            &["show", "00000000-0000-0000-0000-000000000001"],
            4,
            "unknown_message",
        ),
        (&["replay", "--as-of", "100000"], 15, "beyond_head"),
        (
            &[
                "append",
                "--stream",
                "note/a",
                "--kind",
                "agent.added",
                "--data",
                "{}",
            ],
            6,
            "not_a_note",
        ),
        (
            &["agent", "add", "agent-1", "--rank", "9"],
            5,
            "agent_exists",
        ),
        (
            &["projections", "rebuild", "nothing"],
            4,
            "unknown_projection",
        ),
        (
            &["config", "set", "retry.max_retrys", "3"],
            14,
            "config_invalid",
        ),
    ] {
        desk.run(args).refused(exit, code);
    }
    let hint = desk.run(&["send", "--to", "agnt-1", "hi"]).error["hint"].to_string();
    assert!(hint.contains("agent-1"), "{hint}");
    let mut command = desk.command();
    command.args(["send", "--to", "agent-1", "-"]);
    Ran::of(&mut command, b"\xff\xfe").refused(6, "not_utf8");
    assert_eq!(desk.head(), head);
}

/// It was accepted, and every message to that agent failed on it.
#[test]
fn a_window_title_that_is_no_regular_expression_is_refused_when_it_is_declared() {
    let desk = Desk::new();
    let head = desk.head();
    desk.run(&["agent", "add", "w", "--window", "("])
        .refused(6, "bad_profile");
    desk.run(&["agent", "set", "agent-1", "--window", "("])
        .refused(6, "bad_profile");
    assert_eq!(desk.head(), head);
}

#[test]
fn a_folder_without_a_ledger_and_one_with_something_else_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let desk = Desk { folder, store };
    desk.run(&["status"]).refused(10, "no_ledger");
    std::fs::create_dir(desk.store()).unwrap();
    std::fs::File::create(desk.store().join("precious")).unwrap();
    desk.run(&["status"]).refused(10, "not_a_store");
    desk.run(&["init"]).refused(10, "not_a_store");
    assert!(desk.store().join("precious").is_file());
}

#[test]
fn a_store_of_the_future_is_refused_and_left_alone() {
    let desk = Desk::new();
    let format = desk.store().join("format");
    let now = std::fs::read_to_string(&format).unwrap();
    let future = now.replace('2', "9");
    assert_ne!(now, future);
    std::fs::File::create(&format)
        .and_then(|mut file| file.write_all(future.as_bytes()))
        .unwrap();
    desk.run(&["status"]).refused(19, "too_new");
    assert_eq!(std::fs::read_to_string(&format).unwrap(), future);
}

#[test]
fn a_second_daemon_is_refused_at_once_and_the_first_serves_everybody() {
    let desk = Desk::new();
    let daemon = desk.serve();
    desk.run(&["serve"]).refused(11, "locked");
    let status = desk.one(&["status"]);
    assert_eq!(status["pid"], json!(daemon.0.id()));
    let sent = desk.one(&["send", "--to", "agent-2", "--via", "inbox", "by the daemon"]);
    assert_eq!(sent["state"], "inboxed");
}

#[test]
fn a_daemon_that_was_killed_leaves_a_store_that_opens_with_everything_accepted() {
    let desk = Desk::new();
    let mut daemon = desk.serve();
    let mut sent = Vec::new();
    for number in 0..5 {
        let body = format!("message {number}");
        let one = desk.one(&["send", "--to", "agent-1", "--wait", "accepted", &body]);
        sent.push(one["message"].as_str().unwrap().to_owned());
    }
    daemon.0.kill().unwrap();
    daemon.0.wait().unwrap();
    for message in &sent {
        desk.one(&["show", message]);
    }
    assert_eq!(desk.one(&["verify"])["ok"], true);
    assert_eq!(desk.one(&["projections", "check"])["ok"], true);
}

#[test]
fn thirty_two_senders_at_once_are_all_accepted_and_each_keeps_its_order() {
    let desk = Desk::new();
    let senders: Vec<_> = (0..32)
        .map(|sender| {
            let (store, home) = (desk.store(), desk.folder.path().to_owned());
            thread::spawn(move || send_three(&store, &home, sender))
        })
        .collect();
    for sender in senders {
        let positions = sender.join().unwrap();
        assert!(positions.is_sorted(), "{positions:?}");
    }
    let queue = desk.done(&["messages", "--limit", "500"]);
    assert_eq!(
        queue.iter().filter(|item| item["record"].is_null()).count(),
        96
    );
    assert_eq!(desk.one(&["verify"])["ok"], true);
}

fn send_three(store: &Path, home: &Path, sender: usize) -> Vec<u64> {
    (0..3)
        .map(|number| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
            command
                .env_clear()
                .env("HOME", home)
                .env("SWITCHBOARD_STORE", store)
                .args([
                    "--json",
                    "--lock-timeout",
                    "60s",
                    "send",
                    "--wait",
                    "accepted",
                ])
                .args([
                    "--to",
                    "agent-1",
                    &format!("sender {sender} number {number}"),
                ]);
            let ran = Ran::of(&mut command, b"");
            assert_eq!(ran.code, 0, "{ran:?}");
            ran.items[0]["position"].as_u64().unwrap()
        })
        .collect()
}

#[test]
fn the_past_has_one_hash_whether_live_or_rebuilt() {
    let desk = Desk::new();
    for to in ["agent-1", "agent-2", "agent-3"] {
        desk.done(&["send", "--to", to, "--via", "inbox", "hello"]);
    }
    let head = desk.head();
    let hash =
        |position: u64| desk.one(&["replay", "--as-of", &position.to_string()])["hash"].clone();
    let before: Vec<Value> = (0..=head).map(hash).collect();
    desk.done(&["projections", "rebuild"]);
    let sled = desk.store().join("ledger");
    std::fs::remove_dir_all(&sled).unwrap();
    let after: Vec<Value> = (0..=head).map(hash).collect();
    assert_eq!(
        before, after,
        "also after sled's copy was lost and written anew"
    );
    assert!(before.windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn without_a_display_a_message_falls_back_to_the_inbox_and_says_why() {
    let desk = Desk::new();
    desk.done(&["agent", "add", "far", "--seat", ":4711", "--at", "10,10"]);
    let ran = desk.run(&["send", "--to", "far", "hello"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let sent = &ran.items[0];
    assert_eq!(
        (&sent["state"], &sent["channel"]),
        (&json!("inboxed"), &json!("inbox"))
    );
    assert_eq!(sent["because"], "display_gone");
    let message = sent["message"].as_str().unwrap();
    let story = desk.done(&["why", message]);
    let told: Vec<&str> = story
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    for event in [
        "message.accepted",
        "attempt.started",
        "attempt.failed",
        "attempt.inboxed",
    ] {
        assert!(told.contains(&event), "{told:?}");
    }
    let inbox = desk.one(&["inbox", "far"]);
    let file = std::fs::read_to_string(inbox["file"].as_str().unwrap()).unwrap();
    assert!(file.ends_with("hello"), "{file}");
    let gui = desk.run(&["send", "--to", "far", "--via", "gui", "hello"]);
    assert_eq!(
        (gui.code, &gui.items[0]["state"]),
        (6, &json!("dead")),
        "{gui:?}"
    );
}

#[test]
fn an_inbox_is_read_acknowledged_and_answered() {
    let desk = Desk::new();
    let sent = desk.one(&["send", "--to", "agent-1", "--via", "inbox", "question?"]);
    let message = sent["message"].as_str().unwrap();
    let next = desk.one(&["inbox", "agent-1", "--next"]);
    assert_eq!(
        (&next["message"], &next["body"]),
        (&sent["message"], &json!("question?"))
    );
    desk.run(&["inbox", "agent-1", "--next"])
        .refused(8, "inbox_empty");
    assert_eq!(
        desk.one(&["ack", message, "--as", "agent-1"])["state"],
        "acknowledged"
    );
    let reply = desk.one(&["reply", message, "--via", "inbox", "answer."]);
    assert_eq!(reply["to"], "operator");
    let story = desk.one(&["show", message]);
    assert_eq!(
        (&story["state"], &story["answers"][0]),
        (&json!("answered"), &reply["message"])
    );
    assert_eq!(desk.one(&["inbox", "operator"])["body"], "answer.");
}

#[test]
fn a_message_waits_for_its_time_and_can_be_taken_back() {
    let desk = Desk::new();
    let later = "2999-01-01T00:00:00Z";
    let wish = [
        "send",
        "--to",
        "agent-1",
        "--not-before",
        later,
        "--wait",
        "accepted",
        "later",
    ];
    let sent = desk.one(&wish);
    let message = sent["message"].as_str().unwrap();
    let queue = desk.one(&["queue"]);
    assert_eq!(
        (&queue["message"], &queue["due_at"]),
        (&sent["message"], &json!("2999-01-01T00:00:00.000000Z"))
    );
    assert_eq!(desk.one(&["cancel", message])["state"], "cancelled");
    assert!(desk.done(&["queue"]).is_empty());
    desk.run(&["resolve", message, "delivered"])
        .refused(5, "wrong_state");
    assert_eq!(desk.one(&["requeue", message])["state"], "accepted");
}

#[test]
fn what_is_not_delivered_in_time_expires() {
    let desk = Desk::new();
    desk.done(&["pause", "agent-1"]);
    let ran = desk.run(&["send", "--to", "agent-1", "--ttl", "200ms", "short-lived"]);
    assert_eq!(
        (ran.code, &ran.items[0]["state"]),
        (1, &json!("expired")),
        "{ran:?}"
    );
    let waiting = desk.run(&["send", "--to", "agent-1", "--timeout", "300ms", "patient"]);
    assert_eq!(
        (waiting.code, &waiting.items[0]["state"]),
        (8, &json!("accepted")),
        "{waiting:?}"
    );
    desk.done(&["resume", "agent-1"]);
    let message = waiting.items[0]["message"].as_str().unwrap();
    let daemon = desk.serve();
    for _ in 0..200 {
        if desk.one(&["show", message])["state"] == "inboxed" {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    drop(daemon);
    panic!("a resumed agent's message was not carried");
}

#[test]
fn a_dry_run_writes_down_what_hands_would_have_done() {
    let desk = Desk::new();
    desk.done(&["agent", "add", "far", "--seat", ":4711", "--at", "10,20"]);
    let acts = desk.folder.path().join("acts");
    let desktop = format!("record:{}", acts.display());
    let sent = desk.one(&["send", "--to", "far", "--desktop", &desktop, "hello"]);
    assert_eq!(
        (&sent["state"], &sent["proof"]),
        (&json!("submitted"), &json!("submitted"))
    );
    let acts = std::fs::read_to_string(acts).unwrap();
    for act in [
        r#"{"click":{"x":10,"y":20}}"#,
        r#"{"clipboard":{"text":"hello"}}"#,
        r#""enter""#,
    ] {
        assert!(acts.contains(act), "{act} in {acts}");
    }
}

#[test]
fn notes_are_kept_with_versions_and_repeatable_by_id() {
    let desk = Desk::new();
    let append = |data: &str, more: &[&str]| {
        let mut args = vec![
            "append",
            "--stream",
            "note/plan",
            "--kind",
            "note.decided",
            "--data",
            data,
        ];
        args.extend(more);
        desk.run(&args)
    };
    let id = Uuid::from_u128(9).to_string();
    let first = append("{\"by\":\"ada\"}", &["--expect", "none", "--id", &id]);
    assert_eq!(
        (first.code, &first.items[0]["version"]),
        (0, &json!(0)),
        "{first:?}"
    );
    let again = append("{\"by\":\"ada\"}", &["--expect", "none", "--id", &id]);
    assert_eq!(again.items[0]["repeated"], true, "{again:?}");
    append("{\"by\":\"eve\"}", &["--id", &id]).refused(5, "command_conflict");
    let stale = append("{}", &["--expect", "7"]);
    stale.refused(5, "wrong_version");
    assert_eq!(
        (&stale.error["expected"], &stale.error["actual"]),
        (&json!(7), &json!(0))
    );
    let events = desk.done(&["events", "--stream", "note/plan"]);
    assert_eq!(
        (&events[0]["kind"], &events[0]["data"]["by"]),
        (&json!("note.decided"), &json!("ada"))
    );
}

#[test]
fn a_broadcast_tells_each_outcome_and_a_common_correlation() {
    let desk = Desk::new();
    let ran = desk.run(&[
        "broadcast",
        "--to",
        "agent-1,agent-2,nobody",
        "--via",
        "inbox",
        "to all",
    ]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let summary = ran.items.last().unwrap();
    assert_eq!(
        (&summary["sent"], &summary["failed"]),
        (&json!(2), &json!(1))
    );
    let correlated = ran
        .items
        .iter()
        .filter(|item| item["correlation"] == summary["correlation"]);
    assert_eq!(
        correlated.count(),
        3,
        "two messages and the summary: {ran:?}"
    );
    let all = desk.run(&[
        "broadcast",
        "--role",
        "builder",
        "--via",
        "inbox",
        "to builders",
    ]);
    assert_eq!((all.code, all.items.len()), (0, 4), "{all:?}");
}

#[test]
fn settings_set_at_run_time_stand_between_files_and_environment() {
    let desk = Desk::new();
    desk.one(&["config", "set", "retry.max_retries", "7"]);
    let origin = |desk: &Desk| {
        let items = desk.done(&["config", "show", "--origin"]);
        let item = items
            .into_iter()
            .find(|item| item["key"] == "retry.max_retries")
            .unwrap();
        (item["value"].clone(), item["layer"].clone())
    };
    assert_eq!(origin(&desk), (json!(7), json!("runtime")));
    let mut command = desk.command();
    command
        .env("SWITCHBOARD_RETRY__MAX_RETRIES", "9")
        .args(["config", "show", "--origin"]);
    let ran = Ran::of(&mut command, b"");
    let item = ran
        .items
        .iter()
        .find(|item| item["key"] == "retry.max_retries")
        .unwrap();
    assert_eq!(
        (&item["value"], &item["layer"]),
        (&json!(9), &json!("environment"))
    );
    desk.one(&["config", "unset", "retry.max_retries"]);
    assert_eq!(origin(&desk), (json!(3), json!("default")));
}

//! The owner against clients that misbehave, and clients against an owner that does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use switchboard::adapters::clock::SystemClock;
use switchboard::events::time::Clock as _;
use tempfile::TempDir;

use super::desk::{Daemon, Desk, Ran};
use super::ledger_faults::Unmount;

/// Far more than leaving takes, and far less than for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Asks the daemon to go, and returns its exit code once it went.
fn stop(daemon: &mut Daemon) -> i32 {
    signal(&daemon.0, Signal::TERM);
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = daemon.0.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        assert!(Instant::now() < give_up, "the daemon did not go away");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A client that says this, then nothing more, and hears one line if it is promised one.
fn client(desk: &Desk, words: &[u8], hears: bool) -> UnixStream {
    let mut stream = UnixStream::connect(desk.store().join("control.sock")).unwrap();
    stream.write_all(words).unwrap();
    if hears {
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        assert!(line.contains("hello"), "{line}");
    }
    stream
}

/// A client that was stopped between its greeting and its request kept the owner from leaving, for
/// ever: it held the lock, and nobody could start another. Now whoever says nothing is left behind.
#[test]
fn clients_that_fall_silent_do_not_keep_the_owner() {
    let desk = Desk::new();
    let mut daemon = desk.serve();
    let _silent = [
        client(&desk, b"", false),
        client(&desk, b"{\"hel", false),
        client(&desk, b"{\"hello\":{\"version\":2}}\n", true),
        client(&desk, b"{\"hello\":{\"version\":2}}\n{\"ask\":", true),
    ];
    desk.one(&["status"]);
    assert_eq!(stop(&mut daemon), 143);
    desk.one(&["status"]);
}

/// `switchboard events | less` does not read on: what did not fit into the socket blocked the owner's
/// last words, and with them its end.
#[test]
fn a_client_that_does_not_read_does_not_keep_the_owner() {
    let desk = Desk::new();
    let text = format!("\"{}\"", "x".repeat(100_000));
    for number in 0..10 {
        let stream = format!("note/{number}");
        let line = [
            "append", "--stream", &stream, "--kind", "note.x", "--data", &text,
        ];
        desk.done(&line);
    }
    let mut daemon = desk.serve();
    let mut reader = desk
        .command()
        .args(["events", "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // One line was read, the rest is stuck between here and the owner.
    let mut line = String::new();
    let mut pipe = BufReader::with_capacity(16, reader.stdout.take().unwrap());
    pipe.read_line(&mut line).unwrap();
    signal(&reader, Signal::STOP);
    let exit = stop(&mut daemon);
    reader.kill().unwrap();
    reader.wait().unwrap();
    assert_eq!(exit, 143);
}

#[test]
fn nonsense_on_the_socket_ends_that_talk_only() {
    let desk = Desk::new();
    let mut daemon = desk.serve();
    for words in [
        &b"nonsense\n"[..],
        b"\x00\xff\n",
        b"{\"hello\":{\"version\":99}}\n",
        b"{\"hello\":{\"version\":2}}\n{\"ask\":{}}\n",
    ] {
        let stream = client(&desk, words, false);
        // It is closed by the owner: nothing comes but perhaps its greeting.
        let lines = BufReader::new(stream).lines().map_while(Result::ok).count();
        assert!(lines <= 1, "{words:?}");
    }
    desk.one(&["status"]);
    assert_eq!(stop(&mut daemon), 143);
}

/// Each try on an owner that was stopped (or hung) counted as "it went away" and began the patience
/// anew: the client waited for ever.
#[test]
fn an_owner_that_does_not_answer_is_given_up() {
    let desk = Desk::new();
    let mut daemon = desk.serve();
    signal(&daemon.0, Signal::STOP);
    let began = Instant::now();
    let ran = desk.run(&["--lock-timeout", "1s", "status"]);
    signal(&daemon.0, Signal::CONT);
    ran.refused(12, "owner_silent");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    assert_eq!(stop(&mut daemon), 143);
}

/// A full disk ended the daemon, and nothing was delivered until somebody started it again. And only
/// one of those who waited heard why.
#[test]
fn deliveries_rest_while_the_disk_is_full_and_go_on_by_themselves() {
    let small = TempDir::new().unwrap();
    let at = small.path().to_str().unwrap().to_owned();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs", &at])
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED deliveries_rest_while_the_disk_is_full: mounting needs root");
        return;
    }
    let _unmount = Unmount(at);
    let desk = Desk::at(small.path().join("store"));
    let mut daemon = desk.serve();
    // Time enough to be accepted before the disk is full.
    let due = SystemClock.now().after(Duration::from_secs(8)).to_string();
    let waiting: Vec<Child> = (0..3)
        .map(|number| {
            desk.command()
                .args(["send", "--to", "agent-1", "--not-before", &due])
                .arg(format!("hello {number}"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    until(|| desk.done(&["queue"]).len() == 3);
    let filler = small.path().join("filler");
    let free = rustix::fs::statvfs(small.path()).unwrap();
    let all_but = free.f_bavail * free.f_frsize - 8 * 1024 * 1024;
    std::fs::write(&filler, vec![1; usize::try_from(all_but).unwrap()]).unwrap();
    for waiter in waiting {
        Ran::told(&waiter.wait_with_output().unwrap()).refused(17, "no_space");
    }
    assert!(daemon.0.try_wait().unwrap().is_none(), "the daemon went");
    assert_eq!(desk.done(&["queue"]).len(), 3);
    std::fs::remove_file(&filler).unwrap();
    until(|| desk.done(&["queue"]).is_empty());
    for message in desk.done(&["messages"]) {
        assert_eq!(message["state"], "inboxed", "{message}");
    }
    assert_eq!(stop(&mut daemon), 143);
}

fn until(is_so: impl Fn() -> bool) {
    let give_up = Instant::now() + 2 * PATIENCE;
    while !is_so() {
        assert!(Instant::now() < give_up, "it did not come to that");
        std::thread::sleep(Duration::from_millis(50));
    }
}
